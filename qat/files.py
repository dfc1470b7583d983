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
from qat.recordings import TESTS, VALIDATE, divide_by, from_recording

Parts = dict[str, Any]


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
        pair: Parts = dict(readers.idx_pair(path))
        return from_arrays(**pair, **about)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error})") from None


def _from_csv(path: Path, how: Reading, about: Parts) -> Dataset:
    table = readers.csv_table(path, how.label, how.by, how.ignore)
    about |= {"class_names": table.classes, "channel_names": table.names}
    return _of_lines(table.x, table.y, table.by, how, about)


def _from_npz(path: Path, how: Reading, about: Parts) -> Dataset:
    arrays = _npz(path)
    if how.by is not None and how.by not in arrays:
        raise ValueError(f"has no array {how.by!r}; it holds {', '.join(arrays)}")
    by = None if how.by is None else arrays[how.by]
    if how.window is not None or by is not None:
        return _of_lines(arrays["x"], arrays["y"], by, how, about)
    known = {key: arrays[key] for key in ("x", "y", "x_test", "y_test") if key in arrays}
    return from_arrays(**known, **about)


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
    return replace(data, held_out=tuple(map(str, np.unique(np.asarray(by)[held_out]))))


def _npz(path: Path) -> Parts:
    with path.open("rb") as file:
        try:
            arrays = read_arrays(file, "an archive")
        except ValueError as error:
            raise ValueError(f"is not an .npz file of plain arrays ({error})") from None
    missing = [key for key in ("x", "y") if key not in arrays]
    if missing:
        raise ValueError(
            f"has no {' and no '.join(missing)} (it holds {', '.join(arrays) or 'nothing'}); "
            "must hold x and y, and may hold x_test and y_test"
        )
    return arrays
