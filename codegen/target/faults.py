"""Read the line that the firmware logs when it faults, and say what it means."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from codegen.base.errors import CrashError
from codegen.isa import Architecture, Tools
from codegen.target.boards import Board
from qat.machine.programs import run as run_program

EXIT_FAULT = 70
"""Exit status of a firmware that faulted, as in firmware/platform/startup/startup.h."""


def parse(log: str) -> dict[str, int]:
    """Return the registers that the last line `fault: ...` of a log names."""
    lines = [line for line in log.splitlines() if line.startswith("fault:")]
    if not lines:
        return {}
    return {name: int(value, 16) for name, value in re.findall(r"(\w+)=([0-9a-f]{8})", lines[-1])}


def causes(registers: dict[str, int], architecture: Architecture) -> list[str]:
    """Return why a fault came, in words."""
    found = architecture.causes(registers)
    if registers and "pc" not in registers:
        found.append("stack overflow")  # the stack pointer lies outside of the stack
    return list(dict.fromkeys(found))


def place(elf: Path, pc: int, tools: Tools) -> str | None:
    """Return the function and line of an address, or None if that cannot be told."""
    tool = shutil.which(tools.addr2line)
    if tool is None:
        return None
    command = [tool, "-f", "-s", "-e", str(elf), hex(pc)]
    lines = run_program(command).stdout.split()
    if len(lines) < 2 or lines[0] == "??":
        return None
    return f"{lines[0]} ({lines[1]})"


def crash(board: Board, elf: Path, log: str) -> CrashError:
    """Return the error that describes a fault."""
    registers = parse(log)
    if not registers:
        last = (log.strip().splitlines() or ["it said nothing"])[-1]
        return CrashError(
            f"{board.name}: the firmware crashed beyond its own report: {last}", registers
        )
    architecture = board.architecture
    name = architecture.exception(registers)
    where = place(elf, registers["pc"], architecture.tools) if "pc" in registers else None
    why = ", ".join(causes(registers, architecture))
    values = " ".join(f"{n}=0x{v:08x}" for n, v in registers.items() if n != "exception")
    text = f"{board.name}: {name}" + (f" in {where}" if where else "") + (f", {why}" if why else "")
    return CrashError(f"{text}; {values}", registers)
