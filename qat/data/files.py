"""Data sets from files of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from qat.data.arrays import read_arrays
from qat.data.checks import checked_labels, checked_samples
from qat.data.dataset import UNKNOWN, Dataset
from qat.data.formats import EVENTS, FORMATS, HEARD, format_of, read_format, refuse_unused
from qat.data.formats.found import Found
from qat.data.formats.soundlist import is_sound_list, recordings_in
from qat.data.formats.sounds import windows_of
from qat.data.heard import from_sound, spectrum_of
from qat.data.own import from_arrays
from qat.data.pictures import flat, told
from qat.data.reading import NoColumnError, Progress, Reading
from qat.data.recordings import TESTS, VALIDATE, by_recordings, divide_by, from_recording
from qat.data.tables.csvfile import csv_table
from qat.data.tables.numerals import is_missing
from qat.data.tables.parquet import parquet_table
from qat.data.tables.table import Table
from qat.machine.bounded import open_regular, require_regular
from qat.model import did_you_mean
from qat.model.foreign import foreign

Parts = dict[str, Any]

ARRAYS = ("x", "y", "x_test", "y_test")
"""The arrays of an .npz file."""

TABLES = {
    ".csv": csv_table,
    ".tsv": csv_table,
    ".txt": csv_table,
    ".parquet": parquet_table,
}
"""What reads a table, by the end of the file's name in small letters."""

MANY = 2**22
"""Values whose scaling takes a second or more."""

KINDS = f".npz, {', '.join(TABLES)} file; {'; '.join(form.name for form in FORMATS)}"


def is_file_of_data(path: Path) -> bool:
    """Return True if the name is one of a data file, or the path is of a known format."""
    named = path.suffix.lower() in (".npz", *TABLES) or "-ubyte" in path.name
    return named or format_of(path) is not None


def from_file(path: Path, seed: int, how: Reading, progress: Progress | None = None) -> Dataset:
    """Return the data set of a file; ValueError for a file that is missing, damaged or unfit."""
    about: Parts = {"seed": seed, "name": path.name.split(".")[0], "source": path.name}
    about |= {"unit": how.unit}
    suffix = path.suffix.lower()
    try:
        if is_sound_list(path) and how.spectrum is not None:
            return _from_found(windows_of(recordings_in(path, how), how), how, about)
        if suffix in TABLES:
            table = table_of(path, how, progress)
            if progress is not None and table.x.size > MANY:
                progress(f"scaling {table.x.size:,} values", True)
            return _from_table(table, how, about)
        if suffix == ".npz":
            data = replace(_from_npz(path, how, about), reading=how)
        else:
            data = _from_found(found_in(path, how), how, about)
        return replace(data, warnings=(*_unused(how, path), *data.warnings))
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error})") from None


def _unused(how: Reading, path: Path) -> tuple[str, ...]:
    """Return a warning for what was asked of a file that has no columns."""
    asked = [name for name in ("label", "ignore") if getattr(how, name)]
    what = " and ".join(asked)
    return (f"{what}: without effect, {path.name} is no table of columns",) if asked else ()


def _from_table(table: Table, how: Reading, about: Parts) -> Dataset:
    about |= {"class_names": table.classes, "channel_names": table.names}
    data = _of_lines(table.x, table.y, table.by, how, about)
    warnings = (*table.warnings, *data.warnings)
    return replace(data, notes=table.notes, warnings=warnings, reading=settled(how, table))


def settled(how: Reading, table: Table) -> Reading:
    """Return how a table was read, with everything that was found."""
    return replace(
        how,
        label=table.label,
        ignore=table.ignored,
        separator=table.separator,
        decimal=table.decimal,
        encoding=table.encoding,
    )


def is_table(path: Path) -> bool:
    """Return True for a file of lines and columns, by its name."""
    return path.suffix.lower() in TABLES


def table_of(path: Path, how: Reading, progress: Progress | None = None) -> Table:
    """Return what a file of lines and columns holds."""
    require_regular(path)
    refuse_unused(how, (*EVENTS, *HEARD), (), "a table")
    return TABLES[path.suffix.lower()](path, how, progress)


def arrays_of(path: Path, how: Reading) -> tuple[Parts, tuple[str, ...], tuple[str, ...]]:
    """Return (the arrays of what is no table, words for its classes, what is to be said of it).

    x, y, and where they are there x_test and y_test, validates, runs, and by. Raises ValueError
    for windows or recordings of a file that has none.
    """
    if path.suffix.lower() != ".npz":
        found = found_in(path, how)
        return dict(found.arrays), found.classes, (*found.notes, *found.warnings)
    arrays = _npz(path, how)
    known: Parts = {key: arrays[key] for key in ARRAYS if key in arrays}
    if how.by is None:
        return known, (), ()
    if how.by not in arrays:
        known_names, near = ", ".join(arrays), did_you_mean(how.by, arrays)
        raise NoColumnError(how.by, f"has no array {how.by!r}; it holds {known_names}{near}")
    return {**known, "by": arrays[how.by]}, (), ()


def found_in(path: Path, how: Reading) -> Found:
    """Return what a file or folder of one of the formats holds."""
    form = format_of(path)
    if form is None:
        require_regular(path)
        raise ValueError(foreign(path) or f"is of no known kind; use a {KINDS}")
    if not path.is_dir():
        require_regular(path)
    return read_format(form, path, how)


def _from_found(found: Found, how: Reading, about: Parts) -> Dataset:
    """Return the data set of what a format's reader found."""
    how = replace(how, **found.settled)
    arrays: Parts = dict(found.arrays)
    if how.spectrum is not None:
        return _from_sound(found, how, about)
    by = arrays.pop("by", None)
    about |= {"class_names": found.classes, "channel_names": found.channels}
    if found.lines or by is not None:
        alone = how if found.lines else replace(how, window=None, hop=None, group=None)
        lines = {"runs": arrays["runs"]} if "runs" in arrays else {}
        data = _of_lines(arrays["x"], arrays["y"], by, alone, about | lines)
    else:
        bytes_ = arrays["x"].dtype == np.uint8
        data = from_arrays(**arrays, each_feature=not bytes_, **about)
    return replace(
        data,
        notes=found.notes,
        warnings=(*found.warnings, *data.warnings),
        grid=found.grid,
        reading=how,
    )


def _from_sound(found: Found, how: Reading, about: Parts) -> Dataset:
    """Return the data set of windows of sound."""
    assert how.spectrum is not None
    named = {key: about[key] for key in ("name", "source")}
    named |= {"licence": UNKNOWN, "class_names": found.classes}
    spectrum = spectrum_of(how.spectrum, int(how.rate or 0))
    data = from_sound(found.arrays, spectrum, how, about["seed"], **named)
    return replace(data, notes=found.notes, warnings=found.warnings, reading=how)


def _from_npz(path: Path, how: Reading, about: Parts) -> Dataset:
    arrays, _, _ = arrays_of(path, how)
    about |= {"class_names": _numbered(arrays)}
    by = arrays.pop("by", None)
    if how.window is None and by is None:
        data = from_arrays(**arrays, **about)
    else:
        _without_test(arrays)
        data = _of_lines(arrays["x"], arrays["y"], by, how, about)
    return replace(data, notes=(*told(arrays["x"]), *data.notes))


def _numbered(arrays: Parts) -> tuple[str, ...]:
    """Put numbers in place of labels that are words, and return the words, none for numbers."""
    if arrays["y"].dtype.kind != "U":
        return ()
    words, arrays["y"] = np.unique(np.char.strip(arrays["y"]), return_inverse=True)
    if any(map(is_missing, words.ravel().tolist())):
        raise ValueError("y: a label is missing; leave its sample out")
    if "y_test" in arrays:
        test = np.char.strip(arrays["y_test"].astype(np.str_))
        unknown = np.setdiff1d(test, words)
        if len(unknown):
            raise ValueError(f"y_test: holds {str(unknown[0])!r}, which y does not hold")
        arrays["y_test"] = np.searchsorted(words, test)
    return tuple(words.tolist())


def _without_test(arrays: Parts) -> None:
    """Refuse a test part that a division into windows or recordings would leave out."""
    found = [key for key in ("x_test", "y_test") if key in arrays]
    if found:
        raise ValueError(
            f"holds {' and '.join(found)}, which go with samples that stand alone; without them "
            "the windows or recordings of x are divided"
        )


def _of_lines(x: Any, y: Any, by: Any, how: Reading, about: Parts) -> Dataset:
    """Return the data set of lines: windows of them, or each for itself."""
    if by is not None and np.shape(by) != np.shape(x)[:1]:
        raise ValueError(f"by: found shape {np.shape(by)}; needs one name for each line of x")
    if how.window is not None:
        return from_recording(x, y, how.window, how.hop, how.group or 1, by=by, **about)
    about |= {"each_feature": True}
    if by is None:
        return from_arrays(x, y, **about)
    x = np.asarray(x)
    vectors, grid = flat("x", x)
    checked_samples("x", vectors)
    about["each_feature"] = grid is None  # the values of a picture share one scale
    labels = checked_labels("y", y, len(x))
    parts = divide_by(np.asarray(by), labels, about["seed"])
    held_out = parts == TESTS
    validates = parts[~held_out] == VALIDATE
    pairs = (x[~held_out], y[~held_out], x[held_out], y[held_out])
    data = from_arrays(*pairs, validates=validates, **about)
    return data.divided_by(by_recordings(np.asarray(by), parts, about["seed"]))


def _npz(path: Path, how: Reading) -> Parts:
    require_regular(path)
    refuse_unused(how, (*EVENTS, *HEARD), (), "an .npz file")
    with open_regular(path) as file:
        try:
            arrays = read_arrays(file, "an archive")
        except ValueError as error:
            raise ValueError(f"is not an .npz file of plain arrays ({error})") from None
    missing = [key for key in ("x", "y") if key not in arrays and (how.labelled or key == "x")]
    if missing:
        raise ValueError(
            f"has no {' and no '.join(missing)} (it holds {', '.join(arrays) or 'nothing'}); "
            "must hold x and y, and may hold x_test and y_test"
        )
    return arrays
