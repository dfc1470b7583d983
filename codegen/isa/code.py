"""Machine code as a disassembly has it: functions of instructions, of any instruction set."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S+)(?:\t(.*))?$")
HEAD = re.compile(r"^([0-9a-f]+) <(.+)>:$")
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

    @property
    def start(self) -> int:
        """The address of its first instruction."""
        return self.code[0].address

    def holds(self, address: int) -> bool:
        """Return True if the address is one of its instructions."""
        return bool(self.code) and self.start <= address <= self.code[-1].address
