"""NIR files from anywhere: a network that runs as its framework's, or one line, whatever they hold.

`fuzz_nir.py` takes a batch of files in one process. One that ends it is taken once more, with the
HDF5 library in a process of its own, as users have it; there it must be a line as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("fuzz_nir.py")

BATCH = 250
"""Files of one process: what damaged ones leave behind in the HDF5 library does not pile up."""

KINDS = ("made", "refused", "FAULT")


def lines_of(first: int, last: int, *words: str) -> list[str]:
    """Return what the program prints of some files, which is less where one ends it."""
    command = [sys.executable, str(PROGRAM), str(first), str(last), *words]
    own = {"PYTHONPATH": str(PROGRAM.parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **own}
    )
    assert done.returncode <= 0 or not done.stderr, done.stderr[-4000:]  # a signal, or no error
    return done.stdout.splitlines()


def outcomes(first: int, last: int) -> dict[int, str]:
    """Return how each file is taken."""
    found: dict[int, str] = {}
    while first < last:
        lines = lines_of(first, min(first + BATCH, last))
        found |= {int(a): b for a, b in zip(lines[::2], lines[1::2], strict=False)}
        first += len(lines[::2])
        if len(lines) % 2:  # the last one ended the process
            ended = int(lines[-1])
            alone = lines_of(ended, ended + 1, "apart")
            found[ended] = alone[1] if len(alone) == 2 else "FAULT: it ends the program"
    return found


def check(first: int, last: int) -> None:
    found = outcomes(first, last)
    assert len(found) == last - first
    kinds = Counter(text.partition(":")[0] for text in found.values())
    print(", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS))
    wrong = {number: text for number, text in found.items() if text.startswith("FAULT")}
    assert not wrong
    assert set(kinds) == {"made", "refused"}  # files of both kinds, or nothing was tried


def test_hostile_files_are_networks_or_one_line() -> None:
    check(0, 60)


@pytest.mark.proof
def test_thousands_of_hostile_files_are_networks_or_one_line() -> None:
    check(0, 3000)
