"""Sums of convolutions and their gradients: patches of a map, times weights.

Patches are formed for a few maps at a time, so that they stay in the processor's cache and memory
stays bounded, and multiplied by BLAS; forming them, and everything of a depthwise convolution, is a
compiled loop where there is one (qat/machine/conv.c). All maps are (n, height, width, channels).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine import native
from qat.model.shape import Shape
from qat.train.arrays import as_of, contiguous, empty, is_numpy, namespace, zeros

Float = NDArray[np.floating[Any]]

PATCHES = 2**18
"""Values of patches that are formed at once: a megabyte of float32."""


@dataclass(frozen=True)
class Window:
    """Where a kernel lies on a map.

    grid:          the map that is read
    rows, columns: positions of the map that is made
    top, left:     rows and columns of zeros before the map
    """

    grid: Shape
    rows: int
    columns: int
    kernel: tuple[int, int]
    stride: int
    top: int
    left: int

    @property
    def positions(self) -> int:
        """Positions of the map that is made."""
        return self.rows * self.columns

    @property
    def taps(self) -> int:
        """Positions of the map that the kernel covers."""
        return self.kernel[0] * self.kernel[1]

    def settings(self, images: int) -> dict[str, int]:
        """Return the fields of map_settings in qat/machine/conv.c."""
        return {
            "images": images,
            **dict(zip(("height", "width", "channels"), self.grid.sides, strict=True)),
            "rows": self.rows,
            "columns": self.columns,
            "kernel_height": self.kernel[0],
            "kernel_width": self.kernel[1],
            "stride": self.stride,
            "top": self.top,
            "left": self.left,
        }

    def padded(self) -> tuple[int, int]:
        """Return the sides of the map with zeros around, so that every kernel lies on it."""
        (high, wide), s = self.kernel, self.stride
        return (
            max(self.top + self.grid.height, s * (self.rows - 1) + high),
            max(self.left + self.grid.width, s * (self.columns - 1) + wide),
        )

    def inside(self) -> tuple[slice, slice]:
        """Return where on the padded map the map lies."""
        return (
            slice(self.top, self.top + self.grid.height),
            slice(self.left, self.left + self.grid.width),
        )

    def taps_on(self, padded: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield, for each tap, what every position reads: views (n, rows, columns, channels)."""
        s = self.stride
        for ky in range(self.kernel[0]):
            for kx in range(self.kernel[1]):
                rows = slice(ky, ky + s * (self.rows - 1) + 1, s)
                yield padded[:, rows, kx : kx + s * (self.columns - 1) + 1 : s]


def _pieces(window: Window, images: int) -> Iterator[slice]:
    """Yield which maps are worked on at once."""
    size = window.positions * window.taps * window.grid.channels
    some = max(1, PATCHES // size)
    for start in range(0, images, some):
        yield slice(start, min(start + some, images))


def patches(window: Window, maps: NDArray[Any], other: Float) -> Float:
    """Return what each position reads, (n * positions, taps * channels), as values like `other`."""
    maps = contiguous(as_of(maps, other))
    shape = (len(maps) * window.positions, window.taps * window.grid.channels)
    out, library = empty(shape, maps), _library(maps)
    if library is not None:
        library.patches(library.map_settings(**window.settings(len(maps))), maps, out)
        return out
    padded = _padded(window, maps)
    parts = out.reshape(len(maps), window.rows, window.columns, window.taps, window.grid.channels)
    for tap, read in enumerate(window.taps_on(padded)):
        parts[:, :, :, tap] = read
    return out


def sums(window: Window, codes: Float, maps: NDArray[Any]) -> Float:
    """Return the sums, (n, rows, columns, channels), in the dtype of the codes."""
    flat = contiguous(codes.reshape(len(codes), -1).T)
    out = empty((len(maps), window.rows, window.columns, len(codes)), codes)
    for piece in _pieces(window, len(maps)):
        read = patches(window, maps[piece], codes)
        namespace(read).matmul(read, flat, out=out[piece].reshape(-1, len(codes)))
    return out


def weight_gradient(window: Window, d: Float, maps: NDArray[Any]) -> Float:
    """Return dL/d codes, (channels, taps * channels of the map), from dL/d sums."""
    found = zeros((d.shape[-1], window.taps * window.grid.channels), d)
    for piece in _pieces(window, len(maps)):
        found += d[piece].reshape(-1, d.shape[-1]).T @ patches(window, maps[piece], d)
    return found


def input_gradient(window: Window, codes: Float, d: Float) -> Float:
    """Return dL/d maps from dL/d sums."""
    flat = codes.reshape(len(codes), -1)
    out = zeros((len(d), *window.grid.sides), d)
    for piece in _pieces(window, len(d)):
        _gather(window, d[piece].reshape(-1, len(codes)) @ flat, out[piece])
    return out


def _gather(window: Window, read: Float, out: Float) -> None:
    """Add patches to the maps, zeros to begin with, that they would be of."""
    library = _library(read)
    if library is not None:
        library.gather(library.map_settings(**window.settings(len(out))), read, out)
        return
    padded = zeros((len(out), *window.padded(), window.grid.channels), read)
    parts = read.reshape(len(out), window.rows, window.columns, window.taps, window.grid.channels)
    for tap, to in enumerate(window.taps_on(padded)):
        to += parts[:, :, :, tap]  # noqa: PLW2901  # a view of the map
    out += padded[:, *window.inside()]


# --------------------------------------------------------------- depthwise


def depthwise(window: Window, codes: Float, maps: NDArray[Any]) -> Float:
    """Return the sums of every channel by itself; codes: (channels, height, width, 1)."""
    maps, taps = contiguous(as_of(maps, codes)), _by_tap(codes)
    out = zeros((len(maps), window.rows, window.columns, len(codes)), codes)
    library = _library(maps)
    if library is not None:
        library.depthwise(library.map_settings(**window.settings(len(maps))), maps, taps, out)
        return out
    for weights, read in zip(taps, window.taps_on(_padded(window, maps)), strict=True):
        out += read * weights
    return out


def depthwise_weight_gradient(window: Window, d: Float, maps: NDArray[Any]) -> Float:
    """Return dL/d codes, (channels, height, width, 1), from dL/d sums."""
    padded, xp = _padded(window, contiguous(as_of(maps, d))), namespace(d)
    found = [xp.einsum("nrqc,nrqc->c", d, read) for read in window.taps_on(padded)]
    return xp.stack(found, axis=1).reshape(d.shape[-1], *window.kernel, 1)


def depthwise_input_gradient(window: Window, codes: Float, d: Float) -> Float:
    """Return dL/d maps from dL/d sums."""
    padded = zeros((len(d), *window.padded(), len(codes)), d)
    for weights, to in zip(_by_tap(codes), window.taps_on(padded), strict=True):
        to += d * weights  # noqa: PLW2901  # a view of the map
    return contiguous(padded[:, *window.inside()])


def _by_tap(codes: Float) -> Float:
    return contiguous(codes.reshape(len(codes), -1).T)


def _padded(window: Window, maps: Float) -> Float:
    padded = zeros((len(maps), *window.padded(), window.grid.channels), maps)
    padded[:, *window.inside()] = maps
    return padded


def _library(values: Float) -> native.Library | None:
    """Return the compiled loops if there are any for these values."""
    known = is_numpy(values) and values.dtype == np.float32 and values.size
    return native.library() if known else None
