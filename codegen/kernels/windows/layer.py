"""The record of a convolution in windows: every number that its template prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.conv_plain.layer import Axis
from codegen.kernels.neurons.counting import Counting
from codegen.kernels.stage import Layer
from codegen.kernels.windows.lanes import ByteNeurons
from codegen.kernels.windows.layout import Layout
from qat.model import Shape

OR = "\n" + 20 * " "
"""Where a conditional expression is broken, so that the line that tells a membrane is short."""


@dataclass(frozen=True)
class Reached(Counting):
    """Thresholds whose comparison is told one by one: a pool takes the largest of these."""

    @property
    def planes(self) -> int:
        """A word for each threshold."""
        return self.most

    @property
    def bits(self) -> tuple[tuple[int, ...], ...]:
        """Each threshold alone."""
        return tuple((which,) for which in range(1, self.most + 1))


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of one kind: whole ones of a position, or the shared one of a group.

    table:   name of their weights
    count:   words of a position, or of a group
    places:  positions of a word
    lanes:   channels of each
    channel: the first of these
    columns: of the map, under the windows of a word
    across:  positions, or groups, of a row
    before:  words of the state in front of the first
    direct:  its words are those of the signal
    kept:    words of a row that a pool keeps, for each word of what they emit; 0 without a pool
    kept_before: words in front of these
    """

    table: str
    count: int
    places: int
    lanes: int
    channel: int
    columns: int
    across: int
    before: int
    direct: bool
    kept: int
    kept_before: int


@dataclass(frozen=True, kw_only=True)
class Together:
    """What convolutions share that one function computes.

    members: their numbers
    row:     of the constants of all, the first of this one
    columns: of a map that are listed at once, at most
    pad:     positions before a row, at most
    pools:   some have a pool
    several: some have several words a position
    placed:  words of some are put between others of the signal
    """

    members: tuple[int, ...]
    row: int
    columns: int
    pad: int
    pools: bool
    several: bool
    placed: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowsLayer(BitslicedLayer):
    """A ternary convolution on a signal.

    grid, map, left: the map that it reads, that of its neurons, and what its pool leaves
    rows, across: the axes
    unit:     channels that are read at once
    layout:   how its positions lie in words
    kinds:    of words that a position has
    values:   words that a word of neurons emits: bit planes, or thresholds reached
    pooled:   "max" or "sum" of several positions; "" for none
    together: what it shares with others; None where its function is its own
    in_bytes: on Helium, leaky neurons whose membranes are bytes; None where they are not
    """

    grid: Shape
    map: Shape
    left: Shape
    rows: Axis
    across: Axis
    stride: int
    unit: int
    layout: Layout
    kinds: tuple[Words, ...]
    values: int
    pooled: str
    together: Together | None = None
    in_bytes: ByteNeurons | None = None

    @property
    def numbers(self) -> dict[str, int]:
        """What a function of several layers reads of this one, by the names of C."""
        sent = self.together is not None and (self.together.placed or self.signal_planes > 1)
        return {
            **({"plane": self.words} if sent else {}),
            "height": self.map.height,
            "width": self.map.width,
            "rows": self.grid.height,
            "columns": self.grid.width,
            "pad": self.across.pad,
            **({"pool": int(self.pooled != "")} if self.together and self.together.pools else {}),
            **({"words": self.layout.full} if self.together and self.together.several else {}),
            **({"last": self.layout.last} if self.together and self.together.placed else {}),
        }

    def constants_of(self, layers: Sequence[Layer]) -> int:
        """Return the words of the constants of 32 neurons, which the first of several has."""
        first = layers[self.together.members[0]] if self.together else self
        assert isinstance(first, WindowsLayer)
        return first.constants

    @property
    def replaced(self) -> tuple[str, ...]:
        """The tables that Helium has others for."""
        own = self.tables if self.together or self.in_bytes else self.tables[:1]
        return tuple(table.name for table in own) if self.dense else ()

    @property
    def pieces(self) -> bool:
        """True if not all positions of a row are listed at once."""
        return self.layout.at_once < self.map.width

    @property
    def across_listed(self) -> int:
        """Positions of a row that are listed, where all are at once."""
        reached = self.stride * (self.map.width - 1) + self.across.kernel - self.across.pad
        return min(reached, self.grid.width)

    @property
    def kept_words(self) -> int:
        """Words that a pool keeps of a word of neurons."""
        return self.values if self.pooled == "max" else self.signal_planes

    @property
    def kept(self) -> int:
        """Words that a pool keeps of a row."""
        return sum(kind.kept for kind in self.kinds) * self.kept_words

    @property
    def placed(self) -> bool:
        """True if some words are put between others of the signal, which is cleared before."""
        return any(
            not kind.direct or (self.pooled != "" and kind.places > 1) for kind in self.kinds
        )

    @property
    def bits(self) -> tuple[tuple[int, ...], ...]:
        """For each plane of the signal, what a pool has kept of which it is the exclusive or."""
        if self.pooled == "sum":
            return tuple((plane,) for plane in range(self.signal_planes))
        return tuple(
            tuple(range((1 << plane) - 1, self.values, 1 << plane))
            for plane in range(self.signal_planes)
        )

    def block_of(self, neuron: str) -> str:
        """Return C text of the number of the word in which a neuron's planes lie."""
        layout, width = self.layout, self.map.width
        if layout.aligned:
            return super().block_of(neuron)
        c, position = self._place(neuron)
        whole = f"{position} * {layout.full}u + {c} / 32u"
        if not layout.part:
            return whole
        row, column = f"{position} / {width}u", f"{position} % {width}u / {layout.group}u"
        shared = f"{self.kinds[-1].before}u + {row} * {layout.groups}u + {column}"
        return f"{c} < {32 * layout.full}u{OR}? {whole}{OR}: {shared}" if layout.full else shared

    def lane_of(self, neuron: str) -> str:
        """Return C text of a neuron's lane in that word."""
        layout = self.layout
        if layout.aligned:
            return super().lane_of(neuron)
        c, position = self._place(neuron)
        if not layout.part:
            return f"{c} % 32u"
        place = f"{position} % {self.map.width}u % {layout.group}u * {layout.part}u + "
        shared = (place if layout.group > 1 else "") + f"{c} % 32u"
        if not layout.full:
            return shared
        return f"({c} < {32 * layout.full}u{OR}? {c} % 32u{OR}: {shared})"

    def _place(self, neuron: str) -> tuple[str, str]:
        channels = self.map.channels
        return f"({neuron}) % {channels}u", f"({neuron}) / {channels}u"

    def row_of(self, block: str) -> str:
        """Return C text of the row of constants of a word of neurons."""
        full, shared = self.layout.full, self.layout.part > 0
        if full + shared == 1:
            return "0"
        row = f"{block} % {full}u" if full > 1 else "0u"
        return f"{block} < {self.kinds[-1].before}u ? {row} : {full}u" if shared else row

    @property
    def runs(self) -> bool:
        """True: every window is a part of the list."""
        return True

    @property
    def adder_inputs(self) -> int:
        """A part of the inputs of a window: a run is seldom longer, and batches may be small.

        Layers that are together for the sake of flash take the small adder sooner.
        """
        return self.layout.span * self.layout.step // (5 if self.together else 4)

    @property
    def vectors(self) -> int:
        """None: a position has few blocks."""
        return 0

    @property
    def vector_loops(self) -> bool:
        """True if there are weights for Helium."""
        return bool(self.dense)

    @property
    def wide(self) -> bool:
        """False: a position has few blocks."""
        return False

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        names = (f"{name}{self.index}" for name in ("windows", "kept", "pool"))
        return super().functions | dict.fromkeys(names, self.part)

    @property
    def along_lists(self) -> tuple[str, ...]:
        """Functions of its C that work along a list of inputs: an analysis keeps lengths apart."""
        return (f"layer{self.index}",)

    @property
    def list_lengths(self) -> int:
        """A window's run of each plane has any length up to its inputs."""
        return int((self.layout.span * self.layout.step + 1) ** self.source.planes)
