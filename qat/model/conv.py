"""Convolutions: synapses whose weights are the same at every position of a map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import IntArray, first_channels, integer, of_kind
from qat.model.digest import line
from qat.model.shape import Padding, Shape
from qat.model.synapses import Int32, Weighted, exact_matmul

MAX_KERNEL, MAX_STRIDE = 7, 2

PADDINGS: tuple[Padding, ...] = ("same", "none")


@dataclass(frozen=True, eq=False)
class Conv(Weighted):
    """Convolutional synapses: every position of a map has the same weights.

    With s the stride, P the padding and x = 0 outside of the map, the sum at row p, column q is

        a_pqo = sum over ky, kx, c of codes[o, ky, kx, c] * x[s*p + ky - P_y, s*q + kx - P_x, c]

    and its current is that of Dense, with one bias for each channel o. P = (kernel - 1) // 2 on
    each axis for "same", 0 for "none". With groups = channels of the map, channel o reads
    channel o alone (depthwise).

    codes:    (channels, kernel height, kernel width, channels of the map // groups), int8 for 2, 4
              and 8 bits, int16 for 16; kernels of 1x1 to 7x7
    grid:     the map that it reads, as the layer before sends it: (height, width, channels),
              channels fastest; the steps of a recording are a map of height 1
    bits, bias, fraction_bits, input_shift: as in Dense; bias: one, or one for each channel
    stride:   1 or 2, along both axes
    padding:  "same" keeps the size at stride 1; "none": only where the kernel lies on the map
    groups:   1, or the channels of the map, then with as many of its own

    Raises ValueError for a kernel larger than the map and other fields out of range.
    """

    codes: IntArray
    grid: Shape
    bits: int = 2
    bias: IntArray = field(default_factory=lambda: np.zeros((), np.int32))
    fraction_bits: int = 0
    input_shift: int = 0
    stride: int = 1
    padding: Padding = "same"
    groups: int = 1
    delayed: ClassVar[str] = "channel of the map"

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        of_kind("Conv.grid", self.grid, Shape)
        self._check_numbers("channels, kernel height, kernel width, channels of the map // groups")
        set_(self, "stride", integer("Conv.stride", self.stride, 1, MAX_STRIDE))
        if self.padding not in PADDINGS:
            raise ValueError(f"Conv.padding: found {self.padding!r}; allowed are 'same' and 'none'")
        for name, side in zip(("height", "width"), self.kernel, strict=True):
            integer(f"Conv.codes: kernel {name}", side, 1, MAX_KERNEL)
        self._check_groups()
        self.shape  # noqa: B018  # refuses a kernel larger than the map

    def _check_groups(self) -> None:
        of_map = self.grid.channels
        groups = integer("Conv.groups", self.groups, 1, of_map)
        object.__setattr__(self, "groups", groups)
        if groups not in (1, of_map):
            raise ValueError(
                f"Conv.groups: found {groups}; allowed are 1 and {of_map}, the channels of the map"
            )
        if self.codes.shape[3] * groups != of_map:
            raise ValueError(
                f"Conv.codes: found shape {self.codes.shape}; its last axis must be "
                f"{of_map // groups}, the channels of the map {self.grid} in each group"
            )
        if groups > 1 and self.channels != groups:
            raise ValueError(
                f"Conv.codes: found {self.channels} channels in {groups} groups; a depthwise "
                "convolution has as many channels as the map"
            )

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return int(self.codes.shape[1]), int(self.codes.shape[2])

    @property
    def depthwise(self) -> bool:
        """True if every channel reads its own channel alone, of several."""
        return self.groups > 1

    @property
    def pad(self) -> tuple[int, int]:
        """Rows and columns of zeros before the map."""
        height, width = self.kernel
        return ((height - 1) // 2, (width - 1) // 2) if self.padding == "same" else (0, 0)

    @property
    def channels(self) -> int:
        """Number of currents at each position."""
        return int(self.codes.shape[0])

    @property
    def shape(self) -> Shape:
        """The map of its currents."""
        return self.grid.conv(self.kernel, self.stride, self.padding, self.channels)

    @property
    def n_in(self) -> int:
        """Values of the map."""
        return self.grid.size

    @property
    def in_channels(self) -> int:
        """Channels of the map."""
        return self.grid.channels

    @property
    def n_out(self) -> int:
        """Number of currents, over all positions."""
        return self.shape.size

    @property
    def in_words(self) -> str:
        """What it is, such as "conv 3x3 stride 2, 32 channels"."""
        kind = "depthwise conv" if self.depthwise else "conv"
        stride = f" stride {self.stride}" if self.stride > 1 else ""
        bare = " without padding" if self.padding == "none" and self.kernel != (1, 1) else ""
        sides = "x".join(map(str, self.kernel))
        return f"{kind} {sides}{stride}{bare}, {self.channels} channels"

    @property
    def values_at_once(self) -> int:
        """The values of all patches."""
        return self.shape.positions * self.kernel[0] * self.kernel[1] * self.grid.channels

    def output_shape(self, given: Shape) -> Shape:
        """Return the map of the currents; ValueError for another map than `grid`."""
        if given != self.grid:
            raise ValueError(f"reads a map of {self.grid}; what precedes it is {given}")
        return self.shape

    def currents(self, x: NDArray[Any], magnitude: int) -> Int32:
        """Return I, (..., n_out), for maps of shape (..., n_in)."""
        patches = self.patches(x.reshape(-1, *self.grid.sides))
        if self.depthwise:
            a = np.einsum("npkc,ck->npc", patches, self._by_tap[..., 0], dtype=np.int64)
        else:
            flat = patches.reshape(*patches.shape[:2], patches.shape[2] * patches.shape[3])
            a = exact_matmul(flat, self.codes.reshape(self.channels, -1), magnitude)
        return self._scaled(a).reshape(*x.shape[:-1], self.n_out)

    @property
    def _by_tap(self) -> IntArray:
        """The codes, (channels, taps, channels of the map // groups)."""
        return self.codes.reshape(self.channels, -1, self.codes.shape[3])

    def patches(self, maps: NDArray[Any]) -> NDArray[Any]:
        """Return what each position reads, (n, positions, taps, channels of the map).

        maps: (n, height, width, channels)
        """
        (height, width), (top, left), s = self.kernel, self.pad, self.stride
        rows, columns = self.shape.height, self.shape.width
        below = max(0, s * (rows - 1) + height - top - self.grid.height)
        right = max(0, s * (columns - 1) + width - left - self.grid.width)
        padded = np.pad(maps, ((0, 0), (top, below), (left, right), (0, 0)))
        views = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
        views = views[:, : s * rows : s, : s * columns : s]  # (n, rows, columns, c, ky, kx)
        found = np.moveaxis(views, 3, 5)
        return found.reshape(len(maps), rows * columns, height * width, self.grid.channels)

    def narrowed(self, given: Shape | None = None, channels: int | None = None) -> Conv:
        """Return what is left on the first channels of the map, or of its own first channels."""
        grid, codes, groups = given or self.grid, self.codes, self.groups
        if self.depthwise:  # its channels are those of the map
            channels = groups = grid.channels
        codes = codes[:channels, :, :, : grid.channels // groups]
        bias = first_channels(self.bias, channels)
        return replace(self, codes=codes, grid=grid, groups=groups, bias=bias)

    def pictures(self, given: Shape) -> IntArray:
        """Return the kernel of each channel; of a depthwise one with the only map that it reads."""
        return self.codes

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        grid = self.grid.sides
        yield line("conv", *self.codes.shape, *grid, self.stride, self.padding, self.groups,
                   self.fraction_bits, self.input_shift)  # fmt: skip
        yield from self._digested_numbers()
