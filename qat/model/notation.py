"""The notation of layers: one text for the command line, Python and reports.

Layers stand in order with `-` between them; the readout of the classes is not written.

    32c3      a convolution of 32 channels, kernel 3x3 (1x3 where the map has height 1)
    32c3x5    kernel of height 3, width 5
    d3        a depthwise convolution: every channel by itself
    64        a dense layer of 64 neurons
    ...s2     behind a convolution: stride 2
    ...v      behind a convolution: without padding, only where the kernel lies within the map
    p2, p2x3  the maximum over 2x2 (2x3) positions of what the layer before sends; pg over all
    a2, ag    their sum

`parse` reads it, `str` of each entry writes it, `-`.join of these is the whole again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from qat.model.checks import MAX_LAYERS, plain
from qat.model.shape import Padding, Shape

PoolMode = Literal["max", "sum"]

ALLOWED = (
    "64 (dense), 32c3 (convolution of 32 channels, kernel 3x3), 32c3x5, d3 (depthwise), each "
    "convolution with s2 (stride 2) and v (no padding); p2, pg (maximum), a2, ag (sum)"
)
"""What may stand between two `-`."""

MOST_KERNEL, STRIDES = 7, (1, 2)
MOST_CHANNELS = 2**18

_DENSE = re.compile(r"(\d+)")
_CONV = re.compile(r"(?:(\d+)c|(d))(\d+)(?:x(\d+))?((?:s\d+|v)*)")
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
    """

    channels: int | None
    extent: Extent | None = None
    stride: int = 1
    padding: Padding = "same"
    pool: PoolNote | None = None

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

    def __str__(self) -> str:
        """Return the layer with its pool, 32c3s2v-p2 for instance."""
        pool = "" if self.pool is None else f"-{self.pool}"
        if self.extent is None:
            return f"{self.channels}{pool}"
        name = "d" if self.channels is None else f"{self.channels}c"
        stride = "" if self.stride == 1 else f"s{self.stride}"
        return f"{name}{self.extent}{stride}{'v' if self.padding == 'none' else ''}{pool}"


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
        except ValueError as error:
            raise ValueError(f"layers: layer {index} ({layer}): {error}") from None
    return tuple(shapes)


def _layer(word: str, where: str) -> LayerNote:
    if match := _DENSE.fullmatch(word):
        return LayerNote(_number(match[1], 1, MOST_CHANNELS, "neurons", where))
    match = _CONV.fullmatch(word)
    if match is None:
        raise ValueError(f"{where}: is no layer; use {ALLOWED}")
    channels = None if match[2] else _number(match[1], 1, MOST_CHANNELS, "channels", where)
    stride, padding = _ending(match[5], where)
    return LayerNote(channels, _extent(match[3], match[4], MOST_KERNEL, where), stride, padding)


def _ending(text: str, where: str) -> tuple[int, Padding]:
    """Return stride and padding of s2, v, or both in any order."""
    marks = re.findall(r"s\d+|v", text)
    kinds = [mark[0] for mark in marks]
    if len(set(kinds)) < len(kinds):
        raise ValueError(f"{where}: says {max(kinds, key=kinds.count)} twice; once is enough")
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
