"""Does any model notice a mutant? Run as a program: a mutant on stdin, the verdict on stdout.

The fault is planted in this process alone, before the package is imported: the files stay as they
are. A process of its own is what an endless loop or a trap may have.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qat.model import Model

MEMORY = 2**32
SECONDS = 20
"""After which C on this machine counts as an endless loop; it takes well below one."""
CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m55")
"""One board for each set of inner loops."""


class Verdict(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    UNREACHED = "unreached"  # it is in the C of no model
    REFUSED = "refused"  # no C comes of it, or none that compiles


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


def plant(path: str, text: str, package: str) -> None:
    """Have the package use `text` in place of its file `path`."""
    if path.endswith(".py"):
        name = "codegen." + path.removesuffix(".py").replace("/", ".")
        sys.meta_path.insert(0, Finder(name, str(Path(package, path)), text))
        return
    from jinja2 import ChoiceLoader, DictLoader  # noqa: PLC0415  # after the module is planted

    from codegen.render import environment  # noqa: PLC0415

    env = environment()
    assert env.loader is not None
    env.loader = ChoiceLoader([DictLoader({path.removeprefix("templates/"): text}), env.loader])


def baseline() -> dict[str, dict[str, str]]:
    """Return {model: its files}, without any fault."""
    from support.hunters import HUNTERS  # noqa: PLC0415

    return {name: hunter.files() for name, hunter in HUNTERS.items()}


# ------------------------------------------------------------------------ hunting

Run = Callable[["Model", dict[str, str], Any, "int | None"], Any]


def here(model: Model, files: dict[str, str], x: Any, steps: int | None) -> Any:
    """Run C on this machine; undefined behaviour ends the process."""
    from codegen.host import SANITIZE, HostModel  # noqa: PLC0415

    host = HostModel(model, files=files, flags=("-O1", "-w", *SANITIZE))
    signal.alarm(SECONDS)
    found = host.run(x, trace=True, steps=steps)
    signal.alarm(0)
    return found


def on(board: str) -> Run:
    """Return what runs C on an emulated core."""
    from support.recorded import emulated  # noqa: PLC0415

    def run(model: Model, files: dict[str, str], x: Any, steps: int | None) -> Any:
        with emulated(model, board, files=files, timeout=5) as target:
            return target.run(x, trace=True, steps=steps)

    return run


def differs(model: Model, files: dict[str, str], run: Run, boards: bool) -> str | None:
    """Return the first difference of a model's C, None if there is none."""
    from codegen.comparison import compare  # noqa: PLC0415
    from codegen.host import HostModel  # noqa: PLC0415
    from codegen.streams import compare_streams, expected, made_samples  # noqa: PLC0415
    from support.kernel_models import inputs_of  # noqa: PLC0415

    x, steps = inputs_of(model)
    result = model.run(x, trace=True, steps=steps)
    found = compare(replace(result, u=None) if boards else result, run(model, files, x, steps))
    if found.differing:
        return str(found.first)
    if model.sensor is not None and not boards:
        raw = made_samples(model)
        host = HostModel(model, files=files, flags=("-O1", "-w"))
        streams = compare_streams(expected(model, raw), host.stream(raw))
        return str(streams.first) if streams.differing else None
    return None


def seen(files: dict[str, str], board: str | None) -> str:
    """Return what the compiler is given behind the preprocessor, here or for a board."""
    from codegen.boards import find_board  # noqa: PLC0415

    command = ["gcc"]
    if board is not None:
        command = ["arm-none-eabi-gcc", *find_board(board).core_flags]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        (source,) = Path(folder).glob("*.c")
        command += ["-E", "-P", "-DMODEL_PROBE=2", str(source)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout


Change = tuple["Model", dict[str, str], dict[str, str]]
"""A model, its C with the fault and without."""


def changes(known: dict[str, dict[str, str]]) -> list[Change]:
    """Return the models whose C the fault changes."""
    from support.hunters import HUNTERS  # noqa: PLC0415

    made = ((name, hunter.model, hunter.files()) for name, hunter in HUNTERS.items())
    return [(model, files, known[name]) for name, model, files in made if files != known[name]]


def attack(known: dict[str, dict[str, str]]) -> tuple[Verdict, str]:
    """Return the verdict on the planted fault, and who gave it.

    A fault in portable C is hunted here; one that only other cores see, on those.
    """
    try:
        found = changes(known)
    except Exception as error:  # a generator that fails writes no wrong C
        return Verdict.REFUSED, f"{type(error).__name__}: {error}"
    hunted = 0
    for board in (None, *CORES):
        visible = [(m, new) for m, new, old in found if seen(new, board) != seen(old, board)]
        for model, files in visible:
            hunted += 1
            verdict, why = hunt(model, files, board)
            if verdict is not Verdict.SURVIVED:
                return verdict, f"{model.name} ({board or 'here'}): {why}"
        if visible and board is None:
            break
    return (Verdict.SURVIVED, f"{hunted} hunts") if hunted else (Verdict.UNREACHED, "")


def hunt(model: Model, files: dict[str, str], board: str | None) -> tuple[Verdict, str]:
    """Return the verdict of one model in one place."""
    from codegen.errors import BuildError, TargetError  # noqa: PLC0415
    from codegen.host import CompilerError  # noqa: PLC0415

    try:
        found = differs(model, files, on(board) if board else here, board is not None)
    except (CompilerError, BuildError, AssertionError) as error:
        return Verdict.REFUSED, str(error)
    except (TargetError, ValueError) as error:  # a crash, no answer, or another model's digest
        found = str(error)
    return (Verdict.KILLED, found) if found else (Verdict.SURVIVED, "")


def main() -> int:
    """Plant the mutant, hunt it, print the verdict."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    given = json.load(sys.stdin)
    plant(given["path"], given["text"], given["package"])
    verdict, why = attack(json.loads(Path(given["known"]).read_text()))
    print(json.dumps({"verdict": verdict, "why": why.splitlines()[0] if why else ""}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
