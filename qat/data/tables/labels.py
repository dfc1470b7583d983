"""The labels of a table as classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.tables.columns import repeated
from qat.data.tables.numerals import is_number

FEW = 10
"""Samples from which on a class of one sample, the first, is taken for a header."""

LARGEST = 2**53
"""The largest label that is a number: beyond, a float does not tell it from the next."""

MOST_NAMES = 12
"""Labels that a note lists."""


@dataclass(frozen=True, eq=False)
class Labels:
    """y, (lines,) int64 or float64, the words of the classes if they are words, and what to say."""

    y: NDArray[Any]
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def classes_of(
    words: tuple[str, ...], codes: NDArray[np.int32], column: str, header: bool, decimal: str = "."
) -> Labels:
    """Return the classes that the words of a label column are.

    words: every word once; codes: (lines,) the word of each line

    Words are numbered in their order. Whole numbers that are 0, 1, 2 ... stay; others, such as 1
    to 6, or -1 and 1, are numbered by their value and keep it as their name.
    Raises ValueError for a single class, for fractions, and for hardly any label twice.
    """
    counts = np.bincount(codes, minlength=len(words))
    if len(words) == 1:
        raise ValueError(
            f"every label is {words[0]!r} (column {column}); needs at least two classes; --label "
            "names another column"
        )
    if 2 * len(words) > len(codes) > FEW:
        raise ValueError(
            f"the labels (column {column}) are {len(words):,} different ones in {len(codes):,} "
            "lines; --label names another column"
        )
    if all(is_number(word, decimal) for word in words):
        return _numbers(words, codes, column, decimal)
    first = words[codes[0]]
    if not header and counts[codes[0]] == 1 and len(codes) > FEW:
        raise ValueError(
            f"the first line has the label {first!r}, which no other line has; if it is a header, "
            "give every column a name that is no number; if it is a sample, leave it out"
        )
    return _words(words, codes)


def _words(words: tuple[str, ...], codes: NDArray[np.int32]) -> Labels:
    """Return the classes of words, in the order of the alphabet."""
    classes = tuple(sorted(words))
    place = {word: i for i, word in enumerate(classes)}
    y = np.array([place[word] for word in words], np.int64)[codes]
    alike = repeated(classes)
    if alike is None:
        return Labels(y, classes)
    warning = f"the classes {alike[0]!r} and {alike[1]!r} differ in nothing but capitals"
    return Labels(y, classes, warnings=(warning,))


def _numbers(words: tuple[str, ...], codes: NDArray[np.int32], column: str, decimal: str) -> Labels:
    """Return the classes of numbers."""
    values = np.array([float(word.replace(decimal, ".")) for word in words])
    if (values != np.rint(values)).any():
        wrong = words[int(np.argmax(values != np.rint(values)))]
        raise ValueError(
            f"y: holds fractions, such as {wrong} (column {column}); labels are words or whole "
            "numbers; --label names another column"
        )
    if np.abs(values).max() > LARGEST:
        wrong = words[int(np.abs(values).argmax())]
        raise ValueError(
            f"y: holds {wrong} (column {column}); labels are words, or whole numbers to "
            f"{LARGEST:,}; --label names another column"
        )
    known, place = np.unique(values.astype(np.int64), return_inverse=True)
    if len(known) == 1:
        raise ValueError(
            f"every label is {words[0]!r} (column {column}); needs at least two classes"
        )
    names = tuple(map(str, known.tolist()))
    if names == tuple(map(str, range(len(names)))):
        return Labels(place[codes].astype(np.int64))
    shown = ", ".join(names[:MOST_NAMES]) + (" ..." if len(names) > MOST_NAMES else "")
    note = f"labels: {shown} are the names of the classes 0 to {len(names) - 1}"
    return Labels(place[codes].astype(np.int64), names, (note,))
