"""The record of a convolution in windows: every number that its template prints."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.conv_plain.layer import Axis
from codegen.kernels.neurons.counting import Counting
from codegen.kernels.windows.layout import Layout
from qat.model import Shape


@dataclass(frozen=True)
class Words:
    """The words of one kind: whole ones of a position, or shared ones of a group.

    table:   the name of its weights
    count:   words of a position, or of a group
    places:  positions of a word
    columns: of the map under its windows
    across:  positions, or groups, of a row
    row:     of the constants, the first of these
    state:   number of the first word among those of the membranes
    """

    table: str
    count: int
    places: int
    columns: int
    across: int
    row: int
    state: int


@dataclass(frozen=True)
class Heard:
    """How u of a neuron without memory follows from its sum, for the probes of the state.

    bias: of each channel
    """

    bias: tuple[int, ...]
    fraction_bits: int


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowsLayer(BitslicedLayer):
    """A ternary convolution on a signal.

    grid, map, left: the map that it reads, that of its neurons, and what its pool leaves
    rows_axis, columns_axis: the axes
    unit:     channels that are read at once
    layout:   how its positions lie in words
    kinds:    of words that a position has
    counting: how sums become counts; None for leaky neurons
    values:   words of what a word of neurons emits: thresholds reached, or bit planes
    pooled:   "max" or "sum" of several positions; "" for none
    heard:    of neurons without memory
    """

    grid: Shape
    map: Shape
    left: Shape
    rows_axis: Axis
    columns_axis: Axis
    stride: int
    unit: int
    layout: Layout
    kinds: tuple[Words, ...]
    counting: Counting | None
    values: int
    pooled: str
    heard: Heard | None

    @property
    def channels(self) -> int:
        """Channels of its own."""
        return self.map.channels

    @property
    def whole(self) -> bool:
        """True if every position's words are words of the signal."""
        return self.layout.part == 0

    @property
    def aligned(self) -> bool:
        """True if the words of its neurons are those of a plane of the signal, in their order."""
        return aligned(self.layout)

    @property
    def pieces(self) -> bool:
        """True if not all positions of a row are listed at once."""
        return self.layout.at_once < self.map.width

    @property
    def bits(self) -> tuple[tuple[int, ...], ...]:
        """For each plane of the signal, the thresholds of which an odd number must be reached."""
        most = self.values if self.pooled == "max" else 0
        return tuple(
            tuple(range((1 << k) - 1, most, 1 << k)) for k in range(self.signal_planes if most else 0)
        )

    @property
    def most_words(self) -> int:
        """Words of what the positions of a pool have reached, for one of its kinds."""
        return self.values if self.pooled == "max" else self.signal_planes

    @property
    def runs(self) -> bool:
        """True: every window is a part of the list."""
        return True

    @property
    def adder_inputs(self) -> int:
        """A quarter of the inputs of a window: more are seldom active, and batches may be small."""
        return self.layout.span * self.layout.step // 4

    @property
    def in_planes(self) -> bool:
        """True if it has membranes."""
        return self.memory

    @property
    def vectors(self) -> int:
        """None: a position has few blocks."""
        return 0

    @property
    def wide(self) -> bool:
        """False: a position has few blocks."""
        return False

    @property
    def apart(self) -> str:
        """Template of the reset, where it is a function."""
        return super().apart if self.memory else ""

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        names = (f"count{self.index}", f"pool{self.index}")
        return super().functions | dict.fromkeys(names, self.part)

    @property
    def along_lists(self) -> tuple[str, ...]:
        """Functions of its C that work along a list of inputs: an analysis keeps lengths apart."""
        return (f"layer{self.index}",)

    @property
    def list_lengths(self) -> int:
        """A window's run of each plane has any length up to its inputs."""
        return int((self.layout.span * self.layout.step + 1) ** self.source.planes)


def aligned(layout: Layout) -> bool:
    """Return True if neuron j is lane j % 32 of word j // 32."""
    shared = layout.full == 0 and layout.group > 1 and layout.synapse.shape.width % layout.group == 0
    return layout.part == 0 or shared
