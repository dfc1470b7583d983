"""C compared with the model in a process of its own, so that a crash ends only that process."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.base.errors import InconsistentError
from codegen.checks.equivalence import compare_host
from codegen.checks.host import CompilerError
from codegen.render.generated import Generated, generated
from codegen.verify.records import Subject
from qat.machine.programs import Done, own_python
from qat.machine.programs import run as run_program
from qat.machine.scratch import scratch
from qat.model import Model

PROGRAM = "from codegen.verify.apart import main; main()"
INPUTS, SAMPLES = "inputs.npy", "samples.npy"


@dataclass(frozen=True)
class Build:
    """A compiler and its flags."""

    compiler: str
    flags: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return " ".join((self.compiler, *self.flags))


@dataclass(frozen=True)
class Compared:
    """What a build returned: a line of figures or how it ended, and the first difference."""

    line: str
    equal: bool
    first: str = ""


def compare_apart(
    subject: Subject,
    x: NDArray[Any],
    builds: Sequence[Build],
    samples: NDArray[np.int16] | None = None,
) -> dict[Build, Compared]:
    """Compare each build's C with the model over x, and over raw samples if there are any."""
    with scratch() as folder:
        np.save(Path(folder, INPUTS), x)
        if samples is not None:
            np.save(Path(folder, SAMPLES), samples)
        found: dict[Build, Compared] = {}
        while rest := builds[len(found) :]:  # those behind one that crashed get a new process
            found |= zip(rest, _until_one_crashes(subject.path, folder, rest), strict=False)
    return found


def _until_one_crashes(path: str, folder: Path, builds: Sequence[Build]) -> list[Compared]:
    asked = json.dumps([asdict(build) for build in builds])
    done = run_program(own_python(PROGRAM, path, str(folder), asked))
    found = [Compared(**json.loads(line)) for line in done.stdout.splitlines()]
    if done.returncode:
        found.append(Compared(_ending(done), equal=False))
    assert found
    return found


def _ending(done: Done) -> str:
    """Return how a process ended: by which signal, or with which last words."""
    if done.returncode < 0:
        return f"ended by {signal.Signals(-done.returncode).name}: a trap or a crash of the C"
    said = done.stderr.strip().splitlines()[-1:]
    return " ".join([f"ended with status {done.returncode}", *said])


def main() -> None:
    """Compare the builds of the last argument; print a line of JSON for each as it is done."""
    path, folder, asked = sys.argv[1:]
    made = generated(Model.load(path))
    x = np.load(Path(folder, INPUTS))
    file = Path(folder, SAMPLES)
    samples = np.load(file) if file.exists() else None
    for given in json.loads(asked):
        build = Build(given["compiler"], tuple(given["flags"]))
        print(json.dumps(asdict(_compared(made, x, samples, build))), flush=True)


def _compared(
    made: Generated, x: NDArray[Any], samples: NDArray[np.int16] | None, build: Build
) -> Compared:
    try:
        found = compare_host(made, x, samples=samples, compiler=build.compiler, flags=build.flags)
    except (CompilerError, InconsistentError) as error:
        return Compared(str(error).replace("\n", " "), equal=False)
    first = str(found.first) if found.first else ""
    return Compared(found.line, found.differing == 0, first)
