"""Checks that need this machine alone: ranges, repeatable generation, equality, sanitizers."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.checks.equivalence import PIECE
from codegen.checks.host import SANITIZE
from codegen.checks.streams import made_samples
from codegen.verify.apart import Build, Compared, compare_apart
from codegen.verify.records import Finding, NotRunError, Subject
from qat.machine.programs import own_python
from qat.machine.programs import run as run_program
from qat.model import Interval, Model, Result
from qat.model.checks import spread_over

COMPILERS = ("gcc", "clang")
LEVELS = ("-O0", "-O2", "-O3", "-Os")
HASH_SEEDS = ("0", "1", "random")

DIGESTS = """
import hashlib
from codegen.render.generated import generated
from qat.model import Model
files = generated(Model.load(sys.argv[1])).files
print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())
"""


def compilers() -> tuple[str, ...]:
    """Return the C compilers that are here; raises NotRunError if there is none."""
    found = tuple(name for name in COMPILERS if shutil.which(name))
    if not found:
        raise NotRunError("no C compiler: install gcc or clang")
    return found


# ---------------------------------------------------------------------- ranges


@dataclass(frozen=True, eq=False)
class Seen:
    """The smallest and the largest value of each neuron that the inputs led to."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    def joined(self, other: Seen) -> Seen:
        """Return what both have seen."""
        return Seen(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def outside(self, bound: Interval) -> int:
        """Return how many neurons have left their ranges, which are those of their channels."""
        low, high = (spread_over(end, len(self.low)) for end in (bound.lo, bound.hi))
        return int(((self.low < low) | (self.high > high)).sum())

    def against(self, bound: Interval) -> str:
        """Return what was seen beside what is proved, and how much of it that is."""
        low, high = int(self.low.min()), int(self.high.max())
        part = (high - low + 1) / (bound.high - bound.low + 1)
        text = (
            f"{low:,} to {high:,} seen, {bound.low:,} to {bound.high:,} proved "
            f"({bound.width} bits): {part:.0%} of that range"
        )
        outside = self.outside(bound)
        return f"{text}; {outside} neurons OUTSIDE THEIR RANGES" if outside else text


def ranges(subject: Subject) -> Finding:
    """Run all inputs and compare the values of every neuron with its own proved range."""
    proved, found = proved_ranges(subject.model), observed(subject)
    outside = sum(seen.outside(proved[where]) for where, seen in found.items())
    details = tuple(f"{where}: {seen.against(proved[where])}" for where, seen in found.items())
    count = len(subject.made) + (0 if subject.data is None else len(subject.data))
    summary = f"{count:,} inputs, {outside} neurons outside their ranges"
    command = shlex.join(["spikemcu", "info", subject.path])
    return Finding(outside == 0, summary, details, (command,))


def proved_ranges(model: Model) -> dict[str, Interval]:
    """Return {name: range} of what a run tells: membranes before and after the reset, scores."""
    bounds = model.bounds()
    found: dict[str, Interval] = {}
    for index, layer in enumerate(bounds.layers):
        found[f"layer {index}, u"] = layer.u
        if layer.v is not None:
            found[f"layer {index}, v"] = layer.v
    return found if bounds.scores is None else found | {"scores": bounds.scores}


def observed(subject: Subject) -> dict[str, Seen]:
    """Return {name: what was seen} of the same, over all inputs."""
    found: dict[str, Seen] = {}
    for x in (subject.made, subject.data):
        for start in range(0, 0 if x is None else len(x), PIECE):
            assert x is not None
            result = subject.model.run(x[start : start + PIECE], trace=True, steps=subject.steps)
            for where, seen in _seen(result):
                found[where] = found[where].joined(seen) if where in found else seen
    return found


def _seen(result: Result) -> Iterator[tuple[str, Seen]]:
    for index, traces in enumerate(zip(result.u or (), result.v or (), strict=True)):
        for name, values in zip("uv", traces, strict=True):
            if not values.shape[2]:  # no memory: there is no v
                continue
            yield f"layer {index}, {name}", Seen(values.min((0, 1)), values.max((0, 1)))
    if result.scores is not None:
        yield "scores", Seen(result.scores.min(0), result.scores.max(0))


# ------------------------------------------------------------------ generation


def repeatable(subject: Subject) -> Finding:
    """Generate the C in processes of different hash seeds and compare the bytes."""
    digests = {seed: _generated(subject.path, seed) for seed in HASH_SEEDS}
    same = len(set(digests.values())) == 1
    files = subject.generated.files
    size = sum(len(text.encode()) for text in files.values())
    summary = f"{len(digests)} processes, {len(files)} files of {size:,} bytes"
    command = shlex.join(["spikemcu", "generate", subject.path, "-o", "FOLDER"])
    details = tuple(f"PYTHONHASHSEED={seed}: sha256 {digest}" for seed, digest in digests.items())
    return Finding(same, summary, details, (command,))


def _generated(path: str, seed: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = run_program(own_python(DIGESTS, path), environment=environment)
    done.check_returncode()
    return done.stdout.strip()


# -------------------------------------------------------------------- equality


def equal(subject: Subject) -> Finding:
    """Compare the compiled C with the model, with every compiler and level of optimisation."""
    builds = [Build(compiler, (level,)) for compiler in compilers() for level in LEVELS]
    found = compare_apart(subject, subject.made, builds, _made_samples(subject))
    what = f"{len(subject.made):,} made inputs"
    return _finding(found, what, _command(subject, "--compiler", builds[0].compiler))


def equal_on_data(subject: Subject) -> Finding:
    """Compare the compiled C with the model over all the data."""
    if subject.data is None:
        raise NotRunError("no data were given: pass --data NAME|FILE")
    builds = [Build(compiler, ("-O2",)) for compiler in compilers()]
    found = compare_apart(subject, subject.data, builds, subject.samples)
    return _finding(found, f"{len(subject.data):,} inputs of the data", _command(subject))


def trapped(subject: Subject) -> Finding:
    """Run the C with undefined behaviour trapping, on the made inputs and on the data."""
    builds = [Build(compiler, ("-O2", *SANITIZE)) for compiler in compilers()]
    found = compare_apart(subject, subject.made, builds, _made_samples(subject))
    finding = _finding(found, f"{len(subject.made):,} made inputs", _command(subject))
    if subject.data is None:
        return finding
    found = compare_apart(subject, subject.data, builds, subject.samples)
    return finding.beside(_finding(found, f"{len(subject.data):,} inputs of the data", ""))


def _made_samples(subject: Subject) -> NDArray[np.int16] | None:
    """Return made raw samples by the seeds behind the first, which every comparison has."""
    if subject.model.sensor is None or subject.seeds == 1:
        return None
    return np.concatenate([made_samples(subject.model, seed) for seed in range(1, subject.seeds)])


def _finding(found: Mapping[Build, Compared], inputs: str, command: str) -> Finding:
    """Return what comparisons of several builds come to."""
    details = []
    for build, compared in found.items():
        details.append(f"{build.name}, {inputs}: {compared.line}")
        if compared.first:
            details.append(f"first difference: {compared.first}")
    bad = sum(not compared.equal for compared in found.values())
    summary = f"{len(found)} builds, {inputs}: {bad or 'none'} differ{'s' * (bad in (0, 1))}"
    return Finding(not bad, summary, tuple(details), (command,) if command else ())


def _command(subject: Subject, *options: str) -> str:
    return shlex.join(["spikemcu", "check", subject.path, *options])
