"""What membranes of further kinds take beside those of LIF, counted on the Cortex-M4."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from calibration.counting import Counting

from codegen.render import render
from qat.model import ALIF, LIF, Analog, Count, CuBa, Dense, Layer, Leaky, Model

pytestmark = pytest.mark.target

MOST = 1.9
"""Times the instructions of a LIF membrane."""

FEW, MANY = 4, 20
"""Steps: what the second takes more than the first is that of the steps between."""

INPUTS, NEURONS = 64, 128


def a_step(counting: Counting, neuron: Leaky) -> float:
    """Return the instructions of a step of 128 neurons behind an input that is held.

    Its current is known before the first step: what is left are membranes, and counts of spikes.
    """
    codes = np.random.default_rng(1).integers(-1, 2, (NEURONS, INPUTS))
    totals = []
    for steps in (FEW, MANY):
        layer = Layer(Dense(codes), neuron)
        model = Model(Analog(INPUTS, 0, 15), (layer,), Count(), steps, name="net")
        x = np.ones((1, INPUTS), np.uint8)
        totals.append(counting.count(model, render(model), x)[0, 2])
    return float(totals[1] - totals[0]) / (MANY - FEW)


@pytest.mark.parametrize(
    "further", [ALIF(300, (3,), leak_b=4, raise_by=75), CuBa(300, (3,), leak_c=(2,))]
)
def test_a_membrane_takes_at_most_1_9_times_that_of_lif(
    further: Leaky, counting: Callable[[str], Counting]
) -> None:
    on = counting("qemu-m4")
    plain = a_step(on, LIF(300, (3,)))
    assert plain > 500
    assert 1.2 * plain < a_step(on, further) <= MOST * plain
