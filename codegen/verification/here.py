"""Checks that need this machine alone: ranges, repeatable generation, equality, sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from codegen.equivalence import compare_host
from codegen.host import SANITIZE
from codegen.render import render
from codegen.verification.records import Finding, NotRunError, Subject
from qat.model import Interval

COMPILERS = ("gcc", "clang")
LEVELS = ("-O0", "-O2", "-O3", "-Os")
HASH_SEEDS = ("0", "1", "random")

DIGESTS = """
import hashlib, sys
from codegen.render import render
from qat.model import Model
files = render(Model.load(sys.argv[1]))
print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())
"""


def compilers() -> tuple[str, ...]:
    """Return the C compilers that are here; raises NotRunError if there is none."""
    found = tuple(name for name in COMPILERS if shutil.which(name))
    if not found:
        raise NotRunError("no C compiler: install gcc or clang")
    return found


# ---------------------------------------------------------------------- ranges


def ranges(subject: Subject) -> Finding:
    """Run all inputs and compare every value with its proved range."""
    bounds, details, outside = subject.model.bounds(), [], 0
    for where, bound, low, high in observed(subject):
        wrong = low < bound.low or high > bound.high
        outside += wrong
        details.append(
            f"{where}: {low:,} to {high:,} seen, {bound.low:,} to {bound.high:,} proved "
            f"({bound.width} bits){'; OUTSIDE' if wrong else ''}"
        )
    count = len(subject.made) + (0 if subject.data is None else len(subject.data))
    if bounds.scores is not None:
        details.append(f"scores: {bounds.scores.width} bits proved")
    summary = f"{count:,} inputs, {outside} ranges left"
    return Finding(outside == 0, summary, tuple(details), (f"spikemcu info {subject.path}",))


def observed(subject: Subject) -> Iterator[tuple[str, Interval, int, int]]:
    """Yield (name, proved interval, smallest and largest value seen) of each membrane."""
    model, bounds = subject.model, subject.model.bounds()
    seen: dict[str, list[int]] = {}
    for x in (subject.made, subject.data):
        if x is None:
            continue
        for start in range(0, len(x), 256):
            result = model.run(x[start : start + 256], trace=True, steps=subject.steps)
            for name, traces in (("u", result.u or ()), ("v", result.v or ())):
                for layer, values in enumerate(traces):
                    place = seen.setdefault(f"layer {layer}, {name}", [0, 0])
                    place[:] = min(place[0], int(values.min())), max(place[1], int(values.max()))
    for where, (low, high) in sorted(seen.items()):
        layer, name = int(where.split(",")[0].split()[1]), where[-1]
        bound: Interval = getattr(bounds.layers[layer], name)
        yield where, bound, low, high


# ------------------------------------------------------------------ generation


def repeatable(subject: Subject) -> Finding:
    """Generate the C in processes of different hash seeds and compare the bytes."""
    digests = {seed: _generated(subject.path, seed) for seed in HASH_SEEDS}
    same = len(set(digests.values())) == 1
    files = render(subject.model)
    size = sum(len(text.encode()) for text in files.values())
    summary = f"{len(digests)} processes, {len(files)} files of {size:,} bytes"
    details = tuple(f"PYTHONHASHSEED={seed}: sha256 {digest}" for seed, digest in digests.items())
    return Finding(same, summary, details, (f"spikemcu generate {subject.path} -o FOLDER",))


def _generated(path: str, seed: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", DIGESTS, path]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


# -------------------------------------------------------------------- equality


def equal(subject: Subject) -> Finding:
    """Compare the compiled C with the model, with every compiler and level of optimisation."""
    details, passed = [], True
    for compiler in compilers():
        for level in LEVELS:
            found = compare_host(subject.model, subject.made, compiler=compiler, flags=(level,))
            passed &= found.differing == 0
            details.append(f"{compiler} {level}: {found.line}")
            if found.first:
                details.append(f"first difference: {found.first}")
    summary = f"{len(details)} builds, {len(subject.made):,} made inputs each"
    return Finding(passed, summary, tuple(details), (_command(subject, "--compiler gcc"),))


def equal_on_data(subject: Subject) -> Finding:
    """Compare the compiled C with the model over all the data."""
    if subject.data is None:
        raise NotRunError("no data were given: pass --data NAME|FILE")
    found = compare_host(subject.model, subject.data, samples=subject.samples)
    details = (f"first difference: {found.first}",) if found.first else ()
    return Finding(found.differing == 0, found.line, details, (_command(subject),))


def trapped(subject: Subject) -> Finding:
    """Run the C with undefined behaviour trapping; a trap would end this process."""
    details = []
    for compiler in compilers():
        command = [sys.executable, "-m", "codegen", "check", subject.path, "--compiler", compiler]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()[-1:]
            details.append(f"{compiler}: status {done.returncode} {' '.join(said)}")
    flags = " ".join(SANITIZE)
    summary = f"{', '.join(compilers())} with {flags}: {len(details)} failed"
    return Finding(not details, summary, tuple(details), (_command(subject),))


def _command(subject: Subject, *options: str) -> str:
    return " ".join(["spikemcu check", subject.path, *options])
