"""Membranes of a readout of leaky integrators: told after every step, and compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from codegen.checks.comparison import compare
from codegen.checks.host import HostModel
from codegen.render import render
from qat.model import LI, LIF, Burst, Dense, EarlyStop, Frames, Layer, Model
from qat.model.leak import leak

OUTPUTS = 5


def model(score: str = "max", most: int = 1, **more: Any) -> Model:
    """Return a layer on frames before leaky integrators."""
    rng = np.random.default_rng(3)
    neuron = Burst(np.array([4, 9, 20])) if most == 3 else LIF(20, (2,))
    hidden = Layer(Dense(rng.integers(-1, 2, (33, 12)), bias=2), neuron)
    synapse = Dense(rng.integers(-7, 8, (OUTPUTS, 33)), 4, bias=[3, -2, 0, 1, -4])
    threshold = 300 if score == "first" else None
    return Model(Frames(12, 0, 15), (hidden,), LI(synapse, (2, -5), score, threshold), 8, **more)


def inputs() -> Any:
    return np.random.default_rng(4).integers(0, 16, (6, 8, 12))


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("score", ["last", "max", "sum", "first"])
def test_they_are_those_of_the_equation(score: str, most: int) -> None:
    made = model(score, most)
    found = made.run(inputs(), trace=True)
    assert found.spikes is not None
    readout = made.readout
    assert isinstance(readout, LI)
    sums = found.spikes[0].astype(np.int64) @ readout.synapse.codes.T.astype(np.int64)
    v = np.zeros((6, OUTPUTS), np.int32)
    for t in range(8):
        over = (v >= (readout.threshold or 2**31)).any(axis=1)
        after = v - leak(v, (2, -5)) + sums[:, t].astype(np.int32) + readout.synapse.bias
        v = np.where(over[:, None], v, after)
        assert found.integral is not None
        np.testing.assert_array_equal(found.integral[:, t], v)
    told = HostModel(made).run(inputs(), trace=True)
    np.testing.assert_array_equal(told.integral, found.integral)


def test_steps_that_are_not_made_have_none() -> None:
    made = model("last", stop=EarlyStop(12, 2))
    found, told = (one.run(inputs(), trace=True) for one in (made, HostModel(made)))
    assert found.steps is not None
    assert found.integral is not None
    assert found.steps.min() < 8
    assert not any(found.integral[i, n:].any() for i, n in enumerate(found.steps))
    np.testing.assert_array_equal(told.integral, found.integral)


def test_a_fault_that_scores_hide_is_found_in_its_step() -> None:
    """The largest membrane stays the largest, whatever the small ones were."""
    made = model("max")
    (name,) = [name for name in render(made) if name.endswith(".c")]
    right = render(made)[name]
    wrong = right.replace("v += state->totals[j]", "v += v < -40 ? 1 : state->totals[j]")
    assert wrong != right
    found = compare(made.run(inputs(), trace=True), HostModel(made, files={name: wrong}).run(
        inputs(), trace=True))  # fmt: skip
    assert found.first is not None
    assert found.first.quantity == "readout's v"


def test_other_readouts_keep_none() -> None:
    hidden = model().layers[0]
    free = Model(Frames(12, 0, 15), (hidden,))
    assert free.run(inputs(), trace=True).integral is None
    assert HostModel(free).run(inputs(), trace=True).integral is None
    assert model().run(inputs()).integral is None
