"""How long code takes on an ARM core that issues two instructions a cycle, in order.

What may go together and how long a result takes was measured on a Cortex-M7 by others
(github.com/jnk0le/random, pipeline cycle test). There are an early and a late stage of arithmetic,
a cycle apart: addresses, operands that are shifted, and bit fields are needed by the early one.
Left out are caches, banks of memory, branches that the core did not expect, and the alignment of
short instructions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from codegen.isa.clock import Clock
from codegen.isa.code import Instruction
from codegen.isa.timings import Timing

_CONDITION = "(?:eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
_REGISTER = re.compile(r"\b(r\d+|sl|fp|ip|sp|lr)\b")
_SHIFTED = re.compile(r"\b(r\d+|sl|fp|ip|lr), (?:lsl|lsr|asr|ror|rrx)\b")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"^(?:{names}){_CONDITION}$"))
    for kind, names in (
        ("nothing", r"it[te]*|nop"),
        ("branch", r"b|bl|bx|blx|tbb|tbh|cbn?z"),
        ("several", r"v?push|v?pop|v?ldm\w*?|v?stm\w*?|ldrd|strd"),
        ("load", r"ldrs?[bh]?"),
        ("store", r"str[bh]?"),
        ("divide", r"[us]div"),
        ("multiply", r"muls?|mla|mls|smul\w+?|smla\w+?|umull|umlal|umaal|smm\w+?|smu\w+?"),
        ("compare", r"cmp|cmn|tst|teq"),
        ("shift", r"(?:lsl|lsr|asr|ror)s?"),
        ("sum", r"(?:add|sub|rsb|mov|neg)[sw]?"),
        ("bits", r"[us]bfx|rbit|rev\w*?"),
        ("insertion", r"bfi|bfc|[us]xta(?:b|h|b16)|pkh\w\w"),
        ("lanes", r"[us]xt(?:b|h|b16)|clz|[us]sat|sel|[usq]h?(?:add|sub)(?:8|16)|q?d?add|q?d?sub"),
    )
)  # fmt: skip
_OVERWRITES = re.compile(rf"^(?:movw?|mvn|rsb|neg|[us]xt[bh]|rev\w*?|rbit|clz|adr)s?{_CONDITION}$")
"""What does not read its result's register where two operands are named."""
_READS_FLAGS = re.compile(rf"^(?:adc|sbc|rrx)s?{_CONDITION}$")
_SETS_FLAGS = re.compile(
    rf"^(?:add|sub|rsb|neg|adc|sbc|and|orr|eor|bic|mov|mvn|lsl|lsr|asr|ror|mul)s{_CONDITION}$"
)
_LONG = re.compile(r"^(?:[us]mull|[us]mlal|umaal)")
FIELDS = ("bits", "insertion", "lanes")
"""Kinds that work on a part of a register or on several in one."""
FLAGS = "flags"
NONE: frozenset[str] = frozenset()
MEMORY = ("load", "store", "several")


@dataclass(frozen=True)
class Decoded:
    """What an instruction needs and gives.

    kind:        of _KINDS, or "" for what only the late stage does
    early, late: registers by the stage that needs them
    gives:       registers that it sets; updated: an address that it moves on
    shifts:      an operand of it is shifted, or it works on bit fields
    words:       that it loads or stores
    """

    kind: str
    early: frozenset[str]
    late: frozenset[str]
    gives: frozenset[str]
    updated: frozenset[str] = NONE
    shifts: bool = False
    words: int = 0


@lru_cache(4096)
def decoded(instruction: Instruction) -> Decoded:
    """Return what an instruction needs and gives."""
    kind = next((kind for kind, names in _KINDS if names.match(instruction.name)), "")
    made = _of_memory if kind in MEMORY else _of_branch if kind == "branch" else _of_arithmetic
    return made(kind, instruction)


def _of_memory(kind: str, instruction: Instruction) -> Decoded:
    """Return those of a load or store: a stored value is needed so late that nothing waits."""
    moved, _, address = instruction.operands.partition("[")
    moves_on = "]!" in address or "], " in address
    if "{" in moved:  # sp!, {r4-r6, lr}
        address, _, moved = moved.partition("{")
        moves_on = "!" in address
    base = _REGISTER.findall(address)
    gives = _listed(moved) if instruction.name.startswith(("ld", "pop")) else ()
    updated = base[:1] if moves_on else ()
    words = len(_listed(moved))
    return Decoded(
        kind, frozenset(base), NONE, frozenset(gives), updated=frozenset(updated), words=words
    )


def _listed(text: str) -> list[str]:
    """Return the registers of a list, ranges written out: {r4-r6, lr}."""
    found: list[str] = []
    for first, last in re.findall(r"\b(r\d+|sl|fp|ip|lr|pc)\b(?:-(r\d+|sl|fp|ip))?", text):
        names = [*(f"r{i}" for i in range(10)), "sl", "fp", "ip"]
        found += names[names.index(first) : names.index(last) + 1] if last else [first]
    return found


def _of_branch(kind: str, instruction: Instruction) -> Decoded:
    late = _REGISTER.findall(instruction.operands)[:1] if instruction.name[:2] == "cb" else ()
    return Decoded(kind, NONE, frozenset(late), NONE)


def _of_arithmetic(kind: str, instruction: Instruction) -> Decoded:
    name, operands = instruction.name, instruction.operands
    registers = _REGISTER.findall(operands)
    results = 0 if kind in ("compare", "nothing") else 2 if _LONG.match(name) else 1
    shifted = frozenset(() if kind in FIELDS else _SHIFTED.findall(operands))
    reads = _read(kind, instruction, registers, results)
    early = frozenset(reads) if kind in ("bits", "shift") else shifted
    early |= frozenset(reads[-1:] if kind == "insertion" else ())
    flags = {FLAGS} if kind == "compare" or _SETS_FLAGS.match(name) else set()
    asked = {FLAGS} if _READS_FLAGS.match(name) else set()
    shifts = bool(shifted) or kind in ("bits", "insertion")
    gives = frozenset({*registers[:results], *flags})
    return Decoded(kind, early, frozenset({*reads, *asked}) - early, gives, shifts=shifts)


def _read(kind: str, instruction: Instruction, registers: list[str], results: int) -> list[str]:
    """Return the registers that an operation waits for; `add r0, r1` reads r0 as well."""
    if kind == "multiply" and results == 1:
        return registers[1:3]  # what the product is added to is needed later still
    operands = instruction.operands
    two = operands.count(",") - len(_SHIFTED.findall(operands)) == 1
    itself = two and results == 1 and not _OVERWRITES.match(instruction.name)
    return registers if itself or instruction.name[:3] in ("bfi", "bfc") else registers[results:]


def together(older: Decoded, younger: Decoded) -> bool:
    """Return True if two neighbours may go into one cycle, whatever they need."""
    kinds = {older.kind, younger.kind}
    return not (
        kinds & {"several", "divide"}
        or younger.kind in FIELDS
        or (older.shifts and younger.shifts)
        or kinds in ({"multiply"}, {"store"}, {"multiply", "store"})
    )


class Pairs(Clock):
    """Two pipes: an instruction goes beside the one before it where both may and nothing waits."""

    def __init__(self, timing: Timing) -> None:
        """Begin with nothing on its way."""
        self.timing = timing
        self.now = 0.0
        self._older: Decoded | None = None
        self._early: dict[str, float] = {}
        self._late: dict[str, float] = {}

    def takes(self, instruction: Instruction, jumped: bool) -> float:
        """Return the cycles by which an instruction takes the program further."""
        one, begun = decoded(instruction), self.now
        ready = max(self._when(one.early, self._early), self._when(one.late, self._late))
        if self._older is not None and together(self._older, one) and ready <= self.now:
            self._older = None
            self._give(one, instruction, older=False)
        else:
            self.now = max(self.now + 1, ready)
            self._older = one
            self._give(one, instruction, older=True)
        self._stay(one, instruction, jumped)
        return self.now - begun

    @staticmethod
    def _when(registers: Iterable[str], ready: dict[str, float]) -> float:
        return max((ready.get(name, 0.0) for name in registers), default=0.0)

    def _give(self, one: Decoded, instruction: Instruction, older: bool) -> None:
        """Note when the late and the early stage have what an instruction gives."""
        late = self.now + 1
        if one.kind == "multiply" or (one.kind == "load" and instruction.name[3:4] in tuple("bhs")):
            late += 1
        at_once = one.kind == "shift" or (one.kind == "sum" and older and not one.shifts)
        needs = one.early | one.late
        if at_once and self._when(needs, self._early) <= self.now:
            late = self.now  # the early stage has done it
        for name in one.gives:
            self._late[name], self._early[name] = late, late + 1
        for name in one.updated:
            self._late[name] = self._early[name] = self.now + 1
        if FLAGS in one.gives:
            self._late[FLAGS] = self._early[FLAGS] = self.now + 1

    def _stay(self, one: Decoded, instruction: Instruction, jumped: bool) -> None:
        """Take the further cycles of what takes several; nothing goes beside what is behind."""
        if one.kind == "several":
            self.now += -(-one.words // 2) - 1
        if one.kind == "divide":
            self.now += self.timing.divide - 1
        if jumped or one.kind in ("several", "divide"):
            self._older = None
