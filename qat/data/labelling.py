"""Labels of a file as the outputs of a model that knows its classes."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNLABELLED = -1
"""The label of a sample that has none."""

LISTED = 12
"""Words that a line lists."""


def mapped(
    y: NDArray[Any], words: Sequence[str], classes: Sequence[str], outputs: int
) -> tuple[NDArray[np.int64], list[str]]:
    """Return (the label of each sample as an output of the model, lines to say).

    y:       (samples,) labels of a file: indices of its own `words`; without such, numbers or
             words that stand for themselves
    classes: the model's words; () where its labels are the numbers of its `outputs`

    A number is found by its value: 1, 1.0 and 01 are one class.
    Raises ValueError, naming them, for classes that the model does not know.
    """
    values, which = np.unique(y, return_inverse=True)
    found = [words[int(value)] if words else _text(value) for value in values]
    known = list(classes) or [str(i) for i in range(outputs)]
    places = _places(known)
    at = [places.get(word, places.get(_number(word), UNLABELLED)) for word in found]
    strange = [word for word, place in zip(found, at, strict=True) if place == UNLABELLED]
    if strange:
        raise ValueError(_unknown(strange, known))
    lacking = [word for i, word in enumerate(known) if i not in at]
    said = [f"no sample is of class {listed(lacking)}"] if lacking else []
    return np.array(at, np.int64)[which.reshape(-1)], said


def _places(known: Sequence[str]) -> dict[str | float | None, int]:
    """Return the output of every word, and of the number that it may be."""
    places: dict[str | float | None, int] = {}
    for i, word in enumerate(known):
        number = _number(word)
        if number is not None:
            places.setdefault(number, i)
    return places | {word: i for i, word in enumerate(known)}


def _text(value: Any) -> str:
    """Return a label as a word: 1.0 as 1."""
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _number(word: str) -> float | None:
    """Return the number that a word is, if it is one."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if np.isfinite(value) and "_" not in word else None


def _unknown(strange: Sequence[str], known: Sequence[str]) -> str:
    """Return the line about classes that the model does not know."""
    close = get_close_matches(strange[0], known, 1) if len(strange) == 1 else []
    meant = f"; was {close[0]!r} meant?" if close else ""
    return (
        f"has the class {listed(strange)}, which the model does not know; it knows "
        f"{listed(known)}{meant}; name its classes so, or leave these lines out"
    )


def listed(names: Sequence[str]) -> str:
    """Return some names, quoted, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(repr, names[:LISTED])) + more
