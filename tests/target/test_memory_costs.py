"""What recurrent edges and delays take beside a layer that reads the same spikes at once.

Both models make the same spikes, step by step, so that nothing but the edges is told apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from calibration.counting import Counting

from codegen.render import render
from qat.model import LIF, Count, Dense, Edge, Layer, Model, Spikes

pytestmark = pytest.mark.target

ALLOWED = 1.1
"""Times the instructions of the other model, at most."""

INPUTS, NEURONS, STEPS, DENSITY = 128, 128, 30, 0.1


def weights(inputs: int, seed: int) -> Dense:
    return Dense(np.random.default_rng(seed).integers(-1, 2, (NEURONS, inputs)))


def of(layer: Layer, inputs: int) -> Model:
    return Model(Spikes(inputs), (layer,), Count(), STEPS, name="net")


def spikes_of(model: Model, x: Any) -> Any:
    found = model.run(x, trace=True).spikes
    assert found is not None
    return found[0]


def instructions(counting: Counting, model: Model, x: Any) -> float:
    return float(counting.count(model, render(model), x, parts=False)[0, 0])


def given() -> Any:
    return (np.random.default_rng(5).random((1, STEPS, INPUTS)) < DENSITY).astype(np.uint8)


def test_a_recurrent_layer_takes_what_one_with_as_many_inputs_takes(
    counting: Callable[[str], Counting],
) -> None:
    first, echo, neuron, x = weights(INPUTS, 1), weights(NEURONS, 2), LIF(8, (2,)), given()
    recurrent = of(Layer(first, neuron, more=(Edge(echo, "self", 1),)), INPUTS)
    sent = spikes_of(recurrent, x)
    assert 0.05 < sent.mean() < 0.2
    late = np.concatenate([np.zeros_like(sent[:, :1]), sent[:, :-1]], axis=1)
    plain = of(Layer(Dense(np.hstack([first.codes, echo.codes])), neuron), INPUTS + NEURONS)
    both = np.concatenate([x, late.astype(np.uint8)], axis=2)
    np.testing.assert_array_equal(spikes_of(plain, both), sent)
    on = counting("qemu-m4")
    assert instructions(on, recurrent, x) <= ALLOWED * instructions(on, plain, both)


@pytest.mark.parametrize("core", ["qemu-m0", "qemu-m4", "qemu-m55"])
def test_delays_of_16_steps_take_little_more_than_none(
    core: str, counting: Callable[[str], Counting]
) -> None:
    delays = np.random.default_rng(3).integers(0, 17, INPUTS)
    assert delays.max() == 16
    x, neuron = given(), LIF(13, (2,))
    arriving = np.zeros_like(x)
    for place, delay in enumerate(delays):
        arriving[:, delay:, place] = x[:, : STEPS - delay, place]
    late = of(Layer(weights(INPUTS, 1), neuron, delay=delays), INPUTS)
    plain = of(Layer(weights(INPUTS, 1), neuron), INPUTS)
    np.testing.assert_array_equal(spikes_of(plain, arriving), spikes_of(late, x))
    on = counting(core)
    assert instructions(on, late, x) <= ALLOWED * instructions(on, plain, arriving)
