"""RISC-V, 32 bits: its tools, and how its machine code is read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from codegen.base.errors import BuildError
from codegen.isa.architecture import POINTER, Architecture, Firmware, Tools
from codegen.isa.code import HEAD, LINE, Function, Instruction
from codegen.isa.timings import Timing

BRANCH = re.compile(r"^b(eq|ne|lt|ge|gt|le|ltu|geu|gtu|leu|eqz|nez|ltz|gez|gtz|lez)$")
"""What may branch and, where it does not, goes on behind itself."""

CALLS = ("jal", "jalr")
JUMPS = ("j", "jr", "ret")
"""What leaves for good: a call in the place of a return is one."""

_CLASSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("load", re.compile(r"^l(b|h|w)u?$")),
    ("store", re.compile(r"^s(b|h|w)$")),
    ("multiply", re.compile(r"^mul")),
    ("divide", re.compile(r"^(div|rem)u?$")),
)

TOOLS = Tools(
    compiler="riscv64-unknown-elf-gcc",
    size="riscv64-unknown-elf-size",
    objdump="riscv64-unknown-elf-objdump",
    addr2line="riscv64-unknown-elf-addr2line",
    emulator="qemu-system-riscv32",
    link=("-nostartfiles", "-nolibc"),
    emulating=(
        *("-display", "none", "-monitor", "none", "-serial", "null"),
        *("-semihosting-config", "enable=on,target=native", "-bios", "none"),
    ),
    counting=("-icount", "shift=0"),
    install="apt-get install gcc-riscv64-unknown-elf qemu-system-misc",
    measured="riscv64-unknown-elf-gcc 12.2 at -O2 -fno-schedule-insns",
)

FIRMWARE = Firmware(
    platform="qemu",
    toolchain="",
    startup=("platform/startup", "platform/startup/riscv"),
    script="platform/startup/riscv/riscv.ld",
    library="platform/startup/riscv/library",
    counter=("src/core/counter_loop.c", "src/qemu/riscv/counter.c"),
    marks=("src/qemu/marks.c", "src/qemu/riscv/marks_take.c"),
)

EXCEPTIONS = {
    0: "jump to an address that is not aligned",
    1: "instruction fetch from a forbidden address",
    2: "illegal instruction",
    3: "breakpoint",
    4: "load from an address that is not aligned",
    5: "load from a forbidden address",
    6: "store to an address that is not aligned",
    7: "store to a forbidden address",
    11: "call of the environment",
}
"""Values of mcause (Privileged Architecture, table 3.6)."""


class RiscV(Architecture):
    """Cores of 32 bits without floating point: 32 registers or 16, compressed instructions."""

    name = "RISC-V"
    condition = "defined(__riscv)"
    counts_zeros = "(!defined(__riscv_mul) || defined(__riscv_zbb))"
    tools = TOOLS
    firmware = FIRMWARE
    mark = (4, 4)  # addi, sw, sw, li; jal, lw, lw, addi

    def parse(self, disassembly: str) -> dict[str, Function]:
        """Return the functions of `objdump -d --no-show-raw-insn`, by name."""
        functions: dict[str, Function] = {}
        current = Function("")
        for line in disassembly.splitlines():
            if head := HEAD.match(line):
                current = functions[head[2]] = Function(head[2])
            elif (found := LINE.match(line)) and not found[2].startswith("."):
                current.code.append(_instruction(int(found[1], 16), found[2], found[3] or ""))
        return functions

    def growth(self, instruction: Instruction, constants: Mapping[str, int]) -> int:
        """Return the bytes by which an instruction deepens the stack.

        Raises BuildError where it moves the stack pointer in a way that is not known.
        """
        name, operands = instruction.name, instruction.operands
        if name in CALLS and operands.startswith(("t0,", "t1,")):
            raise BuildError(f"stack: cannot follow `{name} {operands}`: it may move sp")
        if not _sets(instruction, "sp"):
            return 0
        if name in ("add", "addi") and (found := re.fullmatch(r"sp,sp,(-?\d+)", operands)):
            return -int(found[1])
        found = re.fullmatch(r"sp,sp,(\w+)", operands)
        if found and name in ("add", "sub") and found[1] in constants:
            return constants[found[1]] * (-1 if name == "add" else 1)
        raise BuildError(f"stack: cannot follow `{name} {operands}`")

    def constant(
        self, instruction: Instruction, known: Mapping[str, int], words: Mapping[int, int]
    ) -> tuple[str, int] | None:
        """Return (register, signed value) if an instruction sets one to a constant."""
        name, operands = instruction.name, instruction.operands
        if name == "li" and (found := re.fullmatch(r"(\w+),(-?\d+)", operands)):
            return found[1], int(found[2])
        if name == "lui" and (found := re.fullmatch(r"(\w+),0x([0-9a-f]+)", operands)):
            upper = int(found[2], 16) << 12
            return found[1], upper - 2**32 if upper >> 31 else upper
        found = re.fullmatch(r"(\w+),(\w+),(-?\d+)", operands)
        if name in ("add", "addi") and found and found[2] in known:
            return found[1], known[found[2]] + int(found[3])
        return None

    def following(self, function: Function, index: int) -> tuple[list[int], bool]:
        """Return (addresses in a function that may follow one, True if nobody can say all)."""
        code = function.code
        this = code[index]
        after = [code[index + 1].address] if index + 1 < len(code) else []
        there = [this.target] if this.target is not None and function.holds(this.target) else []
        if this.name in JUMPS or this.name == "mret":
            return there if this.name == "j" else [], False
        return (after + there if BRANCH.match(this.name) else after), False

    def called(self, function: Function, instruction: Instruction) -> int | None:
        """Return the address that an instruction calls: POINTER if only a run can say.

        A jump through a register is one: no table of jumps is told apart from it.
        """
        name, target = instruction.name, instruction.target
        if name in CALLS or name == "jr":
            return POINTER if target is None else target
        branches = name == "j" or BRANCH.match(name) is not None
        return target if branches and target is not None and not function.holds(target) else None

    def cycles(
        self,
        instruction: Instruction,
        jumped: bool,
        timing: Timing,
        before: Instruction | None = None,
    ) -> float:
        """Return the cycles of one executed instruction."""
        name = instruction.name
        if jumped:
            return timing.call if name in CALLS else timing.back if name == "ret" else timing.taken
        for kind, pattern in _CLASSES:
            if pattern.match(name):
                return float(getattr(timing, kind))
        return timing.alu

    def ticks(self, clock_hz: int) -> int:
        """Return the ticks of minstret in 1000 instructions: each is one, at any clock."""
        return 1000

    def exception(self, registers: Mapping[str, int]) -> str:
        """Return what mcause names."""
        return EXCEPTIONS.get(registers.get("exception", -1), "unexpected trap")

    def causes(self, registers: Mapping[str, int]) -> list[str]:
        """Return whether the stack was used up: no register tells more than the exception."""
        overflows = registers.get("sp", 0) < registers.get("stack", 0)
        return ["stack overflow"] if overflows else []

    def part(self, before: Instruction) -> int:
        """Return the number of a mark's part: li a0,part stands before its call."""
        return int(before.operands.rsplit(",", 1)[1])


RISCV = RiscV()


def _instruction(address: int, name: str, text: str) -> Instruction:
    """Return a line of a disassembly; what a remark says counts for jumps alone.

    A call of far away is two instructions, and a remark tells where the second one goes.
    """
    operands, _, remark = text.partition(" # ")
    if name in (*CALLS, "jr") and remark:
        operands = f"{operands.strip()} # {remark.strip()}"
    return Instruction(address, name, operands.strip())


_READ_ONLY = re.compile(r"^(s(b|h|w)|b\w+|j|jr|jal|jalr|ret|csrw\w?|fence\S*|ebreak|ecall|nop)$")
"""What sets no register that it names first."""


def _sets(instruction: Instruction, register: str) -> bool:
    """Return True if an instruction sets a register, or might."""
    first = instruction.operands.split(",", 1)[0]
    return first == register and not _READ_ONLY.match(instruction.name)
