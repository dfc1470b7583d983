"""A .csv, .tsv or .txt file as a table; its form is found and told, never assumed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qat.data.reading import Progress, Reading
from qat.data.tables.cells import Cells, Reader, connection, numbered
from qat.data.tables.columns import Columns, settle
from qat.data.tables.dialect import Dialect, find, without_comments
from qat.data.tables.table import Table, assembled
from qat.data.tables.text import HEAD, PIECE, Piece, encoding_of, pieces, size_of
from qat.machine.memory import require

BYTES_PER_CELL = 16
"""Memory that a number takes while a file is read: in its piece, and in the whole."""

BYTES_PER_CHARACTER = 12
"""Memory that a character of the piece that is being read takes."""

PATIENCE = 1.0
"""Seconds until progress is shown."""


def csv_table(path: Path, how: Reading, progress: Progress | None = None) -> Table:
    """Return what a file of text holds.

    What `how` leaves open is found by the rules of the modules `dialect` and `columns`, and said
    in the table's notes. Memory: what is returned, twice, and a piece of the file.

    Raises ValueError, in one line, for what is no such table: with line and column where there
    are such.
    """
    size = size_of(path)
    encoding, certain = (how.encoding, True) if how.encoding else encoding_of(path)
    parts = pieces(path, encoding)
    start = next(parts, None)
    if start is None:
        raise ValueError("is empty")
    dialect = find(_head(start.text), how)
    _claim(start.text, size, dialect)
    columns = settle(dialect.header, dialect.width, how)
    found = _All()
    with tempfile.TemporaryDirectory(prefix="spikemcu-") as folder:
        reader = Reader(Path(folder) / "piece.csv", dialect, columns)
        with connection(reader.file) as base:
            for piece in _shown(_from_first(start, parts, dialect), size, path.name, progress):
                text, comments = without_comments(piece.text)
                found.add(reader.read(base, text, piece.line), len(comments))
    guess = "" if encoding == "utf-8" else f"encoding: {encoding}{'' if certain else ', a guess'}"
    return found.table(dialect, columns, encoding, guess)


def _head(text: str) -> str:
    """Return the first lines of a text, enough of them to find its form."""
    end = HEAD
    for _ in range(20):
        end = text.find("\n", end) + 1
        if not end:
            return text
    while text.count('"', 0, end) % 2 and end:  # within a quoted cell
        end = text.find("\n", end) + 1
    return text[:end] if end else text


def _claim(head: str, size: int, dialect: Dialect) -> None:
    """Refuse a file that would not fit into the memory."""
    head = head[:HEAD]
    share = (head.count(dialect.separator) + head.count("\n")) / len(head)
    needed = BYTES_PER_CELL * share * size + BYTES_PER_CHARACTER * min(size, PIECE)
    require("reading it", needed, "give fewer lines or columns")


def _from_first(start: Piece, others: Iterator[Piece], dialect: Dialect) -> Iterator[Piece]:
    """Yield the pieces without the lines before the first sample."""
    place = 0
    for _ in range(dialect.first - start.line):
        place = start.text.index("\n", place) + 1
    yield Piece(start.text[place:], dialect.first, start.read)
    yield from others


def _shown(
    parts: Iterator[Piece], size: int, name: str, progress: Progress | None
) -> Iterator[Piece]:
    """Yield pieces, and say how much of the file is read once that takes a while."""
    start, said = time.monotonic(), False
    for piece in parts:
        yield piece
        if progress is not None and (said or time.monotonic() - start > PATIENCE):
            said = True
            progress(f"reading {name}: {100 * piece.read // size} %", piece.read >= size)


@dataclass
class _All:
    """What was read so far."""

    x: list[NDArray[np.float64]] = field(default_factory=list)
    labels: list[NDArray[np.int32]] = field(default_factory=list)
    names: list[NDArray[np.int32]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    recordings: dict[str, int] = field(default_factory=dict)
    comments: int = 0

    def add(self, cells: Cells, comments: int) -> None:
        """Take in a piece."""
        self.x.append(cells.x)
        self.labels.append(numbered(cells.label, self.known))
        if cells.by is not None:
            self.names.append(numbered(cells.by, self.recordings))
        self.comments += comments

    def table(self, dialect: Dialect, columns: Columns, encoding: str, guess: str) -> Table:
        """Return all of it."""
        x, codes = np.concatenate(self.x), np.concatenate(self.labels)
        self.x.clear()
        if not len(x):
            raise ValueError("holds a header and no samples")
        by = np.array(list(self.recordings))[np.concatenate(self.names)] if self.names else None
        found = assembled(x, tuple(self.known), codes, by, columns, decimal=dialect.decimal)
        notes = [guess, *dialect.notes, *found.notes]
        if self.comments:
            notes.append(f"{self.comments} comments (# or //) among the samples are left out")
        return replace(
            found,
            separator=dialect.separator,
            decimal=dialect.decimal,
            encoding=encoding,
            notes=tuple(filter(None, notes)),
        )
