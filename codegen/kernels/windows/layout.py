"""How the channels of a convolution's positions lie in words, and how its rows are listed.

A position's channels fill whole words first. What is left over, its part, shares a word with the
parts of the next positions where these are 8 or 16 lanes: their windows are then one run of the
list, and each has its own weights at its own place of a wider kernel. So 16 channels take half of
the runs of 32. 24 lanes have a word alone; so has any part where several layers are one function,
which takes a word as the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.memory import LIST_ENTRIES_16
from codegen.kernels.pack import LANES
from qat.model import Conv, Layer

UNITS = (32, 16, 8)
"""Channels that a position's are read by: they lie at whole words, halves or bytes of a plane."""

LISTED = 1536
"""Entries up to which all positions of a row are listed at once; of more, as many as fit."""

COLUMN_BYTES = 8
"""Of the weights of an input to 32 neurons."""


def unit_of(channels: int) -> int:
    """Return the bits that are read at once of a position; 0 where it begins within a byte."""
    return next((unit for unit in UNITS if channels % unit == 0), 0)


@dataclass(frozen=True)
class Layout:
    """Where the neurons of a convolution lie, and which windows they have.

    synapse: what it computes
    pool:    (height, width) of positions that a pool takes together
    pooled:  "max" or "sum"; "" for no pool
    planes:  of the signal that it reads
    padded:  a position's channels are padded to whole words
    """

    synapse: Conv
    pool: tuple[int, int]
    pooled: str
    planes: int
    padded: bool = False

    @property
    def full(self) -> int:
        """Whole words of a position."""
        return (self.synapse.channels + (LANES - 1) * self.padded) // LANES

    @property
    def part(self) -> int:
        """Channels of a position that fill no word."""
        return 0 if self.padded else self.synapse.channels % LANES

    @property
    def last(self) -> int:
        """Channels of a position's last word, of padded ones."""
        return self.synapse.channels - LANES * (self.full - 1)

    @property
    def group(self) -> int:
        """Positions that share the word of their parts."""
        shared = self.part in (8, 16) and self.pooled != "sum"
        return LANES // self.part if shared else 1

    @property
    def groups(self) -> int:
        """Such groups in a row of the map of neurons."""
        return -(-self.synapse.shape.width // self.group)

    @property
    def span(self) -> int:
        """Columns of the map under the windows of a group."""
        return self.synapse.stride * (self.group - 1) + self.synapse.kernel[1]

    @property
    def lanes(self) -> NDArray[np.intp]:
        """The channel of every lane of a position's words: (rows of constants * 32,).

        Lanes without a neuron repeat the first channels.
        """
        full = LANES * self.full
        whole = np.arange(full)
        if self.padded:
            again = full - LANES + whole % LANES % self.last
            return np.where(whole < self.synapse.channels, whole, again)
        if not self.part:
            return whole
        return np.concatenate([whole, full + np.arange(LANES) % self.part])

    @property
    def aligned(self) -> bool:
        """True if neuron j is lane j % 32 of word j // 32."""
        width, full = self.synapse.shape.width, self.full
        if self.synapse.channels % LANES == 0:
            return True
        return not self.padded and (full == 0 and self.group > 1 and width % self.group == 0)

    @property
    def step(self) -> int:
        """Weight columns from a column of the map to the next: rows of the kernel, channels."""
        return self.synapse.kernel[0] * self.synapse.grid.channels

    # ------------------------------------------------------------- the list

    @property
    def at_once(self) -> int:
        """Positions of a row whose windows are listed at once; a multiple of a group."""
        width, group = self.synapse.shape.width, self.group
        if self._entries(width) <= LISTED and self._reach(width) <= LIST_ENTRIES_16:
            return width
        fitting = [n for n in range(group, width, group)
                   if self._entries(n) <= LISTED and self._reach(n) <= LIST_ENTRIES_16]  # fmt: skip
        return max(fitting, default=group)

    @property
    def entries(self) -> int:
        """Entries of the list, of all planes."""
        return self._entries(self.at_once)

    @property
    def columns(self) -> int:
        """Columns of the map that are listed at once, at most."""
        return self._columns(self.at_once)

    @property
    def fits(self) -> bool:
        """True if offsets of 16 bits reach all columns of weights, and the list is of such."""
        return self._reach(self.at_once) <= LIST_ENTRIES_16 and self.entries <= LIST_ENTRIES_16

    @property
    def near(self) -> bool:
        """True if offsets are less than 2^15, which Helium multiplies as signed halfwords."""
        return 2 * self._reach(self.at_once) <= LIST_ENTRIES_16

    def _columns(self, positions: int) -> int:
        synapse = self.synapse
        stride, width, pad = synapse.stride, synapse.grid.width, synapse.pad[1]
        return max(
            min(stride * (x + positions - 1) - pad + synapse.kernel[1], width)
            - max(stride * x - pad, 0)
            for x in range(0, synapse.shape.width, positions)
        )

    def _entries(self, positions: int) -> int:
        return self.planes * self._columns(positions) * self.step

    def _reach(self, positions: int) -> int:
        """Return how many columns of weights the offsets of a list tell apart."""
        width = self.synapse.stride * (positions - 1) + self.synapse.kernel[1]
        return width * self.step


def layout_of(layer: Layer, planes: int, padded: bool = False) -> Layout:
    """Return the layout of a convolution that reads so many planes."""
    synapse, pool = layer.synapse, layer.pool
    assert isinstance(synapse, Conv)
    if pool is None or pool.kernel == (1, 1):
        return Layout(synapse, (1, 1), "", planes, padded)
    return Layout(synapse, pool.kernel, pool.mode, planes, padded)


def window_codes(layout: Layout) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return the codes of whole words and of the shared ones: (lanes, columns of weights).

    Columns are in the order (column of the map, row of the kernel, channel of the input).
    """
    synapse, full = layout.synapse, LANES * layout.full
    codes = synapse.codes.transpose(0, 2, 1, 3).astype(np.int8)
    whole = np.zeros((full, codes[0].size), np.int8)
    whole[: len(codes)] = codes.reshape(len(codes), -1)[:full]
    shared = np.zeros((LANES if layout.part else 0, layout.span, *codes.shape[2:]), np.int8)
    for place in range(layout.group if layout.part else 0):
        first, left = layout.part * place, synapse.stride * place
        shared[first : first + layout.part, left : left + codes.shape[1]] = codes[full:]
    return whole, shared.reshape(len(shared), layout.span * layout.step)
