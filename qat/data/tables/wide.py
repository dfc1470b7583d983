"""Tables with too many columns for DuckDB: their cells, read by the csv module."""

from __future__ import annotations

from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.data.tables.columns import Columns
from qat.data.tables.dialect import Dialect, Record, records
from qat.data.tables.numerals import is_number

NO_LABEL = "0"
"""What stands for the label of a file that has none."""

WIDEST = 1000
"""Columns up to which DuckDB reads a table: its time for a query grows with their square."""


class Found(NamedTuple):
    """x, (lines, features) float64, NaN for what is no number; words of the labels and recordings.

    more: (lines,) what stands behind the last column, or None
    """

    x: NDArray[np.float64]
    label: list[str]
    by: list[str] | None
    more: NDArray[np.bool_] | None


def cells_of(text: str, line: int, dialect: Dialect, columns: Columns) -> Found:
    """Return the cells of a text whose first line has this number in the file.

    Raises ValueError for a line of another length than the first sample has.
    """
    x, label, by, more = [], [], [], []
    for record in records(text, dialect.separator, line):
        check_width(record, dialect)
        cells = record.cells
        x.append(_numbers([cells[i] for i in columns.features], dialect.decimal))
        label.append(NO_LABEL if columns.label is None else cells[columns.label])
        if columns.by is not None:
            by.append(cells[columns.by])
        more.append(dialect.trailing and bool(cells[-1].strip()))
    return Found(
        np.array(x).reshape(len(x), len(columns.features)),
        label,
        None if columns.by is None else by,
        np.array(more) if dialect.trailing else None,
    )


def check_width(record: Record, dialect: Dialect) -> None:
    """Raise ValueError for a line that has not as many cells as the others."""
    width = dialect.width + dialect.trailing
    if len(record.cells) != width:
        raise ValueError(
            f"line {record.line} has {len(record.cells)} cells, line {dialect.first} has {width}"
        )


def _numbers(cells: list[str], decimal: str) -> NDArray[np.float64]:
    """Return numbers, NaN for what is none. Python's own rules allow more: 1_5, other digits."""
    whole = "".join(cells)
    if decimal == "." and whole.isascii() and "_" not in whole:
        try:
            return np.array(cells, np.float64)
        except ValueError:
            pass
    values = [float(c.replace(decimal, ".")) if is_number(c, decimal) else nan for c in cells]
    return np.array(values, np.float64)
