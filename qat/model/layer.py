"""A layer: synapses, the neurons that they feed, and a pool of what these emit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import IntArray, integer, of_kind
from qat.model.edges import Edge, delay_of
from qat.model.neurons import Neuron
from qat.model.pool import Pool
from qat.model.shape import Shape
from qat.model.synapses import Synapse

MAX_LEVELS = 2**16 - 1
"""The largest value of a signal."""

MAX_EDGES = 16
"""Edges that a layer may have."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Synapses, the neurons that they feed, and the pool through which their spikes go, if any.

    The current of a neuron is the sum over its edges,

        I_j(t) = sum over edges e of I_ej(x_e(t))        x_ei(t) = S_i(t - d_ei) of the source of e

    each with the codes, fraction bits and source of its own (qat/model/synapses.py has I_e); all
    are in the one unit of the membrane, and the bias is that of the first.

    synapse: the first edge, which reads the layer before (the input, for the first layer)
    delay:   that of the first edge, as in Edge: one for all inputs, or one for each
    more:    further edges: recurrent ones, and such that skip layers

    What it sends is its signal: in every step, `sends` whole numbers from 0 to `levels`, in the
    order (height, width, channels). Where levels is 1 these are spikes.

    A record is a frozen value: its constructor normalises the fields (lists become read-only
    integer arrays) and refuses what the equations do not allow, naming the field, what was found
    and what is allowed.
    """

    synapse: Synapse
    neuron: Neuron
    pool: Pool | None = field(default=None, kw_only=True)
    delay: int | IntArray = field(default=0, kw_only=True)
    more: tuple[Edge, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        of_kind("Layer.synapse", self.synapse, Synapse)
        of_kind("Layer.neuron", self.neuron, Neuron)
        if self.pool is not None:
            of_kind("Layer.pool", self.pool, Pool)
        object.__setattr__(self, "delay", delay_of("Layer.delay", self.delay, self.synapse))
        self._check_more()
        self.neuron.check(self.channels)
        self.shape  # noqa: B018  # refuses a pool that does not divide the map
        integer("Layer: the largest value of its signal", self.levels, 1, MAX_LEVELS)

    def _check_more(self) -> None:
        """Normalise the further edges, or raise ValueError."""
        if not isinstance(self.more, Iterable):
            raise ValueError(f"Layer.more: found {self.more!r}; must be edges")
        object.__setattr__(self, "more", tuple(self.more))
        integer("Layer: edges", len(self.edges), 1, MAX_EDGES)
        for place, edge in enumerate(self.more, 1):
            of_kind(f"Layer.more: edge {place}", edge, Edge)
            if edge.synapse.shape != self.map:
                raise ValueError(
                    f"edge {place}: gives {edge.synapse.shape} currents; the layer has {self.map} "
                    "neurons"
                )
            if edge.synapse.bias.any():
                raise ValueError(
                    f"edge {place}: has a bias; a layer has one, that of its first synapse: add "
                    "it there"
                )

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of its signal: bool for spikes, uint8 or uint16 for counts."""
        kinds = ((1, np.bool_), (255, np.uint8), (MAX_LEVELS, np.uint16))
        return np.dtype(next(kind for most, kind in kinds if self.levels <= most))

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The synapses with their sources and delays, in the order in which they are summed."""
        return (Edge(self.synapse, "before", self.delay), *self.more)

    @property
    def map(self) -> Shape:
        """The shape of its neurons."""
        return self.synapse.shape

    @property
    def shape(self) -> Shape:
        """The shape of its signal: that of its neurons, or what the pool leaves of it."""
        return self.map if self.pool is None else self.pool.output_shape(self.map)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.synapse.n_out

    @property
    def channels(self) -> int:
        """Number of neurons at each position: what their constants may be one for each of."""
        return self.synapse.channels

    @property
    def sends(self) -> int:
        """Number of values of its signal."""
        return self.shape.size

    @property
    def levels(self) -> int:
        """The largest value of its signal; 1 for spikes."""
        return self.neuron.most * (1 if self.pool is None else self.pool.gain)

    def signal(self, spikes: NDArray[Any]) -> NDArray[Any]:
        """Return the signal, (..., sends), of what its neurons emit, (..., neurons)."""
        return spikes if self.pool is None else self.pool.of(spikes, self.map, self.dtype)

    def output_shape(self, given: Shape) -> Shape:
        """Return the shape of its signal; ValueError for a signal that it cannot read."""
        self.synapse.output_shape(given)
        return self.shape

    def describe(self) -> dict[str, Any]:
        """Return the constants of its neurons, its delay and further edges, as JSON values."""
        first, more = self.edges[0].describe(), [edge.describe() for edge in self.more]
        delay = {"delay": first["delay"]} if self.edges[0].longest else {}
        return {**self.neuron.describe(), **delay, **({"edges": more} if more else {})}

    def digested(self, index: int) -> Iterator[bytes]:
        """Yield what the digest hashes of layer `index`, in order."""
        yield from self.synapse.digested()
        yield from self.edges[0].digested_delay()
        for edge in self.more:
            yield from edge.digested(index)
        yield from self.neuron.digested(self.channels)
        if self.pool is not None:
            yield from self.pool.digested()
