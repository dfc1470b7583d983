"""What a compiler made once, kept for the whole run: the same command on the same files.

Most tests of the verbs compile one of a few small models, and compiling is most of what they take.
A compiler that fails, or is a script that a test planted, runs every time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from codegen.base.paths import locked
from qat.machine import programs
from qat.machine.programs import Done

PROGRAM = b"\x7fELF"
"""How a program begins that is no script."""
SAID = "said.json"


def _identity(program: str) -> str | None:
    """Return what tells a program from another, None for a script or one that is not there."""
    found = shutil.which(program)
    if found is None:
        return None
    path = os.path.realpath(found)
    with open(path, "rb") as file:
        if file.read(len(PROGRAM)) != PROGRAM:
            return None
    status = os.stat(path)
    return f"{Path(found).name} {path} {status.st_size} {status.st_mtime_ns}"


def _named(words: Iterable[str], folder: Path) -> bool:
    """Return True if the words name no file beside the system's and those in the folder."""
    elsewhere = (word for word in words if word.startswith("/") or ".." in word)
    return all(Path(word).is_relative_to("/usr") for word in elsewhere) and folder.is_dir()


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _key(identity: str, words: Sequence[str], contents: dict[str, bytes]) -> str:
    """Return a hash over a command and the files that it sees, each part with its length."""
    h = hashlib.sha256()
    files = (part for name, data in contents.items() for part in (name.encode(), data))
    for part in (identity.encode(), *(word.encode() for word in words), b"", *files):
        h.update(len(part).to_bytes(8, "little") + part)
    return h.hexdigest()[:32]


def keeping(parent: Path) -> Callable[..., Done]:
    """Return qat.machine.programs.run for commands of compilers, whose files are kept in `parent`.

    All processes of a run may have the same folder.
    """
    parent.mkdir(parents=True, exist_ok=True)

    def run(command: Sequence[str], *, folder: str | Path | None = None, **options: Any) -> Done:
        identity = _identity(command[0])
        known = folder is not None and _named(command[1:], Path(folder))
        if (
            options
            or identity is None
            or not known
            or ("-o" not in command and "-c" not in command)
        ):
            return programs.run(command, folder=folder, **options)
        here = Path(str(folder))
        before = _contents(here)
        place = parent / _key(identity, command[1:], before)
        with locked(place.with_suffix(".lock")):
            if not place.is_dir():
                done = programs.run(command, folder=folder)
                if not done.returncode:
                    _keep(place, done, before, here)
                return done
        said = json.loads((place / SAID).read_text("utf-8"))
        shutil.copytree(place / "made", here, dirs_exist_ok=True)
        return Done(command, 0, *said)

    return run


DRIVER = "driver.c"
UNIT = "unit.c"


def as_one(command: Sequence[str], folder: Path) -> list[str] | None:
    """Return a command that compiles a model and the driver as one file, in less time.

    None where a command compiles something else than these two, or its compiler is a script.
    """
    sources = [word for word in command if word.endswith(".c")]
    if len(sources) != 2 or DRIVER not in sources or _identity(command[0]) is None:
        return None
    (model,) = (name for name in sources if name != DRIVER)
    (folder / UNIT).write_text(f'#include "{model}"\n#include "{DRIVER}"\n', "utf-8")
    return [UNIT if word == DRIVER else word for word in command if word != model]


def joining(run: Callable[..., Done]) -> Callable[..., Done]:
    """Return a function like `run` that compiles a model and the driver at once where it can.

    What a compiler refuses as one file is compiled as it was to be, and says what it has to say.
    """

    def joined(command: Sequence[str], *, folder: str | Path, **options: Any) -> Done:
        one = as_one(command, Path(folder)) if "-O0" in command else None
        done = run(one, folder=folder, **options) if one else None
        return done if done and not done.returncode else run(command, folder=folder, **options)

    return joined


def _keep(place: Path, done: Done, before: dict[str, bytes], folder: Path) -> None:
    """Keep what a command said and the files that it made or changed."""
    making = Path(tempfile.mkdtemp(dir=place.parent))
    (making / "made").mkdir()
    (making / SAID).write_text(json.dumps([done.stdout, done.stderr]), "utf-8")
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_file() and (name not in before or before[name] != path.read_bytes()):
            to = making / "made" / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to)
    making.rename(place)
