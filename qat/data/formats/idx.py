"""IDX files, the format of MNIST: recognised by their content, whatever their name."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from qat.data.formats.found import Found
from qat.machine.bounded import open_regular
from qat.machine.memory import BYTES_PER_INPUT, require
from qat.model import Shape

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""Element types of an IDX file by their code."""

MAX_DIMENSIONS = 32
"""The most dimensions that an array of NumPy has."""

PIECE = 2**20
"""Bytes that are unpacked at a time."""

GZIP = b"\x1f\x8b"

Read = TypeVar("Read")


def is_idx(path: Path) -> bool:
    """Return True for a file that begins as an IDX file does, plain or packed by gzip."""
    return _shape(path) is not None


def idx(content: bytes) -> NDArray[Any]:
    """Return the array of an IDX file, gzip or plain.

    Two zero bytes, a type code, the number of dimensions, each dimension as big-endian uint32,
    then the elements.
    """
    return _unpacked(io.BytesIO(content), _idx)


def idx_file(path: Path) -> NDArray[Any]:
    """Return the array of an IDX file; no more is read than its header says."""
    with open_regular(path) as file:
        return _unpacked(file, _idx)


def _unpacked(file: BinaryIO, read: Callable[[BinaryIO], Read]) -> Read:
    """Return what `read` makes of a file, which gzip may have packed."""
    zipped = file.read(len(GZIP)) == GZIP
    file.seek(0)
    stream: Any = gzip.GzipFile(fileobj=file) if zipped else file
    try:
        return read(stream)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"is not a whole .gz file ({error})") from None


def _header(stream: BinaryIO) -> tuple[np.dtype[Any], list[int]]:
    """Return the type and the shape of a plain IDX file."""
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in IDX_TYPES:
        raise ValueError("is not an IDX file")
    dtype, dimensions = np.dtype(IDX_TYPES[head[2]]), head[3]
    sizes = stream.read(4 * dimensions)
    if not 1 <= dimensions <= MAX_DIMENSIONS or len(sizes) != 4 * dimensions:
        raise ValueError(f"is a damaged IDX file (it should have {dimensions} dimensions)")
    return dtype, [int(n) for n in np.frombuffer(sizes, ">u4")]


def _idx(stream: BinaryIO) -> NDArray[Any]:
    """Return the array of a plain IDX file; no more is read than its header says."""
    dtype, shape = _header(stream)
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


# ---------------------------------------------------------------------- pairs

TWINS = ("t10k", "test")
"""What the name of a test part has in place of train."""


def idx_pair(path: Path) -> Found:
    """Return what an images file and its labels hold, and the test part if it lies beside them.

    The labels, and the twin of the test, have the name of the images but for the words images and
    train; whether a dash or a dot stands before idx3, and .gz behind, makes no difference. Labels
    of any other name are taken where only one file beside the images can be them.

       Raises ValueError where the labels are not beside the images, and for labels in their place.
    """
    x = idx_file(path)
    if x.ndim == 1:
        raise ValueError(
            "holds a number a sample, as labels do; an IDX data set is given by its images file"
        )
    labels = _labels(path, len(x))
    found, sides = {"x": x.reshape(len(x), -1), "y": idx_file(labels)}, x.shape[1:]
    notes = [f"labels: {labels.name}"]
    test = _twin(path)
    if test is not None:
        x, labels = idx_file(test), _labels(test, None)
        found |= {"x_test": x.reshape(len(x), -1), "y_test": idx_file(labels)}
        notes.append(f"test part: {test.name}, with {labels.name}")
    return Found(found, _grid(sides), tuple(notes), _unused(path))


def _grid(sides: tuple[int, ...]) -> Shape | None:
    """Return the map of (rows, columns), or (rows, columns, channels); None for other sides."""
    if len(sides) not in (2, 3) or 0 in sides:
        return None
    return Shape(*sides, 1) if len(sides) == 2 else Shape(*sides)


def _unused(path: Path) -> tuple[str, ...]:
    """Return a warning if the training part lies beside the test part that was asked for."""
    key = _key(path.name)
    trains = (_beside(path, key.replace(twin, "train")) for twin in TWINS if twin in key)
    other = next((train for train in trains if train is not None), None)
    return () if other is None else (f"{other.name} lies beside it and is not used",)


def _key(name: str) -> str:
    """Return a name without what differs between archives."""
    plain = re.sub(r"[-_.]idx\d+|\.gz$", "", name.lower())
    return re.sub(r"[-_.]+", "-", plain)


def _beside(path: Path, key: str) -> Path | None:
    """Return the file beside another one that has this key; one packed as that is comes first."""
    found = [p for p in sorted(path.parent.iterdir()) if _key(p.name) == key and p.is_file()]
    return min(found, key=lambda p: (p.suffix == ".gz") != (path.suffix == ".gz"), default=None)


def _labels(path: Path, samples: int | None) -> Path:
    """Return the file of the labels; samples: how many they are, None to go by the name only."""
    key = _key(path.name)
    named = _beside(path, key.replace("images", "labels")) if "images" in key else None
    if named is not None:
        return named
    if samples is not None:
        others = sorted(path.parent.iterdir())
        fitting = [other for other in others if _shape(other) == [samples]]
        if len(fitting) == 1:
            return fitting[0]
    wanted = re.sub("idx3", "idx1", re.sub("images", "labels", path.name))
    if wanted == path.name:
        raise ValueError(
            "its labels are not beside it, or more than one file may be them; name the two files "
            "like train-images-idx3-ubyte and train-labels-idx1-ubyte"
        )
    raise ValueError(f"its labels, {wanted}, are not beside it")


def _shape(path: Path) -> list[int] | None:
    """Return the shape that an IDX file says it has, None for another file."""
    try:
        with open_regular(path) as file:
            return _unpacked(file, _header)[1]
    except (OSError, ValueError):
        return None


def _twin(path: Path) -> Path | None:
    """Return the images of the test part beside those of the training part, if there are any."""
    key = _key(path.name)
    if "train" not in key:
        return None
    twins = (_beside(path, key.replace("train", twin)) for twin in TWINS)
    return next((twin for twin in twins if twin is not None), None)
