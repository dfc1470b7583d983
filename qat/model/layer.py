"""A layer: synapses, the neurons that they feed, and a pool of what these emit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import integer, of_kind
from qat.model.edges import Edge
from qat.model.neurons import Neuron
from qat.model.pool import Pool
from qat.model.shape import Shape
from qat.model.synapses import Synapse

MAX_LEVELS = 2**16 - 1
"""The largest value of a signal."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A synapse, the neurons that it feeds, and the pool through which their spikes go, if any.

    What it sends is its signal: in every step, `sends` whole numbers from 0 to `levels`, in the
    order (height, width, channels). Where levels is 1 these are spikes.

    A record is a frozen value: its constructor normalises the fields (lists become read-only
    integer arrays) and refuses what the equations do not allow, naming the field, what was found
    and what is allowed.
    """

    synapse: Synapse
    neuron: Neuron
    pool: Pool | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        of_kind("Layer.synapse", self.synapse, Synapse)
        of_kind("Layer.neuron", self.neuron, Neuron)
        if self.pool is not None:
            of_kind("Layer.pool", self.pool, Pool)
        self.neuron.check(self.channels)
        self.shape  # noqa: B018  # refuses a pool that does not divide the map
        integer("Layer: the largest value of its signal", self.levels, 1, MAX_LEVELS)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of its signal: bool for spikes, uint8 or uint16 for counts."""
        kinds = ((1, np.bool_), (255, np.uint8), (MAX_LEVELS, np.uint16))
        return np.dtype(next(kind for most, kind in kinds if self.levels <= most))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The synapses with their sources and delays, in the order in which they are summed."""
        return (Edge(self.synapse),)

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

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        for edge in self.edges:
            yield from edge.synapse.digested()
        yield from self.neuron.digested(self.channels)
        if self.pool is not None:
            yield from self.pool.digested()
