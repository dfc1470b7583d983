"""Firmware of many models from PlatformIO's own commands, recorded once for a board.

`pio run -v` says every command of a build. For another model the same commands are run on that
model's files; sources that do not see binding.h keep their objects. The program is PlatformIO's, to
the byte (tests/target/test_build.py), without the second that its start takes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from codegen import isa
from codegen.base.paths import assets, cache_dir, locked
from codegen.render import render
from codegen.target.boards import Board, find_board
from codegen.target.emulated import TargetModel
from qat.model import Model, Result

TOOLS = tuple(
    f"{architecture.tools.compiler}{which} "
    for architecture in isa.architectures()
    for which in ("", "-ar", "-ranlib")
)
"""Beginnings of the commands of a build."""
COMMANDS = "commands"
"""The file of a recording that holds them, a line each."""
ALL_COMMANDS = "all-commands"
"""The file that holds those of the sources that no model changes as well."""
MARK = "-DRECORDED_FLAGS"
MARKED = (MARK,)
"""Stands in recorded commands where the definitions of a build go; no source knows it."""
GUARD_CHECK = """    for (uint32_t i = 0u; i < 8u; i++) {
        if (state->guard[i] != 0u) {
            __builtin_trap();
        }
    }
"""
ODD = """
static inline const uint8_t *model_odd(const void *x)
{
    static uint32_t words[MODEL_INPUT_BYTES / 4u + 2u];
    uint8_t *const odd = (uint8_t *)words + 1;

    for (uint32_t i = 0u; i < MODEL_INPUT_BYTES; i++) {
        odd[i] = ((const uint8_t *)x)[i];
    }
    return odd;
}
"""
PLACEHOLDER = "example"
"""The model that comes with the firmware, whose files another model's take the place of."""


OPTIMISED, UNOPTIMISED = "-O2", "-O0"
"""How PlatformIO compiles; and what compiles the firmware around a model in half of the time."""
COUNTED = ("benchmark.c", "device.c", "stream.c")
"""Sources of the firmware of which a counted call takes instructions."""
Around = Literal["exact", "counted", "quick"]
"""How what is around a model is compiled: as PlatformIO does; in two pieces, of which the one that
is counted is optimised; as one, not optimised. Spikes are the same in all, counts in the first two,
sizes and stacks in the first alone."""
ROOMY = 2**18
"""Bytes of flash of a board that has room for such a firmware."""


Compiler = Callable[[str], str]
"""Returns the command of another compiler that does what one of PlatformIO's does."""


@dataclass(frozen=True)
class Recording:
    """The commands that a model decides: of sources that see it, of its library, of the program.

    folder: where they were run, and what they made is
    """

    folder: Path
    commands: tuple[str, ...]

    def build(
        self,
        files: Mapping[str, str],
        folder: Path,
        compiler: Compiler | None = None,
        around: Around = "exact",
    ) -> Path:
        """Return the ELF file of other files, made in `folder`; {name: text}.

        compiler: the command that compiles the model in place of PlatformIO's own
        """
        source = folder / "model"
        source.mkdir(parents=True)
        for name, text in files.items():
            (source / name).write_text(text)
        (name,) = (path.stem for path in source.glob("*.c"))
        commands = self.into(folder, source)
        for command in commands if around == "exact" else joined(commands, folder, around):
            of_model = f"{PLACEHOLDER}.c" in command
            own = compiler(command) if of_model and compiler is not None else command
            run(own.replace(f"{PLACEHOLDER}.c", f"{name}.c"))
        elf = (folder / "firmware.elf").rename(folder.with_suffix(".elf"))
        shutil.rmtree(folder)
        return elf

    def into(self, folder: Path, source: Path) -> list[str]:
        """Return the commands for files in `source`: what they make is put into `folder`.

        What no model changes stays where it is.
        """
        made = dict.fromkeys(path for text in self.commands for path in MADE.findall(text))
        names = {path: Path(path).name for path in made}
        assert len(set(names.values())) == len(names)
        moved = {path: str(folder / name) for path, name in names.items()}
        moved[str(self.folder / "lib" / "model" / "src")] = str(source)
        any_of = re.compile("|".join(map(re.escape, moved)))
        return [any_of.sub(lambda match: moved[match[0]], text) for text in self.commands]


MADE = re.compile(r" (?:-o|rc) (\S+)")
"""What a compiler, a linker or an archiver makes."""
FIRMWARE_SOURCE = re.compile(r"^\S+ -o (\S+\.o) -c .* (src/\S+\.c)$")
"""A command that compiles a source of the firmware."""


def joined(commands: Sequence[str], folder: Path, around: Around) -> list[str]:
    """Return commands that compile the firmware's sources as one or two: in half of the time.

    commands: of sources that see the model, of its library, of the program; folder: of their files
    """
    found = [match for match in map(FIRMWARE_SOURCE.match, commands) if match]
    kept = COUNTED if around == "counted" else ()
    counted = [match for match in found if Path(match[2]).name in kept]
    others = [match for match in found if match not in counted]
    assert len(counted) == len(kept), "a counted source has another name now"
    compiled = [as_one(part, folder) for part in (counted, others) if part]
    gone = [match[1] for part in (counted, others) for match in part[1:]]
    of_others = re.compile("|".join(rf" {re.escape(name)}(?= )" for name in gone))
    apart = {match[0] for match in found}
    rest = [of_others.sub("", command) for command in commands if command not in apart]
    unoptimised = compiled.pop().replace(f" {OPTIMISED} ", f" {UNOPTIMISED} ")
    return [*compiled, unoptimised, *rest]


def as_one(sources: Sequence[re.Match[str]], folder: Path) -> str:
    """Return a command that compiles sources together, to the object of the first."""
    first = sources[0]
    one = folder / f"with-{Path(first[2]).name}"
    texts = [f'#include "{assets() / "firmware" / match[2]}"' for match in sources]
    one.write_text("\n".join([*texts, ""]))
    return first[0].removesuffix(first[2]) + str(one)


PLAIN = re.compile(r"[^'\"\\]*")
"""A command without quotes: shlex takes a millisecond and more for each."""


def run(command: str) -> str:
    """Run a command of the firmware's folder and return what it says."""
    done = subprocess.run(
        command.split() if PLAIN.fullmatch(command) else shlex.split(command),
        cwd=assets() / "firmware",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def read_by(command: str) -> list[str] | None:
    """Return the paths that a compilation reads, None for a command of another kind."""
    words = shlex.split(command)
    if "-c" not in words:
        return None
    at = words.index("-o")
    listed = [*words[:at], *words[at + 2 :], "-MM"]
    listed.remove("-c")
    return run(shlex.join(listed)).partition(":")[2].replace("\\\n", " ").split()


def sees_the_model(read: list[str] | None) -> bool:
    """Return True for a command whose outcome another model changes, by what it reads."""
    return read is None or any("lib/model/src" in path for path in read)


def mentions(read: list[str], names: Iterable[str]) -> bool:
    """Return True if one of the names stands in a file."""
    texts = [(assets() / "firmware" / path).read_text() for path in read]
    return any(name in text for name in names for text in texts)


@cache
def record(board: str, flags: tuple[str, ...]) -> Recording:
    """Return what PlatformIO does for a board, recorded now or by another process."""
    key = hashlib.sha256(" ".join((board, *flags)).encode()).hexdigest()[:12]
    final = cache_dir() / "recordings" / f"{board}-{key}"
    final.parent.mkdir(parents=True, exist_ok=True)
    with locked(final.with_suffix(".lock")):
        if not final.is_dir():
            if flags != MARKED and all(flag.startswith("-D") for flag in flags):
                _define(final, board, flags)
            else:
                _record(final, board, flags)
    return Recording(final, tuple((final / COMMANDS).read_text().splitlines()))


def _define(folder: Path, board: str, flags: Sequence[str]) -> None:
    """Make a recording with definitions from the one that has their mark, without PlatformIO.

    Sources in which a defined name stands are compiled again; those that see the model are it for
    every model anyway.
    """
    marked = record(board, MARKED)
    making = folder.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(marked.folder, making)

    def own(text: str, place: Path) -> str:
        return text.replace(str(marked.folder), str(place)).replace(MARK, " ".join(flags))

    recorded = (making / ALL_COMMANDS).read_text().splitlines()
    names = [flag.removeprefix("-D").partition("=")[0] for flag in flags]
    seeing = []
    for command in recorded:
        read = read_by(own(command, making))
        if read is None or sees_the_model(read):  # which a definition may decide
            seeing.append(command)
        elif mentions(read, names):
            run(own(command, making))
    for name, commands in ((COMMANDS, seeing), (ALL_COMMANDS, recorded)):
        (making / name).write_text("\n".join(own(c, folder) for c in commands))
    making.rename(folder)


def _record(folder: Path, board: str, flags: Sequence[str]) -> None:
    """Build the placeholder for a board through PlatformIO, and write down what it did.

    Debugging information is left out: it takes a fifth of the time, and is no part of the program.
    """
    firmware = assets() / "firmware"
    shutil.copytree(firmware / "lib", folder / "lib")
    folders = {
        "PLATFORMIO_CORE_DIR": str(folder.with_suffix(".core")),
        "PLATFORMIO_WORKSPACE_DIR": str(folder / "work"),
        "PLATFORMIO_LIB_DIR": str(folder / "lib"),
        "PLATFORMIO_BUILD_FLAGS": " ".join(flags),
    }
    command = [sys.executable, "-m", "platformio", "run", "-v", "-d", str(firmware), "-e", board]
    said = subprocess.run(
        command, env=os.environ | folders, capture_output=True, text=True, check=True
    ).stdout
    commands = [line.replace(" -g ", " ") for line in said.splitlines() if line.startswith(TOOLS)]
    (folder / ALL_COMMANDS).write_text("\n".join(commands))
    (folder / COMMANDS).write_text("\n".join(c for c in commands if sees_the_model(read_by(c))))


def firmware(
    files: Mapping[str, str],
    board: str,
    flags: Sequence[str] = (),
    compiler: Compiler | None = None,
    around: Around = "exact",
) -> Path:
    """Return the ELF file of generated files, {name: text}, for an emulated board.

    What PlatformIO's own compiler makes is kept: another test that wants the same program has it.
    """
    recording = record(board, tuple(flags))
    parent = recording.folder.parent
    if compiler is not None:
        folder = Path(tempfile.mkdtemp(prefix="made-", dir=parent))
        return recording.build(files, folder, compiler, around)
    texts = (part for item in sorted(files.items()) for part in item)
    parts = (str(recording.folder), around, *texts)
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
    folder = parent / f"kept-{key}"
    elf = folder.with_suffix(".elf")
    with locked(folder.with_suffix(".lock")):
        return elf if elf.exists() else recording.build(files, folder, around=around)


def build(
    files: Mapping[str, str],
    boards: str | Board | Iterable[str | Board],
    *,
    flags: Sequence[str] = (),
) -> dict[str, Path]:
    """Return what codegen.target.build.build does, {board: ELF file}, from recorded commands.

    What is around the model is compiled in two pieces, as `Around` says; as PlatformIO does for a
    board without room for that.
    """
    some = [boards] if isinstance(boards, str | Board) else boards
    names = [board if isinstance(board, str) else board.name for board in some]
    return {name: firmware(files, name, flags, around=_around(name)) for name in names}


def _around(board: str, wished: Around = "counted") -> Around:
    """Return how what is around a model is compiled for a board."""
    return wished if find_board(board).flash >= ROOMY else "exact"


def telling_u(name: str, files: Mapping[str, str]) -> dict[str, str]:
    """Return a model's files so that a firmware tells u where it would tell the membranes."""
    header, binding = files[f"{name}.h"], files["binding.h"]
    probe = f"#define {name.upper()}_PROBE "
    tells, told = f"{name}_membranes(state, layer", f"{name}_before_reset(state, layer"
    assert probe + "MODEL_PROBE" in header
    assert tells in binding
    changed = {
        f"{name}.h": header.replace(probe + "MODEL_PROBE", probe + "2"),
        "binding.h": binding.replace(tells, told),
    }
    return {**files, **changed}


def guarded(name: str, files: Mapping[str, str]) -> dict[str, str]:
    """Return a model's files with words behind the state: the firmware traps if one is written."""
    end, tells = f"}} {name}_state;", f"    {name}_membranes(state, layer"
    header, binding = files[f"{name}.h"], files["binding.h"]
    assert end in header
    assert tells in binding
    guard = f"{GUARD_CHECK}{tells}"
    changed = {
        f"{name}.h": header.replace(end, f"    uint32_t guard[8];\n{end}"),
        "binding.h": binding.replace(tells, guard),
    }
    return {**files, **changed}


def at_odd_addresses(files: Mapping[str, str]) -> dict[str, str]:
    """Return a model's files so that a firmware gives it vectors of bytes at odd addresses."""
    binding = files["binding.h"]
    head, bound, rest = binding.partition("model_state;\n")
    assert bound
    moved = re.sub(r"(_(?:input|step)\(state, \(const u?int8_t \*\))x", r"\1model_odd(x)", rest)
    return {**files, "binding.h": head + bound + (ODD if moved != rest else "") + moved}


def told_u(result: Result) -> Result:
    """Return a model's result with u where a firmware of `telling_u` tells it."""
    assert result.u is not None
    last = -1 if result.steps is None else result.steps - 1
    state = tuple(u[np.arange(len(u)), last] for u in result.u)
    return replace(result, v=result.u, state=state, u=None)


def emulated(
    model: Model,
    board: str,
    *,
    files: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
    compiler: Compiler | None = None,
    around: Around = "quick",
    **options: Any,
) -> TargetModel:
    """Return the model on a board, as TargetModel does, from recorded commands.

    compiler: what compiles the model alone, with the same options where it has them
    """
    made = render(model) if files is None else files
    elf = firmware(made, board, flags, compiler, _around(board, around))
    return TargetModel(model, board, elf=elf, flags=flags, **options)
