"""The table of compilers, levels of optimisation and machines that must give the same integers.

A row is a compiler for a machine. In the ordinary run a few rows take a few models. In the proof
every row takes every model, each at one of the levels in turn, which is another one in the next
row, and this machine takes the whole product; with SPIKEMCU_TEST_PROFILE=nightly every row does.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from codegen.target.boards import find_board
from support.hunters import HUNTERS

LEVELS: Mapping[str, tuple[str, ...]] = {
    "-O0": ("-O0",),
    "-O2": ("-O2",),
    "-O3": ("-O3",),
    "-Os": ("-Os",),
    "-O2 -flto": ("-O2", "-flto"),
}
UNLINKED = tuple(level for level in LEVELS if "-flto" not in level)
"""Levels for objects that another compiler's linker takes: it reads no intermediate code."""

WHOLE = os.environ.get("SPIKEMCU_TEST_PROFILE") == "nightly"
"""True if every model is to meet every level in every row."""


def found(tool: str, package: str) -> str:
    """Return a tool's path; fail, and say what brings it, where there is none."""
    path = shutil.which(tool)
    assert path is not None, f"no {tool} on PATH; install it with: apt-get install {package}"
    return path


@cache
def zig() -> tuple[str, ...]:
    """Return the C compiler of PyPI's ziglang."""
    there = importlib.util.find_spec("ziglang")
    assert there is not None, "no ziglang; install it with: pip install -e '.[proof]'"
    return (sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=all")


def as_one_word(command: tuple[str, ...], folder: Path) -> str:
    """Return a program that runs a command of several words: $CC is one."""
    path = folder / "compiler"
    path.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n')
    path.chmod(0o755)
    return str(path)


# --------------------------------------------------------- machines of user programs


@dataclass(frozen=True)
class Machine:
    """A machine whose programs qemu-user runs.

    name:   its name in Debian's cross compilers
    qemu:   the emulator
    words:  bits of a pointer
    strict: True if it traps where a word is not aligned
    zig:    its name for PyPI's clang, which has no library for it: it compiles the model alone
    """

    name: str
    qemu: str
    words: int
    strict: bool
    zig: str

    @property
    def packages(self) -> str:
        """What Debian's compilers for it come in."""
        return f"qemu-user gcc-{self.name}-linux-gnu libc6-dev-{self.name}-cross"

    def command(self, compiler: str) -> tuple[str, ...]:
        """Return the words of a compiler that makes programs for this machine."""
        if compiler == "zig":
            return (*zig(), "-target", self.zig)
        gcc = found(f"{self.name}-linux-gnu-gcc", self.packages)
        if compiler == "gcc":
            return (gcc,)
        return (found("clang", "clang"), f"--target={self.name}-linux-gnu")

    def linker(self, compiler: str) -> tuple[str, ...]:
        """Return what compiles all but the model and links it, where that is not the compiler."""
        return self.command("gcc") if compiler == "zig" else ()

    @property
    def emulator(self) -> tuple[str, ...]:
        """What runs its programs."""
        return (found(self.qemu, self.packages),)


MACHINES = {
    machine.name: machine
    for machine in (
        Machine("mips", "qemu-mips", 32, strict=True, zig="mips-linux-musleabihf"),
        Machine("powerpc", "qemu-ppc", 32, strict=False, zig="powerpc-linux-musleabihf"),
        Machine("s390x", "qemu-s390x", 64, strict=False, zig="s390x-linux-musl"),
        Machine("sparc64", "qemu-sparc64", 64, strict=True, zig="sparc64-linux-gnu"),
    )
}
"""All of them are big-endian."""


# --------------------------------------------------------------- emulated cores

TARGETS = {
    "qemu-m0": ("thumbv6m", "cortex_m0"),
    "qemu-m3": ("thumbv7m", "cortex_m3"),
    "qemu-m4": ("thumbv7em", "cortex_m4"),
    "qemu-m7": ("thumbv7em", "cortex_m7"),
    "qemu-m33": ("thumbv8m.main", "cortex_m33"),
    "qemu-m55": ("thumbv8.1m.main", "cortex_m55+mve"),
}
"""What Debian's clang and PyPI's call the core of a board."""

ARM_HEADERS = "/usr/lib/arm-none-eabi/include"
GCC_ALONE = re.compile(r"-fno-schedule-insns$")
CHOOSES_CORE = re.compile(r"-m(thumb|cpu=.*|fpu=.*|float-abi=.*)$")


def for_core(board: str, compiler: str) -> Callable[[str], str] | None:
    """Return what makes another compiler's command of the ARM compiler's; None for that itself."""
    if compiler == "gcc":
        return None
    target, cpu = TARGETS[find_board(board).core.replace("cortex-", "qemu-")]
    headers = ["-isystem", ARM_HEADERS]
    if compiler == "clang":
        words = [found("clang", "clang"), f"--target={target}-none-eabi", *headers, "-Werror"]
        return partial(_instead, words, GCC_ALONE)
    abi = "eabihf" if "-mfloat-abi=hard" in find_board(board).core_flags else "eabi"
    words = [*zig(), "-target", f"thumb-freestanding-{abi}", f"-mcpu={cpu}", *headers, "-Werror"]
    words += ["-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]
    dropped = re.compile(f"{GCC_ALONE.pattern}|{CHOOSES_CORE.pattern}")
    return partial(_instead, words, dropped)


def _instead(words: Sequence[str], dropped: re.Pattern[str], command: str) -> str:
    """Return the command with other first words, without the options that these do not know."""
    kept = [word for word in shlex.split(command)[1:] if not dropped.match(word)]
    return shlex.join([*words, *kept])


# --------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class Row:
    """A compiler for a machine, and its levels of optimisation."""

    machine: str
    compiler: str
    levels: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.compiler}, {self.machine}"


HERE = [Row("here", compiler, tuple(LEVELS)) for compiler in ("gcc", "clang", "zig")]
FOREIGN = [
    Row(machine.name, compiler, tuple(LEVELS) if compiler == "gcc" else UNLINKED)
    for machine in MACHINES.values()
    for compiler in ("gcc", "clang", "zig")
]
CORES = [
    Row(board, compiler, tuple(LEVELS) if compiler == "gcc" else UNLINKED)
    for compiler in ("gcc", "clang", "zig")
    for board in TARGETS
]


def turns(row: Row, turn: int, whole: bool = WHOLE) -> list[tuple[str, str]]:
    """Return (model, level) of what a row runs; rows start at a level of their own."""
    names = list(HUNTERS)
    if whole:
        return [(name, level) for level in row.levels for name in names]
    levels = row.levels
    return [(name, levels[(i + turn) % len(levels)]) for i, name in enumerate(names)]
