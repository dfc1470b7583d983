"""UCI-HAR: six activities by a smartphone at the waist, windows of 128 samples at 50 Hz.

D. Anguita, A. Ghio, L. Oneto, X. Parra and J. L. Reyes-Ortiz, A public domain dataset for human
activity recognition using smartphones, ESANN 2013; CC BY 4.0. The folder "UCI HAR Dataset" holds
train and test: the nine signals in Inertial Signals, a window a line, y_train.txt, and
subject_train.txt.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qat.data.formats.found import Found
from qat.data.reading import Reading
from qat.machine.bounded import open_regular, read_regular
from qat.machine.memory import require

SIGNALS = tuple(
    f"{kind}_{axis}" for kind in ("body_acc", "body_gyro", "total_acc") for axis in "xyz"
)
LABELS = "activity_labels.txt"
RATE = 50.0
WINDOW = 128
USES = ("rate",)

BYTES_PER_CHARACTER = 4
"""Memory that the text of a signal takes while it is read."""

VALIDATES = 0.1
"""About this part of those who train validates: whole subjects, since windows overlap by half."""

MOST_LABELS = 2**20


def is_har(path: Path) -> bool:
    """Return True for the folder of the data set."""
    return path.is_dir() and all((path / part / "Inertial Signals").is_dir() for part in _PARTS)


_PARTS = ("train", "test")


def har(path: Path, how: Reading) -> Found:
    """Return the windows of the folder, float64 (n, 128, 9), in the authors' two parts.

    The last tenth of the subjects who train, by number, validates. Raises ValueError for files
    that are missing, or that do not hold a line for each window.
    """
    words = _words(path / LABELS)
    read = {part: _part(path / part, part) for part in _PARTS}
    (x, y, who), (x_test, y_test, _) = read["train"], read["test"]
    subjects = np.unique(who)
    held = subjects[len(subjects) - max(1, round(VALIDATES * len(subjects))) :]
    arrays = {"x": x, "y": y, "validates": np.isin(who, held), "x_test": x_test, "y_test": y_test}
    notes = (f"subjects who validate: {', '.join(map(str, held))}; the test part is the authors'",)
    if max(y.max(), y_test.max()) >= len(words) or min(y.min(), y_test.min()) < 0:
        raise ValueError(f"{LABELS}: names {len(words)} activities; a label is none of them")
    return Found(arrays, None, notes, classes=words, channels=SIGNALS, settled={"rate": RATE})


def _words(path: Path) -> tuple[str, ...]:
    lines = read_regular(path, MOST_LABELS).decode("utf-8", "replace").split("\n")
    cells = [line.split() for line in lines if line.strip()]
    if not cells or any(len(c) != 2 or c[0] != str(i) for i, c in enumerate(cells, 1)):
        raise ValueError(f"{path.name}: is no list of activities, numbered from 1")
    return tuple(c[1].lower() for c in cells)


def _part(
    folder: Path, part: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return windows, labels from 0 and subjects."""
    y, who = (_whole(folder / f"{name}_{part}.txt") for name in ("y", "subject"))
    signals = [_signal(folder / "Inertial Signals" / f"{s}_{part}.txt", len(y)) for s in SIGNALS]
    if len(who) != len(y):
        raise ValueError(f"subject_{part}.txt: has {len(who)} lines; y_{part}.txt {len(y)}")
    return np.stack(signals, axis=-1), y - 1, who


def _whole(path: Path) -> NDArray[np.int64]:
    words = read_regular(path, MOST_LABELS).split()
    if not words or not all(word.isdigit() for word in words):
        raise ValueError(f"{path.name}: must hold a whole number a line")
    return np.array(words, np.int64)


def _signal(path: Path, lines: int) -> NDArray[np.float64]:
    require(path.name, BYTES_PER_CHARACTER * path.stat().st_size, "give a part of it")
    with open_regular(path) as file:
        try:
            found = np.loadtxt(file, np.float64, ndmin=2)
        except ValueError as error:
            raise ValueError(f"{path.name}: {str(error).splitlines()[0]}") from None
    if found.shape != (lines, WINDOW):
        raise ValueError(f"{path.name}: has shape {found.shape}; needs ({lines}, {WINDOW})")
    return found
