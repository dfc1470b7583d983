"""What a spike subtracts, where its digits lie at the edges: none, one alone, some of each neuron.

Helium leaves out planes that no digit reaches, and the carry that none needs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.recorded import emulated
from support.results import assert_same

from qat.model import ALIF, LIF, Analog, Count, CuBa, Dense, Layer, Leaky, Model

pytestmark = pytest.mark.target

SIZE, STEPS, SAMPLES = 128, 6, 5


def own(low: int, high: int) -> Any:
    """Return a constant of each neuron."""
    return np.random.default_rng(low).integers(low, high, SIZE)


NEURONS: dict[str, Leaky] = {
    "nothing": LIF(5, (2,), reset_by=0),
    "the highest digit alone": LIF(32, (2,), reset_by=32),
    "one digit": LIF(6, (1,), reset_by=16),
    "low digits shared": LIF(5, (2,), reset_by=4 * own(0, 3) + 3),
    "a zero and a one below own digits": LIF(9, (2,), reset_by=8 * own(0, 3) + 4),
    "nothing of a current": CuBa(20, (), leak_c=(1,), reset_by=0),
    "own digits of a current": CuBa(own(10, 40), (3, 1), leak_c=(2, -5), reset_by=own(1, 20)),
    "far leaks of a current": CuBa(20, (6,), leak_c=(7, -8)),
    "own digits that adapt": ALIF(
        own(4, 9), (2,), leak_b=3, raise_by=own(1, 9), reset_by=own(1, 9)
    ),
}


@pytest.mark.parametrize("board", ["qemu-m0", "qemu-m55"])
@pytest.mark.parametrize("name", NEURONS)
def test_a_reset_gives_the_model(name: str, board: str) -> None:
    weights = np.random.default_rng(7).integers(-1, 2, (SIZE, 64))
    layer = Layer(Dense(weights, 2, bias=3), NEURONS[name])
    model = Model(Analog(64, 0, 15), (layer,), Count(), STEPS, name="net")
    x = np.random.default_rng(8).integers(0, 16, (SAMPLES, 64)).astype(np.uint8)
    expected = replace(model.run(x, trace=True), u=None)
    assert expected.spikes is not None
    assert 0.05 < expected.spikes[0].mean() < 0.95
    with emulated(model, board) as running:
        assert_same(expected, running.run(x, trace=True))
