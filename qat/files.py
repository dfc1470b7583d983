"""Data sets from files of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from qat import readers
from qat.arrays import read_arrays
from qat.checks import checked_labels, checked_samples
from qat.dataset import Dataset, from_arrays
from qat.reading import Progress, Reading
from qat.recordings import TESTS, VALIDATE, by_recordings, divide_by, from_recording
from qat.table import Table

Parts = dict[str, Any]

ARRAYS = ("x", "y", "x_test", "y_test")
"""Of an .npz file."""


def is_file_of_data(path: Path) -> bool:
    """Return True if the name is one of a data file."""
    return path.suffix in (".npz", ".csv") or "-ubyte" in path.name


def from_file(path: Path, seed: int, how: Reading, progress: Progress | None = None) -> Dataset:
    """Return the data set of a file; ValueError for a file that is missing, damaged or unfit."""
    about: Parts = {"seed": seed, "name": path.name.split(".")[0], "source": path.name}
    about |= {"unit": how.unit}
    try:
        if path.suffix == ".npz":
            return _from_npz(path, how, about)
        if path.suffix == ".csv":
            return _from_csv(path, how, about)
        return replace(from_arrays(**arrays_of(path, how), **about), reading=how)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error})") from None


def is_table(path: Path) -> bool:
    """Return True for a file of lines and columns."""
    return path.suffix.lower() == ".csv"


def table_of(path: Path, how: Reading, progress: Progress | None = None) -> Table:
    """Return what a file with lines and columns holds."""
    return readers.csv_table(path, how.label, how.by, how.ignore, how.channels, how.labelled)


def settled(how: Reading, table: Table) -> Reading:
    """Return how a table was read, with everything that was found."""
    found: Parts = {"label": table.label, "ignore": table.ignored}
    found |= {key: getattr(table, key) for key in ("separator", "decimal", "encoding")}
    return replace(how, **found)


def _from_csv(path: Path, how: Reading, about: Parts) -> Dataset:
    table = table_of(path, how)
    about |= {"class_names": table.classes, "channel_names": table.names}
    data = _of_lines(table.x, table.y, table.by, how, about)
    return replace(data, reading=settled(how, table))


def arrays_of(path: Path, how: Reading) -> Parts:
    """Return x, y and, where they are there, x_test, y_test and by of an .npz or IDX file."""
    if path.suffix != ".npz":
        return dict(readers.idx_pair(path))
    arrays = _npz(path, how.labelled)
    known: Parts = {key: arrays[key] for key in ARRAYS if key in arrays}
    if how.by is None:
        return known
    if how.by not in arrays:
        raise ValueError(f"has no array {how.by!r}; it holds {', '.join(arrays)}")
    return {**known, "by": arrays[how.by]}


def _from_npz(path: Path, how: Reading, about: Parts) -> Dataset:
    known = arrays_of(path, how)
    by = known.pop("by", None)
    if how.window is not None or by is not None:
        data = _of_lines(known["x"], known["y"], by, how, about)
    else:
        data = from_arrays(**known, **about)
    return replace(data, reading=how)


def _of_lines(x: Any, y: Any, by: Any, how: Reading, about: Parts) -> Dataset:
    """Return the data set of lines: windows of them, or each for itself."""
    if by is not None and np.shape(by) != np.shape(x)[:1]:
        raise ValueError(f"by: found shape {np.shape(by)}; needs one name for each line of x")
    if how.window is not None:
        return from_recording(x, y, how.window, how.hop, how.group or 1, by=by, **about)
    about |= {"each_feature": True}
    if by is None:
        return from_arrays(x, y, **about)
    x = checked_samples("x", x)
    labels = checked_labels("y", y, len(x))
    parts = divide_by(np.asarray(by), labels, about["seed"])
    held_out = parts == TESTS
    validates = parts[~held_out] == VALIDATE
    pairs = (x[~held_out], y[~held_out], x[held_out], y[held_out])
    data = from_arrays(*pairs, validates=validates, **about)
    return data.divided_by(by_recordings(np.asarray(by), parts, about["seed"]))


def _npz(path: Path, labelled: bool = True) -> Parts:
    with path.open("rb") as file:
        try:
            arrays = read_arrays(file, "an archive")
        except ValueError as error:
            raise ValueError(f"is not an .npz file of plain arrays ({error})") from None
    missing = [key for key in ("x", "y") if key not in arrays and (labelled or key == "x")]
    if missing:
        raise ValueError(
            f"has no {' and no '.join(missing)} (it holds {', '.join(arrays) or 'nothing'}); "
            "must hold x and y, and may hold x_test and y_test"
        )
    return arrays
