"""What a benchmark counts, by which counter of the core; its raw figures are computed anew."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from codegen.base.errors import InconsistentError
from codegen.target.boards import Board

KNOWN_INSTRUCTIONS = 2 * 4096
"""The loop that calibrates the counter takes so many, beside the return of the empty function."""


class What(IntEnum):
    """What a benchmark counts."""

    LOOP = 0
    INPUT = 1
    STEP = 2
    INFER = 3
    SCORES = 4
    SAMPLE = 5


class Counter(IntEnum):
    """What a benchmark counts: instructions, or cycles of the core from one of its timers."""

    INSTRUCTIONS = 1
    CYCLES = 2
    SYSTICK = 3
    MICROSECONDS = 4


COUNTED_BY = {
    Counter.CYCLES: "its cycle counter",
    Counter.SYSTICK: "its system timer",
    Counter.MICROSECONDS: "its microseconds",
    Counter.INSTRUCTIONS: "the emulator, which counts no cycles",
}
"""What a firmware counts with, in words."""


@dataclass(frozen=True)
class Span:
    """A measured call: ticks of the counter, and how often a 24-bit timer ran out."""

    ticks: int
    wraps: int


@dataclass(frozen=True)
class Count:
    """Instructions of one call, and the raw figures behind them."""

    instructions: int
    ticks_per_1000: int
    span: Span
    empty: Span
    known: Span


@dataclass(frozen=True)
class Part:
    """A part of a measured call: its ticks, those of its marks included, and timer wraps."""

    ticks: int
    marks: int
    wraps: int


@dataclass(frozen=True)
class Parts:
    """The parts of the last benchmark, and the ticks of its first mark and of every other."""

    first_ticks: int
    mark_ticks: float
    parts: tuple[Part, ...]


def instructions_of(parts: Parts, per_1000: int, wrapping: int) -> list[int]:
    """Return the instructions of each part, those of its marks and of the timer left out.

    The first part is the one of the first mark: every call starts with the rest.

    wrapping: instructions of the interrupt that counts a wrap of the timer
    """
    ticks = [part.ticks - part.marks * parts.mark_ticks for part in parts.parts]
    ticks[0] += parts.mark_ticks - parts.first_ticks
    return [
        round(own * 1000 / per_1000) - wrapping * part.wraps
        for own, part in zip(ticks, parts.parts, strict=True)
    ]


def check_count(count: Count, board: Board) -> int:
    """Return the instructions of a count after computing them once more from the raw ticks.

    The architecture knows the ticks of 1000 instructions, an integer. Raises InconsistentError if
    the calibration says otherwise: the timer then did not count instructions.
    """
    per_1000 = board.architecture.ticks(board.clock_hz)
    known = count.known.ticks - count.empty.ticks
    if count.ticks_per_1000 != per_1000 or abs(known * 1000 - KNOWN_INSTRUCTIONS * per_1000) > 1000:
        raise InconsistentError(
            f"the timer makes {count.ticks_per_1000} ticks in 1000 instructions instead of "
            f"{per_1000}: the emulator does not count instructions"
        )
    ticks = count.span.ticks - count.empty.ticks
    instructions = (ticks * 1000 + per_1000 // 2) // per_1000
    instructions += 1 - board.architecture.wrapping * count.span.wraps
    if instructions != count.instructions:
        raise InconsistentError(
            f"the firmware counted {count.instructions} instructions; its ticks give {instructions}"
        )
    return instructions
