"""The Arduino sources of the firmware, with a stand-in for the core, built for QEMU's machines."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from codegen.base.paths import assets
from codegen.isa import ARM
from codegen.target.boards import Board
from codegen.target.compiler import find_cross_compiler
from support.uart import uart_flags

CORE = Path(__file__).parent / "arduino"
WARNINGS = (
    "-Wall -Wextra -Wconversion -Wshadow -Wvla -Wundef -Wdouble-promotion -Wcast-qual".split()
)
C = ["-std=c99", "-pedantic-errors", "-Wmissing-prototypes"]
CPP = ["-std=gnu++11", "-fno-exceptions", "-fno-rtti", "-Wmissing-declarations"]
HIDDEN = [f"-Dstack_{name}=startup_stack_{name}" for name in ("size", "used", "paint", "now")]
"""A framework's startup code has nothing to say of the stack."""


def startup() -> list[Path]:
    """Return the folders of the startup code."""
    return [assets() / "firmware" / folder for folder in ARM.firmware.startup]


def sources(folder: Path) -> list[Path]:
    """Return the firmware's sources for Arduino, and what stands in for core and framework."""
    firmware = assets() / "firmware"
    return [
        *sorted((firmware / "src").glob("*.c")),
        *sorted((firmware / "src" / "core").glob("*.c")),
        *sorted((firmware / "src" / "arduino").glob("*.c*")),
        *sorted(path for place in startup() for path in place.glob("*.c")),
        firmware / "src" / "qemu" / "uart.c",
        *sorted(CORE.glob("*.c*")),
        *sorted(folder.glob("*.c")),
    ]


def includes(folder: Path) -> list[str]:
    """Return the options that find every header."""
    firmware = assets() / "firmware"
    uart = firmware / "src" / "qemu"
    return [f"-I{path}" for path in (folder, firmware / "include", CORE, *startup(), uart)]


def run(command: Sequence[str | Path]) -> None:
    """Run a compiler; what it says is an error."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def build_arduino(
    files: Mapping[str, str], board: Board, folder: Path, options: Sequence[str] = ()
) -> Path:
    """Return the ELF file of a sketch-like firmware for an emulated board."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    common = ["-O2", "-Werror", *WARNINGS, *board.core_flags, *includes(folder), *options]
    common += [*uart_flags(board), "-DMODEL_PROBE=1", f"-DF_CPU={board.clock_hz}"]
    objects = []
    for source in sources(folder):
        objects.append(folder / f"{source.parent.name}-{source.name}.o")
        language = C if source.suffix == ".c" else CPP
        hidden = HIDDEN if source.parent in startup() else []
        run([find_cross_compiler(), *language, *common, *hidden, "-c", source, "-o", objects[-1]])
    return link(board, objects, folder / "firmware.elf")


def link(board: Board, objects: Sequence[Path], elf: Path) -> Path:
    """Link as firmware/platform does."""
    origins = {"m33": (0x10000000, 0x38000000)}.get(board.name.split("-")[1], (0, 0x20000000))
    memory = {
        "FLASH_ORIGIN": origins[0],
        "FLASH_LENGTH": board.flash,
        "RAM_ORIGIN": origins[1],
        "RAM_LENGTH": board.ram,
    }
    script = assets() / "firmware" / ARM.firmware.script
    options = ["-nostartfiles", "--specs=nano.specs", "-Wl,--no-warn-rwx-segments", f"-T{script}"]
    options += [f"-Wl,--defsym={name}={value:#x}" for name, value in memory.items()]
    run([find_cross_compiler(), *board.core_flags, *options, *objects, "-o", elf])
    return elf
