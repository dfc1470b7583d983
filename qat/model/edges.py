"""Edges: synapses with where their spikes come from, and the table of all kinds of synapses."""

from __future__ import annotations

from dataclasses import dataclass

from qat.model.checks import of_kind
from qat.model.conv import Conv
from qat.model.synapses import Dense, Synapse

BEFORE = -1
"""The source of an edge that comes from the layer before."""

SYNAPSES: tuple[type[Synapse], ...] = (Dense, Conv)
"""Every kind of synapse; a new one is a record here, its trainable twin and its kernels."""


@dataclass(frozen=True, eq=False)
class Edge:
    """A synapse, where its spikes come from and how many steps later they arrive.

    source: BEFORE, the layer before (the input, for the first layer)
    delay:  0, in the step in which they were made

    No other source and no other delay exist so far; ValueError for them.
    """

    synapse: Synapse
    source: int = BEFORE
    delay: int = 0

    def __post_init__(self) -> None:
        of_kind("Edge.synapse", self.synapse, Synapse)
        if self.source != BEFORE or self.delay != 0:
            raise ValueError(
                f"Edge: found source {self.source}, delay {self.delay}; only the layer before "
                f"({BEFORE}) without a delay (0) exists"
            )
