"""ARM, M profile: its tools, and how its machine code is read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from codegen.base.errors import BuildError
from codegen.isa.architecture import POINTER, Architecture, Firmware, Tools
from codegen.isa.arm_pairs import Pairs
from codegen.isa.clock import Clock
from codegen.isa.code import HEAD, LINE, Function, Instruction
from codegen.isa.timings import Timing

CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
BRANCH = re.compile(rf"^(b({CONDITIONS})|cbn?z|les?|letp|wls|wlstp)$")
"""What may branch and, where it does not, goes on behind itself."""

_PUSHES = (
    (re.compile(r"^(?:v?push|stmdb|stmfd|vstmdb)$"), re.compile(r"^(?:sp!, )?(\{.*\})$"), 1),
    (re.compile(r"^(?:v?pop|ldmia|ldmfd|vldmia)$"), re.compile(r"^(?:sp!, )?(\{.*\})$"), -1),
)


_KEEPING = ("cmp", "stm", "st", "v", "tst")
"""How the names begin of what takes sp as an operand and leaves it as it is."""

_MOVES = (
    (re.compile(r"^subw?$"), re.compile(r"^sp, (?:sp, )?#(\d+)$"), 1),
    (re.compile(r"^addw?$"), re.compile(r"^sp, (?:sp, )?#(\d+)$"), -1),
    (re.compile(r"^v?str[a-z0-9.]*$"), re.compile(r"\[sp, #-(\d+)\]!$"), 1),
    (re.compile(r"^v?ldr[a-z0-9.]*$"), re.compile(r"\[sp\], #(\d+)$"), -1),
)


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


TOOLS = Tools(
    compiler="arm-none-eabi-gcc",
    size="arm-none-eabi-size",
    objdump="arm-none-eabi-objdump",
    addr2line="arm-none-eabi-addr2line",
    emulator="qemu-system-arm",
    link=("-nostartfiles", "--specs=nano.specs"),
    emulating=(
        *("-display", "none", "-monitor", "none", "-serial", "null"),
        *("-semihosting-config", "enable=on,target=native"),
    ),
    counting=("-icount", "shift=8"),
    install="apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm",
    measured="arm-none-eabi-gcc 12.2 at -O2 -fno-schedule-insns",
)
"""One instruction takes 2**8 ns of an emulated machine's time where they are counted."""

EXCEPTIONS = {2: "NMI", 3: "HardFault", 4: "MemManage", 5: "BusFault", 6: "UsageFault"}

CAUSES = {
    0: "instruction fetch from a forbidden address",
    1: "access to a forbidden address",
    8: "instruction fetch from memory that is not there",
    9: "access to memory that is not there",
    10: "access to memory that is not there",
    12: "stack overflow",
    16: "undefined instruction",
    17: "a jump to code that is not Thumb",
    18: "corrupt exception return",
    19: "coprocessor that is off",
    20: "stack overflow",
    24: "unaligned access",
    25: "division by zero",
}
"""Bits of the Configurable Fault Status Register (Armv7-M Architecture Reference, B3.2.15)."""

FIRMWARE = Firmware(
    platform="qemu",
    toolchain="toolchain-gccarmnoneeabi",
    startup=("platform/startup", "platform/startup/arm"),
    script="platform/startup/arm/arm.ld",
    library="",
    counter=("src/core/counter_loop.c", "src/qemu/arm/counter.c"),
    marks=("src/qemu/marks.c", "src/qemu/arm/marks_take.c"),
)


class Arm(Architecture):
    """The cores of the M profile."""

    name = "ARM"
    condition = "defined(__ARM_ARCH_PROFILE)"
    counts_zeros = "(!defined(__thumb__) || defined(__thumb2__))"
    tools = TOOLS
    firmware = FIRMWARE
    mark = (2, 2)  # push, movs; bl, pop
    wrapping = 5

    def parse(self, disassembly: str) -> dict[str, Function]:
        """Return the functions of `objdump -d --no-show-raw-insn`, by name."""
        functions: dict[str, Function] = {}
        current = Function("")
        for line in disassembly.splitlines():
            if head := HEAD.match(line):
                current = functions[head[2]] = Function(head[2])
            elif found := LINE.match(line):
                _take(current, int(found[1], 16), found[2], found[3] or "")
        return functions

    def growth(self, instruction: Instruction, constants: Mapping[str, int]) -> int:
        """Return the bytes by which an instruction deepens the stack.

        Raises BuildError where it moves the stack pointer in a way that is not known.
        """
        name, operands = instruction.name, instruction.operands
        for names, form, sign in _PUSHES:
            if names.match(name) and (found := form.match(operands)):
                return sign * _bytes(found[1])
        for names, form, sign in _MOVES:
            if names.match(name) and (found := form.search(operands)):
                return sign * int(found[1])
        if found := re.match(r"^sp, (?:sp, )?(r\d+|ip|lr)$", operands):
            sign = {"add": -1, "sub": 1}.get(name, 0)
            if sign and found[1] in constants:
                return sign * constants[found[1]]
        elif not re.match(r"^sp!?(,|$)", operands) or name.startswith(
            ("cmp", "stm", "st", "v", "tst")
        ):
            return 0
        elif name.startswith("ldm") and not operands.startswith("sp!"):
            return 0  # loads from the top, and leaves it where it is
        raise BuildError(f"stack: cannot follow `{name} {operands}`")

    def constant(
        self, instruction: Instruction, known: Mapping[str, int], words: Mapping[int, int]
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

    def following(self, function: Function, index: int) -> tuple[list[int], bool]:
        """Return (addresses in a function that may follow one, True if nobody can say all)."""
        code = function.code
        this = code[index]
        after = [code[index + 1].address] if index + 1 < len(code) else []
        there = [this.target] if this.target is not None and function.holds(this.target) else []
        if this.name == "b" or _jumps(function, this):
            return there, False
        if BRANCH.match(this.name):
            return after + there, False
        loads = re.match(r"^(pop|ldm.*|ldr)$", this.name)
        if this.name == "bx" or (loads and re.search(r"\bpc\}|^pc,", this.operands)):
            return [], this.name == "bx" and this.operands != "lr"
        return after, this.name in ("tbb", "tbh") or this.operands.startswith("pc,")

    def called(self, function: Function, instruction: Instruction) -> int | None:
        """Return the address that an instruction calls: POINTER if only a run can say."""
        name, target = instruction.name, instruction.target
        if target is None:
            return POINTER if name == "blx" else None
        if name == "bl" and not _jumps(function, instruction):
            return target
        branches = name in ("bl", "blx", "b") or BRANCH.match(name) is not None
        return target if branches and not function.holds(target) else None

    def cycles(
        self,
        instruction: Instruction,
        jumped: bool,
        timing: Timing,
        before: Instruction | None = None,
    ) -> float:
        """Return the cycles of one executed instruction."""
        kind, name = _kind(instruction), instruction.name
        if kind == "load" and before is not None and _pipelined(instruction, before):
            kind = "behind"
        if kind == "several":
            cycles = 1 + timing.each * _moved(instruction.operands)
            return cycles + (timing.back if jumped else 0)
        if not jumped or name.startswith("le"):  # a loop of Helium's branches costs no refill
            return float(getattr(timing, kind))
        if name in ("bl", "blx"):
            return timing.call
        return timing.back if _RETURN.match(name) else timing.taken

    def clock(self, timing: Timing) -> Clock:
        """Return what says how long a program takes, executed instruction by instruction."""
        return Pairs(timing) if timing.pairs else super().clock(timing)

    def ticks(self, clock_hz: int) -> int:
        """Return the ticks of SysTick in 1000 instructions, each of which takes 256 ns."""
        return clock_hz * 256 // 10**6

    def part(self, before: Instruction) -> int:
        """Return the number of a mark's part: movs r0, #part stands before its call."""
        return int(before.operands.rsplit("#", 1)[1])

    def exception(self, registers: Mapping[str, int]) -> str:
        """Return the name of the exception that a fault is."""
        return EXCEPTIONS.get(registers.get("exception", 0), "unexpected exception")

    def causes(self, registers: Mapping[str, int]) -> list[str]:
        """Return what CFSR says, in words; Armv6-M has no such register."""
        cfsr = registers.get("cfsr", 0)
        return [text for bit, text in CAUSES.items() if cfsr >> bit & 1]


ARM = Arm()


def _take(function: Function, address: int, name: str, text: str) -> None:
    """Take a line of a disassembly into its function."""
    operands = re.sub(r"\s*[@;].*$", "", text).strip()
    if name == ".word":
        function.words[address] = int(operands, 16)
    elif not name.startswith("."):
        note = re.search(r"[@;] \(?([0-9a-f]+) <", text)
        if note and "[pc" in operands:
            operands += f" ={note[1]}"
        function.code.append(Instruction(address, re.sub(r"\.[nw]$", "", name), operands))


def _jumps(function: Function, instruction: Instruction) -> bool:
    """Return True for `bl` into its own middle: how GCC jumps far on ARMv6-M, for good."""
    target = instruction.target
    inside = target is not None and function.holds(target) and target != function.start
    return instruction.name == "bl" and inside


def _bytes(text: str) -> int:
    """Return the bytes of a register list: {r4-r6, lr} or {d8-d15}."""
    total = 0
    for item in text.strip("{} ").split(","):
        first, _, last = item.strip().partition("-")
        count = int(last[1:]) - int(first[1:]) + 1 if last else 1
        total += count * (8 if first[0] == "d" else 4)
    return total


def _moved(operands: str) -> int:
    """Return the words that a multiple load or store moves."""
    listed = re.search(r"\{(.*)\}", operands)
    return 2 if listed is None else _bytes(listed[1]) // 4  # 2: LDRD, STRD


def _pipelined(load: Instruction, before: Instruction) -> bool:
    """Return True for a load behind another load or store, whose result is not its address."""
    if _kind(before) not in ("load", "store"):
        return False
    loaded, address = before.operands.partition(",")[0], load.operands.partition("[")[2]
    return _kind(before) == "store" or re.search(rf"\b{loaded}\b", address) is None


def _kind(instruction: Instruction) -> str:
    """Return the class of an instruction, for its cycles where it does not branch."""
    for kind, pattern in _CLASSES:
        if pattern.match(instruction.name):
            gathers = re.search(r"\[\w+, q\d|\[q\d", instruction.operands) is not None
            return kind if kind != "gather" or gathers else "vector"
    return "alu"
