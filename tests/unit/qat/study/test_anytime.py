"""Accuracy when stopped early, and the choice of the rule that stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.models import inputs_for
from support.zoo.small import small_model

from qat.model import Activity, Count, Dense, EarlyStop, Frames, Model
from qat.study.anytime import accuracy_by_step, choose_stop, stopped, with_stop


def labelled(samples: int = 400) -> tuple[Model, np.ndarray, np.ndarray]:
    """Return a model, inputs, and labels that it mostly agrees with at its last step."""
    model = small_model()
    x = inputs_for(model, samples, 5)
    labels = model.run(x).predictions
    assert labels is not None
    wrong = np.random.default_rng(1).random(samples) < 0.1
    return model, x, np.where(wrong, (labels + 1) % model.outputs, labels)


def test_accuracy_of_every_step() -> None:
    model, x, y = labelled()
    found = accuracy_by_step(model, x, y)
    assert len(found) == model.steps
    for step, accuracy in enumerate(found, 1):
        ruled = replace(model, stop=EarlyStop(1, step)) if step == model.steps else None
        predictions = model.scores_by_step(x)[:, step - 1].argmax(axis=1)
        assert accuracy == (predictions == y).mean()
        if ruled is not None:
            assert accuracy == stopped(ruled, x, y).accuracy


@pytest.mark.parametrize("lose", [0.0, 0.02, 0.3])
def test_the_rule_loses_no_more_than_it_may(lose: float) -> None:
    model, x, y = labelled()
    whole, rule = stopped(model, x, y), choose_stop(model, x, y, lose)
    assert rule is not None
    ruled = stopped(replace(model, stop=rule), x, y)
    assert ruled.accuracy >= whole.accuracy - lose - 1e-9
    assert ruled.steps < whole.steps == model.steps


def test_no_other_rule_saves_more_steps() -> None:
    model, x, y = labelled(120)
    rule = choose_stop(model, x, y, 0.02)
    assert rule is not None
    best = stopped(replace(model, stop=rule), x, y).steps
    least = stopped(model, x, y).accuracy - 0.02
    for first in range(1, 6):
        for margin in range(1, 800, 7):
            other = stopped(replace(model, stop=EarlyStop(margin, first)), x, y)
            assert other.accuracy < least or other.steps > best - 0.1


def test_activity_is_that_of_the_steps_made() -> None:
    model, x, _ = labelled()
    ruled = with_stop(model, EarlyStop(30, 2), x)
    found, whole = Activity.of(ruled), Activity.measure(model, x)
    made = ruled.run(x).steps
    assert made is not None
    assert found.steps == pytest.approx(made.mean(), abs=1e-5)
    assert whole.steps is None
    spikes = ruled.run(x, trace=True).spikes
    assert spikes is not None
    rate = spikes[0].sum() / (made.sum() * 40)
    assert found.layers[0].rate == pytest.approx(rate, rel=1e-4)


def test_what_has_no_scores_has_no_rule() -> None:
    model, x, y = labelled(10)
    with pytest.raises(ValueError, match="free-running model has no scores"):
        choose_stop(Model(Frames(20, 0, 16), model.layers), x[:, None], y)
    one = replace(model, layers=(replace(model.layers[0], synapse=Dense(np.ones((1, 20), int))),),
                  readout=Count())  # fmt: skip
    with pytest.raises(ValueError, match="at least two outputs"):
        choose_stop(one, x, y)
