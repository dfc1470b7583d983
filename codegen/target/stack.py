"""The stack that the generated C can take, read from the machine code itself.

The disassembly shows every push, whether the compiler or inline assembly wrote it, and the C
library's functions as well. The depth of the stack is followed along every path of a function,
and the deepest path through the calls is the worst case. Nothing in generated C calls through a
pointer or itself; if something did, that would be an error here, not a guess. An interrupt
takes its own stack on top: 32 bytes, or 104 with floating-point registers, before its handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.base.errors import BuildError
from codegen.isa.architecture import Architecture
from codegen.isa.code import Function
from codegen.target.boards import Board, find_board
from codegen.target.compiler import compile_files, linker, run_tool
from qat.machine.scratch import scratch

API = (
    "reset", "input", "step", "scores", "decided", "classify", "stream_reset", "scale", "sample",
    "push", "detect", "listen",
)  # fmt: skip
"""Functions of a model that a user calls, those that it has."""


@dataclass(frozen=True)
class Frame:
    """What a function takes itself, and (address, depth) of every call in it."""

    own: int
    calls: tuple[tuple[int, int], ...]


def disassemble(elf: Path, architecture: Architecture) -> dict[str, Function]:
    """Return the functions of an ELF file."""
    command = [architecture.tools.objdump, "-d", "--no-show-raw-insn", str(elf)]
    return architecture.parse(run_tool(command, elf.parent))


def frame_of(function: Function, architecture: Architecture) -> Frame:
    """Follow the stack along every path of a function.

    Raises BuildError where a path cannot be followed.
    """
    where = {instruction.address: i for i, instruction in enumerate(function.code)}
    effects = _effects(function, architecture)
    depths: dict[int, int] = {}
    waiting, jumped = [(function.start, 0)], 0
    while True:
        while waiting:
            address, depth = waiting.pop()
            if depths.get(address, -1) >= depth:
                continue
            if depth > 2**20:
                raise BuildError(f"stack: {function.name} pushes in a loop")
            depths[address] = depth
            index = where[address]
            following, unknown = architecture.following(function, index)
            jumped = max(jumped, depth) if unknown else jumped
            waiting += [(after, depth + effects[index]) for after in following]
        missing = [i.address for i in function.code if i.address not in depths]
        if not missing or not jumped:
            break
        waiting = [(missing[0], jumped)]
    own = max(depths[a] + max(effects[where[a]], 0) for a in depths)
    calls = (
        (called, depths[instruction.address])
        for instruction in function.code
        if instruction.address in depths
        and (called := architecture.called(function, instruction)) is not None
    )
    return Frame(own, tuple(calls))


def _effects(function: Function, architecture: Architecture) -> list[int]:
    known: dict[str, int] = {}
    effects = []
    for instruction in function.code:
        effects.append(architecture.growth(instruction, known))
        if found := architecture.constant(instruction, known, function.words):
            known[found[0]] = found[1]
    return effects


def deepest(
    functions: Mapping[str, Function],
    name: str,
    architecture: Architecture,
    above: tuple[str, ...] = (),
) -> int:
    """Return the most bytes of stack that a function takes, its callees included.

    Raises BuildError for a call through a pointer, of itself, or of what is not there.
    """
    if name in above or name not in functions:
        how = "calls itself" if name in above else "is not in the program"
        raise BuildError(f"stack: {' -> '.join((*above, name))}: it {how}; no bound exists")
    names = {f.start: f.name for f in functions.values() if f.code}
    frame, path = frame_of(functions[name], architecture), (*above, name)
    calls = [(names.get(to, f"address {to:#x}"), depth) for to, depth in set(frame.calls)]
    depths = (depth + deepest(functions, to, architecture, path) for to, depth in calls)
    return max([frame.own, *depths])


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
        run_tool([*linker(board), f"-Wl,-e,{prefix}_reset", *objects, "-o", "model.elf"], folder)
        return linked_stack(folder / "model.elf", prefix, board.architecture)


def linked_stack(elf: Path, prefix: str, architecture: Architecture) -> dict[str, int]:
    """Return the same of a model that is linked already; prefix: the model's name."""
    functions = disassemble(elf, architecture)
    there = [call for call in API if f"{prefix}_{call}" in functions]
    return {call: deepest(functions, f"{prefix}_{call}", architecture) for call in there}
