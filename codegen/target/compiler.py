"""The size of a model's own code and constants, by the cross compiler alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.base.errors import BuildError, MissingCompilerError
from codegen.base.paths import assets
from codegen.isa import DEFAULT_CORE, Architecture, find
from codegen.target.boards import Board, find_board
from qat.machine.programs import run as run_program
from qat.machine.scratch import scratch


@dataclass(frozen=True)
class Sizes:
    """Bytes of a model's sections: code, constants, initialised and zeroed variables."""

    text: int
    rodata: int
    data: int
    bss: int

    @property
    def flash(self) -> int:
        """Bytes of flash."""
        return self.text + self.rodata + self.data

    @property
    def ram(self) -> int:
        """Bytes of RAM of static variables; the caller's state is none of them."""
        return self.data + self.bss


def find_cross_compiler(architecture: Architecture | None = None) -> str:
    """Return the path of an architecture's compiler, or raise MissingCompilerError.

    None is the architecture of the core for which kernels are chosen where none is named.
    """
    tools = (architecture or find(DEFAULT_CORE).architecture).tools
    path = shutil.which(tools.compiler)
    if path is None:
        raise MissingCompilerError(f"no {tools.compiler} on PATH; install it with: {tools.install}")
    return path


def compiler_version(architecture: Architecture) -> str:
    """Return name and version of a cross compiler, or raise MissingCompilerError."""
    version = run_tool([find_cross_compiler(architecture), "-dumpfullversion"], Path()).strip()
    return f"{architecture.tools.compiler} {version}"


def model_flags() -> tuple[str, ...]:
    """Return the options that the firmware compiles a model with, besides those of the core."""
    library = assets() / "firmware" / "lib" / "model" / "library.json"
    return ("-std=c99", "-O2", *json.loads(library.read_text("utf-8"))["build"]["flags"])


def size_of(files: Mapping[str, str], board: str | Board) -> Sizes:
    """Compile the generated files for a board's core, without probes, and return their sizes.

    Raises MissingCompilerError, or BuildError with the compiler's first lines.
    """
    board = find_board(board)
    with scratch() as folder:
        objects = compile_files(files, board, folder)
        return parse_sizes(run_tool([board.architecture.tools.size, "-A", *objects], folder))


def compile_files(files: Mapping[str, str], board: Board, folder: Path, *options: str) -> list[str]:
    """Compile the generated files for a board's core in `folder`; return the object files.

    options: of the compiler, besides those of the core and of a firmware
    """
    for file, text in files.items():
        (folder / file).write_text(text, "utf-8")
    sources = sorted(file for file in files if file.endswith(".c"))
    run_tool([*compiling(board), *model_flags(), *options, "-c", *sources], folder)
    return [str(Path(source).with_suffix(".o")) for source in sources]


def compiling(board: Board) -> list[str]:
    """Return the command that compiles for a board: core, and headers where no C library is."""
    library = _library(board)
    headers = [f"-I{library}"] if library else []
    return [find_cross_compiler(board.architecture), *board.core_flags, *headers]


def linker(board: Board) -> list[str]:
    """Return the command that links for a board, without the startup of its C library.

    What stands in for the library where there is none is compiled on the way.
    """
    library = _library(board)
    sources = ["-O2", *map(str, sorted(library.glob("*.c")))] if library else []
    return [*compiling(board), *board.architecture.tools.link, *sources]


def _library(board: Board) -> Path | None:
    """Return the folder that stands in for a C library; None where the compiler comes with one."""
    folder = board.architecture.firmware.library
    return assets() / "firmware" / folder if folder else None


def run_tool(command: list[str], folder: Path) -> str:
    """Return what a program of the compiler prints; raise BuildError if it fails."""
    done = run_program(command, folder=folder)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()[:5]
        raise BuildError(f"{Path(command[0]).name} failed\n" + "\n".join(lines))
    return done.stdout


def parse_sizes(table: str) -> Sizes:
    """Return the sums over the sections of a `size -A` table."""
    totals = {"text": 0, "rodata": 0, "data": 0, "bss": 0}
    for line in table.splitlines():
        fields = line.split()
        kind = fields[0].split(".")[1] if len(fields) == 3 and fields[0].startswith(".") else ""
        if kind in totals:
            totals[kind] += int(fields[1])
    return Sizes(**totals)
