"""Instruction sets: which one the generated C uses on a core."""

from __future__ import annotations

ISA = {
    "cortex-m0": "armv6-m",
    "cortex-m3": "armv7-m",
    "cortex-m4": "armv7e-m",
    "cortex-m7": "armv7e-m",
    "cortex-m33": "armv7e-m",
    "cortex-m55": "helium",
}
"""The instruction set that the generated C uses on a core; what the coefficients belong to."""


DEFAULT_CORE = "cortex-m4"
"""The core for which kernels are chosen where none is named: one pair serves every core."""
