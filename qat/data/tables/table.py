"""A table of samples and labels, as a file held it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.tables.columns import Columns
from qat.data.tables.labels import Labels, classes_of
from qat.data.tables.numerals import is_number


@dataclass(frozen=True, eq=False)
class Table:
    """What a .csv or .parquet file holds, and how it was read.

    x:         (lines, features) float64, or the least integers that hold the same
    y:         (lines,) int64, the classes from 0
    classes:   their names, or none where the labels were 0, 1, 2 ... themselves; of a file that
               is read for a model, the words as they stand there, in any order
    by:        (lines,) words of the column that names recordings, or None
    names:     of the features, or none where the file has no header
    columns:   all names of the header, in the order of the file; none without a header
    label:     the label column, as `Reading.label` takes it: its name, else its number from 1
    ignored:   the columns that were left out
    separator, decimal, encoding: of the text, as `Reading` takes them; None for .parquet
    notes:     what was found or guessed, a line each
    warnings:  what is probably not meant, a line each
    """

    x: NDArray[np.float64]
    y: NDArray[Any]
    classes: tuple[str, ...]
    by: NDArray[np.str_] | None
    names: tuple[str, ...]
    columns: tuple[str, ...] = ()
    label: str = "last"
    ignored: tuple[str, ...] = ()
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def assembled(
    x: NDArray[Any],
    words: tuple[str, ...],
    codes: NDArray[np.int32],
    by: NDArray[np.str_] | None,
    columns: Columns,
    *,
    decimal: str = ".",
) -> Table:
    """Return a table of what was read; words: of the labels, which codes of (lines,) count.

    Raises ValueError for labels that are no classes.
    """
    called = tuple(columns.called(i) for i in columns.features)
    labels = _labels(words, codes, columns, decimal)
    growth = growing(x, called, by) if columns.training else []
    return Table(
        x,
        labels.y,
        labels.classes,
        by,
        called if columns.names else (),
        columns.names,
        columns.called(columns.label),
        tuple(columns.called(i) for i in columns.ignored),
        notes=(*columns.notes, *labels.notes),
        warnings=(*columns.warnings, *labels.warnings, *growth),
    )


def _labels(
    words: tuple[str, ...], codes: NDArray[np.int32], columns: Columns, decimal: str
) -> Labels:
    """Return the classes, or, for a model that knows its own, words as they are; -1 for none."""
    if columns.label is None:
        return Labels(np.full(len(codes), -1, np.int64))
    if columns.training:
        shown = columns.shown(columns.label)
        return classes_of(words, codes, shown, bool(columns.names), decimal)
    plain = (w.replace(decimal, ".") if is_number(w, decimal) else w for w in words)
    return Labels(codes.astype(np.int64), tuple(plain))


GROWTH = 10
"""Steps one way, and never one the other, that make a column one that grows or falls."""


def growing(x: NDArray[Any], names: Sequence[str], by: NDArray[np.str_] | None) -> list[str]:
    """Return a warning for every column of (lines, features) that grows or falls line by line.

    A time stamp or a counter does; it may begin anew with every recording.
    """
    same = np.ones(max(0, len(x) - 1), np.bool_) if by is None else by[1:] == by[:-1]
    if same.sum() < GROWTH:
        return []
    return [
        f"the column {names[i]} {way} with every line, as a time or a counter does, and is an "
        f"input; --ignore {names[i]} leaves it out"
        for i in range(x.shape[1])
        if (way := _way(x[:, i], same))
    ]


def _way(column: NDArray[Any], same: NDArray[np.bool_]) -> str:
    """Return "grows", "falls", or "" for a column that does neither."""
    before, after = column[:-1], column[1:]
    ups, downs = int(((after > before) & same).sum()), int(((after < before) & same).sum())
    if _one_way(ups, downs, same):
        return "grows"
    return "falls" if _one_way(downs, ups, same) else ""


def _one_way(ups: int, downs: int, same: NDArray[np.bool_]) -> bool:
    steadily = not downs and ups >= GROWTH
    return steadily or (ups > 0.9 * same.sum() and downs <= 0.02 * same.sum())
