"""Estimates of cycles: what the executed instructions take by the documented timings of a core.

An emulator counts instructions, not cycles. Here one inference is traced on QEMU, every executed
instruction is put into a class, and each class has the cycles that the core's technical reference
manual gives for it, with zero wait states. The cycles per instruction of each part then turn
predicted instructions into predicted cycles. No hardware was measured: these are estimates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from codegen import isa
from codegen.isa import Architecture
from codegen.isa.code import Function
from codegen.isa.timings import Timing
from codegen.target.boards import Board
from codegen.target.qemu import Qemu
from codegen.target.stack import disassemble
from qat.machine.scratch import scratch

TRACE = ("-singlestep", "-d", "exec,nochain", "-D")
"""QEMU's options that log the address of every executed instruction."""


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
    addresses: Iterator[int],
    functions: Mapping[str, Function],
    start: str,
    timing: Timing,
    architecture: Architecture,
) -> dict[int, Executed]:
    """Return what each marked part executed, of the calls of the function `start`.

    The marks themselves are left out.
    """
    code = {i.address: i for f in functions.values() for i in f.code}
    order = sorted(code)
    after = dict(pairwise(order))
    take = functions["marks_take"].start
    marks = {
        i.address: architecture.part(code[order[order.index(i.address) - 1]])
        for f in functions.values()
        for i in f.code
        if architecture.called(f, i) == take
    }
    hidden = _hidden(functions, marks, order, architecture)
    begin, counts = functions[start].start, defaultdict[int, list[float]](_pair)
    instructions, cycles, inside = 0, 0.0, False
    previous, clock = 0, architecture.clock(timing)
    for address in addresses:
        if previous and inside and previous not in hidden:
            jumped = after.get(previous) != address and address not in hidden
            instructions += 1
            cycles += clock.takes(code[previous], jumped)
        if address == begin:
            inside, instructions, cycles = True, 0, 0.0
        elif address in marks and inside:
            part = counts[marks[address]]
            part[0], part[1] = part[0] + instructions, part[1] + cycles
            instructions, cycles = 0, 0.0
        previous = address if address in code else 0
    return {part: Executed(int(n), c) for part, (n, c) in counts.items()}


def _pair() -> list[float]:
    return [0, 0.0]


def _hidden(
    functions: Mapping[str, Function],
    marks: Iterable[int],
    order: list[int],
    architecture: Architecture,
) -> set[int]:
    """Return the addresses of the marks, and of the functions behind them."""
    before, after = architecture.mark
    hidden = {
        i.address
        for name in ("marks_take", "marks_add", "counter_now")
        if name in functions
        for i in functions[name].code
    }
    for address in marks:
        at = order.index(address)
        hidden.update(order[at - before : at + after])
    return hidden


def executed(
    board: Board, elf: Path, start: str, run: Callable[[Qemu], object]
) -> dict[int, Executed]:
    """Return what each part of the calls of `start` executed on a board, in its core's timing."""
    architecture, timing = board.architecture, isa.timing(board.core)
    functions = disassemble(elf, architecture)
    return parts_of(trace(board, elf, run), functions, start, timing, architecture)
