"""What a cell of a table is: a number, a missing value, or words."""

from __future__ import annotations

import re

NUMBER = {
    sign: re.compile(
        rf"\s*[+-]?(\d+({re.escape(sign)}\d*)?|{re.escape(sign)}\d+)([eE][+-]?\d+)?\s*", re.ASCII
    )
    for sign in (".", ",")
}
"""A number, by its decimal sign."""

FRACTION = {
    sign: re.compile(rf"\s*[+-]?\d*{re.escape(sign)}\d+([eE][+-]?\d+)?\s*", re.ASCII)
    for sign in (".", ",")
}
"""A number that has a decimal sign."""

MISSING = frozenset({"", "nan", "na", "n/a", "#n/a", "null", "-nan"})
"""What stands for a value that is missing, in small letters."""


def is_number(cell: str, decimal: str = ".") -> bool:
    """Return True for a number: no hex, no underscore, no infinity."""
    return NUMBER[decimal].fullmatch(cell) is not None


def is_missing(cell: str) -> bool:
    """Return True for what stands for a missing value."""
    return cell.strip().lower() in MISSING
