"""N-MNIST: events of a camera that looks at written digits, in .bin or .bs2 files.

G. Orchard, A. Jayawant, G. Cohen and N. Thakor, Converting static image datasets to spiking
neuromorphic datasets using saccades, Frontiers in Neuroscience 9:437, 2015. Both kinds of file
hold 5 bytes an event: x, y, and 24 bits, the highest of which is the polarity and the others
microseconds, high byte first. In a .bin file an event with y = 240 is none: it says that the
clock has run over, and 2**13 us go by.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.data.formats.events import Binning, Events, in_order, longest_of, merged
from qat.data.formats.found import Found, files_below, folder_of
from qat.data.reading import Reading
from qat.machine.bounded import read_regular
from qat.model import Shape

SIDE, POLARITIES = 34, 2
SUFFIXES = (".bin", ".bs2")
EVENT = 5
"""Bytes."""

OVERFLOW, OVERFLOW_TIME = 240, 2**13
MOST_BYTES = 2**24
"""Of a sample: some 3 million events."""

MOST_LIST = 2**22
"""Bytes of a list of samples."""

BINS = 30
"""Time steps by default: some 10 ms each."""

USES = ("bins", "span", "merge", "most")

NAMES = {"x": "train", "x_test": "test"}
"""The parts by the names of their arrays."""


class Part(NamedTuple):
    """Files of a part of the data, and the class of each."""

    files: list[Path]
    labels: NDArray[np.int64]


def is_nmnist(path: Path) -> bool:
    """Return True for a folder with samples in folders by their classes, or with lists of them."""
    if not path.is_dir():
        return False
    within = folder_of(("train", "test"), path) or path
    return bool(_classes(within) or _lists(path))


def nmnist(path: Path, how: Reading) -> Found:
    """Return the samples of a folder as steps of events, or as held counts of one bin.

    path: holds Train and Test, in each a folder a class with its .bin files, as N-MNIST is handed
          out; or a folder a class alone; or files n.bs2 and lists train*.txt and test*.txt whose
          lines are n and its class

    x is uint8, (n, bins, inputs) or (n, inputs); inputs lie in the order (row, column, polarity) of
    a map. `merge` makes one place of so many rows and columns. Raises ValueError for events outside
    of the sensor or out of order, and for files that hold no whole events.
    """
    parts = _parts(path)
    if not parts["x"].files:
        raise ValueError(f"holds no sample ({' or '.join(SUFFIXES)}) to train with")
    by, side = merged(SIDE, how)
    read = {key: [_events(file, by, side) for file in part.files] for key, part in parts.items()}
    binning = Binning.of(how, BINS, longest_of(read["x"]))
    size = side * side * POLARITIES
    arrays = {key: binning.steps(of, len(of), size) for key, of in read.items()}
    labels = {key.replace("x", "y"): part.labels for key, part in parts.items()}
    notes = [binning.text, _merging(by, side)]
    notes += binning.left_out({NAMES[key]: of for key, of in read.items()})
    return Found(
        arrays | labels,
        Shape(side, side, POLARITIES),
        tuple(notes),
        settled={**binning.settled, "merge": by},
    )


def _merging(by: int, side: int) -> str:
    merges = f", {by} x {by} of the sensor's to one" if by > 1 else ""
    return f"places: {side} x {side}{merges}; 2 polarities"


def _parts(path: Path) -> dict[str, Part]:
    """Return the parts, x and perhaps x_test."""
    train, test = folder_of(("train",), path), folder_of(("test",), path)
    if train is not None:
        found = {"x": _by_folder(train)}
        return found | ({"x_test": _by_folder(test)} if test is not None else {})
    lists = _lists(path)
    if not lists:
        return {"x": _by_folder(path)}
    trains = [one for one in lists if "train" in one.name.lower()]
    tests = [one for one in lists if "test" in one.name.lower()]
    if len(trains) != 1 or len(tests) > 1:
        named = ", ".join(one.name for one in lists)
        raise ValueError(f"has the lists {named}; needs one of train and at most one of test")
    parts = {"x": _by_list(path, trains[0])}
    return parts | ({"x_test": _by_list(path, tests[0])} if tests else {})


def _classes(folder: Path) -> dict[int, Path]:
    """Return the folders that are named by a class, where a sample lies in each."""
    numbered = [p for p in folder.iterdir() if p.name.isdecimal() and p.is_dir()]
    holds = [any(one.suffix.lower() in SUFFIXES for one in p.iterdir()) for p in numbered]
    return {int(p.name): p for p in numbered} if numbered and all(holds) else {}


def _by_folder(folder: Path) -> Part:
    files: list[Path] = []
    labels: list[int] = []
    for label, place in sorted(_classes(folder).items()):
        own = files_below(place, SUFFIXES)
        files += own
        labels += [label] * len(own)
    return Part(files, np.array(labels, np.int64))


def _lists(path: Path) -> list[Path]:
    """Return the lists of samples beside files of them."""
    if not any(one.suffix.lower() in SUFFIXES for one in path.iterdir()):
        return []
    words = ("train", "test")
    return [p for p in sorted(path.glob("*.txt")) if any(w in p.name.lower() for w in words)]


def _by_list(path: Path, listed: Path) -> Part:
    """Return what a list names: a line is the number of a sample and its class; # is a remark."""
    files, labels = [], []
    text = read_regular(listed, MOST_LIST).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.partition("#")[0].split()
        if not cells:
            continue
        if len(cells) != 2 or not all(cell.isdecimal() for cell in cells):
            raise ValueError(
                f"{listed.name}: line {number} is {line[:40]!r}; needs sample and class"
            )
        found = [path / f"{cells[0]}{suffix}" for suffix in SUFFIXES]
        here = next((one for one in found if one.is_file()), None)
        if here is None:
            raise ValueError(f"{listed.name}: line {number}: {found[-1].name} is not there")
        files.append(here)
        labels.append(int(cells[1]))
    return Part(files, np.array(labels, np.int64))


def _events(path: Path, by: int, side: int) -> Events:
    """Return the events of a file."""
    content = read_regular(path, MOST_BYTES)
    if len(content) % EVENT:
        raise ValueError(f"{path.name}: has {len(content):,} bytes; an event has {EVENT}")
    cells = np.frombuffer(content, np.uint8).reshape(-1, EVENT).astype(np.int64)
    x, y, polarity = cells[:, 0], cells[:, 1], cells[:, 2] >> 7
    times = (cells[:, 2] & 0x7F) << 16 | cells[:, 3] << 8 | cells[:, 4]
    if path.suffix.lower() == ".bin":
        over = y == OVERFLOW
        times = times + np.cumsum(over) * OVERFLOW_TIME
        x, y, polarity, times = (of[~over] for of in (x, y, polarity, times))
    in_order(times, path.name)
    outside = np.flatnonzero((x >= SIDE) | (y >= SIDE))
    if len(outside):
        event = int(outside[0])
        raise ValueError(
            f"{path.name}: event {event + 1} lies at ({x[event]}, {y[event]}), outside of the "
            f"sensor of {SIDE} x {SIDE}"
        )
    return Events(times, ((y // by) * side + x // by) * POLARITIES + polarity)
