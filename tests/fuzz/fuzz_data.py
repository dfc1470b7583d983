"""Fuzzes what reads data: any bytes give a data set or one line that says what is wrong.

The first byte is a row of READERS, the second chooses among its options, the rest is the file; the
two files of an IDX set are divided by SEPARATOR.

    python tests/fuzz/fuzz_data.py -max_total_time=600 NEW tests/fuzz/corpus/data
"""

from __future__ import annotations

import atexit
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["qat"]):
    from support.fuzzing import check_line, start
    from support.hostile import mutate_archive

    from qat.data import timeseries
    from qat.data.named import load
    from qat.train.runs import RunFolder

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
SEPARATOR = b"\n---\n"
MOST_CLASSES = 10_000

WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"window": 4, "hop": 2, "group": 2},
    {"window": 4, "by": "by"},
    {"by": "by"},
    {"unit": 0.5},
    {"label": "first", "ignore": ("a",)},
    {"label": "2", "separator": ";", "decimal": ","},
    {"ignore": ("", "1"), "encoding": "latin-1"},
)
"""How a file is read: every one is tried on every kind of file."""


def _file(name: str, content: bytes, way: dict[str, Any]) -> None:
    path = FOLDER / name
    path.write_bytes(content)
    _load(path, way)


def _load(path: Path, way: dict[str, Any]) -> None:
    try:
        data = load(path, **way)
    except ValueError as error:
        check_line(error, f"{path}: ")
        return
    low, high = data.input_range
    for part in ("train", "validation", "test"):
        x, y = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
        assert len(x) == len(y), f"{part}: {x.shape}, {y.shape}"
        assert x.size == 0 or low <= x.min() <= x.max() <= high, part
        assert y.size == 0 or 0 <= y.min() <= y.max() < data.classes, part


def npz(content: bytes, way: dict[str, Any]) -> None:
    _file("data.npz", content, way)


def csv(content: bytes, way: dict[str, Any]) -> None:
    _file("data.csv", content, way)


def idx(content: bytes, way: dict[str, Any]) -> None:
    images, _, labels = content.partition(SEPARATOR)
    for part in ("labels-idx1", "images-idx3"):
        (FOLDER / f"train-{part}-ubyte").write_bytes(labels if "labels" in part else images)
    _load(FOLDER / "train-images-idx3-ubyte", way)


def ts(content: bytes, _: dict[str, Any]) -> None:
    try:
        timeseries.ts(content)
    except ValueError as error:
        check_line(error)


def checkpoint(content: bytes, _: dict[str, Any]) -> None:
    folder = RunFolder(FOLDER, {})
    (FOLDER / "checkpoint.npz").write_bytes(content)
    try:
        folder.load()
    except ValueError as error:
        check_line(error, f"{FOLDER}/checkpoint.npz: ")


READERS: tuple[Callable[[bytes, dict[str, Any]], None], ...] = (*(npz, csv, idx, ts, checkpoint),)


def one_input(data: bytes) -> None:
    """Read a file in one of the ways."""
    if len(data) >= 2:
        READERS[data[0] % len(READERS)](data[2:], WAYS[data[1] % len(WAYS)])


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """Return a file changed, an archive member by member."""
    rng = random.Random(seed)
    whole = None
    if rng.random() > 0.1 and len(data) > 2:
        whole = mutate_archive(data[2:], rng, lambda part: atheris.Mutate(part, len(part) + 64))
    if whole is None or len(whole) + 2 > most:
        return atheris.Mutate(data, most)
    way = rng.randrange(256) if rng.random() < 0.3 else data[1]
    return bytes((data[0], way)) + whole


if __name__ == "__main__":
    start(one_input, mutated)
