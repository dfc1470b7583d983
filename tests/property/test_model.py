"""Model.run is the equations; bounds hold; files and digests keep the meaning."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.models import FREE_STEPS, inputs_for, models, steps_for
from support.naive import run_one

from qat.model import Model

SEEDS = st.integers(0, 2**32 - 1)


@given(models(), SEEDS)
def test_run_is_the_equations(model: Model, seed: int) -> None:
    x = inputs_for(model, 2, seed)
    result = model.run(x, trace=True, steps=steps_for(model))
    assert result.spikes is not None
    for sample in range(len(x)):
        naive = run_one(model, x[sample], model.steps or FREE_STEPS)
        made = naive["steps"]
        if result.steps is not None:
            assert result.steps[sample] == made
        for name in ("spikes", "u", "v"):
            for layer, values in enumerate(getattr(result, name)):
                np.testing.assert_array_equal(values[sample, :made], naive[name][layer])
                assert not values[sample, made:].any()
        assert result.further is not None
        ends = []
        for layer, arrays in enumerate(result.further):
            kept = np.array(naive["further"][layer])
            for place, values in enumerate(arrays.values()):
                np.testing.assert_array_equal(values[sample, :made], kept[..., place])
                assert not values[sample, made:].any()
            ends += [naive["v"][layer][-1], *kept[-1].T]
        for last, end in zip(result.state, ends, strict=True):
            np.testing.assert_array_equal(last[sample], end)
        if result.scores is not None:
            np.testing.assert_array_equal(result.scores[sample], naive["scores"])
            assert result.predictions is not None
            assert result.predictions[sample] == naive["scores"].index(max(naive["scores"]))


@given(models(), SEEDS)
def test_no_value_leaves_its_bounds(model: Model, seed: int) -> None:
    result = model.run(inputs_for(model, 20, seed), trace=True, steps=steps_for(model))
    bounds = model.bounds()
    assert result.u is not None
    assert result.v is not None
    steps = result.u[0].shape[1]
    made = np.full(20, steps) if result.steps is None else result.steps
    done = np.arange(steps) < made[:, None]  # the others are 0 in the traces
    assert result.further is not None
    for us, vs, more, layer in zip(result.u, result.v, result.further, bounds.layers, strict=True):
        ranges = (layer.u, *layer.state)
        for values, reach in zip((us, vs, *more.values()), ranges, strict=True):
            assert (values[done] >= reach.lo).all()
            assert (values[done] <= reach.hi).all()
    if bounds.scores is not None and result.scores is not None:
        assert (result.scores >= bounds.scores.lo).all()
        assert (result.scores <= bounds.scores.hi).all()


@given(models(), SEEDS)
def test_saved_model_reads_back_the_same(model: Model, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.npz")
        model.save(path)
        again = Model.load(path)
        assert again.digest() == model.digest()
        first = path.read_bytes()
        again.save(path)
        assert path.read_bytes() == first
    x, steps = inputs_for(model, 3, seed), steps_for(model)
    for ours, theirs in zip(model.run(x, steps=steps).state, again.run(x, steps=steps).state,
                            strict=True):  # fmt: skip
        np.testing.assert_array_equal(ours, theirs)


@given(models(), st.sampled_from(("name", "metadata")))
def test_digest_ignores_what_changes_no_result(model: Model, field: str) -> None:
    other = dataclasses.replace(model, **{field: {"name": "other", "metadata": {"a": 1}}[field]})
    assert other.digest() == model.digest()
