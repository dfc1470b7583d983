"""Readers of data files: bytes or text in, arrays out; ValueError for what is no such file."""

from __future__ import annotations

import csv
import gzip
import io
import pickle
import re
import zlib
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from qat.memory import BYTES_PER_INPUT, require
from qat.model.archive import in_order
from qat.model.checks import plain
from qat.table import NoColumnError, Table

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""Element types of an IDX file by their code."""

MAX_DIMENSIONS = 32
"""Of an array in NumPy."""

PIECE = 2**20
"""Bytes that are unpacked at a time."""


# ------------------------------------------------------------------------ IDX


def idx(content: bytes) -> NDArray[Any]:
    """Return the array of an IDX file, gzip or plain, as the MNIST files are.

    Two zero bytes, a type code, the number of dimensions, each dimension as big-endian uint32,
    then the elements.
    """
    zipped = content[:2] == b"\x1f\x8b"
    stream: Any = gzip.GzipFile(fileobj=io.BytesIO(content)) if zipped else io.BytesIO(content)
    try:
        return _idx(stream)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"is not a whole .gz file ({error})") from None


def _idx(stream: BinaryIO) -> NDArray[Any]:
    """Return the array of a plain IDX file; no more is read than its header says."""
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in IDX_TYPES:
        raise ValueError("is not an IDX file")
    dtype, dimensions = np.dtype(IDX_TYPES[head[2]]), head[3]
    sizes = stream.read(4 * dimensions)
    if not 1 <= dimensions <= MAX_DIMENSIONS or len(sizes) != 4 * dimensions:
        raise ValueError(f"is a damaged IDX file (it should have {dimensions} dimensions)")
    shape = [int(n) for n in np.frombuffer(sizes, ">u4")]
    require(f"{prod(shape):,} values", BYTES_PER_INPUT * prod(shape), "divide the file")
    size = prod(shape) * dtype.itemsize
    body = _at_most(stream, size + 1)
    if len(body) != size:
        raise ValueError(f"is a damaged IDX file (it should hold {shape})")
    return np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _at_most(stream: BinaryIO, size: int) -> bytes:
    """Read `size` bytes, or what there is; memory is taken for what comes only."""
    pieces = []
    while size > 0 and (piece := stream.read(min(size, PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


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


def csv_table(  # noqa: PLR0917  # each is a field of Reading
    path: Path,
    label: str | None,
    by: str | None = None,
    ignore: Sequence[str] = (),
    channels: Sequence[str] = (),
    labelled: bool = True,
) -> Table:
    """Return what a CSV file holds.

    A first line that is not all numbers is a header, if the second is of numbers. The label is
    the column `label`: "first", "last" or a name of the header; None takes the column named
    label, class, target or y, else the last one. Neither it nor `by`, which names recordings, nor
    the columns to `ignore` are features. channels: the features by name, in this order, and no
    others; labelled: False for a file that may lack the label column, labels then are -1.

    Raises ValueError for lines of different lengths, and for empty or wrong cells, which it names.
    """
    lines = _lines(path)
    header = _header(lines)
    rows, first = (lines[1:], 2) if header else (lines, 1)
    width = len(lines[0])
    named = labelled or label in (header or ()) or label in ENDS
    column = _label_column(label, header, width) if named else None
    apart = None if by is None else _named_column("by", by, header)
    others = {_named_column("ignore", name, header) for name in ignore}
    kept = [i for i in range(width) if i not in {column, apart, *others}]
    if channels:
        kept = [_named_column("channel", name, header) for name in channels]
    if not kept:
        raise ValueError("has no feature left beside its label")
    titles = [header[i] for i in kept] if header else None
    cells = [[row[i] for i in kept] for row in rows]
    x = np.array([_numbers(row, first + i, titles) for i, row in enumerate(cells)])
    y: NDArray[Any] = np.full(len(rows), -1.0)
    classes: tuple[str, ...] = ()
    if column is not None:
        y, classes = _classes([row[column].strip() for row in rows])
    names = None if apart is None else np.array([row[apart].strip() for row in rows])
    left = sorted(set(range(width)) - {*kept, column, apart})
    return Table(
        x.reshape(len(rows), len(kept)),
        y,
        classes,
        names,
        tuple(titles or ()),
        tuple(header or ()),
        _title(header, width - 1 if column is None else column % width),
        tuple(_title(header, i) for i in left),
    )


def _title(header: list[str] | None, column: int) -> str:
    """Return the name of a column, its number from 1 without a header."""
    return header[column] if header else str(column + 1)


def _lines(path: Path) -> list[list[str]]:
    """Return the lines of a CSV file as cells; ValueError if their numbers differ."""
    text = path.read_text(encoding="utf-8-sig")
    require("reading it", BYTES_PER_CELL * text.count(","), "give fewer lines or columns")
    try:
        lines = [row for row in csv.reader(io.StringIO(text)) if row]
    except csv.Error as error:
        raise ValueError(f"is not a .csv file ({error})") from None
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
    if label.isdecimal() and 1 <= int(label) <= columns:
        return int(label) - 1
    known = f"the columns {', '.join(header)}" if header else "a file without header: first or last"
    raise ValueError(f"has no label column {label!r}; it has {known}")


def _named_column(what: str, name: str, header: list[str] | None) -> int:
    """Return the column of a name; ValueError if the header has none such."""
    if header and name in header:
        return header.index(name)
    known = f"it has the columns {', '.join(header)}" if header else "the file has no header"
    raise NoColumnError(name, f"has no column {name!r} ({what}); {known}")


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
    named = [line.split()[2:] for line in header if line.lower().startswith("@classlabel")]
    if not named:
        raise ValueError("is no .ts file of classes: it has no line @classLabel")
    classes = named[0]
    rows = [line.split(":") for line in lines if line and line[0] not in "@#"]
    x = np.array([[channel.split(",") for channel in row[:-1]] for row in rows], np.float64)
    if x.ndim != 3:
        raise ValueError("is a damaged .ts file: its samples are no channels of values")
    y = np.array([classes.index(row[-1].strip()) for row in rows])
    return x.transpose(0, 2, 1), y, tuple(classes)


# --------------------------------------------------------------------- pickles


class _Dtype:
    """Stands for a NumPy dtype while a pickle is read."""

    def __init__(self, text: object, *_: object) -> None:
        if not isinstance(text, str) or not re.fullmatch(r"[biufOSU]\d{1,6}", text):
            raise ValueError(f"holds an array of {text!r}; only plain types are admitted")
        self.text, self.order = text, "="

    def __setstate__(self, state: Any) -> None:
        self.order = {"<": "<", ">": ">", "|": "|"}.get(state[1], "=")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type itself."""
        return np.dtype(self.order + self.text)


class _Array:
    """Stands for a NumPy array while a pickle is read: nothing of NumPy sees its state as it is."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        self.state = tuple(state)

    def array(self, made: Callable[[Any], Any]) -> NDArray[Any]:
        """Return the array; `made` makes what an array of objects holds."""
        _, shape, kind, fortran, content = self.state
        if kind.text[0] != "O":
            return in_order(np.frombuffer(content, kind.dtype), shape, fortran)
        values = np.empty(len(content), object)
        for i, value in enumerate(content):
            values[i] = made(value)
        return values.reshape(shape)


class _Arrays(pickle._Unpickler):
    """Rebuilds plain values and what stands for arrays, and nothing else.

    The one in Python, whose memory is bounded by the content.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ADMITTED:
            return _ADMITTED[module, name]
        raise ValueError(f"holds {module}.{name}; only NumPy arrays are admitted")


def _bytes_of(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"holds text in {encoding!r}; only latin1 is admitted")
    return text.encode("latin1")


def _reconstruct(*_: object) -> _Array:
    return _Array()


_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _bytes_of,
}


def _made(value: Any, known: dict[int, Any]) -> Any:
    """Return a value with arrays in place of what stands for them; known: what was made, by id."""
    if id(value) in known or not isinstance(value, dict | list | tuple | _Array):
        return known.get(id(value), value)
    made: Any
    if isinstance(value, _Array):
        made = value.array(lambda inner: _made(inner, known))
    elif isinstance(value, dict):
        made = {key: _made(inner, known) for key, inner in value.items()}
    else:
        made = type(value)(_made(inner, known) for inner in value)
    known[id(value)] = made
    return made


def pickled(content: bytes) -> Any:
    """Return the object of a pickled .npy file whose contents are NumPy arrays and plain values.

    Raises ValueError for anything else in it; nothing of that is imported or called.
    """
    file = io.BytesIO(content)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("it is no .npy file of version 1.0")
        np.lib.format.read_array_header_1_0(file)
        array = _made(_Arrays(file).load(), {})
    except Exception as error:  # a pickle is a program: any kind of error may come of it
        raise ValueError(f"is a damaged pickle ({plain(error)})") from None
    return array.item() if isinstance(array, np.ndarray) and array.ndim == 0 else array
