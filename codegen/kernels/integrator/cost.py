"""What a readout of leaky integrators costs, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import AllColumns, Features, Products, expected
from codegen.kernels.integrator.readout import Integrating
from codegen.kernels.load import Load, all_columns, products


@dataclass(frozen=True, kw_only=True)
class Integrated(Features):
    """Steps of integrators, and the scores of them.

    steps, words, words_planes: steps; words of the signal over the steps, and times its planes
    added:     columns of values that are not 0; products: of counts and codes
    values:    counts that are not 0; values_planes: times planes
    outputs:   over the steps; small: whose membrane is narrower than int32; leak: times terms of
               the leak; fraction, own: whose current has fraction bits, whose bias is its own
    largest, summed, compared: those whose largest value, or sum, is kept, or that a threshold ends
    calls, scores: formed, and outputs of these
    """

    added: AllColumns = AllColumns()
    products: Products = Products()
    steps: float = expected(30)
    words: float = expected(6)
    words_planes: float = expected(5)
    values: float = expected(5)
    values_planes: float = expected(4)
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
    values = active * (planes > 0)
    each = Integrated(
        added=all_columns(active, n, stage.bits),
        products=products(values, n, stage.bits),
        steps=1,
        words=stage.words,
        words_planes=stage.words * planes,
        values=values,
        values_planes=values * planes,
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
