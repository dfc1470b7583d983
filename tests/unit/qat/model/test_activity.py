"""The activity that predictions use: how it spreads over steps, and how inferences end early."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from calibration.fitting import Observation, fit, nnls
from support.models import inputs_for
from support.zoo.small import small_model

from codegen.kernels.features import Features
from codegen.kernels.load import Load, over_steps
from codegen.plan import cost
from codegen.plan.choose import plan
from codegen.target.boards import find_board
from qat.model import Activity, EarlyStop, Latency, Model
from qat.model.rates import SPREAD


def test_the_spread_is_made_of_steps_from_the_quietest_to_the_busiest():
    model = small_model()
    x = inputs_for(model, 30, 1)
    found, traced = Activity.measure(model, x), model.run(x, trace=True).spikes
    for rates, spikes in zip(found.layers, traced, strict=True):
        steps = np.sort(spikes.mean(axis=-1).ravel())
        assert len(rates.spread) == SPREAD
        assert list(rates.spread) == sorted(rates.spread)
        assert set(rates.spread) <= set(steps.tolist())
        assert rates.spread[0] <= np.median(steps) <= rates.spread[-1]


def test_steps_that_were_not_made_count_nowhere():
    model = small_model()
    first = Latency.linear(model.input.size, 0, 15, 6)
    layer = model.layers[0]
    neuron = replace(layer.neuron, threshold=np.array(2))
    layer = replace(layer, synapse=replace(layer.synapse, input_shift=0), neuron=neuron)
    layers = (layer, *model.layers[1:])
    model = Model(first, layers, model.readout, 6, "early", stop=EarlyStop(1, 2))
    x = inputs_for(model, 30, 1)
    result, found = model.run(x, trace=True), Activity.measure(model, x)
    made = np.arange(6) < result.steps[:, None]
    assert not made.all()
    arriving = first.encode(x, 6)
    assert found.values[1] == pytest.approx(arriving[made].mean())
    assert found.busy == pytest.approx(arriving[made].any(axis=-1).mean())
    assert found.layers[0].rate == pytest.approx(result.spikes[0][made].mean())


def test_counts_are_those_when_the_scores_are_formed():
    model = replace(small_model(), stop=EarlyStop(30, 2))
    x = inputs_for(model, 30, 1)
    result, found = model.run(x, trace=True), Activity.measure(model, x)
    so_far = np.cumsum(result.spikes[-1], axis=1)
    formed = [so_far[i, t] for i, n in enumerate(result.steps) for t in range(1, n)]
    assert found.stop.whole == pytest.approx((result.steps == model.steps).mean())
    counts = np.bincount(np.concatenate(formed), minlength=model.steps + 1)
    assert found.stop.counts == pytest.approx(counts / counts.sum())


def test_an_activity_survives_the_metadata_and_old_ones_are_read():
    model = replace(small_model(), stop=EarlyStop(30, 2))
    found = Activity.measure(model, inputs_for(model, 30, 1))
    known = found.to_json()
    again = Activity.of(replace(model, metadata={"activity": known}))
    assert again.to_json() == known
    del known["stop"], known["spread"]
    for layer in known["layers"]:
        del layer["spread"]
    old = Activity.of(replace(model, metadata={"activity": known}))
    assert old.stop is None
    assert old.layers[0].spread == ()


@pytest.mark.parametrize("wrong", [[0.1], [0.1] * 15 + [2], ["a"] * 16, 3])
def test_a_spread_of_another_shape_is_refused(wrong):
    model = small_model()
    known = Activity.measure(model, inputs_for(model, 3, 1)).to_json()
    known["layers"][0]["spread"] = wrong
    with pytest.raises(ValueError, match="activity"):
        Activity.of(replace(model, metadata={"activity": known}))


@dataclass(frozen=True, kw_only=True)
class _Step(Features):
    """Features of a step."""

    many: float = 0.0
    active: float = 0.0
    busy: float = 0.0


def _step(load):
    return _Step(many=load.active > 5, active=load.active, busy=load.busy)


def test_a_step_is_a_mean_over_steps_and_not_a_step_of_the_mean():
    load = Load(active=4.0, busy=0.5, spread=(0.0, 0.0, 2.0, 14.0))
    assert over_steps(_step, load, 20) == _Step(many=0.25, active=4.0, busy=0.5)
    assert over_steps(_step, replace(load, spread=()), 20) == _Step(active=4.0, busy=0.5)


def test_no_step_has_more_active_inputs_than_there_are():
    load = Load(active=9.0, busy=1.0, spread=(2.0, 2.0, 2.0, 18.0))
    assert over_steps(lambda step: _Step(many=step.active > 10), load, 10).many == 0
    rare = Load(active=9.0, busy=1.0, spread=(0.0, 0.0, 0.0, 0.1))
    assert over_steps(_step, rare, 10).active == 9.0


def test_an_inference_that_never_stops_early_is_asked_after_all_steps_but_the_last():
    model = replace(small_model(), stop=EarlyStop(2**30, 2))
    x = inputs_for(model, 5, 1)
    program, activity = plan(model), Activity.measure(model, x)
    (work,) = [
        w for w in cost.works(program, model.input, activity, "cortex-m4") if w.kind == "decision"
    ]
    assert work.load.checks == model.steps - 1
    assert work.load.asked == model.steps - 2


def test_a_feature_that_was_never_measured_is_an_error():
    model, core = small_model(), find_board("qemu-m4").core
    works = cost.works(plan(model), model.input, Activity.of(model), core)
    (work,) = [w for w in works if w.part == "layer 1"]
    unknown = _Unknown(work.part, work.kind, work.stage, work.load)
    with pytest.raises(ValueError, match=r"has the feature 'unheard_of'.*calibrate"):
        cost.evaluate(unknown, core)


class _Unknown(cost.Work):
    """A part with a feature that nothing has."""

    @property
    def features(self):
        return _Unheard(unheard_of=1.0)


@dataclass(frozen=True, kw_only=True)
class _Unheard(Features):
    """A feature that was never measured."""

    unheard_of: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Pair(Features):
    """Two features."""

    a: float = 0.0
    b: float = 0.0


def test_few_counts_that_do_not_fit_move_the_others_little():
    rng = np.random.default_rng(3)
    seen = []
    for index in range(60):
        a, b = rng.integers(1, 100, 2)
        true = 7.0 * a + 3.0 * b
        seen.append(Observation("x", _Pair(a=a, b=b), true * (3 if index % 20 == 0 else 1), true))
    found = fit(seen)
    assert found["typical"]["a"] == pytest.approx(7, rel=0.05)
    assert found["typical"]["b"] == pytest.approx(3, rel=0.05)
    for one in seen:
        assert (
            sum(found["worst"][k] * n for k, n in one.features.numbers().items())
            >= one.instructions
        )


def test_no_coefficient_is_negative():
    rng = np.random.default_rng(5)
    a = rng.random((40, 6))
    x = nnls(a, a @ np.array([1.0, -2, 3, 0, 0.5, -1]))
    assert (x >= 0).all()
    slope = a.T @ (a @ np.array([1.0, -2, 3, 0, 0.5, -1]) - a @ x)
    assert (slope[x == 0] <= 1e-6).all()
    assert np.abs(slope[x > 0]).max() < 1e-6
