"""Instruction sets: which one a core has, what C it takes, which programs build and run it."""

from codegen.isa.rows import (
    ARM_TOOLS,
    DEFAULT_CORE,
    SETS,
    InstructionSet,
    Tools,
    bringing,
    cores,
    find,
    lineage,
    timing,
)

__all__ = [
    "ARM_TOOLS",
    "DEFAULT_CORE",
    "SETS",
    "InstructionSet",
    "Tools",
    "bringing",
    "cores",
    "find",
    "lineage",
    "timing",
]
