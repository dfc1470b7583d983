"""Where the pixels of a map lie, so that a tap of a convolution is a distance in memory.

A word holds several positions of one channel side by side, in fields of 8 or 16 bits. For every
column of the kernel there is an image: the map as that column sees it from each position, so that
the words of 32 positions lie one behind the other. Column j of the map's images is

    image j at X = map at S X + j - padding            S: distance of two positions of the signal

Rows. Without a pool, the rows of an image that are S apart lie together, so that its positions
are one run of words, whatever the width:

    [channel][j][row % S][row // S][words of a row]

With a pool of 2x2 the four positions that it joins must lie at fixed distances: a pair of words,
the same pair of the next position's image beside it, and both again one row of positions below:

    [channel][pair of words][row][j][2 words]

A block is 8 words of sums: 8 words in a row, or the four corners of a pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from qat.model import Shape

BLOCK = 8
"""Words that are summed at once: registers that a core has for it."""

LANES = 32
"""Positions of a word of spikes, before it is turned."""

Run = tuple[int, int]
"""Words: the first one, and how many."""


@dataclass(frozen=True)
class Geometry:
    """The images of a map, and how the positions of a signal lie in them.

    grid:    the map that is read
    kernel:  height and width
    stride:  of the convolution
    pad:     rows above, columns to the left of the map
    shape:   what is sent: the map of the currents, or what a pool of 2x2 leaves
    pool:    2 if the maximum of 2x2 positions is sent, else 1
    bits:    of a field: 8 or 16
    """

    grid: Shape
    kernel: tuple[int, int]
    stride: int
    pad: tuple[int, int]
    shape: Shape
    pool: int = 1
    bits: int = 8

    @property
    def fields(self) -> int:
        """Positions in a word."""
        return 32 // self.bits

    @property
    def ones(self) -> int:
        """1 in every field."""
        return sum(1 << self.bits * k for k in range(self.fields))

    @property
    def high(self) -> int:
        """The highest bit of every field."""
        return self.ones << (self.bits - 1)

    @property
    def pooled(self) -> bool:
        """True if the maximum of 2x2 positions is sent."""
        return self.pool > 1

    @property
    def corners(self) -> int:
        """Positions of which one is sent."""
        return self.pool**2

    @property
    def spacing(self) -> int:
        """S: rows and columns of the map from a position that is sent to the next."""
        return self.stride * self.pool

    @property
    def columns(self) -> int:
        """Images of a channel."""
        return self.kernel[1] + self.stride * (self.pool - 1)

    @property
    def rows(self) -> int:
        """Rows of an image that are read."""
        reach = self.stride * (self.pool - 1) + self.kernel[0]
        return self.spacing * (self.shape.height - 1) + reach

    @property
    def rows_apart(self) -> int:
        """Rows of an image with the same remainder by S."""
        return -(-self.rows // self.spacing)

    @property
    def filled_rows(self) -> int:
        """Rows of the map that are read, from its first on."""
        return min(self.grid.height, self.rows - self.pad[0])

    @property
    def row_words(self) -> int:
        """Words of a row of an image; whole pairs with a pool."""
        words = -(-self.shape.width // self.fields)
        return -(-words // 2) * 2 if self.pooled else words

    @property
    def pairs(self) -> int:
        """Pairs of words in a row."""
        return self.row_words // 2

    @property
    def channel_words(self) -> int:
        """Words of the images of a channel."""
        if self.pooled:
            return self.pairs * self.rows * self.places * 2
        return self.columns * self.spacing * self.rows_apart * self.row_words

    @property
    def places(self) -> int:
        """Places for images side by side, with a pool: a stride of 2 may leave one empty."""
        return self.stride * -(-self.columns // self.stride)

    def beside(self, j: int) -> int:
        """Return the place of image j among those of a row: those S apart lie together."""
        if not self.pooled:
            return j
        return j % self.stride * (self.places // self.stride) + j // self.stride

    def word(self, channel: int, j: int, row: int, i: int) -> int:
        """Return the index of word i of a row of an image."""
        first = channel * self.channel_words
        if self.pooled:
            above = i // 2 * self.rows + row
            return first + (above * self.places + self.beside(j)) * 2 + i % 2
        below = row % self.spacing * self.rows_apart + row // self.spacing
        return first + (j * self.spacing * self.rows_apart + below) * self.row_words + i

    def tap(self, ky: int, kx: int, channel: int) -> int:
        """Return the distance of a tap from the first position, in bytes."""
        return 4 * self.word(channel, kx, ky, 0)

    @property
    def step(self) -> int:
        """Bytes from the first four words of a block to the others."""
        return 8 * self.stride * self.places if self.pooled else 2 * BLOCK

    @property
    def next(self) -> int:
        """Bytes from a block to the next."""
        return self.pool * self.step if self.pooled else 4 * BLOCK

    @property
    def parts(self) -> int:
        """Runs of blocks, one behind the other."""
        return self.pairs if self.pooled else 1

    @property
    def part_bytes(self) -> int:
        """Bytes from a run of blocks to the next one."""
        return 8 * self.rows * self.places

    @property
    def words(self) -> int:
        """Words of one channel's signal in fields, in a run of blocks."""
        return self.shape.height * (2 if self.pooled else self.row_words)

    @property
    def group(self) -> int:
        """Words of 32 positions in fields."""
        return LANES // self.fields

    @property
    def groups(self) -> int:
        """Words of spikes of one channel, in a run of blocks."""
        return -(-self.words // self.group)

    @property
    def last(self) -> int:
        """Words of the last group."""
        return self.words - (self.groups - 1) * self.group

    @property
    def blocks(self) -> int:
        """Blocks of a run."""
        return self.shape.height if self.pooled else -(-self.words // BLOCK)

    @property
    def group_blocks(self) -> int:
        """Blocks of a group."""
        return self.group // (BLOCK // self.corners)

    @property
    def sums(self) -> int:
        """Words of a channel's sums."""
        return self.parts * self.blocks * BLOCK

    @property
    def length(self) -> int:
        """Words of all images, to the end of what the last block reads; of two, with vectors."""
        last = self.word(self.grid.channels - 1, self.kernel[1] - 1, self.kernel[0] - 1, 0)
        if self.pooled:
            last += (self.pairs - 1) * self.part_bytes // 4
        reads = -(-self.blocks // 2) * 2
        end = last + (reads - 1) * self.next // 4 + self.step // 4 + 4
        return max(end, self.grid.channels * self.channel_words)

    @cached_property
    def borders(self) -> tuple[Run, ...]:
        """The words that no row of the map fills."""
        written = set(self._written())
        found: list[list[int]] = []
        for k in range(self.length):
            if k in written:
                continue
            if found and sum(found[-1]) == k:
                found[-1][1] += 1
            else:
                found.append([k, 1])
        return tuple((first, count) for first, count in found)

    def _written(self) -> Iterator[int]:
        for channel in range(self.grid.channels):
            for j in range(self.columns):
                for y in range(self.filled_rows):
                    for i in range(self.row_words):
                        yield self.word(channel, j, y + self.pad[0], i)
