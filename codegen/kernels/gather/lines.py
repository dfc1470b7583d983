"""Delays of inputs one by one: lines of delay, which each input goes through or passes by.

A line keeps words of as many steps as it is long. Its lengths are powers of two that sum up to the
longest delay, so that every delay is the sum of some of them:

    for each line k of length D_k:  x' = (x & ~mask_k) | (x of D_k steps ago & mask_k)

where x is what enters the line. So the instructions grow with the logarithm of the longest delay,
and the memory is that of a ring of all words.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from operator import mul

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.memory import Field, Table
from codegen.kernels.pack import pack_bits

IN_REGISTERS = 4
"""Words of a signal up to which they are put together in registers."""


@dataclass(frozen=True)
class Line:
    """A line of delay of a signal.

    length: steps that it keeps, a power of two
    first:  of its words in the memory of all lines; stride: words that it keeps of a step
    words:  those that enter it, of each plane; of others no input is that late
    masks:  of each of them the place of its mask in the table, or in the row of the table that a
            word has; None where all inputs are late
    """

    length: int
    first: int
    stride: int
    words: tuple[int, ...]
    masks: tuple[int | None, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Lines:
    """The lines of delay of a signal, in the order in which it goes through them.

    name:  of their memory in the state, whose first word is the number of the step
    masks: the table of the masks, None where no line has one
    kept:  words of the memory
    title: whose signal it is
    looped: its words are put together in a loop, and the masks of a word lie side by side
    """

    lines: tuple[Line, ...]
    name: str
    masks: Table | None
    kept: int
    title: str
    looped: bool

    @property
    def fields(self) -> tuple[Field, ...]:
        """Its members of the state."""
        what = f"lines of delay of {self.title}, behind the number of the step"
        return (Field(self.name, what, "uint32_t", (self.kept,)),)


def lengths_of(delays: NDArray[np.int64]) -> tuple[int, ...]:
    """Return the lengths of the lines, the longest first.

    delays: of all inputs, of at least 0 steps, and not all 0. All of 1, 2, 4, ... that fit
    into the longest one, and what then is left as a sum of such powers: every number up to it is a
    sum of some.
    """
    unit = int(np.bitwise_or.reduce(delays))
    unit &= -unit
    longest = int(delays.max()) // unit
    highest = (longest + 1).bit_length() - 1
    rest = longest - (2**highest - 1)
    powers = [2**k for k in range(highest)]
    return tuple(sorted(unit * k for k in [*powers, *(k for k in powers if k & rest)])[::-1])


def through(delays: NDArray[np.int64], lengths: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which inputs go through which lines, (lines, inputs)."""
    left, found = delays.copy(), []
    for length in lengths:
        found.append(left >= length)
        left -= length * found[-1]
    assert not left.any()
    return np.stack(found)


def lines_of(delays: NDArray[np.int64], planes: int, number: str, title: str) -> Lines:
    """Return the lines of delay of a signal.

    delays: of each input, of at least 0 steps, and not all 0
    planes: of the signal; number: what tells it from others in the C; title: whose it is
    """
    lengths = lengths_of(delays)
    rows, whole = pack_bits(through(delays, lengths)), pack_bits(np.ones(delays.size, np.bool_))
    looped = planes * whole.size > IN_REGISTERS
    if looped:
        entering = [tuple(range(whole.size))] * len(lengths)
        places: list[tuple[int | None, ...]] = [(k,) * whole.size for k in range(len(lengths))]
        masks = rows.T.ravel()
    else:
        entering = [tuple(map(int, np.flatnonzero(row))) for row in rows]
        masked = (rows != 0) & (rows != whole)
        order = np.where(masked, np.cumsum(masked.ravel()).reshape(masked.shape) - 1, -1)
        places = [
            tuple(int(row[w]) if row[w] >= 0 else None for w in enter)
            for row, enter in zip(order, entering, strict=True)
        ]
        masks = rows[masked]
    strides = [planes * len(enter) for enter in entering]
    firsts = list(accumulate(map(mul, lengths, strides), initial=1))
    return Lines(
        lines=tuple(map(Line, lengths, firsts, strides, entering, places)),
        name=f"late{number}", kept=firsts[-1], title=title,
        masks=Table(f"masks{number}", "of the lines of delay", masks) if masks.size else None,
        looped=looped,
    )  # fmt: skip
