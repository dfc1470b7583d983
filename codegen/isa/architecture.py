"""What a family of instruction sets answers for: its tools, and how its machine code is read.

Whoever follows the stack, counts cycles, compiles, or starts an emulator asks an architecture and
knows no mnemonic and no program. A further one is a subclass in a module of its own, and its rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from codegen.isa.clock import Clock
from codegen.isa.code import Function, Instruction
from codegen.isa.timings import Timing

POINTER = -1
"""The address of a callee that only the run decides."""


@dataclass(frozen=True)
class Firmware:
    """What of firmware/ is for an architecture's emulated boards.

    platform: PlatformIO's name of our build platform
    toolchain: its registry's package of the compiler; "" where it has none that serves
    startup:  folders of the startup code; script: the linker script
    library:  folder of headers and sources that stand in for a C library; "" where the compiler
        comes with one
    counter:  what counts instructions on an emulated machine; marks: what counts those of parts
    """

    platform: str
    toolchain: str
    startup: tuple[str, ...]
    script: str
    library: str
    counter: tuple[str, ...]
    marks: tuple[str, ...]


@dataclass(frozen=True)
class Tools:
    """The programs of an architecture, and how to get them.

    link:      options of the compiler that link a program without the C library's startup
    emulating: options of the emulator: no window, and the console that the firmware talks through
    counting:  its options besides, that make counts of instructions exact
    install:   a command that installs all, on Debian and its relatives
    measured:  the compiler and its level with which costs.json was measured: another one gives
               other counts
    """

    compiler: str
    size: str
    objdump: str
    addr2line: str
    emulator: str
    link: tuple[str, ...]
    emulating: tuple[str, ...]
    counting: tuple[str, ...]
    install: str
    measured: str


class Architecture(ABC):
    """A family of instruction sets that share compiler, emulator and form of machine code.

    name:      for people
    condition: C preprocessor text that holds for a compiler that makes its machine code
    counts_zeros: the same, for compilers that count the zeros of a word better than by a table:
               by an instruction, or because a core lacks what the table takes; "" for all
    mark:      instructions of a mark before its call, and from the call on
    wrapping:  instructions of an interrupt that counts a wrap of the timer, on emulated machines
    """

    name: str
    condition: str
    counts_zeros: str = ""
    tools: Tools
    firmware: Firmware
    mark: tuple[int, int]
    wrapping: int = 0

    @abstractmethod
    def parse(self, disassembly: str) -> dict[str, Function]:
        """Return the functions of `objdump -d --no-show-raw-insn`, by name."""

    @abstractmethod
    def growth(self, instruction: Instruction, constants: Mapping[str, int]) -> int:
        """Return the bytes by which an instruction deepens the stack.

        constants: what is known of registers, as `constant` tells it

        Raises BuildError where it moves the stack pointer in a way that is not known.
        """

    @abstractmethod
    def constant(
        self, instruction: Instruction, known: Mapping[str, int], words: Mapping[int, int]
    ) -> tuple[str, int] | None:
        """Return (register, signed value) if an instruction sets one to a constant."""

    @abstractmethod
    def following(self, function: Function, index: int) -> tuple[list[int], bool]:
        """Return (addresses in a function that may follow one, True if nobody can say all)."""

    @abstractmethod
    def called(self, function: Function, instruction: Instruction) -> int | None:
        """Return the address that an instruction calls: POINTER if only a run can say.

        What leaves in the place of a return calls as well. None for all others.
        """

    @abstractmethod
    def cycles(
        self,
        instruction: Instruction,
        jumped: bool,
        timing: Timing,
        before: Instruction | None = None,
    ) -> float:
        """Return the cycles of one executed instruction.

        jumped: another than the next one followed; before: what was executed right before it
        """

    def clock(self, timing: Timing) -> Clock:
        """Return what says how long a program takes, executed instruction by instruction."""
        return _OneByOne(self, timing)

    @abstractmethod
    def ticks(self, clock_hz: int) -> int:
        """Return the ticks of an emulated machine's counter in 1000 instructions."""

    @abstractmethod
    def exception(self, registers: Mapping[str, int]) -> str:
        """Return what a fault is called, from the registers that the firmware logs."""

    @abstractmethod
    def causes(self, registers: Mapping[str, int]) -> list[str]:
        """Return why a fault came, in words, from these registers; nothing where they don't say."""

    @abstractmethod
    def part(self, before: Instruction) -> int:
        """Return the number of a mark's part, told by the instruction before its call."""


class _OneByOne(Clock):
    """One instruction after the other; of those before it each knows the last."""

    def __init__(self, architecture: Architecture, timing: Timing) -> None:
        self.architecture, self.timing = architecture, timing
        self.before: Instruction | None = None

    def takes(self, instruction: Instruction, jumped: bool) -> float:
        """Return the cycles of one executed instruction."""
        before, self.before = self.before, instruction
        return self.architecture.cycles(instruction, jumped, self.timing, before)
