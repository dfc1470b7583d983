"""Blocks of 32 neurons, and four of them at once on Helium."""

from __future__ import annotations

from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.features import Added
from codegen.kernels.load import Load, Sums, added4


def split(stage: BitslicedLayer, load: Load) -> tuple[int, int]:
    """Return (single blocks, four blocks at once)."""
    quads = stage.vectors // 4 if load.wide else 0
    return stage.blocks - 4 * quads, quads


def added_to_quads(stage: BitslicedLayer, sums: Sums, load: Load) -> Added:
    """Return the additions to four blocks at once; none where no core has them."""
    return added4(sums, stage.scratch.carries) if split(stage, load)[1] else Added()
