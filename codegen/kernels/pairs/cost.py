"""What a readout costs whose sums lie two in a word, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features, expected
from codegen.kernels.load import Load, not_zero
from codegen.kernels.stage import Readout

REGISTERS = 4
"""Sums that most cores keep in registers beside what the loop needs."""


@dataclass(frozen=True, kw_only=True)
class PairsRead(Features):
    """A column of bytes for every neuron that spiked at all.

    words: of the counts; words_planes: times their planes
    columns: that are added; columns_planes: times planes of the counts
    added: columns times pairs of outputs; spilled: pairs beyond those in registers
    """

    calls: float = expected(20)
    outputs: float = expected(5)
    words: float = expected(6)
    words_planes: float = expected(3)
    columns: float = expected(10)
    columns_planes: float = expected(5)
    added: float = expected(4)
    spilled: float = expected(2)


def readout(stage: Readout, load: Load) -> PairsRead:
    """Count the work of one readout."""
    active = float(stage.inputs) if load.worst else not_zero(load.counts)
    pairs = -(-stage.outputs // 2)
    return PairsRead(
        calls=1,
        outputs=stage.outputs,
        words=stage.words,
        words_planes=stage.words * stage.count_width,
        columns=active,
        columns_planes=active * stage.count_width,
        added=active * pairs,
        spilled=active * max(0, pairs - REGISTERS),
    )
