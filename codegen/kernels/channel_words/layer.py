"""The record of a depthwise convolution in channel words, and the order of its additions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product

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
    def additions(self) -> tuple[Addition, ...]:
        """All that is added to a sum, in order."""
        return tuple(additions(self.taps, self.source.planes, self.sum_width))

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
