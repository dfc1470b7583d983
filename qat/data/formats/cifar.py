"""The binary version of CIFAR-10, from a user's own copy: pictures of 32 x 32 x 3 bytes.

A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. A file holds records
of 3,073 bytes: a label from 0 to 9, then the 1,024 bytes of red, of green and of blue, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qat.data.arrays import Arrays
from qat.data.formats.found import Found
from qat.machine.bounded import read_regular
from qat.machine.memory import BYTES_PER_INPUT, require
from qat.model import Shape

SIDE, COLOURS, CLASSES = 32, 3, 10
GRID = Shape(SIDE, SIDE, COLOURS)
RECORD = 1 + GRID.size

TRAINING, TEST, NAMES = "data_batch_*.bin", "test_batch.bin", "batches.meta.txt"
BATCHES = 5
"""Training files of the whole set."""

MOST_RECORDS = 60_000
"""Pictures that a file may hold: those of the whole set."""

MOST_NAMES = 2**16
"""Bytes of the file of the names."""


def is_cifar(path: Path) -> bool:
    """Return True for a folder of the binary version, and for one of its files, by their names."""
    folder = path if path.is_dir() else path.parent
    known = [*_training(folder), folder / TEST]
    return any(one.is_file() for one in known) and (path.is_dir() or path in known)


def cifar(path: Path) -> Found:
    """Return what a folder of the binary version holds, or one of its files.

    A folder, and a training file, bring the test file beside them. Pictures are (n, 3072) uint8 in
    the order (row, column, colour).

    Raises ValueError for a file that does not hold whole records, or a label above 9.
    """
    folder = path if path.is_dir() else path.parent
    training = _training(folder) if path.is_dir() else [path]
    if not training:
        raise ValueError(f"holds no {TRAINING}; give the folder of all files, or {TEST} itself")
    found: Arrays = dict(zip(("x", "y"), _records(training), strict=True))
    notes, warnings = [f"training part: {', '.join(one.name for one in training)}"], []
    test = folder / TEST
    if test.is_file() and test not in training:
        found |= dict(zip(("x_test", "y_test"), _records([test]), strict=True))
        notes.append(f"test part: {TEST}")
    if path.is_dir() and len(training) < BATCHES:
        warnings.append(f"{len(training)} of {BATCHES} training files are there")
    return Found(found, GRID, tuple(notes), tuple(warnings), _names(folder))


def _training(folder: Path) -> list[Path]:
    return sorted(folder.glob(TRAINING))


def _records(paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the pictures and the labels of files, in their order."""
    size = sum(path.stat().st_size for path in paths)
    require(f"{size // RECORD:,} pictures", BYTES_PER_INPUT * size, "give one of the files")
    records = np.concatenate([_file(path) for path in paths])
    planes = records[:, 1:].reshape(-1, COLOURS, SIDE, SIDE)
    pictures = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    return pictures.reshape(len(records), GRID.size), records[:, 0].astype(np.int64)


def _file(path: Path) -> NDArray[np.uint8]:
    """Return the records of a file, (n, 3073)."""
    content = read_regular(path, MOST_RECORDS * (RECORD + 1))
    if not content or len(content) % RECORD:
        other = "; it may be CIFAR-100, which has two labels a picture"
        raise ValueError(
            f"{path.name} has {len(content):,} bytes; CIFAR-10 has {RECORD:,} for each picture"
            + (other if content and len(content) % (RECORD + 1) == 0 else "")
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if records[:, 0].max() >= CLASSES:
        picture = int((records[:, 0] >= CLASSES).argmax())
        raise ValueError(
            f"{path.name}: picture {picture + 1} has label {records[picture, 0]}; CIFAR-10 has "
            f"0 to {CLASSES - 1}"
        )
    return records


def _names(folder: Path) -> tuple[str, ...]:
    """Return the names of the classes, a line each; () where the file does not have all."""
    path = folder / NAMES
    if not path.is_file():
        return ()
    lines = read_regular(path, MOST_NAMES).decode("utf-8", "replace").split()
    return tuple(lines) if len(lines) == CLASSES else ()
