"""Strokes drawn with a wand or a finger: JSON files of points, a label each.

The layout of Pete Warden's magic wand recorder (magic_wand_digit_data): {"strokes": [{"index": 0,
"strokePoints": [{"x": 0.1, "y": -0.2}, ...], "label": "3"}, ...]}, in one file or several.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.formats.found import Found, files_below
from qat.data.reading import Reading
from qat.machine.bounded import read_regular

POINTS = 32
"""Points of a stroke by default."""

MOST_POINTS = 4096
MOST_BYTES = 2**28
TEST = 0.2
"""The last fifth of every class, in the order in which they were drawn, tests."""

USES = ("bins",)
CHANNELS = ("x", "y")


def is_strokes(path: Path) -> bool:
    """Return True for a .json file, and for a folder that holds such and nothing but."""
    if path.is_dir():
        return any(one.suffix.lower() == ".json" for one in path.iterdir())
    return path.suffix.lower() == ".json"


def strokes(path: Path, how: Reading) -> Found:
    """Return strokes as steps of (x, y), each of `bins` points at equal parts of its time.

    Between two points that were recorded it is a straight line. The last fifth of every class
    tests. x is float64, (n, bins, 2). Raises ValueError for JSON of another layout, strokes
    without points and coordinates that are no numbers.
    """
    points = how.bins or POINTS
    if not 2 <= points <= MOST_POINTS:
        raise ValueError(f"bins: found {points}; a stroke has 2 to {MOST_POINTS:,} points")
    files = files_below(path, (".json",)) if path.is_dir() else [path]
    found = [stroke for file in files for stroke in _read(file)]
    if not found:
        raise ValueError("holds no stroke")
    x = np.stack([resampled(line, points) for line, _ in found])
    classes, y = np.unique([label for _, label in found], return_inverse=True)
    tests = last_of_each(y, TEST)
    arrays = {"x": x[~tests], "y": y[~tests], "x_test": x[tests], "y_test": y[tests]}
    notes = (
        f"strokes: {len(found):,}, each of {points} points at equal parts of its time",
        "test part: the last fifth of every class, in order",
    )
    words = tuple(map(str, classes))
    return Found(arrays, None, notes, classes=words, channels=CHANNELS, settled={"bins": points})


def resampled(line: NDArray[np.float64], points: int) -> NDArray[np.float64]:
    """Return (points, 2) of a line of points, at equal parts of its time."""
    at = np.linspace(0, len(line) - 1, points)
    return np.stack([np.interp(at, np.arange(len(line)), axis) for axis in line.T], axis=1)


def last_of_each(y: NDArray[np.int64], fraction: float) -> NDArray[np.bool_]:
    """Return a mask of the last part of every class, at least one where it has two."""
    picked = np.zeros(len(y), np.bool_)
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        count = max(round(fraction * len(members)), int(len(members) > 1))
        picked[members[len(members) - count :]] = True
    return picked


def _read(path: Path) -> Iterator[tuple[NDArray[np.float64], str]]:
    """Yield the strokes of a file, each with its label."""
    try:
        content = json.loads(read_regular(path, MOST_BYTES))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: is no JSON ({error})") from None
    listed = content.get("strokes") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise ValueError(f'{path.name}: has no list "strokes", as a wand\'s recorder writes')
    for number, stroke in enumerate(listed):
        yield _stroke(stroke, f"{path.name}: stroke {number}")


def _stroke(stroke: Any, name: str) -> tuple[NDArray[np.float64], str]:
    points = stroke.get("strokePoints") if isinstance(stroke, dict) else None
    label = stroke.get("label") if isinstance(stroke, dict) else None
    if not isinstance(points, list) or not points:
        raise ValueError(f"{name}: has no points (strokePoints); leave it out")
    if not isinstance(label, str | int) or not str(label).strip():
        raise ValueError(f"{name}: has no label; leave it out")
    try:
        line = np.array([[float(point[axis]) for axis in CHANNELS] for point in points])
    except (TypeError, KeyError, ValueError):
        raise ValueError(f"{name}: a point is no pair of numbers x and y") from None
    if not np.isfinite(line).all():
        raise ValueError(f"{name}: a point is no finite number")
    return line, str(label).strip()
