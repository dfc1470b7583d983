"""Numbers with units as people type them, and as they read them."""

from __future__ import annotations

import re
from collections.abc import Mapping

NUMBER = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)")

BYTES: Mapping[str, float] = {"": 1, "K": 1024, "M": 1024**2}
MICROSECONDS: Mapping[str, float] = {"us": 1, "ms": 10**3, "s": 10**6}
COUNT: Mapping[str, float] = {"": 1, "k": 10**3, "M": 10**6}
MICROJOULES: Mapping[str, float] = {"nJ": 1e-3, "uJ": 1, "mJ": 10**3, "J": 10**6}
AMPERES: Mapping[str, float] = {"nA": 1e-9, "uA": 1e-6, "mA": 1e-3, "A": 1}
VOLTS: Mapping[str, float] = {"mV": 1e-3, "V": 1}


def quantity(what: str, text: str, units: Mapping[str, float], example: str) -> float:
    """Return a number above 0 in the unit whose factor is 1.

    units: {unit: factor}; "" where a number needs none

    Raises ValueError, naming `what`, for everything else.
    """
    found = NUMBER.fullmatch(text.strip().replace("µ", "u").replace("μ", "u"))
    value = float(found[1]) * units[found[2]] if found and found[2] in units else 0.0
    if not value or value == float("inf"):
        raise ValueError(
            f"{what}: found {text!r}; must be a number above 0 {_allowed(units)}, such as {example}"
        )
    return value


def _allowed(units: Mapping[str, float]) -> str:
    names = [unit for unit in units if unit]
    if not names:
        return "without a unit"
    listed = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"alone or with {listed}" if "" in units else f"with {listed}"


def in_units(value: float, units: Mapping[str, float]) -> str:
    """Return a value to four figures, in the largest unit of which it is at least 1."""
    fitting = [unit for unit, factor in units.items() if value >= factor]
    unit = fitting[-1] if fitting else next(iter(units))
    number = value / units[unit]
    return (f"{number:,.0f} {unit}" if number >= 1000 else f"{number:.4g} {unit}").strip()
