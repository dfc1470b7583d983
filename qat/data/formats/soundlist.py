"""A list of recordings: a .csv with a column of paths, one of labels, and perhaps more."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qat.data.formats.sounds import MOST_LIST, Recording
from qat.data.labelling import listed
from qat.data.reading import LABELS, SEPARATORS, NoColumnError, Reading
from qat.machine.bounded import read_regular
from qat.model import did_you_mean

PATHS = ("path", "file", "filename", "wav")
"""Names of the column of paths, whatever their case."""

PART = "part"
PARTS: Mapping[str, str] = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "validation": "validation", "valid": "validation", "dev": "validation",
}  # fmt: skip
"""Words of a column `part`, and what they say."""


def recordings_in(path: Path, how: Reading) -> list[Recording]:
    """Return the recordings that a list names; paths are relative to its folder.

    The first line names the columns: path, the label (as `how` says, else label, class, activity
    or target, else y), `part` where it says who tests and validates, and the one of `how.by`.

    Raises ValueError, with its line, for what is missing.
    """
    header, rows = _rows(path, how.separator)
    at = {name.lower(): place for place, name in reversed(list(enumerate(header)))}
    paths = _column(at, PATHS, header, "column of paths")
    labels = None
    if how.labelled or how.label is not None or any(name in at for name in (*LABELS, "y")):
        known = (*LABELS, "y") if how.label is None else (how.label.lower(),)
        labels = _column(at, known, header, "column of labels")
    if how.by is not None and how.by.lower() not in at:
        near = did_you_mean(how.by, header)
        raise NoColumnError(
            how.by, f"by: has no column {how.by!r}; it has {', '.join(header)}{near}"
        )
    by, part = (None if name is None else at.get(name.lower()) for name in (how.by, PART))
    found = []
    for number, cells in rows:
        word = "" if part is None else _part(cells[part], number)
        label = None if labels is None else cells[labels]
        if label == "" or not cells[paths]:
            raise ValueError(f"line {number}: lacks {'a label' if label == '' else 'a path'}")
        who = "" if by is None else cells[by]
        file = path.parent / cells[paths]
        if not file.is_file():
            raise ValueError(f"line {number}: {cells[paths]} is not there")
        found.append(Recording(file, cells[paths], label, who, word))
    return found


def is_sound_list(path: Path) -> bool:
    """Return True for a .csv, .tsv or .txt, by its name."""
    return path.suffix.lower() in {".csv", ".tsv", ".txt"}


def events_in(path: Path, words: Sequence[str], rate: int) -> NDArray[np.int64]:
    """Return what a list says is heard in a recording, (events, 3): start, end and class.

    The columns are start and end, in seconds, and label, a word of the classes. Starts and ends are
    returned in samples. Raises ValueError, with its line, for another word and times out of order.
    """
    header, rows = _rows(path, None)
    at = {name.lower(): place for place, name in enumerate(header)}
    places = [_column(at, (name,), header, f"column {name}") for name in ("start", "end", "label")]
    found = []
    for number, row in rows:
        start, end, word = (row[place] for place in places)
        try:
            times = [round(float(value) * rate) for value in (start, end)]
        except (ValueError, OverflowError):
            raise ValueError(
                f"line {number}: {start!r} or {end!r} is no number of seconds"
            ) from None
        if word not in words:
            raise ValueError(f"line {number}: {word!r} is no class; the model has {listed(words)}")
        if not 0 <= times[0] < times[1]:
            raise ValueError(f"line {number}: ends at {end}, not after its start at {start}")
        found.append((*times, words.index(word)))
    return np.array(sorted(found), np.int64).reshape(-1, 3)


def _rows(path: Path, separator: str | None) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns, and (line, cells) of every row that is not empty."""
    text = read_regular(path, MOST_LIST).decode("utf-8-sig", "replace")
    lines = text.splitlines()
    if not lines:
        raise ValueError("is empty; the first line must name the columns, such as path,label")
    rows = list(csv.reader(lines, delimiter=separator or max(SEPARATORS, key=lines[0].count)))
    header, found = [name.strip() for name in rows[0]], []
    for number, row in enumerate(rows[1:], 2):
        if len(row) not in (0, len(header)):
            raise ValueError(f"line {number}: has {len(row)} cells; the first has {len(header)}")
        if row:
            found.append((number, [cell.strip() for cell in row]))
    return header, found


def _column(at: Mapping[str, int], names: Sequence[str], header: Sequence[str], what: str) -> int:
    for name in names:
        if name in at:
            return at[name]
    raise ValueError(f"has no {what}: {' or '.join(names)}; it has {', '.join(header)}")


def _part(word: str, line: int) -> str:
    if word.lower() not in PARTS:
        raise ValueError(f"line {line}: part is {word!r}; must be train, validation or test")
    return PARTS[word.lower()]
