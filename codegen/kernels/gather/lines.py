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
    places: of these words among those that it keeps of a plane
    masks:  of each of them the place of its mask in the table, or in the row of the table that a
            word has; None where all inputs are late
    """

    length: int
    first: int
    stride: int
    words: tuple[int, ...]
    places: tuple[int, ...]
    masks: tuple[int | None, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Lines:
    """The lines of delay of a signal, in the order in which it goes through them.

    name:  of their memory in the state, whose first word is the number of the step
    masks: the table of the masks, None where no line has one
    kept:  words of the memory
    title: whose signal it is
    looped: its words are put together in a loop, and the masks of a word lie side by side
    rows:   four words are kept of every step, and have masks, so that a vector holds them at once
    """

    lines: tuple[Line, ...]
    name: str
    masks: Table | None
    kept: int
    title: str
    looped: bool
    rows: bool

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
    at_once = not looped and whole.size == IN_REGISTERS
    kept = np.ones_like(rows, np.bool_) if looped or at_once else rows != 0
    masked = kept if looped or at_once else kept & (rows != whole)
    late = kept if looped else rows != 0
    order = (rows.T if looped else rows)[masked.T if looped else masked]
    numbers = np.cumsum(masked, axis=0 if looped else None).reshape(masked.shape) - 1
    strides = [planes * int(row.sum()) for row in kept]
    firsts = list(accumulate(map(mul, lengths, strides), initial=1))
    lines = []
    for k, (length, first, stride) in enumerate(zip(lengths, firsts, strides, strict=False)):
        words = tuple(map(int, np.flatnonzero(late[k])))
        own = [looped or rows[k, w] != whole[w] for w in words]
        lines.append(
            Line(
                length, first, stride, words,
                places=tuple(int(kept[k, :w].sum()) for w in words),
                masks=tuple(int(numbers[k, w]) if some else None
                            for w, some in zip(words, own, strict=True)),
            )
        )  # fmt: skip
    return Lines(
        lines=tuple(lines), name=f"late{number}", kept=firsts[-1], title=title,
        masks=Table(f"masks{number}", "of the lines of delay", order) if order.size else None,
        looped=looped, rows=at_once,
    )  # fmt: skip
