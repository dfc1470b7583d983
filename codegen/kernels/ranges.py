"""Proved ranges as templates print them, and what neurons keep beside their membranes."""

from __future__ import annotations

from dataclasses import dataclass

from qat.model import Interval


@dataclass(frozen=True)
class Range:
    """A proved range, printed beside the code that relies on it."""

    low: int
    high: int
    width: int

    @classmethod
    def of(cls, interval: Interval) -> Range:
        """Return the hull of all neurons."""
        return cls(interval.low, interval.high, interval.width)


@dataclass(frozen=True)
class Further:
    """A state array of neurons beside their membranes.

    name: behind `state->`, without the layer's number, and in the records
    what: in words; leak: the terms of its own leak
    """

    name: str
    what: str
    range: Range
    leak: tuple[int, ...]

    @property
    def ctype(self) -> str:
        """The smallest C integer that holds it."""
        return next(f"int{bits}_t" for bits in (8, 16, 32) if self.range.width <= bits)


@dataclass(frozen=True)
class Ranges:
    """Proved ranges of a layer: accumulator, current, membrane before and after the reset.

    v: None for neurons without memory
    """

    a: Range
    current: Range
    u: Range
    v: Range | None
