"""Reads hostile NIR files one after the other: `fuzz_nir.py FIRST LAST [apart]`.

A file of a number is read, mapped, made whole and run, as `spikemcu import` does. Prints the
number before each file, and then `made`, `refused: ` and why, or `FAULT: ` and what is neither a
network that runs as its framework's does nor one line that says what is wrong. A file that takes
more than SECONDS of CPU ends the process. With `apart` the HDF5 library has a process of its own,
as users have it; without, a damaged file may end this one, and who started it goes on behind it.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from support.nir.hostile import make
from support.nir.mapped import differing
from support.nir.saved import saved

from qat.model.checks import plain
from qat.nir import child, hdf5, load, read

SECONDS = 10.0
STEPS, SAMPLES = 6, 2

Words = dict[str, Any]


def settled(name: str, folder: Path) -> tuple[Words, np.ndarray]:
    """Return (how a network's file is read, inputs in the shape that its framework takes)."""
    path, reference = saved(name, folder)
    found = read(path, reference=reference)
    assert found.reference is not None
    reading, shape = found.twin.reading, found.reference.x.shape[2:]
    words: Words = {"dialect": reading.dialect, "dt": reading.dt}
    for what in ("reset", "compare", "gain"):
        words[what] = tuple(getattr(reading, what).values()) or None
    x = np.random.default_rng(1).random((STEPS, SAMPLES, *shape)) < 0.4
    return words, x.astype(np.float32)


def outcome(path: Path, words: Words, x: np.ndarray) -> str:
    """Return how a file is taken, in a line."""
    try:
        made = load(path, **words, x=x, bits=8, name="net")
        if not made.plan.notes and any(wrong := differing(made.read.twin, made.plan, x)):
            return f"FAULT: the plan has {wrong} other spikes than the framework"
    except ValueError as error:
        text = str(error)
        plain = text.isprintable()
        return f"refused: {text}" if plain else f"FAULT: more than a line: {text!r}"
    except Exception as error:  # whatever else is a fault
        return f"FAULT: {type(error).__name__}: {error}"
    return "made"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End the process where this takes more seconds of CPU: a library that hangs heeds no more."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def main() -> int:
    first, last = map(int, sys.argv[1:3])
    warnings.simplefilter("error")
    if "apart" not in sys.argv[3:]:
        hdf5._read_apart = _read_here
    with tempfile.TemporaryDirectory() as folder:
        path, known = Path(folder, "hostile.nir"), dict[str, Any]()
        for number in range(first, last):
            print(number, flush=True)
            name = make(number, path)
            if name not in known:
                known[name] = settled(name, Path(folder))
            with within(SECONDS):
                print(outcome(path, *known[name]), flush=True)
    return 0


def _read_here(path: Path, target: Path) -> None:
    try:
        child.read(str(path), str(target))
    except child.RefusedError as error:
        raise ValueError(plain(str(error))) from None


if __name__ == "__main__":
    sys.exit(main())
