"""The record of a dense layer on plain integers: every number that its template prints."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.neurons.integer import IntegerLayer


@dataclass(frozen=True, eq=False, kw_only=True)
class PlainLayer(IntegerLayer):
    """A dense layer on plain integers.

    bias, threshold, reset_by: the C text of the value for neuron j
    strips: number of strips; 0 where the weights are columns of all neurons
    padded: neurons of all strips
    listing: its C works along a list: of the active inputs, or of the weights of each
    piece:  inputs whose weights are summed at once; 0: any number
    """

    strips: int = 0
    padded: int = 0
    piece: int = 0
    listing: bool = False

    @property
    def along_lists(self) -> tuple[str, ...]:
        """Functions of its C that work along a list of inputs: an analysis keeps lengths apart."""
        i = self.index
        return (f"currents{i}",) if self.source.bits else (f"layer{i}",) if self.listing else ()

    @property
    def merged(self) -> tuple[str, ...]:
        """Those of along_lists whose neurons are no states of their own."""
        return (f"layer{self.index}",) if self.listing else ()

    @property
    def list_lengths(self) -> int:
        """The length of a list of spikes takes one of inputs + 1 values."""
        return self.source.size + 1 if self.strips else 1

    @property
    def vector_loops(self) -> bool:
        """True if it has loops of vectors beside those of blocks."""
        return self.strips > 0
