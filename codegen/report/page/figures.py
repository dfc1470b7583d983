"""The geometry of the pictures: bars and axes, in percent of the width.

Across, a picture is measured in percent and so as wide as its place on the page; down, in pixels.
So text keeps its size on a phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, log10

from codegen.report.page.text import bytes_text, grouped

LAYER_COLOURS = 4
"""Colours that layers take in turn."""
COLOURS = {name: name for name in ("sensor", "currents", "readout", "detector", "stack")} | {
    "encoder": "currents",
    "input": "currents",
}
"""The other parts that have a colour of their own."""

NARROWEST = 328
LETTER = 6.6
MARGIN = 8
"""Pixels: the width of a picture on the narrowest phone, of a letter, around a label."""


def coordinate(value: float) -> str:
    """Return a coordinate with at most three decimal places: 12.5, 40."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def colour_of(part: str) -> str:
    """Return the class that gives a part its colour, the same in every picture."""
    kind, _, number = part.partition(" ")
    if kind == "layer":
        return f"layer{int(number) % LAYER_COLOURS}"
    return COLOURS.get(kind, "shared")


@dataclass(frozen=True)
class Tick:
    """A mark of an axis, at a percentage of it; `anchor` keeps the words within the picture."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Span:
    """A stretch of a bar; x and width in percent. `label` is empty where it has no room."""

    name: str
    colour: str
    amount: int
    x: float
    width: float
    label: str


def spans(amounts: Iterable[tuple[str, str, int]], whole: float) -> tuple[Span, ...]:
    """Return stretches side by side, from (name, colour, amount), in percent of `whole`."""
    found, x = [], 0.0
    for name, colour, amount in amounts:
        width = 100 * amount / whole if whole else 0.0
        if amount:
            found.append(Span(name, colour, amount, x, width, _fitting(name, width)))
        x += width
    return tuple(found)


def _fitting(label: str, width: float) -> str:
    return label if NARROWEST * width / 100 >= LETTER * len(label) + MARGIN else ""


def round_step(whole: float, most: int) -> float:
    """Return 1, 2 or 5 times a power of ten that divides `whole` into at most so many steps."""
    rough = whole / most
    power: float = 10.0 ** floor(log10(rough))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= rough * (1 - 1e-9))


def _anchored(at: float, text: str) -> Tick:
    return Tick(at, text, "start" if at < 3 else "end" if at > 94 else "middle")


def count_ticks(low: float, high: float, most: int = 2) -> tuple[Tick, ...]:
    """Return round numbers from `low` to `high`."""
    step = max(round_step((high - low) or 1, most), 1)
    first = -floor(-low / step)
    marks = [number * step for number in range(first, floor(high / step) + 1)]
    return tuple(_anchored(100 * (m - low) / ((high - low) or 1), grouped(round(m))) for m in marks)


def byte_ticks(whole: int, most: int = 4) -> tuple[Tick, ...]:
    """Return powers of two of bytes, from 0 on."""
    step = 1
    while step * most < whole:
        step *= 2
    return tuple(_anchored(100 * at / whole, bytes_text(at)) for at in range(0, whole + 1, step))


@dataclass(frozen=True)
class Bars:
    """Rows of bars on one axis, from `low` to `high`; zero is where 0 lies, in percent."""

    low: float
    high: float
    ticks: tuple[Tick, ...]

    @classmethod
    def over(cls, values: Sequence[float]) -> Bars:
        """Return an axis that holds 0 and all the values."""
        low, high = min([0.0, *values]), max([0.0, *values])
        high = high if high > low else low + 1
        return cls(low, high, count_ticks(low, high))

    @property
    def zero(self) -> float:
        """Where 0 lies."""
        return 100 * -self.low / (self.high - self.low)

    def bar(self, value: float) -> tuple[float, float]:
        """Return where the bar of a value begins and how wide it is; below 0 it ends at zero."""
        length = 100 * value / (self.high - self.low)
        return self.zero + min(length, 0.0), abs(length)
