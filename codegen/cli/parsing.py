"""How the words of a command line become values; a wrong word is one line about what is right."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from qat.data.hearing import Hearing
from qat.data.reading import SEPARATORS

MOST_DIGITS = 18
LARGEST_SEED = 2**32 - 2
"""What NumPy takes; the next one is used as well."""


def one_of(*allowed: Any) -> dict[str, Any]:
    """Return what makes an argument one of these values: its type, and how help shows it."""
    *first, last = (str(value) for value in allowed)

    def parse(text: str) -> Any:
        for value in allowed:
            if text == str(value):
                return value
        found = text if text.isalnum() else repr(text)
        raise ArgumentTypeError(f"found {found}; must be {', '.join(first)} or {last}")

    return {"type": parse, "metavar": f"{{{','.join([*first, last])}}}"}


def hearing(text: str) -> Hearing:
    """Parse `bands=20,rate=8000`."""
    try:
        return Hearing.parse(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error).removeprefix("spectrum: ")) from None


def number(text: str) -> float:
    """Parse a number."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise ArgumentTypeError(f"found {text!r}; must be a number")
    return value


def seed(text: str) -> int:
    """Parse a seed."""
    if not _digits(text) or int(text) > LARGEST_SEED:
        raise ArgumentTypeError(f"found {text!r}; must be a whole number from 0 to {LARGEST_SEED}")
    return int(text)


def _digits(text: str) -> bool:
    """Return True for a whole number of at least 0, in ten digits and of a sensible length."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def whole_numbers(text: str) -> list[int]:
    """Parse `128,64`."""
    try:
        return [int(part) for part in text.split(",") if part]
    except ValueError:
        raise ArgumentTypeError(f"found {text!r}; must be whole numbers like 128,64") from None


def leaks(text: str) -> list[tuple[int, ...]]:
    """Parse `2/4/3,-6`: leaks with / between, each the shifts of its terms."""
    return [tuple(whole_numbers(part)) for part in text.split("/")]


def share(text: str) -> float:
    """Parse `2%` or `0.02`."""
    body, percent = (text[:-1], 100) if text.endswith("%") else (text, 1)
    try:
        value = float(body) / percent
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"found {text!r}; must be a share like 2% or 0.02")
    return value


def words(text: str) -> tuple[str, ...]:
    """Parse `subtract` or `subtract,zero`."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def densities(text: str) -> list[float]:
    """Parse `0.01,0.1,0.5`."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"found {text!r}; must be numbers like 0.01,0.1,0.5") from None
    if not all(0 <= value <= 1 for value in values):
        raise ArgumentTypeError(f"found {text!r}; each must lie in 0 to 1")
    return values


def density(text: str) -> float:
    """Parse a density."""
    return densities(text)[0]


def fraction(text: str) -> float:
    """Parse `0.42`."""
    (value, *more) = densities(text)
    if more or value == 1:
        raise ArgumentTypeError(f"found {text!r}; must be one number from 0 to below 1")
    return value


def layer_shape(text: str) -> tuple[int, int]:
    """Parse `784x128`."""
    parts = text.split("x")
    if len(parts) != 2 or not all(_digits(part) and int(part) for part in parts):
        raise ArgumentTypeError(f"found {text!r}; must be INPUTSxNEURONS like 784x128")
    return int(parts[0]), int(parts[1])


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    if not _digits(text) or not int(text):
        raise ArgumentTypeError(f"found {text!r}; must be a whole number of at least 1")
    return int(text)


def whole_number(text: str) -> int:
    """Return a whole number of at least 0."""
    if not _digits(text):
        raise ArgumentTypeError(f"found {text!r}; must be a whole number of at least 0")
    return int(text)


def numbers(text: str) -> tuple[float, ...]:
    """Parse `0.001` or `0.001,0.01`, all above 0."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(0 < value < float("inf") for value in values):
        raise ArgumentTypeError(f"found {text!r}; must be numbers above 0 like 0.001,0.01")
    return values


def positive_number(text: str) -> float:
    """Parse `62.5`."""
    found = numbers(text)
    if len(found) != 1:
        raise ArgumentTypeError(f"found {text!r}; must be one number above 0 like 62.5")
    return found[0]


def names(text: str) -> tuple[str, ...]:
    """Parse `time,battery`; nothing at all names the column without a name."""
    return tuple(part for part in text.split(",") if part) or ("",)


def separator(text: str) -> str:
    """Parse `semicolon` or `;`."""
    return _sign(text, {name: sign for sign, name in SEPARATORS.items()})


def decimal(text: str) -> str:
    """Parse `comma` or `,`."""
    return _sign(text, {"point": ".", "comma": ","})


def _sign(text: str, known: dict[str, str]) -> str:
    """Return a sign by its name or itself."""
    if text in known.values():
        return text
    if text in known:
        return known[text]
    raise ArgumentTypeError(f"found {text!r}; must be one of {', '.join(known)}")
