"""What a readout of leaky integrators costs, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features, expected
from codegen.kernels.integrator.readout import Integrating
from codegen.kernels.load import Load

FEW = 2
"""Outputs up to which a compiler writes out the loops over them."""


@dataclass(frozen=True, kw_only=True)
class Added(Features):
    """Columns of codes added to the currents, over the steps.

    few: columns of very few codes; columns: others; codes2, codes4, codes8, codes16: codes, by bits
    """

    few: float = expected(20)
    columns: float = expected(20)
    codes2: float = expected(9)
    codes4: float = expected(8)
    codes8: float = expected(5)
    codes16: float = expected(5)


@dataclass(frozen=True, kw_only=True)
class Integrated(Features):
    """Steps of integrators, and the scores of them.

    steps, words, words_planes: steps; words of the signal over the steps, and times its planes
    values_planes: counts that are not 0, times planes
    outputs:   over the steps; small: whose membrane is narrower than int32; leak: times terms of
               the leak; fraction, own: whose current has fraction bits, whose bias is its own
    largest, summed, compared: those whose largest value, or sum, is kept, or that a threshold ends
    calls, scores: formed, and outputs of these
    """

    added: Added = Added()
    steps: float = expected(30)
    words: float = expected(6)
    words_planes: float = expected(5)
    values_planes: float = expected(6)
    outputs: float = expected(10)
    small: float = expected(1)
    leak: float = expected(3)
    fraction: float = expected(1)
    own: float = expected(2)
    largest: float = expected(5)
    summed: float = expected(3)
    compared: float = expected(3)
    calls: float = expected(15)
    scores: float = expected(5)


def integrating(stage: Integrating, load: Load) -> Integrated:
    """A column for every value that is not 0, then the membranes, in every step; scores of them.

    Steps in which membranes rest, because one has reached the threshold, are taken for others: how
    many there are nobody measures. A model with an early stop has none.
    """
    n, planes = stage.outputs, stage.planes * (stage.planes > 1)
    active = float(stage.inputs) if load.worst else load.fired
    codes = {f"codes{stage.bits}": active * n}
    each = Integrated(
        added=Added(few=active * (n <= FEW), columns=active * (n > FEW), **codes),
        steps=1,
        words=stage.words,
        words_planes=stage.words * planes,
        values_planes=active * planes,
        outputs=n,
        small=n * (stage.v_ctype != "int32_t"),
        leak=n * sum(k != 0 for k in stage.leak),
        fraction=n * (stage.fraction_bits > 0),
        own=n * stage.bias.endswith("[j]"),
        largest=n * (stage.mode == "max"),
        summed=n * (stage.mode == "sum"),
        compared=n * stage.settles,
    ).scaled(load.steps)
    asked = load.checks or 1.0
    return each + Integrated(calls=asked, scores=asked * n)
