"""What a readout costs whose sums lie two in a word, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features, expected
from codegen.kernels.load import Load, looped, not_zero
from codegen.kernels.stage import Readout

FEW = 4
"""Outputs up to which the loop over them is written out."""

REGISTERS = 4
"""Sums that most cores keep in registers beside what the loop needs."""


@dataclass(frozen=True, kw_only=True)
class PairsRead(Features):
    """A column of bytes for every neuron that spiked at all.

    outputs, few: scores, and those of so few that a compiler writes them out
    words: of the counts; words_planes: times their planes
    columns: that are added; columns_planes: times planes of the counts
    words_looped, columns_looped: those of counts over whose planes there is a loop
    added: columns times pairs of outputs; spilled: pairs beyond those in registers
    """

    calls: float = expected(20)
    outputs: float = expected(8)
    few: float = expected(5)
    words: float = expected(6)
    words_planes: float = expected(3)
    columns: float = expected(10)
    columns_planes: float = expected(5)
    words_looped: float = expected(4)
    columns_looped: float = expected(6)
    added: float = expected(4)
    spilled: float = expected(2)


def readout(stage: Readout, load: Load) -> PairsRead:
    """Count the work of one readout."""
    active = float(stage.inputs) if load.worst else not_zero(load.counts)
    pairs, many = -(-stage.outputs // 2), looped(stage.count_width)
    return PairsRead(
        calls=1,
        outputs=stage.outputs * (stage.outputs > FEW),
        few=stage.outputs * (stage.outputs <= FEW),
        words=stage.words,
        words_planes=stage.words * stage.count_width,
        columns=active,
        columns_planes=active * stage.count_width,
        words_looped=stage.words * many,
        columns_looped=active * many,
        added=active * pairs,
        spilled=active * max(0, pairs - REGISTERS),
    )
