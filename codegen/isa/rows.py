"""The table of instruction sets: what the C needs on each.

A set brings loops that replace portable ones: `codegen/kernels/loops/<function>/<variant>.c.j2`.
What it does not bring it takes from the set that it extends; what none of these brings stays
portable C. So a new set begins as a row alone, and becomes faster loop by loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codegen.isa.architecture import Architecture
from codegen.isa.arm import ARM
from codegen.isa.riscv import RISCV
from codegen.isa.timings import TIMINGS, Timing


@dataclass(frozen=True)
class InstructionSet:
    """A row.

    name:      as in costs.json and `spikemcu generate --core`
    condition: C preprocessor text that holds where a compiler makes code for it
    cores:     those that have it; counts of instructions hold for all of them
    timings:   cycles of its cores by class of instruction, where they are known
    architecture: what builds, reads and runs its machine code
    variant:   name of the files of its loops
    loops:     folders of kernels/loops in which it has a file
    extends:   name of the set whose loops it takes where it brings none; "" for portable C
    vectors:   True if it has loops for four blocks of 32 neurons at once
    reach:     words from an address that the offset of such a load or store reaches
    header:    of the compiler, for its intrinsics
    short_of_registers: it is cheaper to load a plane again than to hold it
    roomy:     the core on whose emulated machine its code is counted, in as many instructions,
               where its own machine is too small for large models; "" for its own
    multiplies: False if a multiplication is a call of the compiler's library, whose time depends on
               the values
    larger:    C condition for instructions that take the larger fields of two words; "" for none
    """

    name: str
    condition: str
    cores: tuple[str, ...]
    timings: Mapping[str, Timing]
    architecture: Architecture
    variant: str = ""
    loops: tuple[str, ...] = ()
    extends: str = ""
    vectors: bool = False
    reach: int = 0
    header: str = ""
    short_of_registers: bool = False
    roomy: str = ""
    multiplies: bool = True
    larger: str = ""

    @property
    def macro(self) -> str:
        """What stands behind the model's prefix in the macro that says whether it is in use."""
        return self.variant.upper()


def _timings(*cores: str) -> dict[str, Timing]:
    return {core: TIMINGS[core] for core in cores}


_LOOPS = (
    "add_bytes", "add_column2", "add_column4", "add_column8", "add_column16", "add_columns",
    "add_strips4", "add_strips8", "list_active", "list_rows8", "list_rows16", "list_rows32",
    "reset",
)  # fmt: skip

SETS: tuple[InstructionSet, ...] = (
    InstructionSet(
        name="helium",
        condition="__ARM_ARCH_PROFILE == 'M' && defined(__ARM_FEATURE_MVE)",
        cores=("cortex-m55",),
        timings=_timings("cortex-m55"),
        architecture=ARM,
        variant="helium",
        loops=(
            "add_columns4",
            "add_nibbles",
            "add_strips4",
            "add_strips8",
            "byte_channels",
            "dense",
            "sound_class",
            "sound_first",
            "sound_pass",
            "sound_powers",
        ),
        extends="armv7e-m",
        vectors=True,
        reach=128,
        header="arm_mve.h",
    ),
    InstructionSet(
        name="armv7e-m",
        condition="__ARM_ARCH_PROFILE == 'M' && defined(__ARM_FEATURE_DSP)",
        cores=("cortex-m4", "cortex-m7", "cortex-m33"),
        timings=_timings("cortex-m4", "cortex-m7", "cortex-m33"),
        architecture=ARM,
        extends="armv7-m",
    ),
    InstructionSet(
        name="armv7-m",
        condition="__ARM_ARCH_PROFILE == 'M' && __ARM_ARCH_ISA_THUMB == 2",
        cores=("cortex-m3",),
        timings=_timings("cortex-m3"),
        architecture=ARM,
        variant="armv7m",
        loops=(*_LOOPS, "add_products", "field_sums", "less_words", "mean_bytes", "sound_pass"),
        larger="defined(__ARM_FEATURE_DSP)",
    ),
    InstructionSet(
        name="armv6-m",
        condition="__ARM_ARCH_PROFILE == 'M' && __ARM_ARCH_ISA_THUMB == 1",
        cores=("cortex-m0",),
        timings=_timings("cortex-m0"),
        architecture=ARM,
        variant="armv6m",
        loops=_LOOPS,
        short_of_registers=True,
        roomy="cortex-m3",
    ),
    InstructionSet(
        name="rv32imc",
        condition="__riscv_xlen == 32 && !defined(__riscv_32e)",
        cores=("rv32imc",),
        timings=_timings("rv32imc"),
        architecture=RISCV,
    ),
    InstructionSet(
        name="rv32ec",
        condition="__riscv_xlen == 32 && defined(__riscv_32e)",
        cores=("rv32ec",),
        timings=_timings("rv32ec"),
        architecture=RISCV,
        multiplies=False,
    ),
)
"""What is more special comes first: the C takes the first loop whose condition holds."""

DEFAULT_CORE = "cortex-m4"
"""The core for which kernels are chosen where none is named: one pair serves every core."""


def find(core: str, sets: tuple[InstructionSet, ...] | None = None) -> InstructionSet:
    """Return the instruction set of a core, or the one of that name.

    Raises ValueError naming the cores that there are. The Cortex-M0+ has what the Cortex-M0 has.
    """
    rows, family = SETS if sets is None else sets, core.removesuffix("plus")
    for row in rows:
        if family in row.cores or core == row.name:
            return row
    raise ValueError(f"core: found {core!r}; use {', '.join(sorted(cores(rows)))}")


def cores(sets: tuple[InstructionSet, ...] | None = None) -> dict[str, str]:
    """Return {core: name of its instruction set}, in the order of the names of the cores."""
    rows = SETS if sets is None else sets
    return dict(sorted((core, row.name) for row in rows for core in row.cores))


def lineage(row: InstructionSet) -> Iterator[InstructionSet]:
    """Yield a set and those that it extends, the nearest first."""
    yield row
    if row.extends:
        yield from lineage(find(row.extends))


def bringing(loop: str, sets: tuple[InstructionSet, ...] | None = None) -> list[InstructionSet]:
    """Return the sets that bring a loop, in the order in which the C asks for them."""
    return [row for row in (SETS if sets is None else sets) if loop in row.loops]


def reach(sets: tuple[InstructionSet, ...] | None = None) -> int:
    """Return the words that offsets of vectors reach; 0 without a set that has vectors.

    Of several sets with vectors it is the first one's: a pair of C takes those of one set.
    """
    return next((row.reach for row in (SETS if sets is None else sets) if row.vectors), 0)


def architectures(sets: tuple[InstructionSet, ...] | None = None) -> tuple[Architecture, ...]:
    """Return the architectures of all sets, each once."""
    return tuple(dict.fromkeys(row.architecture for row in (SETS if sets is None else sets)))


def roomy(core: str) -> str:
    """Return the core on whose emulated machine the code of a core is counted."""
    return find(core).roomy or core


def timing(core: str) -> Timing:
    """Return the cycles of a core by class of instruction; ValueError where none are known."""
    row = find(core)
    family = core.removesuffix("plus")
    if family not in row.timings:
        raise ValueError(f"core {core}: its cycles are not known; isa/timings.py has no row for it")
    return row.timings[family]
