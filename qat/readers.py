"""Readers of data files: bytes or text in, arrays out; ValueError for what is no such file."""

from __future__ import annotations

import csv
import gzip
import io
import pickle
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.memory import require

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""Element types of an IDX file by their code."""


# ------------------------------------------------------------------------ IDX


def idx(content: bytes) -> NDArray[Any]:
    """Return the array of an IDX file, gzip or plain, as the MNIST files are.

    Two zero bytes, a type code, the number of dimensions, each dimension as big-endian uint32,
    then the elements.
    """
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"is not a whole .gz file ({error})") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise ValueError("is not an IDX file")
    dtype, start = np.dtype(IDX_TYPES[content[2]]), 4 + 4 * content[3]
    shape = [int(n) for n in np.frombuffer(content[4:start], ">u4")]
    if len(shape) != content[3] or len(content) != start + prod(shape) * dtype.itemsize:
        raise ValueError(f"is a damaged IDX file (it should hold {shape})")
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def idx_pair(path: Path) -> dict[str, NDArray[Any]]:
    """Return x and y of the images file `path`, and of its test twin if that lies beside it.

    Names are those of MNIST: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-...
    """
    if "images" not in path.name:
        raise ValueError("an IDX data set is given by its images file, train-images-idx3-ubyte")
    found = {}
    for suffix, part in (("", "train"), ("_test", "t10k")):
        images = path.with_name(path.name.replace("train", part))
        labels = images.with_name(images.name.replace("images-idx3", "labels-idx1"))
        if suffix and (images == path or not images.exists()):
            continue
        x = idx(images.read_bytes())
        found[f"x{suffix}"] = x.reshape(len(x), -1)
        if not labels.exists():
            raise ValueError(f"its labels, {labels.name}, are not beside it")
        found[f"y{suffix}"] = idx(labels.read_bytes())
    return found


# ------------------------------------------------------------------------ CSV

BYTES_PER_CELL = 120
"""Memory that a cell takes while a CSV file is read: its text, twice in lists, and its number."""


class Table(NamedTuple):
    """What a CSV file holds.

    x:       (lines, features) float64
    y:       (lines,) labels, whole numbers from 0 where the classes are words
    classes: their words, or none
    by:      (lines,) words of the column that names recordings, or None
    names:   of the features, or none
    """

    x: NDArray[np.float64]
    y: NDArray[Any]
    classes: tuple[str, ...]
    by: NDArray[np.str_] | None
    names: tuple[str, ...]


def csv_table(
    path: Path, label: str | None, by: str | None = None, ignore: Sequence[str] = ()
) -> Table:
    """Return what a CSV file holds.

    A first line that is not all numbers is a header, if the second is of numbers. The label is
    the column `label`: "first", "last" or a name of the header; None takes the column named
    label, class, target or y, else the last one. Neither it nor `by`, which names recordings, nor
    the columns to `ignore` are features.

    Raises ValueError for lines of different lengths, and for empty or wrong cells, which it names.
    """
    lines = _lines(path)
    header = _header(lines)
    rows, first = (lines[1:], 2) if header else (lines, 1)
    column, width = _label_column(label, header, len(lines[0])), len(lines[0])
    apart = None if by is None else _named_column("by", by, header)
    others = {_named_column("ignore", name, header) for name in ignore}
    kept = [i for i in range(width) if i not in {column, apart, *others}]
    if not kept:
        raise ValueError("has no feature left beside its label")
    titles = [header[i] for i in kept] if header else None
    cells = [[row[i] for i in kept] for row in rows]
    x = np.array([_numbers(row, first + i, titles) for i, row in enumerate(cells)])
    y, classes = _classes([row[column].strip() for row in rows])
    names = None if apart is None else np.array([row[apart].strip() for row in rows])
    return Table(x.reshape(len(rows), len(kept)), y, classes, names, tuple(titles or ()))


def _lines(path: Path) -> list[list[str]]:
    """Return the lines of a CSV file as cells; ValueError if their numbers differ."""
    text = path.read_text(encoding="utf-8-sig")
    require("reading it", BYTES_PER_CELL * text.count(","), "give fewer lines or columns")
    lines = [row for row in csv.reader(io.StringIO(text)) if row]
    if not lines:
        raise ValueError("is empty")
    for i, row in enumerate(lines):
        if len(row) != len(lines[0]):
            raise ValueError(f"line {1 + i} has {len(row)} cells, line 1 has {len(lines[0])}")
    return lines


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _header(lines: list[list[str]]) -> list[str] | None:
    """Return the first line if it is a header: where a number stands below, it holds a word."""
    second = lines[1] if len(lines) > 1 else []
    pairs = zip(lines[0], second, strict=False)
    if any(_is_number(below) and cell.strip() and not _is_number(cell) for cell, below in pairs):
        return [cell.strip() for cell in lines[0]]
    return None


def _label_column(label: str | None, header: list[str] | None, columns: int) -> int:
    usual = [i for i, name in enumerate(header or []) if name.lower() in LABELS]
    if label is None:
        return usual[0] if usual else columns - 1
    if header and label in header:
        return header.index(label)
    if label in ENDS:
        return range(columns)[ENDS[label]]
    known = f"the columns {', '.join(header)}" if header else "a file without header: first or last"
    raise ValueError(f"has no label column {label!r}; it has {known}")


def _named_column(what: str, name: str, header: list[str] | None) -> int:
    """Return the column of a name; ValueError if the header has none such."""
    if header and name in header:
        return header.index(name)
    known = f"it has the columns {', '.join(header)}" if header else "the file has no header"
    raise ValueError(f"has no column {name!r} ({what}); {known}")


LABELS = ("label", "class", "target", "y")
"""Names of a label column, whatever their case."""

ENDS = {"first": 0, "last": -1}


def _numbers(cells: Sequence[str], line: int, titles: Sequence[str] | None) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        wrong = next(i for i, cell in enumerate(cells) if not _is_number(cell))
        where = f"feature {titles[wrong] if titles else wrong}"
        found = "is missing" if not cells[wrong].strip() else f"is {cells[wrong]!r}, not a number"
        raise ValueError(f"line {line}: {where} {found}") from None


def _classes(names: list[str]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return labels and the names of classes; numbers stay as they are."""
    if all(map(_is_number, names)):
        return np.array([float(name) for name in names]), ()
    classes = sorted(set(names))
    if "" in classes:
        raise ValueError("a label is missing")
    return np.array([classes.index(name) for name in names]), tuple(classes)


# ------------------------------------------------------------------------- .ts


def ts(content: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[str, ...]]:
    """Return x (samples, steps, channels), y and class names of a .ts file of equal lengths.

    Header lines start with @ or #; a sample is its channels and the label, divided by colons,
    each channel its values, divided by commas.
    """
    lines = content.decode("utf-8").splitlines()
    header = [line for line in lines if line.startswith("@")]
    classes = next(line.split()[2:] for line in header if line.lower().startswith("@classlabel"))
    rows = [line.split(":") for line in lines if line and line[0] not in "@#"]
    x = np.array([[channel.split(",") for channel in row[:-1]] for row in rows], np.float64)
    y = np.array([classes.index(row[-1].strip()) for row in rows])
    return x.transpose(0, 2, 1), y, tuple(classes)


# --------------------------------------------------------------------- pickles


class _Arrays(pickle.Unpickler):
    """Rebuilds NumPy arrays and plain values, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ADMITTED:
            return _ADMITTED[module, name]
        raise ValueError(f"holds {module}.{name}; only NumPy arrays are admitted")


def _bytes_of(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"holds text in {encoding!r}; only latin1 is admitted")
    return text.encode("latin1")


_reconstruct = np.empty(0).__reduce__()[0]

_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _bytes_of,
}


def pickled(content: bytes) -> Any:
    """Return the object of a pickled .npy file whose contents are NumPy arrays and plain values.

    Raises ValueError for anything else in it; nothing of that is imported or called.
    """
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("is not a .npy file of version 1.0")
    np.lib.format.read_array_header_1_0(file)
    try:
        array = _Arrays(file).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, TypeError) as error:
        raise ValueError(f"is a damaged pickle ({error})") from None
    return array.item() if isinstance(array, np.ndarray) and array.ndim == 0 else array
