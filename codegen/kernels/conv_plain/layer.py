"""The record of a convolution on plain integers: every number that its template prints."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.neurons.integer import IntegerLayer
from qat.model import Shape

APART = 3
"""Codes of a column from which on a function of its own adds it."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of a convolution: what it reads along it.

    side:   positions of the map
    kernel: taps
    pad:    positions of zeros before the map
    last:   the tap of the last output that lies furthest, counted from the padding on
    pool:   outputs that the pool takes together
    left:   positions that it leaves
    """

    side: int
    kernel: int
    pad: int
    last: int
    pool: int
    left: int

    def lying(self, stride: int) -> int:
        """Return how many taps, over all outputs along the axis, lie on the map."""
        places = (
            stride * output + k - self.pad
            for output in range(self.left * self.pool)
            for k in range(self.kernel)
        )
        return sum(0 <= place < self.side for place in places)

    @property
    def below(self) -> bool:
        """True if a tap may lie before the map."""
        return self.pad > 0

    @property
    def beyond(self) -> bool:
        """True if a tap may lie behind it."""
        return self.last >= self.side + self.pad


@dataclass(frozen=True, eq=False, kw_only=True)
class ConvLayer(IntegerLayer):
    """A convolution on plain integers; constants are those of channel c.

    grid:      the map that it reads
    map:       that of its neurons
    rows, columns: the axes
    channels:  of its own
    depthwise: every channel reads its own alone
    cached:    the currents of a held input are kept for all steps
    """

    grid: Shape
    map: Shape
    rows: Axis
    columns: Axis
    stride: int
    channels: int
    depthwise: bool
    cached: bool

    @property
    def own_column(self) -> bool:
        """True if a column is added by a function of its own.

        Within the loops around it a compiler has no registers left for it. A call takes about as
        much as it takes to add a code, so that few codes are added where they are.
        """
        return not self.depthwise and self.channels >= APART

    @property
    def weighs(self) -> bool:
        """True if columns are multiplied by values; those of spikes are added as they are."""
        return bool(self.source.bits) or self.source.planes > 1

    @property
    def column_ctype(self) -> str:
        """The C type of a column of codes; those of less than a byte are packed."""
        return {8: "int8_t", 16: "int16_t"}.get(self.bits, "uint8_t")

    @property
    def keeps_input(self) -> bool:
        """True if a held input is copied, and its currents are computed in the step."""
        return bool(self.source.bits) and not self.cached

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        i, part = self.index, "currents" if self.cached else self.part
        column = {f"column{i}": part} if self.own_column else {}
        return super().functions | column | {f"sums{i}": part, f"neurons{i}": self.part}
