"""The record of a depthwise convolution in channel words, and the order of its additions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product

import numpy as np
from numpy.typing import NDArray

from codegen import isa
from codegen.kernels.windows.layer import WindowsLayer


@dataclass(frozen=True)
class Addition:
    """Two words of one weight, or one, are added to a plane of the sum.

    plane: of the sum
    tap:   what the tap of this number adds and takes away; None for carries
    of:    the carries that are added, one or two
    carry: the number of the one that is left, of twice the weight; None for the highest plane
    """

    plane: int
    tap: int | None
    of: tuple[int, ...]
    carry: int | None


def additions(taps: int, planes: int, width: int) -> Iterator[Addition]:
    """Yield the additions of the taps of every plane of a signal, and of their carries.

    A plane's taps are added from its level on. Two carries of a weight are added as soon as there
    are two, so that few wait, in registers. width: planes of the sum, beyond which nothing is
    """
    number, waiting = count(), [list[int]() for _ in range(width + 1)]

    def added(plane: int, tap: int | None = None) -> Addition:
        of = () if tap is not None else tuple(waiting[plane])
        if tap is None:
            waiting[plane].clear()
        carry = next(number) if plane < width - 1 else None
        if carry is not None:
            waiting[plane + 1].append(carry)
        return Addition(plane, tap, of, carry)

    for plane, tap in product(range(min(planes, width)), range(taps)):
        yield added(plane, tap)
        for above in range(plane + 1, width):
            if len(waiting[above]) == 2:
                yield added(above)
    yield from (added(plane) for plane in range(width) if waiting[plane])


FOUR = 4
"""Words of a vector."""


@dataclass(frozen=True)
class Four:
    """Four neighbouring words of a row of neurons, that vectors compute at once.

    words:  of a position
    stride: of the convolution
    """

    words: int
    stride: int

    @property
    def sets(self) -> int:
        """Masks of four words: those of a position that has as many, else of whole positions."""
        return max(1, self.words // FOUR)

    @property
    def apart(self) -> tuple[int, ...]:
        """Words of a row of the map from the first one under a tap to each."""
        w = self.words
        return tuple(n // w * w * self.stride + n % w for n in range(FOUR))

    @property
    def neighbours(self) -> bool:
        """True if these are neighbours as well."""
        return self.apart == tuple(range(FOUR))

    def spread(self, masks: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return (sets, 2 x taps, 4) of the masks of the words of a position."""
        flat = masks.reshape(self.words, -1)
        if self.words < FOUR:
            flat = np.tile(flat, (FOUR // self.words, 1))
        return np.ascontiguousarray(flat.reshape(self.sets, FOUR, -1).transpose(0, 2, 1))


@dataclass(frozen=True, eq=False, kw_only=True)
class WordsLayer(WindowsLayer):
    """A ternary depthwise convolution on a signal, 32 channels a word.

    line: words of a row of the map with what lies beside it; `rows` of the kernel of each plane
          are kept at once
    """

    line: int

    @property
    def taps(self) -> int:
        """Of the kernel."""
        return self.rows.kernel * self.across.kernel

    @property
    def four(self) -> Four:
        """What vectors compute at once."""
        return Four(self.layout.full, self.stride)

    @property
    def serves_vectors(self) -> bool:
        """True if rows are whole vectors, and the constants of four words lie where these reach.

        They are those of one word, or of four of a position.
        """
        words = self.layout.full
        near = words == 1 or words % FOUR == 0 or self.constants == 0
        whole = self.map.width * words % FOUR == 0 and (words <= 2 or words % FOUR == 0)
        return near and whole and self.constants <= isa.reach()

    @property
    def reached(self) -> int:
        """Words from an address that a load of a vector reaches."""
        return isa.reach()

    @property
    def vectors(self) -> int:
        """Words of neurons that vectors compute, four at once: all, or none."""
        return self.blocks if self.dense else 0

    @property
    def wide(self) -> bool:
        """True if vectors compute it."""
        return bool(self.dense)

    @property
    def own_apart(self) -> int:
        """Bytes from the constants of a word to those of the next: the same for all positions."""
        return 0 if self.layout.full == 1 else super().own_apart

    @property
    def additions(self) -> tuple[Addition, ...]:
        """All that is added to a sum, in order."""
        return tuple(additions(self.taps, self.source.planes, self.sum_width))

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        i = self.index
        return super().functions | dict.fromkeys((f"four{i}", f"adder{i}_4"), self.part)

    @property
    def lines(self) -> int:
        """Words of the rows that are kept."""
        return self.source.planes * self.rows.kernel * self.line

    @property
    def runs(self) -> bool:
        """False: it has no list."""
        return False

    @property
    def adder_inputs(self) -> int:
        """None: it has no list."""
        return 0

    @property
    def along_lists(self) -> tuple[str, ...]:
        """None: it has no list."""
        return ()

    @property
    def list_lengths(self) -> int:
        """One: it has no list."""
        return 1
