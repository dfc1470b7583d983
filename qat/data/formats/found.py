"""What the reader of a format returns, and what readers of folders share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from qat.data.arrays import Arrays
from qat.model import Shape

MOST_FILES = 300_000
"""Files that a folder of samples may hold."""


class Found(NamedTuple):
    """What a file, or a folder, holds.

    arrays:  x and y, and where they are known x_test and y_test, by (the recording of each sample)
             and validates (those of x that validate)
    grid:    of a sample, None where its values lie on no map
    notes, warnings: what is to be said of it
    classes: words for the classes, or none
    channels: names of the inputs of a vector, or none
    settled: fields of Reading as they were found, so that another file is read in the same way
    lines:   True where x holds samples of a sensor in the order of time, which windows are cut of
    """

    arrays: Arrays
    grid: Shape | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    settled: Mapping[str, Any] = MappingProxyType({})
    lines: bool = False


def files_below(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """Return the files of a folder and its folders that end so, in the order of their names.

    Numbers in a name count as numbers: 2.bin comes before 10.bin. Raises ValueError for more files
    than a data set has.
    """
    wanted, found = tuple(suffixes), []
    for path in folder.rglob("*"):
        if path.suffix.lower() in wanted and path.is_file():
            found.append(path)
        if len(found) > MOST_FILES:
            raise ValueError(f"holds more than {MOST_FILES:,} files; give a part of it")
    return sorted(found, key=lambda path: [_natural(part) for part in path.parts])


def _natural(name: str) -> tuple[int, int, str]:
    stem = name.split(".", maxsplit=1)[0]
    return (0, int(stem), name) if stem.isdecimal() else (1, 0, name)


def folder_of(parts: Iterable[str], folder: Path) -> Path | None:
    """Return the first of the folders that is there, whatever the case of its name."""
    if not folder.is_dir():
        return None
    known = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    return next((known[part] for part in parts if part in known), None)
