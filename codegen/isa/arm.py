"""How the disassembly of ARM machine code is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from codegen.base.errors import BuildError

LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S+)(?:\t(.*))?$")
HEAD = re.compile(r"^([0-9a-f]+) <(.+)>:$")
CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
BRANCH = re.compile(rf"^(b({CONDITIONS})|cbn?z|les?|letp|wls|wlstp)$")
TARGET = re.compile(r"\b([0-9a-f]+) <[^>]+>$")


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


def constant(
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


def branches(instruction: Instruction) -> bool:
    """Return True if it may branch and, where it does not, go on behind itself."""
    return BRANCH.match(instruction.name) is not None
