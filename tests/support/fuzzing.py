"""What the fuzzing harnesses share: limits, what counts as an answer, and how they are started."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.host_firmware import compile_host

FOLDER = Path(__file__).parents[1] / "fuzz"
ROOT = FOLDER.parents[1]

MEMORY = 4 * 2**30
"""Address space of a harness: what asks for more gets a MemoryError, which is a finding."""
RESIDENT_MB = 1024
HANG_SECONDS = 5
"""Of processor time; a busy machine may take PATIENCE times as long."""
PATIENCE = 12
LONGEST_LINE = 1000
"""Characters of an error, its path left out."""


def limit() -> None:
    """Bound the memory of this process, and let no warning pass."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("error")


def check_line(error: Exception | str, beginning: str = "") -> None:
    """Fail unless an error is one line of plain text that begins as it should."""
    text = str(error)
    assert text.startswith(beginning), f"the error does not begin with {beginning!r}: {text!r}"
    assert text.strip(), "the error says nothing"
    assert text.isprintable(), f"the error is not one line of plain text: {text[:200]!r}"
    assert len(text) - len(beginning) <= LONGEST_LINE, f"the error is {len(text)} characters long"


def start(
    target: Callable[[bytes], None], mutator: Callable[[bytes, int, int], bytes] | None = None
) -> None:
    """Fuzz `target` as the command line says: options and folders of libFuzzer."""
    import atheris  # noqa: PLC0415  # only programs that fuzz need it

    limit()
    signal.signal(signal.SIGVTALRM, _hangs)
    own = {} if mutator is None else {"custom_mutator": mutator}
    atheris.Setup(sys.argv, lambda data: _timed(target, data), **own)
    atheris.Fuzz()


def _hangs(*_: object) -> None:
    raise AssertionError(f"no answer after {HANG_SECONDS} s of processor time")


def _timed(target: Callable[[bytes], None], data: bytes) -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG_SECONDS)
    target(data)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)


# ---------------------------------------------------------------------- a run of it


@dataclass(frozen=True)
class Outcome:
    """What libFuzzer says at its end; `coverage` and `features` are None where it says nothing."""

    status: int
    executions: int
    coverage: int
    features: int
    text: str


MOST_BYTES = {"model": 2**16, "data": 2**16, "protocol": 2**13, "link": 2**12}
"""Of an input: a few frames, or a few times the files of the corpus."""


def options(name: str, most: str, artifacts: Path) -> list[str]:
    """Return libFuzzer's options for a run of a harness."""
    return [
        most,
        f"-timeout={PATIENCE * HANG_SECONDS}",
        f"-rss_limit_mb={RESIDENT_MB}",
        f"-artifact_prefix={artifacts}/",
        "-print_final_stats=1",
        f"-max_len={MOST_BYTES[name]}",
        "-len_control=0",
    ]


def fuzz(command: Sequence[str | Path], name: str, most: str, folder: Path) -> Outcome:
    """Replay the corpus and the findings of `name`, then fuzz.

    most:   libFuzzer's option that ends it, such as -runs=1000 or -max_total_time=600
    folder: where new inputs go; what failed lies in it as crash-..., timeout-... or oom-...
    """
    new = folder / "new"
    new.mkdir()
    known = [path for part in ("corpus", "findings") if (path := FOLDER / part / name).is_dir()]
    done = subprocess.run(
        [*map(str, command), *options(name, most, folder), str(new), *map(str, known)],
        capture_output=True,
        text=True,
        errors="replace",
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(FOLDER.parent)))},
        check=False,
    )
    text = done.stdout + done.stderr
    found = re.findall(r"cov: (\d+) ft: (\d+)", text) or [("0", "0")]
    executed = re.search(r"stat::number_of_executed_units: (\d+)", text)
    return Outcome(done.returncode, int(executed[1]) if executed else 0, *map(int, found[-1]), text)


LINK_FLAGS = (
    *("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-g"),
    str(FOLDER / "fuzz_link.c"),
)


def build_link(files: Mapping[str, str], folder: Path) -> Path:
    """Return the fuzzer of the firmware's protocol with a model behind; fail without clang."""
    found = shutil.which("clang")
    assert found, "clang is missing: apt-get install clang libclang-rt-14-dev"
    return compile_host(files, folder, LINK_FLAGS, found)
