"""The stack that the generated C can take, read from the machine code itself.

The disassembly shows every push, whether the compiler or inline assembly wrote it, and the C
library's functions as well. The depth of the stack is followed along every path of a function,
and the deepest path through the calls is the worst case. Nothing in generated C calls through a
pointer or itself; if something did, that would be an error here, not a guess. An interrupt
takes its own stack on top: 32 bytes, or 104 with floating-point registers, before its handler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.base.errors import BuildError
from codegen.isa import ARM_TOOLS
from codegen.isa.arm import Function
from codegen.target.boards import Board, find_board
from codegen.target.compiler import compile_files, find_arm_compiler, run_tool
from qat.machine.scratch import scratch

READER = ARM_TOOLS.reader
"""How the machine code of the cores is read, that of all of them."""
API = ("reset", "input", "step", "scores", "decided", "classify", "stream_reset", "scale", "sample")
"""Functions of a model that a user calls, those that it has."""

POINTER = -1
"""The address of a callee that only the run decides."""


@dataclass(frozen=True)
class Frame:
    """What a function takes itself, and (address, depth) of every call in it."""

    own: int
    calls: tuple[tuple[int, int], ...]


def disassemble(elf: Path) -> dict[str, Function]:
    """Return the functions of an ELF file."""
    return READER.parse(
        run_tool([ARM_TOOLS.objdump, "-d", "--no-show-raw-insn", str(elf)], elf.parent)
    )


def _next(function: Function, index: int) -> tuple[list[int], bool]:
    """Return (addresses that may follow, True if it jumps where nobody can say)."""
    code = function.code
    this = code[index]
    after = [code[index + 1].address] if index + 1 < len(code) else []
    there = [this.target] if this.target is not None and function.holds(this.target) else []
    if this.name == "b" or function.jumps(this):
        return there, False
    if READER.branches(this):
        return after + there, False
    to_pc = re.match(r"^(pop|ldm.*|ldr)$", this.name) and re.search(r"\bpc\}|^pc,", this.operands)
    if this.name == "bx" or to_pc:
        return [], this.name == "bx" and this.operands != "lr"
    if this.name in ("tbb", "tbh") or re.match(r"^pc,", this.operands):
        return after, True
    return after, False


def frame_of(function: Function) -> Frame:
    """Follow the stack along every path of a function.

    Raises BuildError where a path cannot be followed.
    """
    where = {instruction.address: i for i, instruction in enumerate(function.code)}
    effects = _effects(function)
    depths: dict[int, int] = {}
    waiting, jumped = [(function.code[0].address, 0)], 0
    while True:
        while waiting:
            address, depth = waiting.pop()
            if depths.get(address, -1) >= depth:
                continue
            if depth > 2**20:
                raise BuildError(f"stack: {function.name} pushes in a loop")
            depths[address] = depth
            index = where[address]
            following, unknown = _next(function, index)
            jumped = max(jumped, depth) if unknown else jumped
            waiting += [(after, depth + effects[index]) for after in following]
        missing = [i.address for i in function.code if i.address not in depths]
        if not missing or not jumped:
            break
        waiting = [(missing[0], jumped)]
    own = max(depths[a] + max(effects[where[a]], 0) for a in depths)
    return Frame(own, tuple(_calls(function, depths)))


def _effects(function: Function) -> list[int]:
    known: dict[str, int] = {}
    effects = []
    for instruction in function.code:
        effects.append(READER.growth(instruction, known))
        if found := READER.constant(instruction, known, function.words):
            known[found[0]] = found[1]
    return effects


def _calls(function: Function, depths: Mapping[int, int]) -> Iterable[tuple[int, int]]:
    """Yield (address, depth) for every call, also those in the place of a return."""
    for instruction in function.code:
        if instruction.address not in depths:
            continue
        target = instruction.target
        branches = instruction.name in ("bl", "blx", "b") or READER.branches(instruction)
        if instruction.name == "blx" and target is None:
            yield POINTER, depths[instruction.address]
            continue
        leaves = target is not None and not function.holds(target)
        called = instruction.name == "bl" and not function.jumps(instruction)
        if target is not None and (called or (branches and leaves)):
            yield target, depths[instruction.address]


def deepest(functions: Mapping[str, Function], name: str, above: tuple[str, ...] = ()) -> int:
    """Return the most bytes of stack that a function takes, its callees included.

    Raises BuildError for a call through a pointer, of itself, or of what is not there.
    """
    if name in above or name not in functions:
        how = "calls itself" if name in above else "is not in the program"
        raise BuildError(f"stack: {' -> '.join((*above, name))}: it {how}; no bound exists")
    names = {f.code[0].address: f.name for f in functions.values() if f.code}
    frame, path = frame_of(functions[name]), (*above, name)
    calls = [(names.get(to, f"address {to:#x}"), depth) for to, depth in set(frame.calls)]
    return max([frame.own, *(depth + deepest(functions, to, path) for to, depth in calls)])


def stack_of(files: Mapping[str, str], board: str | Board) -> dict[str, int]:
    """Return the worst-case stack of every function that a user calls, {"step": bytes, ...}.

    files: the generated pair. Compiled without probes and linked with the C library's memory
    functions. Raises MissingCompilerError or BuildError.
    """
    board = find_board(board)
    with scratch() as name:
        folder = Path(name)
        objects = compile_files(files, board, folder)
        prefix = Path(objects[0]).stem
        link = [find_arm_compiler(), *board.core_flags, "-nostartfiles", "--specs=nano.specs"]
        run_tool([*link, f"-Wl,-e,{prefix}_reset", *objects, "-o", "model.elf"], folder)
        return linked_stack(folder / "model.elf", prefix)


def linked_stack(elf: Path, prefix: str) -> dict[str, int]:
    """Return the same of a model that is linked already; prefix: the model's name."""
    functions = disassemble(elf)
    there = [call for call in API if f"{prefix}_{call}" in functions]
    return {call: deepest(functions, f"{prefix}_{call}") for call in there}
