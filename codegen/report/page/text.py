"""Numbers and names as the page writes them."""

from __future__ import annotations

from typing import Any

from codegen.base.quantities import AMPERES, MICROJOULES, MICROSECONDS, VOLTS, in_units

KB = 1024
UNITS = {"us": MICROSECONDS, "uJ": MICROJOULES, "A": AMPERES, "V": VOLTS}
"""Units in which a number may come, by the one of factor 1."""


def shown(value: Any) -> Any:
    """Return a text with the escapes of Python in place of what is not printed.

    XML has no control codes, and names of files and classes may be anything. Text that a template
    has made stays as it is.
    """
    if not isinstance(value, str) or hasattr(value, "__html__") or value.isprintable():
        return value
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in value)


def grouped(value: int) -> str:
    """Return 12,776."""
    return f"{value:,}"


def number_text(value: float) -> str:
    """Return a whole number, or one with the figures that tell: 1,345 or 12.12."""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.4g}"


def unit_text(unit: str) -> str:
    """Return a unit as it is written: µs for us."""
    return f"µ{unit[1:]}" if unit in ("us", "uJ", "uA") else unit


def quantity_text(value: float, unit: str) -> str:
    """Return a value with the unit that suits it: 0.31 mA, 12 µJ."""
    number, _, suited = in_units(value, UNITS[unit]).partition(" ")
    return f"{number} {unit_text(suited)}"


def bytes_text(size: int) -> str:
    """Return 2 KB or 4 MB where that is exact, else the bytes: 1,500."""
    for unit, factor in (("MB", KB * KB), ("KB", KB)):
        if size and size % factor == 0:
            return f"{size // factor:,} {unit}"
    return grouped(size)


def core_name(core: str) -> str:
    """Return a core as its maker writes it: Cortex-M0+."""
    return core.title().replace("Plus", "+")
