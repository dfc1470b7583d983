"""Rules of the model: what is refused and how, digests, state, free runs."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from support.zoo.small import small_model

from qat.model import ALIF, LIF, Accumulate, Analog, Count, Dense, Frames, Layer, Model, Spikes
from qat.model.intervals import Interval
from qat.model.leak import LeakExtrema

EYE = np.eye(3, dtype=np.int8)


def free(neuron: LIF, codes: Any = EYE, **synapse: Any) -> Model:
    return Model(Spikes(codes.shape[1]), (Layer(Dense(codes, **synapse), neuron),))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(EYE * 2), r"codes at 2 bits: holds 2; allowed are -1 to 1"),
        (lambda: Dense(EYE * 9, 4), r"codes at 4 bits: holds 9; allowed are -8 to 7"),
        (lambda: Dense(EYE, 3), r"Dense.bits: found 3; allowed are 2, 4, 8 and 16"),
        (lambda: Dense(EYE[0]), r"Dense.codes: found shape \(3,\); must be \(n_out, n_in\)"),
        (lambda: Dense(EYE.astype(float)), r"found dtype float64; must hold integers"),
        (lambda: Dense(EYE, bias=[1, 2]), r"Dense.bias: found 2 values; the layer has 3 neurons"),
        (lambda: Dense(EYE, bias=2**31), r"Dense.bias: holds 2147483648"),
        (lambda: LIF(0), r"LIF.threshold: holds 0; allowed are 1 to"),
        (lambda: LIF([[1]]), r"LIF.threshold: found shape \(1, 1\)"),
        (lambda: LIF(5, (0, 0)), r"LIF.leak: \(0, 0\) leaks 2 of the membrane .* never settles"),
        (lambda: LIF(5, (3, -3)), r"leaks 0 of the membrane per step and never settles"),
        (lambda: LIF(5, (4, -3)), r"leaks -1/16 of the membrane per step and never settles"),
        (lambda: LIF(5, (1, 2, 3, 4, 5)), r"LIF.leak: found 5 terms; at most 4"),
        (lambda: LIF(5, (16,)), r"LIF.leak: found 16; allowed are -15 to 15"),
        (lambda: LIF(5, reset="soft"), r"LIF.reset: found 'soft'"),
        (lambda: LIF(5, reset="zero", reset_by=3), r"reset 'zero' has no constant"),
        (lambda: LIF(5, reset="value"), r"LIF.reset_to: found None with reset 'value'"),
        (lambda: LIF(5, reset_to=3), r"LIF.reset_to: found 3 with reset 'subtract'"),
        (lambda: LIF(5, reset="late", reset_by=3), r"reset 'late' has no constant"),
        (lambda: LIF(5, reset="late", most=2), r"LIF.most: found 2; .* whose reset is late has 1"),
        (
            lambda: ALIF(5, reset="late", leak_b=1, raise_by=1),
            r"ALIF.reset: found 'late'; only LIF and CuBa",
        ),
        (lambda: LIF(5, reset="value", reset_to=2**31), r"LIF.reset_to: holds 2147483648"),
        (
            lambda: Layer(Dense(EYE), LIF(5, (), "value", reset_to=[1, 2])),
            r"LIF.reset_to: found 2 values; .* 3 neurons",
        ),
        (lambda: LIF(5, floor=3), r"LIF.floor: found 3"),
        (lambda: Layer(Dense(EYE), LIF([1, 2])), r"LIF.threshold: found 2 values; .* 3 neurons"),
        (lambda: Analog(3, -4, 200), r"Analog: found range \[-4, 200\]; must lie within int8"),
        (lambda: Frames(0), r"Frames.size: found 0"),
        (lambda: Spikes(2.5), r"Spikes.size: found 2.5; must be an integer"),
    ],
)
def test_records_refuse(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


LAYER = Layer(Dense(EYE), LIF(5, (3,)))
ANALOG = Layer(Dense(EYE, input_shift=2), LIF(5, (3,)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Model(Spikes(4), (LAYER,)), r"layer 0: has 3 inputs; what precedes it has 4"),
        (
            lambda: Model(Spikes(3), (LAYER,), Accumulate(Dense(np.ones((2, 5), int))), 4),
            r"readout: has 5 inputs; what precedes it has 3",
        ),
        (lambda: Model(Spikes(3), ()), r"needs at least one Layer"),
        (lambda: Model(Spikes(3), (LAYER,), Count()), r"readout Count with steps None"),
        (lambda: Model(Spikes(3), (LAYER,), None, 4), r"a readout needs a fixed number of steps"),
        (lambda: Model(Spikes(3), (LAYER,), Count(), 0), r"Model.steps: found 0"),
        (lambda: Model(Spikes(3), (ANALOG,)), r"layer 0: input_shift is 2; must be 0 for spiking"),
        (
            lambda: Model(Analog(3), (Layer(Dense(EYE, fraction_bits=1), LIF(5, (3,))),)),
            r"fraction_bits is 1; must be 0 for analog",
        ),
        (lambda: Model(Spikes(3), (LAYER,), name="2net"), r"must be a C identifier"),
        (lambda: Model(Spikes(3), (LAYER,), name="static"), r"'static' is a keyword"),
        (lambda: Model(Spikes(3), (LAYER,), name="a" * 40), r"found 40 characters; at most 31"),
        (lambda: Model(Spikes(3), (LAYER,), metadata={"a": np.ones(3)}), r"must hold JSON values"),
        (lambda: Model(Spikes(3), (LAYER,), metadata={"a": float("nan")}), r"JSON values"),
        (
            lambda: Model(Analog(70000), (Layer(Dense(np.full((1, 70000), 32767), 16), LIF(5)),),
                          Count(), 1),
            r"layer 0: accumulator.* reaches .* beyond int32",
        ),
        (lambda: free(LIF(2), np.ones((1, 3), int)), r"layer 0: .* no upper bound"),
        (lambda: free(LIF(5), -EYE), r"layer 0: an integrate-and-fire neuron has no lower bound"),
        (
            lambda: free(LIF(5, (15,)), np.full((1, 3), 30000), bits=16),
            r"layer 0: membrane: reaches .* beyond int32",
        ),
    ],
)  # fmt: skip
def test_model_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_integrate_and_fire_has_a_bound_with_floor_and_reset() -> None:
    model = free(LIF(5, floor=-7, reset_by=9), EYE, fraction_bits=3, bias=-1)
    v = model.bounds().layers[0].v
    assert (v.low, v.high) == (-7, 4)
    assert free(LIF(5), EYE).bounds().layers[0].v.high == 4


def test_slow_leak_is_bounded_by_the_proved_interval() -> None:
    v = free(LIF(2**20, (12,)), EYE).bounds().layers[0].v
    largest = free(LIF(2**20, (12,)), EYE).run(np.ones((1, 60000, 3))).state[0].max()
    assert largest <= v.high <= largest + 4 * 2**12


def test_bounds_of_one_layer_are_attained() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(-1, 2, (40, 12))
    model = free(LIF(30, (2,)), codes)
    bounds = model.bounds().layers[0]
    up = np.repeat((codes == 1)[:, None, :], 60, axis=1)
    down = np.repeat((codes == -1)[:, None, :], 60, axis=1)
    u = model.run(np.concatenate([up, down]), trace=True).u
    assert u is not None
    lowest = u[0][40:].min(axis=1)[np.arange(40), np.arange(40)]
    np.testing.assert_array_equal(lowest, bounds.u.lo)


def test_multi_term_leak_extremum_lies_inside_the_interval() -> None:
    extrema = LeakExtrema((2, 3, 4))
    rng = np.random.default_rng(0)
    ends = np.sort(rng.integers(-90, 90, (400, 2)), axis=1)
    image = extrema.image(Interval(ends[:, 0], ends[:, 1]))
    for (low, high), found_low, found_high in zip(ends, image.lo, image.hi, strict=True):
        values = extrema.f(np.arange(low, high + 1))
        assert (values.min(), values.max()) == (found_low, found_high)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda m: dataclasses.replace(m, name="x"), True),
        (lambda m: dataclasses.replace(m, metadata={"firing_rates": [0.1]}), True),
        (lambda m: dataclasses.replace(m, steps=7), False),
        (lambda m: dataclasses.replace(m, readout=None, steps=None), False),
        (lambda m: with_neuron(m, threshold=np.full(40, 40)), True),
        (lambda m: with_neuron(m, reset_by=40), True),
        (lambda m: with_neuron(m, threshold=41), False),
        (lambda m: with_neuron(m, reset_by=41), False),
        (lambda m: with_neuron(m, leak=(4,)), False),
        (lambda m: with_neuron(m, floor=-5), False),
        (lambda m: with_neuron(m, reset="zero"), False),
        (lambda m: with_neuron(m, reset="value", reset_to=3), False),
        (lambda m: with_synapse(m, bits=4), True),
        (lambda m: with_synapse(m, bias=1), False),
        (lambda m: with_synapse(m, input_shift=2), False),
        (lambda m: with_synapse(m, codes=-m.layers[0].synapse.codes), False),
    ],
)
def test_digest_is_over_meaning(change: Any, same: bool) -> None:
    model = small_model()
    assert (change(model).digest() == model.digest()) is same


def with_neuron(model: Model, **fields: Any) -> Model:
    first = model.layers[0]
    layer = Layer(first.synapse, dataclasses.replace(first.neuron, **fields))
    return dataclasses.replace(model, layers=(layer, *model.layers[1:]))


def with_synapse(model: Model, **fields: Any) -> Model:
    first = model.layers[0]
    layer = Layer(dataclasses.replace(first.synapse, **fields), first.neuron)
    return dataclasses.replace(model, layers=(layer, *model.layers[1:]))


def test_a_free_run_resumes_where_it_stopped() -> None:
    model = free(LIF(4, (3,)), np.random.default_rng(1).integers(-1, 2, (9, 6)))
    x = np.random.default_rng(2).random((5, 20, 6)) < 0.5
    whole = model.run(x)
    first = model.run(x[:, :8])
    rest = model.run(x[:, 8:], state=first.state)
    assert whole.output is not None
    assert first.output is not None
    assert rest.output is not None
    np.testing.assert_array_equal(whole.output, np.concatenate([first.output, rest.output], 1))
    np.testing.assert_array_equal(whole.state[0], rest.state[0])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 19)), r"found shape \(2, 19\); Analog input needs \(batch, inputs\) with 20"),
        (np.zeros((2, 6, 20)), r"needs \(batch, inputs\)"),
        (np.full((2, 20), 17), r"holds 17 to 17; the input allows 0 to 16"),
        (np.full((2, 20), 0.5), r"found fractions or NaN"),
        (np.full((2, 20), np.nan), r"found fractions or NaN"),
        (np.full((2, 20), "a"), r"found dtype <U1"),
    ],
)
def test_run_refuses_inputs(x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_model().run(x)


def test_run_refuses_states_and_steps_that_do_not_fit() -> None:
    model = free(LIF(4, (3,)))
    x = np.zeros((1, 2, 3))
    with pytest.raises(ValueError, match="a membrane that no run can reach"):
        model.run(x, state=(np.full((1, 3), 999),))
    with pytest.raises(ValueError, match="found shapes"):
        model.run(x, state=(np.zeros((1, 4)),))
    with pytest.raises(ValueError, match="starts from zero and runs 6 steps"):
        small_model().run(np.zeros((1, 20)), state=(np.zeros((1, 40)),))
    with pytest.raises(ValueError, match="the model runs 6"):
        small_model().run(np.zeros((1, 20)), steps=5)


def test_results_do_not_depend_on_the_pieces_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    x = np.random.default_rng(0).integers(0, 17, (50, 20))
    whole = model.run(x, trace=True)
    monkeypatch.setattr("qat.model.execution.BATCH_VALUES", 40 * 6 * 7)
    pieces = model.run(x, trace=True)
    np.testing.assert_array_equal(whole.scores, pieces.scores)
    assert whole.u is not None
    assert pieces.u is not None
    np.testing.assert_array_equal(whole.u[1], pieces.u[1])
