"""The notation of layers: one text for the command line, Python and reports.

Layers stand in order with `-` between them; the readout of the classes is not written.

    32c3      a convolution of 32 channels, kernel 3x3 (1x3 where the map has height 1)
    32c3x5    kernel of height 3, width 5
    d3        a depthwise convolution: every channel by itself
    64        a dense layer of 64 neurons
    ...s2     behind a convolution: stride 2
    ...v      behind a convolution: without padding, only where the kernel lies within the map
    64r, 64r9 behind a dense layer: recurrent, with a delay of 1 step, or of 1 to 9
    ...t9     behind a layer: delays of 0 to 9 steps on what it reads
    64+i+0    behind a dense layer: reads the input, and layer 0, beside the layer before
    p2, p2x3  the maximum over 2x2 (2x3) positions of what the layer before sends; pg over all
    a2, ag    their sum

`parse` reads it, `str` of each entry writes it, `-`.join of these is the whole again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from qat.model.checks import MAX_LAYERS, plain
from qat.model.edges import INPUT, MAX_DELAY
from qat.model.shape import Padding, Shape

PoolMode = Literal["max", "sum"]

ALLOWED = (
    "64 (dense), 32c3 (convolution of 32 channels, kernel 3x3), 32c3x5, d3 (depthwise), each "
    "convolution with s2 (stride 2) and v (no padding); p2, pg (maximum), a2, ag (sum); 64r "
    "(recurrent), 64t9 (delays up to 9), 64+i (reads the input too)"
)
"""What may stand between two `-`."""

MOST_KERNEL, STRIDES = 7, (1, 2)
MOST_CHANNELS = 2**18

_DENSE = re.compile(r"(\d+)((?:r\d*|t\d+|\+(?:i|\d+))*)")
_CONV = re.compile(r"(?:(\d+)c|(d))(\d+)(?:x(\d+))?((?:s\d+|v|t\d+)*)")
_POOL = re.compile(r"([pa])(?:(g)|(\d+)(?:x(\d+))?)")
_POOLS: dict[str, PoolMode] = {"p": "max", "a": "sum"}


@dataclass(frozen=True)
class Extent:
    """Height and width of a kernel; `height` is None where one number stands for both.

    One number is a square, but a row where the map has height 1: the steps of a recording.
    """

    width: int
    height: int | None = None

    def on(self, given: Shape) -> tuple[int, int]:
        """Return (height, width) on a map."""
        if self.height is not None:
            return self.height, self.width
        return (1 if given.height == 1 else self.width), self.width

    def __str__(self) -> str:
        """Return 3 or 3x5."""
        return f"{self.width}" if self.height is None else f"{self.height}x{self.width}"


@dataclass(frozen=True)
class PoolNote:
    """A pool: its mode, and its kernel, None for the whole map."""

    mode: PoolMode
    extent: Extent | None

    def kernel(self, given: Shape) -> tuple[int, int]:
        """Return (height, width) of the positions that become one."""
        return (given.height, given.width) if self.extent is None else self.extent.on(given)

    def __str__(self) -> str:
        """Return p2, p2x3, pg, a2 or ag."""
        return ("p" if self.mode == "max" else "a") + str(self.extent or "g")


@dataclass(frozen=True)
class LayerNote:
    """A layer as the notation has it.

    channels: of the layer; neurons where it is dense; None for those of the map (depthwise)
    extent:   of the kernel, None for a dense layer
    recurrent: the longest delay of a recurrent edge, 0 without one
    delay:    the longest delay of what it reads, 0 for none
    skips:    what it reads beside the layer before: numbers of layers, INPUT for the input
    """

    channels: int | None
    extent: Extent | None = None
    stride: int = 1
    padding: Padding = "same"
    pool: PoolNote | None = None
    recurrent: int = 0
    delay: int = 0
    skips: tuple[int, ...] = ()

    @property
    def depthwise(self) -> bool:
        """True for a convolution of every channel by itself."""
        return self.channels is None

    def currents(self, given: Shape) -> Shape:
        """Return the shape of its neurons on a map; ValueError for a kernel that does not fit."""
        if self.extent is None:
            return Shape.vector(self.channels or 1)
        channels = given.channels if self.channels is None else self.channels
        return given.conv(self.extent.on(given), self.stride, self.padding, channels)

    def sends(self, given: Shape) -> Shape:
        """Return the shape of what it sends, behind its pool; ValueError for what does not fit."""
        shape = self.currents(given)
        return shape if self.pool is None else shape.pool(self.pool.kernel(shape))

    def check_edges(self, index: int) -> None:
        """Raise ValueError for sources that layer `index` cannot have, or edges behind a pool."""
        for source in self.skips:
            if source >= index - 1:
                raise ValueError(
                    f"+{source}: reads no earlier layer than the one before; allowed are +i and "
                    f"layers up to {index - 2}"
                )
        if INPUT in self.skips and index == 0:
            raise ValueError("+i: it reads the input already; leave it out")
        if self.pool is not None and (self.recurrent or self.skips):
            raise ValueError("r and +: layers with a pool have no further edges; leave one out")

    def __str__(self) -> str:
        """Return the layer with its pool, 32c3s2v-p2 for instance."""
        pool = "" if self.pool is None else f"-{self.pool}"
        late = f"t{self.delay}" if self.delay else ""
        if self.extent is None:
            echo = f"r{self.recurrent if self.recurrent > 1 else ''}" if self.recurrent else ""
            skips = "".join(f"+{'i' if n == INPUT else n}" for n in self.skips)
            return f"{self.channels}{late}{echo}{skips}{pool}"
        name = "d" if self.channels is None else f"{self.channels}c"
        stride = "" if self.stride == 1 else f"s{self.stride}"
        padding = "v" if self.padding == "none" else ""
        return f"{name}{self.extent}{stride}{padding}{late}{pool}"


def parse(text: str) -> tuple[LayerNote, ...]:
    """Return the layers of a notation; ValueError, in one line, where it does not parse."""
    layers: list[LayerNote] = []
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"layers: found {text!r}; needs layers with - between them: {ALLOWED}")
    words = text.strip().split("-")
    for place, word in enumerate(words, 1):
        where = f"layers {plain(text)!r}: {plain(word)!r}, {_ordinal(place)} of {len(words)}"
        pool = _POOL.fullmatch(word)
        if pool is None:
            layers.append(_layer(word, where))
        elif not layers:
            raise ValueError(f"{where}: a pool stands behind a layer; put a layer before it")
        elif layers[-1].pool is not None:
            raise ValueError(f"{where}: the layer before has a pool already; one is allowed")
        else:
            layers[-1] = replace(layers[-1], pool=_pool(pool, where))
    if len(layers) >= MAX_LAYERS:
        raise ValueError(f"layers: found {len(layers)}; at most {MAX_LAYERS - 1}")
    return tuple(layers)


def written(layers: tuple[LayerNote, ...]) -> str:
    """Return the notation of layers."""
    return "-".join(map(str, layers))


def dense(sizes: tuple[int, ...]) -> tuple[LayerNote, ...]:
    """Return dense layers of so many neurons."""
    return tuple(LayerNote(n) for n in sizes)


def in_time(layers: tuple[LayerNote, ...]) -> bool:
    """Return True where a layer has delays or further edges."""
    return any(layer.delay or layer.recurrent or layer.skips for layer in layers)


def recurring(layers: tuple[LayerNote, ...]) -> bool:
    """Return True where a layer has a recurrent edge."""
    return any(layer.recurrent for layer in layers)


def on_maps(layers: tuple[LayerNote, ...]) -> bool:
    """Return True where a layer looks at positions: where a convolution is, or a pool."""
    return any(layer.extent is not None or layer.pool is not None for layer in layers)


def chained(layers: tuple[LayerNote, ...], given: Shape) -> tuple[Shape, ...]:
    """Return the shape that each layer reads, and that of what the last one sends.

    Raises ValueError, in one line that names the layer, for one that does not fit its map.
    """
    shapes = [given]
    for index, layer in enumerate(layers):
        try:
            shapes.append(layer.sends(shapes[-1]))
            layer.check_edges(index)
        except ValueError as error:
            raise ValueError(f"layers: layer {index} ({layer}): {error}") from None
    return tuple(shapes)


def _layer(word: str, where: str) -> LayerNote:
    if match := _DENSE.fullmatch(word):
        neurons = _number(match[1], 1, MOST_CHANNELS, "neurons", where)
        return LayerNote(neurons, **_edges(match[2], where))
    match = _CONV.fullmatch(word)
    if match is None:
        raise ValueError(f"{where}: is no layer; use {ALLOWED}")
    channels = None if match[2] else _number(match[1], 1, MOST_CHANNELS, "channels", where)
    stride, padding = _ending(match[5], where)
    extent, late = _extent(match[3], match[4], MOST_KERNEL, where), _edges(match[5], where)
    return LayerNote(channels, extent, stride, padding, delay=late["delay"])


def _edges(text: str, where: str) -> dict[str, Any]:
    """Return what r, t and + say of the edges of a layer, in any order."""
    marks = re.findall(r"[rt]\d*|\+(?:i|\d+)", text)
    _once([mark if mark[0] == "+" else mark[0] for mark in marks], where)
    found: dict[str, Any] = {"recurrent": 0, "delay": 0, "skips": ()}
    for mark in marks:
        if mark[0] == "+":
            number = INPUT if mark == "+i" else _number(mark[1:], 0, MAX_LAYERS, "layer", where)
            found["skips"] += (number,)
        else:
            name, least = ("recurrent", 1) if mark[0] == "r" else ("delay", 0)
            found[name] = _number(mark[1:] or "1", least, MAX_DELAY, "delay", where)
    return found


def _once(kinds: list[str], where: str) -> None:
    if len(set(kinds)) < len(kinds):
        raise ValueError(f"{where}: says {max(kinds, key=kinds.count)} twice; once is enough")


def _ending(text: str, where: str) -> tuple[int, Padding]:
    """Return stride and padding of s2, v, or both in any order."""
    marks = re.findall(r"s\d+|v", text)
    kinds = [mark[0] for mark in marks]
    _once(kinds, where)
    stride = next((int(mark[1:]) for mark in marks if mark[0] == "s"), 1)
    if stride not in STRIDES:
        raise ValueError(f"{where}: found stride {stride}; allowed are 1 and 2")
    return stride, "none" if "v" in kinds else "same"


def _pool(match: re.Match[str], where: str) -> PoolNote:
    whole = match[2] is not None
    extent = None if whole else _extent(match[3], match[4], MOST_CHANNELS, where)
    return PoolNote(_POOLS[match[1]], extent)


def _extent(first: str, second: str | None, most: int, where: str) -> Extent:
    sides = [_number(side, 1, most, "kernel", where) for side in (first, second) if side]
    return Extent(sides[0]) if len(sides) == 1 else Extent(sides[1], sides[0])


def _number(digits: str, low: int, high: int, what: str, where: str) -> int:
    if len(digits) > 9 or not low <= int(digits) <= high:
        raise ValueError(f"{where}: found {what} {digits[:20]}; allowed are {low} to {high}")
    return int(digits)


def _ordinal(place: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(place, f"{place}th")
