"""When a bit-sliced neuron loads a plane, and how far a reset has carried: schedules for its C.

A number of 32 neurons is a plane a bit, the lowest first. The template prints what stands here and
decides nothing: which planes a pair of planes of u loads before it is computed, and which digits
of a reset change a plane at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NEAR = 4
"""Largest shift of a leak whose planes of v are held in registers until u has used them."""


@dataclass(frozen=True)
class Picked:
    """A term of a leak that neurons do not share, in one plane.

    operation: "subtract" or "add"
    sources:   (plane of v, word of the constants with the neurons that take it)
    """

    operation: str
    sources: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Plane:
    """One bit plane of u = v - leak(v) + I.

    leak:    (operation, plane of v) per term: "subtract" or "add"; "reduce" or "extend" where only
             the sign of what is taken or added is left
    current: plane of the current, None below its fraction bits; flows: how it is added
    bias:    word of the constants, None without a bias of its own
    one:     True where the low bits of a common bias add a 1
    turned:  (chain, "v" or "current", plane of it): carries that say from here on where the sign is
             unlike them
    picked:  terms of the leak that neurons do not share
    """

    index: int
    v: int
    leak: tuple[tuple[str, int], ...]
    current: int | None
    bias: int | None
    one: bool
    flows: str = "add"
    turned: tuple[tuple[str, str, int], ...] = ()
    picked: tuple[Picked, ...] = ()


@dataclass(frozen=True)
class Digit:
    """One digit of a comparison or a subtraction: a plane of u against a constant's bit.

    bit:  the bit of a constant common to all neurons; None if each has its own
    word: the word of the constants that holds the neurons' own bits
    """

    plane: int
    bit: int | None = None
    word: int | None = None


@dataclass(frozen=True)
class Loads:
    """Planes of the membrane and of the current that are loaded before a pair of planes of u."""

    v: tuple[int, ...]
    current: tuple[int, ...]


@dataclass(frozen=True)
class Turn:
    """One digit of a reset, in its turn.

    carried: True if a digit below it was a 1: only then is there anything to carry
    last:    True if nothing needs what it carries
    """

    digit: Digit
    carried: bool
    last: bool

    @property
    def idle(self) -> bool:
        """True if the plane stays as it is: a 0 for all below whatever may be a 1."""
        return self.digit.bit == 0 and not self.carried


def near(leak: Sequence[int]) -> bool:
    """Return True if no term of the leak reaches further than NEAR planes."""
    return max((abs(shift) for shift in leak), default=0) <= NEAR


def _new(wanted: Iterable[int | None], held: set[int]) -> tuple[int, ...]:
    """Return what of `wanted` is not held yet, each once, and hold it."""
    found = tuple(dict.fromkeys(n for n in wanted if n is not None and n not in held))
    held.update(found)
    return found


def loads(planes: Sequence[Plane]) -> tuple[Loads | None, ...]:
    """Return what is loaded before each plane of u: every plane once, before the first of a pair.

    None stands before the second of a pair.
    """
    membrane: set[int] = set()
    current: set[int] = set()
    found: list[Loads | None] = []
    for first in range(0, len(planes), 2):
        pair = planes[first : first + 2]
        sources = [n for plane in pair for n in (plane.v, *(source for _, source in plane.leak))]
        flows = [plane.current for plane in pair]
        found += [Loads(_new(sources, membrane), _new(flows, current)), None][: len(pair)]
    return tuple(found)


def turns(digits: Sequence[Digit]) -> tuple[Turn, ...]:
    """Return the digits of a reset, each with what has happened below it."""
    ones = [place for place, digit in enumerate(digits) if digit.bit != 0]
    lowest = min(ones, default=len(digits))
    last = len(digits) - 1
    return tuple(Turn(digit, at > lowest, at == last) for at, digit in enumerate(digits))
