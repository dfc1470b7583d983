"""A layer: synapses and the neurons that they feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qat.model.checks import of_kind
from qat.model.neurons import Neuron
from qat.model.shape import Shape
from qat.model.synapses import Edge, Synapse


@dataclass(frozen=True, eq=False)
class Layer:
    """A synapse and the neurons that it feeds.

    A record is a frozen value: its constructor normalises the fields (lists become read-only
    integer arrays) and refuses what the equations do not allow, naming the field, what was found
    and what is allowed.
    """

    synapse: Synapse
    neuron: Neuron

    def __post_init__(self) -> None:
        of_kind("Layer.synapse", self.synapse, Synapse)
        of_kind("Layer.neuron", self.neuron, Neuron)
        self.neuron.check(self.size)

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The synapses with their sources and delays, in the order in which they are summed."""
        return (Edge(self.synapse),)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.synapse.n_out

    def output_shape(self, given: Shape) -> Shape:
        """Return the shape of its spikes; ValueError for a signal that it cannot read."""
        return self.synapse.output_shape(given)

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        for edge in self.edges:
            yield from edge.synapse.digested()
        yield from self.neuron.digested(self.size)
