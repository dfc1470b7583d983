"""The cycles of instructions on each core, from the manuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Checked:
    """How far estimates were from cycles that others measured on a board and published.

    tests/hardware/cycles.py compares them.

    counts:    functions compared, all assembly; chip: on which they were measured
    low, high: the smallest and the largest error of an estimate, relative to the published count
    note:      what is special about them
    """

    counts: int
    chip: str
    low: float
    high: float
    note: str = ""

    def __str__(self) -> str:
        text = f"{self.low:+.1%} to {self.high:+.1%} off {self.counts} counts published of"
        return f"{text} {self.chip}{f', {self.note}' if self.note else ''}"


@dataclass(frozen=True)
class Timing:
    """The cycles of a core by class of instruction, and where they stand.

    alu:      arithmetic, logic, moves
    multiply: multiplications; divide: divisions, at most
    load, store: of one register; behind: a load right behind another load or store of one, whose
        result it does not need as its address; each: every register of a multiple load or store,
        after the first cycle
    taken:    a taken branch; call, back: BL, and BX or POP of the program counter
    vector:   a Helium operation or contiguous access; gather: four separate accesses
    fastest:  part of the figure that the core may need where it can issue two at once
    checked:  how far estimates were off; None where there is nothing to compare with
    pairs:    two instructions a cycle are followed one by one (arm_pairs), and no sums are made of
        classes: of the numbers above only that of divisions counts
    """

    alu: float
    multiply: float
    divide: float
    load: float
    behind: float
    store: float
    each: float
    taken: float
    call: float
    back: float
    vector: float
    gather: float
    fastest: float
    source: str
    checked: Checked | None = None
    pairs: bool = False


_V7M: dict[str, Any] = {
        "alu": 1, "multiply": 1, "divide": 12, "load": 2, "behind": 1, "store": 1, "each": 1,
        "taken": 3, "call": 3, "back": 3, "vector": 0, "gather": 0}  # fmt: skip


TIMINGS: dict[str, Timing] = {
    "cortex-m0": Timing(
        alu=1, multiply=1, divide=0, load=2, behind=2, store=2, each=1, taken=3, call=4, back=3,
        vector=0, gather=0, fastest=1.0,
        source="Cortex-M0 TRM (DDI 0432C), table 3-1, fast multiplier; the Cortex-M0+ (DDI 0484C, "
        "table 3-1) takes one cycle less for a branch",
        checked=Checked(11, "an STM32F0 and a SAM D20", -0.010, 0.003),
    ),
    "cortex-m3": Timing(
        **_V7M, fastest=1.0,
        source="Cortex-M3 TRM (DDI 0337H), table 3.1, a pipeline refill P of 2 cycles (1 to 3); "
        "neighbouring loads are pipelined, 3.3.2",
        checked=Checked(4, "an STM32F1", 0.008, 0.053),
    ),
    "cortex-m4": Timing(
        **_V7M, fastest=1.0,
        source="Cortex-M4 TRM (100166), table 3-1, a pipeline refill P of 2 cycles (1 to 3); "
        "neighbouring loads are pipelined, 3.3.2",
        checked=Checked(9, "an STM32F4 and an nRF52", -0.016, 0.053),
    ),
    "cortex-m7": Timing(
        **(_V7M | {"load": 1, "behind": 1, "each": 0.5, "taken": 2, "call": 2, "back": 2}),
        fastest=1.0, pairs=True,
        source="no table is published for the Cortex-M7: its two pipes as github.com/jnk0le/random "
        "measured them; banks of memory and branches that it did not expect are left out",
        checked=Checked(8, "an STM32H7", -0.007, 0.056, "written for its two pipes"),
    ),
    "cortex-m33": Timing(
        **(_V7M | {"load": 1, "taken": 2, "call": 2, "back": 2}), fastest=0.9,
        source="no table is published for the Cortex-M33: one instruction a cycle, branches with a "
        "bubble; pairs of 16-bit instructions may take less",
        checked=Checked(4, "an RP2350", 0.038, 0.101),
    ),
    "cortex-m55": Timing(
        **(_V7M | {"load": 1, "behind": 1, "each": 0.5, "taken": 2, "call": 2, "back": 2}
           | {"vector": 2, "gather": 4}),
        fastest=0.6,
        source="no table is published for the Cortex-M55: one scalar instruction a cycle, two of "
        "the four beats of a vector a cycle, a cycle for each access of a gather load; loads and "
        "arithmetic of neighbouring vector instructions may overlap",
        checked=None,
    ),
    "rv32imc": Timing(
        alu=1, multiply=1, divide=19, load=2, behind=2, store=1, each=0, taken=2, call=2, back=2,
        vector=0, gather=0, fastest=0.8,
        source="Hazard3, the RISC-V core of the RP2350, instruction timings; loads are taken as "
        "used by the next instruction, targets as aligned. For the ESP32-C3 and C6, CH32V203 and "
        "GD32VF103 no table is published",
    ),
    "rv32ec": Timing(
        alu=1, multiply=0, divide=0, load=2, behind=2, store=2, each=0, taken=3, call=3, back=3,
        vector=0, gather=0, fastest=1.0,
        source="no table is published for the QingKe V2 of the CH32V003, a core of two stages: "
        "loads and stores of two cycles and a refill after branches, as on the Cortex-M0",
        checked=Checked(4, "a CH32V003", -0.014, -0.004, "its own loads taken as plain"),
    ),
}  # fmt: skip
"""Cycles of each core. All assume zero wait states and no contention for the bus."""
