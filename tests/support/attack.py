"""Does any model notice a mutant? Run as a program: mutants on stdin, a verdict a line on stdout.

The models are made once; every mutant is then planted in a fork of this process, which an endless
loop or a trap may have. The files stay as they are. A difference counts only if the same model
shows none in the same place without the fault.

Modules of ours are imported where they are used, when the fault is planted and not before.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader

if TYPE_CHECKING:
    from qat.model import Model

SECONDS = 4
"""Of processor time, after which a run of a model counts as endless; it takes well below one."""
PATIENCE = 60.0
"""Seconds after which firmware that sleeps counts as hanging."""
LONGEST = 1800.0
"""Seconds after which a mutant is left undecided."""
FLAGS = ("-O0", "-w", "-ftrivial-auto-var-init=pattern", "-fsanitize=address")
"""Of the compiler here: quick; what nobody has set is never right by luck, and nothing is read or
written beyond an array."""
WATCHED = 99
"""Exit status of the address sanitizer, where it can no longer abort."""
ASAN = "detect_leaks=0:abort_on_error=1:hard_rss_limit_mb=4096:log_path=/dev/null"
HERE = "here"
UNITS = {
    "kernels/pack.py": "tests/unit/codegen/kernels/test_pack.py",
    "kernels/neurons/counting.c.j2": "tests/unit/codegen/kernels/test_counting.py",
    "kernels/neurons/plan.py": "tests/unit/codegen/kernels/test_neuron_plan.py",
}
"""Tests that hunt what is in no model's C: functions that unpack, and what stays the same text."""
HEADERS = ("stdint.h", "stddef.h", "string.h", "arm_mve.h")
"""That generated C includes: their own text never changes."""
U = ", u"
"""Behind a board's name: its firmware tells u in place of the membranes."""
CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m55", "qemu-m55" + U)
"""One board for each set of inner loops; Helium keeps u in a way of its own."""


class Verdict(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    UNREACHED = "unreached"  # it is in the C of no model
    REFUSED = "refused"  # no C comes of it, or none that compiles
    UNDECIDED = "undecided"  # no end in time, or the model differs without the fault as well


@dataclass(frozen=True)
class Said:
    """A verdict, the model that gave it, where it ran, and why."""

    verdict: Verdict
    hunter: str = ""
    place: str = ""
    why: str = ""

    @property
    def text(self) -> str:
        """The verdict as a line of JSON."""
        return json.dumps(asdict(self)) + "\n"


# ------------------------------------------------------------------------ planting


class Mutated(importlib.machinery.SourceFileLoader):
    """Loads a module from other text than its file's."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self.text = text

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the changed text."""
        return compile(self.text, self.path, "exec")


class Finder(importlib.abc.MetaPathFinder):
    """Finds one module changed."""

    def __init__(self, name: str, path: str, text: str) -> None:
        self.name, self.path, self.text = name, path, text

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """Return the changed module for its own name."""
        if fullname != self.name:
            return None
        loader = Mutated(fullname, self.path, self.text)
        return importlib.machinery.ModuleSpec(fullname, loader, origin=self.path)


class Templates(BaseLoader):
    """Loads templates, some from other text than their files'; the rest stays compiled."""

    def __init__(self, loader: BaseLoader) -> None:
        self.loader = loader
        self.changed: dict[str, str] = {}

    def get_source(self, environment: Any, template: str) -> Any:
        """Return (text, no file, whether it still holds)."""
        if template in self.changed:
            return self.changed[template], None, lambda: True
        text, file, _ = self.loader.get_source(environment, template)
        return text, file, lambda: template not in self.changed


@cache
def templates() -> Templates:
    """Return the loader of all templates, which takes the place of the package's own."""
    from codegen.render import environment

    env = environment()
    assert env.loader is not None
    env.loader = Templates(env.loader)
    return env.loader


def plant(path: str, text: str, package: str) -> None:
    """Have this process use `text` in place of the package's file `path`."""
    if path.endswith(".j2"):
        templates().changed[path] = text
        return
    module = "codegen." + path.removesuffix(".py").replace("/", ".")
    sys.meta_path.insert(0, Finder(module, str(Path(package, path)), text))
    for name in list(sys.modules):  # all that may have taken something of it
        if name.split(".")[0] in ("codegen", "support"):
            del sys.modules[name]


# ------------------------------------------------------------------------- hunting

Files = dict[str, str]
"""{name: text} of a model's C."""


@dataclass(frozen=True, eq=False)
class Change:
    """A model whose C is not what it was."""

    name: str
    model: Model
    before: Files
    after: Files

    def shows(self, place: str) -> bool:
        """Return True if the compiler of a place is given something else than before."""
        return seen(self.before, place) != seen(self.after, place)


def seen(files: Files, place: str) -> str:
    """Return what the compiler is given behind the preprocessor, here or for a board."""
    from codegen.target.boards import find_board

    command = ["gcc", "-DMODEL_PROBE=2"]
    if place != HERE:
        board, probe = find_board(place.removesuffix(U)), 2 if place.endswith(U) else 1
        command = ["arm-none-eabi-gcc", *board.core_flags, f"-DMODEL_PROBE={probe}"]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**files, **dict.fromkeys(HEADERS, "")}.items():
            Path(folder, name).write_text(text)
        (source,) = Path(folder).glob("*.c")
        command += ["-E", "-P", "-nostdinc", f"-I{folder}", str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return f"{done.returncode} {done.stdout}"


@contextmanager
def limited() -> Iterator[None]:
    """Let this process, and each that it starts, run for SECONDS from now; a signal ends it."""
    before = resource.getrlimit(resource.RLIMIT_CPU)
    used = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + SECONDS, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CPU, before)


def differs_here(model: Model, files: Files) -> str | None:
    """Return the first difference of a model's C on this machine, None if there is none.

    Undefined behaviour that the sanitizer sees ends the process.
    """
    from codegen.checks.comparison import compare
    from codegen.checks.host import SANITIZE, HostModel
    from codegen.checks.streams import compare_streams, expected, made_samples
    from support.zoo.sized import inputs_of

    x, steps = inputs_of(model)
    host = HostModel(model, files=files, flags=(*FLAGS, *SANITIZE))
    with limited():
        found = compare(model.run(x, trace=True, steps=steps), host.run(x, trace=True, steps=steps))
        if not found.differing and model.sensor is not None:
            raw = made_samples(model)
            found = compare_streams(expected(model, raw), host.stream(raw))
    return str(found.first) if found.differing else None


def differs_on(model: Model, files: Files, place: str) -> str | None:
    """Return the first difference of a model's C on an emulated core, None if there is none."""
    from codegen.checks.comparison import compare
    from support.recorded import (
        at_odd_addresses,
        emulated,
        guarded,
        telling_u,
        told_u,
    )
    from support.zoo.sized import inputs_of

    x, steps = inputs_of(model)
    result, board = model.run(x, trace=True, steps=steps), place.removesuffix(U)
    files = at_odd_addresses(guarded(model.name, files))
    if place.endswith(U):
        result, files = told_u(result), telling_u(model.name, files)
    with limited(), emulated(model, board, files=files, timeout=PATIENCE) as target:
        found = compare(replace(result, u=None), target.run(x, trace=True, steps=steps))
    return str(found.first) if found.differing else None


def hunt(model: Model, files: Files, place: str) -> tuple[Verdict, str]:
    """Return the verdict of one model in one place, and why."""
    from codegen.base.errors import BuildError, MissingToolError, TargetError, TooLargeError
    from codegen.checks.host import CompilerError
    from qat.machine.libraries import LoadError

    try:
        found = differs_here(model, files) if place == HERE else differs_on(model, files, place)
    except MissingToolError:
        raise
    except TooLargeError as error:  # the board says nothing about it
        return Verdict.SURVIVED, str(error)
    except (CompilerError, BuildError, LoadError, AssertionError) as error:
        # LoadError: it calls a function that is nowhere, which a library tells when it is loaded
        return Verdict.REFUSED, str(error)
    except (TargetError, ValueError) as error:  # a crash, no answer, or another model's digest
        found = str(error)
    return (Verdict.KILLED, found) if found else (Verdict.SURVIVED, "")


class NoFilesError(Exception):
    """The generator fails: it writes no wrong C."""


@contextmanager
def generating() -> Iterator[None]:
    """Raise NoFilesError for whatever the generator raises."""
    try:
        yield
    except Exception as error:
        raise NoFilesError(f"{type(error).__name__}: {error}") from None


def changes(known: dict[str, Files]) -> Iterator[Change]:
    """Yield the models whose C the planted fault changes."""
    with generating():
        from support.hunters import HUNTERS  # sorted by the size of their C

    for name, hunter in HUNTERS.items():
        with generating():
            files = hunter.files()
        if files != known[name]:
            yield Change(name, hunter.model, known[name], files)


def places(known: dict[str, Files]) -> Iterator[tuple[Change, str]]:
    """Yield where the planted fault shows: here, or else on the cores that alone see it."""
    found, portable = [], False
    for change in changes(known):
        found.append(change)
        if change.shows(HERE):
            portable = True
            yield change, HERE
    if not portable:
        for board in CORES:
            yield from ((change, board) for change in found if change.shows(board))


def attack(known: dict[str, Files], tell: Callable[[Said], None]) -> Said:
    """Return the verdict on the planted fault; `tell` hears of each hunt before it begins."""
    hunts = 0
    try:
        for change, place in places(known):
            tell(Said(Verdict.UNDECIDED, change.name, place))
            verdict, why = hunt(change.model, change.after, place)
            if verdict is not Verdict.SURVIVED:
                return Said(verdict, change.name, place, why.partition("\n")[0])
            hunts += 1
    except NoFilesError as error:
        return Said(Verdict.REFUSED, why=str(error).partition("\n")[0])
    return Said(Verdict.SURVIVED, why=f"{hunts} hunts") if hunts else Said(Verdict.UNREACHED)


def tested(tests: str) -> Said:
    """Return the verdict of a file of tests on the planted fault."""
    import pytest

    path = Path(__file__).parents[2] / tests
    status = pytest.main(["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", str(path)])
    return Said(Verdict.KILLED if status else Verdict.SURVIVED, place=tests)


# ------------------------------------------------------------------------- judging


def in_a_fork(mutant: dict[str, str], known: dict[str, Files], write: int, folder: str) -> None:
    """Plant a mutant in this process, hunt it, write what is said to a pipe; never return."""
    status = 1
    try:
        os.setpgid(0, 0)
        tempfile.tempdir = folder
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        plant(**mutant)
        said = attack(known, lambda said: os.write(write, said.text.encode()))
        if said.verdict is Verdict.UNREACHED and mutant["path"] in UNITS:
            said = tested(UNITS[mutant["path"]])
        os.write(write, said.text.encode())
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def heard(read: int) -> str:
    """Return what a fork writes until it ends, or for LONGEST seconds."""
    data, end = b"", time.monotonic() + LONGEST
    while select.select([read], [], [], max(0.0, end - time.monotonic()))[0]:
        if not (piece := os.read(read, 1 << 16)):
            break
        data += piece
    return data.decode()


def forked(mutant: dict[str, str], known: dict[str, Files]) -> Said:
    """Return what a fork of this process says about a mutant; a signal that ends it kills."""
    read, write = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            in_a_fork(mutant, known, write, folder)
        os.close(write)
        lines = heard(read).splitlines()
        os.close(read)
        with suppress(ProcessLookupError):  # what it has started, and itself if it is still there
            os.killpg(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status <= 0 or status == WATCHED, f"{mutant['path']}: see above"
    last = Said(**json.loads(lines[-1])) if lines else Said(Verdict.UNDECIDED)
    if status in (0, -signal.SIGKILL):
        return replace(last, verdict=Verdict(last.verdict))
    why = "address sanitizer" if status == WATCHED else signal.Signals(-status).name
    return replace(last, verdict=Verdict.KILLED, why=why)


def address_sanitizer() -> dict[str, str]:
    """Return the environment in which Python can load C that the address sanitizer watches."""
    command = ["gcc", "-print-file-name=libasan.so"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert Path(found).is_absolute(), "no address sanitizer: apt-get install gcc libc6-dev"
    return {"LD_PRELOAD": found, "ASAN_OPTIONS": f"{ASAN}:exitcode={WATCHED}"}


def main() -> int:
    """Judge the mutants on stdin, one after the other."""
    del os.environ["LD_PRELOAD"]  # compilers and emulators are not watched
    templates()
    from support.hunters import HUNTERS

    known = {name: hunter.files() for name, hunter in HUNTERS.items()}

    @cache
    def sound(name: str, place: str) -> bool:
        return hunt(HUNTERS[name].model, known[name], place)[0] is Verdict.SURVIVED

    for mutant in json.load(sys.stdin):
        said = forked(mutant, known)
        if said.verdict is Verdict.KILLED and said.hunter and not sound(said.hunter, said.place):
            said = replace(said, verdict=Verdict.UNDECIDED, why="differs without the fault as well")
        print(said.text, end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
