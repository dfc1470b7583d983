"""Delays, recurrent and skipping edges: Model.run is the equations, its state carries the past."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.edged import edged_model, run_edges
from support.models import FREE_STEPS, inputs_for, steps_for

from qat.model import INPUT, Model

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
def test_run_is_the_equations(seed: int) -> None:
    model = edged_model(seed)
    x = inputs_for(model, 2, seed)
    result = model.run(x, trace=True, steps=steps_for(model))
    for sample in range(len(x)):
        naive = run_edges(model, x[sample], model.steps or FREE_STEPS)
        made = len(naive["scores"]) if result.steps is None else int(result.steps[sample])
        for name in ("spikes", "u", "v"):
            for layer, values in enumerate(getattr(result, name)):
                wanted = np.array(naive[name][layer])[:made]
                np.testing.assert_array_equal(values[sample, :made], wanted)
                assert not values[sample, made:].any()
        if model.stop is not None:
            stopped = model.stop.steps_made(np.array(naive["scores"])[None])
            assert made == stopped[0]
        if result.scores is not None:
            np.testing.assert_array_equal(result.scores[sample], naive["scores"][made - 1])


@given(SEEDS)
def test_no_value_leaves_its_bounds(seed: int) -> None:
    model = edged_model(seed)
    result = model.run(inputs_for(model, 12, seed), trace=True, steps=steps_for(model))
    made = result.steps if result.steps is not None else np.array([result.u[0].shape[1]] * 12)
    done = np.arange(result.u[0].shape[1]) < made[:, None]
    for u, v, layer, bound in zip(result.u, result.v, model.layers, model.bounds().layers,
                                  strict=True):  # fmt: skip
        pairs = [(u, bound.u)] if bound.v is None else [(u, bound.u), (v, bound.v)]
        for values, reach in pairs:
            by_channel = values[done].reshape(-1, layer.map.positions, layer.channels)
            assert (by_channel >= reach.lo).all()
            assert (by_channel <= reach.hi).all()


@given(SEEDS, st.integers(0, FREE_STEPS))
def test_the_state_carries_the_past(seed: int, cut: int) -> None:
    """Two runs, the second from the state of the first, are one run of both."""
    model = edged_model(seed, steps=None)
    if type(model.input).__name__ in {"Rate", "Latency", "Delta"}:  # their encoder has a state too
        return
    x = inputs_for(model, 2, seed)
    whole = model.run(x, trace=True, steps=FREE_STEPS)
    held = model.input.held
    first = model.run(x if held else x[:, :cut], trace=True, steps=cut)
    rest = FREE_STEPS - cut
    second = model.run(x if held else x[:, cut:], first.state, trace=True, steps=rest)
    for name in ("spikes", "u", "v"):
        for a, b, c in zip(*(getattr(r, name) for r in (first, second, whole)), strict=True):
            np.testing.assert_array_equal(np.concatenate([a, b], axis=1), c)
    for found, wanted in zip(second.state, whole.state, strict=True):
        np.testing.assert_array_equal(found, wanted)


@given(SEEDS)
def test_a_file_keeps_the_model(seed: int) -> None:
    model = edged_model(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edged.npz"
        model.save(path)
        found = Model.load(path)
    assert found.digest() == model.digest()
    x, steps = inputs_for(model, 2, seed), steps_for(model)
    wanted, got = (m.run(x, trace=True, steps=steps) for m in (model, found))
    for a, b in zip(wanted.spikes, got.spikes, strict=True):
        np.testing.assert_array_equal(a, b)


@given(SEEDS)
def test_the_digest_knows_delays_and_sources(seed: int) -> None:
    model = edged_model(seed)
    plain = replace(model, layers=tuple(replace(y, delay=0, more=()) for y in model.layers))
    assert plain.digest() != model.digest()
    for index, layer in enumerate(model.layers):
        for place, edge in enumerate(layer.more):
            longer = np.where(edge.delays[: edge.synapse.in_channels] > 1, 1, 2)
            if edge.reads_from(index) == INPUT and not edge.longest and model.input.held:
                continue
            more = list(layer.more)
            more[place] = replace(edge, delay=longer)
            layers = list(model.layers)
            layers[index] = replace(layer, more=tuple(more))
            assert replace(model, layers=tuple(layers)).digest() != model.digest()
