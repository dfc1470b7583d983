"""An inference may end early: the rule, the steps made, what a run then returns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.models import inputs_for
from support.zoo.small import small_model

from qat.model import Count, EarlyStop, Frames, Model


def test_running_scores_end_in_the_scores() -> None:
    model = small_model()
    x = inputs_for(model, 30, 1)
    np.testing.assert_array_equal(model.scores_by_step(x)[:, -1], model.run(x).scores)


def test_a_rule_ends_where_the_scores_say() -> None:
    model, x = small_model(), inputs_for(small_model(), 60, 2)
    scores = model.scores_by_step(x)
    margin = int(np.median(np.sort(scores[:, 2])[:, -1] - np.sort(scores[:, 2])[:, -2]))
    result = replace(model, stop=EarlyStop(max(margin, 1), first=2)).run(x)
    assert result.steps is not None
    assert len(set(result.steps)) > 2
    made = result.steps - 1
    np.testing.assert_array_equal(result.scores, scores[np.arange(60), made])
    assert result.steps.min() >= 2


def test_a_margin_out_of_reach_changes_nothing() -> None:
    model, x = small_model(), inputs_for(small_model(), 20, 3)
    whole, ruled = model.run(x), replace(model, stop=EarlyStop(2**31 - 1)).run(x)
    np.testing.assert_array_equal(whole.scores, ruled.scores)
    for v, same in zip(whole.state, ruled.state, strict=True):
        np.testing.assert_array_equal(v, same)
    assert (ruled.steps == model.steps).all()


def test_the_rule_is_part_of_the_digest(tmp_path) -> None:
    model = replace(small_model(), stop=EarlyStop(40, 2))
    assert len({small_model().digest(), model.digest(), replace(model, stop=None).digest()}) == 2
    model.save(tmp_path / "m.npz")
    assert Model.load(tmp_path / "m.npz").stop == EarlyStop(40, 2)


def test_a_rule_needs_scores() -> None:
    model = small_model()
    with pytest.raises(ValueError, match="first is 9; the model runs 6"):
        replace(model, stop=EarlyStop(1, 9))
    with pytest.raises(ValueError, match="needs a readout"):
        Model(Frames(20, 0, 16), model.layers, stop=EarlyStop(1))
    with pytest.raises(ValueError, match="margin: found 0"):
        EarlyStop(0)
    assert replace(model, readout=Count(), stop=EarlyStop(1)).run(np.zeros((1, 20), int)).steps
