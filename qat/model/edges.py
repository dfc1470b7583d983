"""Edges: synapses with where their spikes come from, and the table of all kinds of synapses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from qat.model.checks import IntArray, integer, integers, of_kind, spread_over
from qat.model.conv import Conv
from qat.model.digest import line, spread
from qat.model.synapses import Dense, Synapse

SYNAPSES: tuple[type[Synapse], ...] = (Dense, Conv)
"""Every kind of synapse; a new one is a record here, its trainable twin and its kernels."""

INPUT = -1
"""The number of the input among the sources of a model; its layers are 0, 1, ..."""

MAX_DELAY = 31
"""The longest delay, in steps: a signal and its past are 32 slots at most."""

Source = int | Literal["before", "input", "self"]
WORDS: dict[str, str] = {"before": "the layer before", "input": "the input", "self": "itself"}
"""What an edge may name as its source beside the number of a layer, and how it reads."""


def delay_of(what: str, value: ArrayLike, synapse: Synapse) -> int | IntArray:
    """Return a delay as one int where all are equal, else as int8, (in_channels,).

    Raises ValueError, naming `what`, for other values than 0 to 31, and for another number of them
    than `synapse` has inputs (channels of the map that it reads, for a convolution).
    """
    if np.ndim(value) == 0:
        return integer(what, np.asarray(value)[()], 0, MAX_DELAY)
    found = integers(what, value, 0, MAX_DELAY, np.int8)
    if found.shape != (synapse.in_channels,):
        raise ValueError(
            f"{what}: found shape {found.shape}; one delay for all, or {synapse.in_channels} of "
            f"them, one for each {synapse.delayed}"
        )
    return int(found[0]) if (found == found[0]).all() else found


@dataclass(frozen=True, eq=False)
class Edge:
    """A synapse, where its spikes come from and how many steps later they arrive.

    With S(t) the signal of the source, 0 before the first step, and the delays d_i, the synapse
    reads in step t

        x_i(t) = S_i(t - d_i)

    source: "before", the layer before (the input, for the first layer); "input"; "self", the layer
            itself (recurrent, with delays of at least 1); or the number of an earlier layer, from 0
    delay:  0 to 31 steps, one for all inputs or int8 (in_channels,): one for each input of Dense,
            for each channel of the map that Conv reads. Where all are equal it is one int

    Raises ValueError for other sources and delays. What the layer and its model allow, these check.
    """

    synapse: Synapse
    source: Source = "before"
    delay: int | IntArray = 0

    def __post_init__(self) -> None:
        of_kind("Edge.synapse", self.synapse, Synapse)
        source = self.source
        if isinstance(source, str):
            known = source in WORDS
        else:
            known = isinstance(source, int | np.integer) and not isinstance(source, bool)
            known = known and source >= 0
        if not known:
            raise ValueError(
                f"Edge.source: found {source!r}; must be 'before', 'input', 'self' or the number "
                "of an earlier layer, from 0"
            )
        object.__setattr__(self, "source", source if isinstance(source, str) else int(source))
        object.__setattr__(self, "delay", delay_of("Edge.delay", self.delay, self.synapse))

    @property
    def delays(self) -> IntArray:
        """The delay of each input, (n_in,)."""
        return np.broadcast_to(spread_over(np.asarray(self.delay), self.synapse.n_in),
                               (self.synapse.n_in,))  # fmt: skip

    @property
    def longest(self) -> int:
        """The longest delay: how many steps of the past of its source it needs."""
        return int(np.max(self.delay))

    @property
    def shortest(self) -> int:
        """The shortest delay."""
        return int(np.min(self.delay))

    def reads_from(self, index: int) -> int:
        """Return the number of the layer that an edge of layer `index` reads, INPUT for none."""
        numbers = {"before": index - 1, "input": INPUT, "self": index}
        return numbers[self.source] if isinstance(self.source, str) else self.source

    def check(self, index: int, held: bool) -> None:
        """Raise ValueError where an edge of layer `index` would close a circle without a delay.

        held: True if the input is one vector of values for all steps, which has no past
        """
        source = self.reads_from(index)
        if source > index:
            raise ValueError(
                f"reads layer {source}, which comes later; allowed are the input, earlier layers "
                "and the layer itself ('self')"
            )
        if source == index and self.shortest == 0:
            raise ValueError(
                "reads its own layer without a delay, a circle within one step; give every input "
                f"a delay of 1 to {MAX_DELAY}"
            )
        if source == INPUT and held and self.longest:
            raise ValueError(
                f"delays a held input by {self.longest} steps; its values are the same in all "
                "steps: use delay 0, or an input with a vector or spikes in each step"
            )

    def describe(self) -> dict[str, Any]:
        """Return source and delay as plain JSON values, for people."""
        return {
            "source": self.source,
            "delay": [self.shortest, self.longest],
            "inputs": self.synapse.n_in,
            "weight_bits": self.synapse.bits,
        }

    def digested_delay(self) -> Iterator[bytes]:
        """Yield what the digest hashes of its delays: nothing where there are none."""
        if self.longest:
            yield spread("delay", self.delay, self.synapse.in_channels)

    def digested(self, index: int) -> Iterator[bytes]:
        """Yield what the digest hashes of a further edge of layer `index`, in order."""
        yield line("edge", self.reads_from(index))
        yield from self.synapse.digested()
        yield from self.digested_delay()
