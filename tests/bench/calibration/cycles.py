"""Estimates of cycles: what the executed instructions take by the documented timings of a core.

An emulator counts instructions, not cycles. Here one inference is traced on QEMU, every executed
instruction is put into a class, and each class has the cycles that the core's technical reference
manual gives for it, with zero wait states. The cycles per instruction of each part then turn
predicted instructions into predicted cycles. No hardware was measured: these are estimates.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from codegen import isa
from codegen.isa.arm import CONDITIONS, Function, Instruction
from codegen.isa.timings import Timing
from codegen.target.boards import Board
from codegen.target.qemu import Qemu
from codegen.target.stack import disassemble
from qat.machine.scratch import scratch

TRACE = ("-singlestep", "-d", "exec,nochain", "-D")
"""QEMU's options that log the address of every executed instruction."""


_RETURN = re.compile(r"^(bx|pop|ldm\w*|ldr)")
_CONDITION = rf"({CONDITIONS})?$"
_CLASSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("gather", re.compile(r"^v(ldr|str)[bhwd]\.?\w*$")),
    ("several", re.compile(rf"^(v?push|v?pop|v?ldm\w*|v?stm\w*|ldrd|strd){_CONDITION}")),
    ("load", re.compile(rf"^v?ldr(b|h|sb|sh)?{_CONDITION}|^vldr")),
    ("store", re.compile(rf"^v?str(b|h)?{_CONDITION}|^vstr")),
    ("vector", re.compile(r"^v")),
    ("multiply", re.compile(r"^(mul|mla|mls|smul|smla|umul|umla|smu)")),
    ("divide", re.compile(r"^[us]div")),
)


def kind_of(instruction: Instruction) -> str:
    """Return the class of an instruction that does not branch."""
    name, operands = instruction.name, instruction.operands
    for kind, pattern in _CLASSES:
        if pattern.match(name):
            gathers = re.search(r"\[\w+, q\d|\[q\d", operands) is not None
            return kind if kind != "gather" or gathers else "vector"
    return "alu"


def _registers(operands: str) -> int:
    listed = re.search(r"\{(.*)\}", operands)
    if listed is None:
        return 2  # LDRD, STRD
    count = 0
    for item in listed[1].split(","):
        first, _, last = item.strip().partition("-")
        count += int(last[1:]) - int(first[1:]) + 1 if last else 1
    return count * (2 if listed[1].strip().startswith("d") else 1)


def cycles_of(instruction: Instruction, jumped: bool, timing: Timing) -> float:
    """Return the cycles of one executed instruction; jumped: another than the next one followed."""
    kind, name = kind_of(instruction), instruction.name
    if kind == "several":
        cycles = 1 + timing.each * _registers(instruction.operands)
        return cycles + (timing.back if jumped else 0)
    if not jumped or name.startswith("le"):  # a loop of Helium's branches costs no refill
        return float(getattr(timing, kind))
    if name in ("bl", "blx"):
        return timing.call
    return timing.back if _RETURN.match(name) else timing.taken


# -------------------------------------------------------------------- tracing


def trace(board: Board, elf: Path, run: Callable[[Qemu], object]) -> Iterator[int]:
    """Yield the address of every instruction that the firmware executes while `run` uses it."""
    with scratch() as folder:
        log = Path(folder) / "trace"
        with Qemu(board, elf, options=(*TRACE, str(log))) as qemu:
            run(qemu)
        with log.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("Trace"):
                    yield int(line.split("/")[1], 16)


@dataclass(frozen=True)
class Executed:
    """What a part of a call executed: instructions, and cycles by a core's timing."""

    instructions: int
    cycles: float


def parts_of(
    addresses: Iterator[int], functions: Mapping[str, Function], start: str, timing: Timing
) -> dict[int, Executed]:
    """Return what each marked part executed, of the calls of the function `start`.

    The marks themselves are left out. A part's number stands in the instruction before its mark.
    """
    code = {i.address: i for f in functions.values() for i in f.code}
    order = sorted(code)
    after = dict(pairwise(order))
    marks = {i.address: i for i in code.values() if i.name == "bl" and _is_mark(i, functions)}
    hidden = _hidden(functions, marks, order)
    begin, counts = functions[start].code[0].address, defaultdict[int, list[float]](_pair)
    instructions, cycles, inside = 0, 0.0, False
    previous = 0
    for address in addresses:
        if previous and inside and previous not in hidden:
            jumped = after.get(previous) != address and address not in hidden
            instructions += 1
            cycles += cycles_of(code[previous], jumped, timing)
        if address == begin:
            inside, instructions, cycles = True, 0, 0.0
        elif address in marks and inside:
            part = counts[_number(code, order, address)]
            part[0], part[1] = part[0] + instructions, part[1] + cycles
            instructions, cycles = 0, 0.0
        previous = address if address in code else 0
    return {part: Executed(int(n), c) for part, (n, c) in counts.items()}


def _pair() -> list[float]:
    return [0, 0.0]


def _is_mark(instruction: Instruction, functions: Mapping[str, Function]) -> bool:
    return instruction.target == functions["marks_take"].code[0].address


def _number(code: Mapping[int, Instruction], order: list[int], address: int) -> int:
    """Return the part of a mark: movs r0, #part stands before its call."""
    before = code[order[order.index(address) - 1]]
    return int(before.operands.rsplit("#", 1)[1])


def _hidden(
    functions: Mapping[str, Function], marks: Mapping[int, Instruction], order: list[int]
) -> set[int]:
    """Return the addresses of the marks: push, movs, bl, pop, and the functions behind."""
    hidden = {
        i.address
        for name in ("marks_take", "marks_add", "counter_now")
        if name in functions
        for i in functions[name].code
    }
    for address in marks:
        at = order.index(address)
        hidden.update(order[at - 2 : at + 2])
    return hidden


def executed(
    board: Board, elf: Path, start: str, run: Callable[[Qemu], object]
) -> dict[int, Executed]:
    """Return what each part of the calls of `start` executed on a board, in its core's timing."""
    return parts_of(trace(board, elf, run), disassemble(elf), start, isa.timing(board.core))
