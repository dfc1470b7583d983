"""How much stack the generated C can take: read from the machine code itself.

The disassembly shows every push, whether the compiler or inline assembly wrote it, and the C
library's functions as well. The depth of the stack is followed along every path of a function,
and the deepest path through the calls is the worst case. Nothing in generated C calls through a
pointer or itself; if something did, that would be an error here, not a guess. An interrupt
takes its own stack on top: 32 bytes, or 104 with floating-point registers, before its handler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codegen.boards import Board, find_board
from codegen.errors import BuildError
from codegen.sizes import compile_files, find_arm_compiler, run_tool
from qat.scratch import scratch

OBJDUMP = "arm-none-eabi-objdump"
API = ("reset", "input", "step", "scores", "decided", "classify", "stream_reset", "scale", "sample")
"""Functions of a model that a user calls, those that it has."""

LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S+)(?:\t(.*))?$")
HEAD = re.compile(r"^([0-9a-f]+) <(.+)>:$")
CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
BRANCH = re.compile(rf"^(b({CONDITIONS})|cbn?z|les?|letp|wls|wlstp)$")
CONDITIONAL = re.compile(rf"^(pop|bx|ldmia|ldr|b)({CONDITIONS})$")
TARGET = re.compile(r"\b([0-9a-f]+) <[^>]+>$")
POINTER = -1
"""The address of a callee that only the run decides."""


@dataclass(frozen=True)
class Instruction:
    """A line of a disassembly: its mnemonic without a width, and its operands."""

    address: int
    name: str
    operands: str

    @property
    def target(self) -> int | None:
        """The address where it branches to."""
        found = TARGET.search(self.operands)
        return int(found[1], 16) if found else None


@dataclass
class Function:
    """A function of a disassembly: its code, and the words between it."""

    name: str
    code: list[Instruction] = field(default_factory=list)
    words: dict[int, int] = field(default_factory=dict)

    def holds(self, address: int) -> bool:
        """Return True if the address is one of its instructions."""
        return bool(self.code) and self.code[0].address <= address <= self.code[-1].address

    def jumps(self, instruction: Instruction) -> bool:
        """Return True for `bl` into its own middle: how GCC jumps far on ARMv6-M, for good."""
        target = instruction.target
        inside = target is not None and self.holds(target) and target != self.code[0].address
        return instruction.name == "bl" and inside


@dataclass(frozen=True)
class Frame:
    """What a function takes itself, and (address, depth) of every call in it."""

    own: int
    calls: tuple[tuple[int, int], ...]


# -------------------------------------------------------------- disassembly


def parse(disassembly: str) -> dict[str, Function]:
    """Return the functions of `objdump -d --no-show-raw-insn`, by name."""
    functions: dict[str, Function] = {}
    current = Function("")
    for line in disassembly.splitlines():
        if head := HEAD.match(line):
            current = functions[head[2]] = Function(head[2])
        elif found := LINE.match(line):
            address, name = int(found[1], 16), found[2]
            operands = re.sub(r"\s*[@;].*$", "", found[3] or "").strip()
            if name == ".word":
                current.words[address] = int(operands, 16)
            elif not name.startswith("."):
                note = re.search(r"[@;] \(?([0-9a-f]+) <", found[3] or "")
                if note and "[pc" in operands:
                    operands += f" ={note[1]}"
                current.code.append(Instruction(address, re.sub(r"\.[nw]$", "", name), operands))
    return functions


def disassemble(elf: Path) -> dict[str, Function]:
    """Return the functions of an ELF file."""
    return parse(run_tool([OBJDUMP, "-d", "--no-show-raw-insn", str(elf)], elf.parent))


# -------------------------------------------------------------------- depth


def _registers(text: str) -> int:
    """Return the bytes of a register list: {r4-r6, lr} or {d8-d15}."""
    total = 0
    for item in text.strip("{} ").split(","):
        first, _, last = item.strip().partition("-")
        count = int(last[1:]) - int(first[1:]) + 1 if last else 1
        total += count * (8 if first[0] == "d" else 4)
    return total


_PUSHES = (
    (re.compile(r"^(?:v?push|stmdb|stmfd|vstmdb)$"), re.compile(r"^(?:sp!, )?(\{.*\})$"), 1),
    (re.compile(r"^(?:v?pop|ldmia|ldmfd|vldmia)$"), re.compile(r"^(?:sp!, )?(\{.*\})$"), -1),
)
_MOVES = (
    (re.compile(r"^subw?$"), re.compile(r"^sp, (?:sp, )?#(\d+)$"), 1),
    (re.compile(r"^addw?$"), re.compile(r"^sp, (?:sp, )?#(\d+)$"), -1),
    (re.compile(r"^v?str[a-z0-9.]*$"), re.compile(r"\[sp, #-(\d+)\]!$"), 1),
    (re.compile(r"^v?ldr[a-z0-9.]*$"), re.compile(r"\[sp\], #(\d+)$"), -1),
)


def growth(instruction: Instruction, constants: Mapping[str, int]) -> int:
    """Return the bytes by which an instruction deepens the stack.

    Raises BuildError where it moves the stack pointer in a way that is not known.
    """
    name, operands = instruction.name, instruction.operands
    for names, form, sign in _PUSHES:
        if names.match(name) and (found := form.match(operands)):
            return sign * _registers(found[1])
    for names, form, sign in _MOVES:
        if names.match(name) and (found := form.search(operands)):
            return sign * int(found[1])
    if found := re.match(r"^sp, (?:sp, )?(r\d+|ip|lr)$", operands):
        sign = {"add": -1, "sub": 1}.get(name, 0)
        if sign and found[1] in constants:
            return sign * constants[found[1]]
    elif not re.match(r"^sp!?(,|$)", operands) or name.startswith(("cmp", "stm", "st", "v", "tst")):
        return 0
    elif name.startswith("ldm") and not operands.startswith("sp!"):
        return 0  # loads from the top, and leaves it where it is
    raise BuildError(f"stack: cannot follow `{name} {operands}`")


def _constant(
    instruction: Instruction, known: Mapping[str, int], words: Mapping[int, int]
) -> tuple[str, int] | None:
    """Return (register, signed value) if an instruction sets one to a constant."""
    name, operands = instruction.name, instruction.operands
    if found := re.match(r"^(\w+), \[pc.* =([0-9a-f]+)$", operands):
        word = words.get(int(found[2], 16))
        return None if word is None else (found[1], word - 2**32 if word >> 31 else word)
    if name in ("mov", "movs", "movw") and (found := re.match(r"^(\w+), #(\d+)$", operands)):
        return found[1], int(found[2])
    if name == "lsls" and (found := re.match(r"^(\w+), (\w+), #(\d+)$", operands)):
        return (found[1], known[found[2]] << int(found[3])) if found[2] in known else None
    if name in ("negs", "rsbs") and (found := re.match(r"^(\w+), (\w+)", operands)):
        return (found[1], -known[found[2]]) if found[2] in known else None
    return None


def _next(function: Function, index: int) -> tuple[list[int], bool]:
    """Return (addresses that may follow, True if it jumps where nobody can say)."""
    code = function.code
    this = code[index]
    after = [code[index + 1].address] if index + 1 < len(code) else []
    there = [this.target] if this.target is not None and function.holds(this.target) else []
    if this.name == "b" or function.jumps(this):
        return there, False
    if BRANCH.match(this.name):
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
        effects.append(growth(instruction, known))
        if found := _constant(instruction, known, function.words):
            known[found[0]] = found[1]
    return effects


def _calls(function: Function, depths: Mapping[int, int]) -> Iterable[tuple[int, int]]:
    """Yield (address, depth) for every call, also those in the place of a return."""
    for instruction in function.code:
        if instruction.address not in depths:
            continue
        target = instruction.target
        branches = instruction.name in ("bl", "blx", "b") or BRANCH.match(instruction.name)
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


# -------------------------------------------------------------------- model


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
