"""A table of samples and labels, as a file held it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class NoColumnError(ValueError):
    """A file has no column of this name."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


@dataclass(frozen=True, eq=False)
class Table:
    """What a .csv or .parquet file holds, and how it was read.

    x:         (lines, features) float64
    y:         (lines,) labels: whole numbers from 0 where the classes are words, else float64
    classes:   their words, or none
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
