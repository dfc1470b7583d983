"""The digits of a byte input, as the code lists them: how many, in how many lists and rounds.

This mirrors kernels/loops/slice_bytes.c.j2, and currents.c.j2 beside this module, for numbers of
inputs instead of inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from codegen.kernels.pack import LANES
from codegen.kernels.source import Source


@cache
def digits_in(kind: str, bits: int, takes: int, value: int) -> tuple[int, ...]:
    """Return the lists in which an input of this value stands, as stage.Digits numbers them.

    The non-adjacent form: G. W. Reitwiesner, Binary Arithmetic, Advances in Computers 1 (1960).
    """
    if kind == "top" and value == 2**bits - 1:
        return (0,)
    if kind != "signed":
        rest = value % 2**bits
        return tuple((b + takes) % (bits + (kind == "top")) for b in range(bits) if rest >> b & 1)
    found, level = [], 0
    while value:
        if value & 1:
            digit = 2 - value % 4
            found.append(level if digit < 0 else takes + level)
            value -= digit
        value, level = value >> 1, level + 1
    return tuple(found)


def _of(source: Source, value: int) -> tuple[int, ...]:
    assert source.digits is not None
    bits = source.bits or source.planes
    return digits_in(source.digits.kind, bits, source.digits.takes, value)


def most_digits(source: Source) -> int:
    """Return the most digits that a value of the source can have."""
    if not source.bits:
        return source.planes
    low = -(2 ** (source.bits - 1)) if source.negative else 0
    return max(len(_of(source, value)) for value in range(low, low + 2**source.bits))


def lengths(source: Source, values: Mapping[int, float]) -> list[float]:
    """Return how many inputs stand in each list, of {value: inputs that have it}."""
    assert source.digits is not None
    found = [0.0] * source.digits.lists
    for value, n in values.items():
        for place in _of(source, value):
            found[place] += n
    return found


def most_lengths(source: Source) -> list[float]:
    """Return lengths that no input exceeds in sum; every list has some."""
    assert source.digits is not None
    lists = source.digits.lists
    return [source.size * most_digits(source) / lists] * lists


def levels(source: Source) -> list[int]:
    """Return the plane of the sum at which each list starts."""
    digits = source.digits
    assert digits is not None
    return [*range(digits.first, digits.first + digits.takes), *range(digits.adds)]


@dataclass(frozen=True)
class Listing:
    """How an input is worked off.

    rounds:   fillings of the list
    calls:    of list_active
    segments: (list, inputs) that the adder is given, for each list and round
    """

    rounds: int
    calls: int
    segments: tuple[tuple[int, float], ...]


def work_off(found: Sequence[float], words: int, listed: int) -> Listing:
    """Return how lists of these lengths, spread evenly, go through a list of `listed` entries."""
    at, rounds, calls = 0, 0, 0
    segments = []
    while at < words * len(found):
        rounds, n = rounds + 1, 0.0
        for k, length in enumerate(found):
            start, end = n, words * (k + 1)
            while at < end and n + LANES <= listed:
                count = min(end - at, int(listed - n) // LANES)
                n, at, calls = n + count * length / words, at + count, calls + 1
            segments.append((k, n - start))
    return Listing(rounds, calls, tuple(segments))


def most_work(source: Source, listed: int) -> Listing:
    """Return a listing that no input exceeds.

    A round ends when fewer than 32 entries are free, of which an even start of each list takes
    one; a call of list_active has a word or more; and the end of a round cuts one list in two.
    """
    found, level = most_lengths(source), levels(source)
    filled = max(listed - LANES + 1 - len(found), 1)
    rounds = 1 + int(sum(found)) // filled
    lists = [*range(len(found)), *[level.index(min(level))] * (rounds - 1)]
    segments = tuple((k, sum(found) / len(lists)) for k in lists)
    return Listing(rounds, source.words * len(found) + rounds, segments)
