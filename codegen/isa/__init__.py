"""Instruction sets: which one a core has, what C it takes, which programs build and run it."""

from codegen.isa.architecture import Architecture, Firmware, Tools
from codegen.isa.arm import ARM
from codegen.isa.riscv import RISCV
from codegen.isa.rows import (
    DEFAULT_CORE,
    SETS,
    InstructionSet,
    architectures,
    bringing,
    cores,
    find,
    lineage,
    reach,
    roomy,
    timing,
)

__all__ = [
    "ARM",
    "DEFAULT_CORE",
    "RISCV",
    "SETS",
    "Architecture",
    "Firmware",
    "InstructionSet",
    "Tools",
    "architectures",
    "bringing",
    "cores",
    "find",
    "lineage",
    "reach",
    "roomy",
    "timing",
]
