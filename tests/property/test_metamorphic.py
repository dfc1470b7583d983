"""What must not matter does not: order of neurons, silent inputs, batches, pauses, a common scale.

No expected value is needed for these, so that an error which the specification and the C had in
common would show as well. Each holds for Model.run and, pauses apart, for the compiled C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.models import (
    FREE_STEPS,
    KINDS,
    PLAIN_KINDS,
    half_as_many,
    inputs_for,
    models,
    steps_for,
)

from codegen.checks.host import HostModel
from qat.model import ALIF, LI, LIF, Accumulate, CuBa, Dense, Layer, Model, Result, Spikes

SEEDS = st.integers(0, 2**32 - 1)
FACTORS = st.integers(2, 9)

Execution = Callable[..., Result]


def in_numpy(model: Model, x: Any, **options: Any) -> Result:
    return model.run(x, trace=True, **options)


@lru_cache(maxsize=2)
def compiled(model: Model) -> HostModel:
    return HostModel(model, flags=("-O0",))


def in_c(model: Model, x: Any, **options: Any) -> Result:
    return compiled(model).run(x, trace=True, **options)


EXECUTIONS = pytest.mark.parametrize("execute", [in_numpy, in_c])


def assert_same_values(ours: Any, theirs: Any) -> None:
    for layer, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        np.testing.assert_array_equal(a, b, err_msg=f"layer {layer}")


def assert_same_outcome(ours: Result, theirs: Result) -> None:
    """Compare spikes, predictions and steps: what has no unit."""
    assert_same_values(ours.spikes or (), theirs.spikes or ())
    for name in ("predictions", "output", "steps"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


# ------------------------------------------------------------------ order of neurons


def rows(synapse: Dense, order: Any) -> Dense:
    """Return a synapse with its neurons in another order."""
    bias = synapse.bias[order] if synapse.bias.ndim else synapse.bias
    return replace(synapse, codes=synapse.codes[order], bias=bias)


def reordered(model: Model, orders: list[Any]) -> Model:
    """Return a model whose layer i has its neurons in orders[i], and computes the same."""
    before = np.arange(model.input.lines)
    layers = []
    for layer, order in zip(model.layers, orders, strict=True):
        synapse = replace(layer.synapse, codes=layer.synapse.codes[:, before])
        layers.append(Layer(rows(synapse, order), layer.neuron.chosen(order)))
        before = order
    readout = model.readout
    if isinstance(readout, Accumulate | LI):
        synapse = replace(readout.synapse, codes=readout.synapse.codes[:, before])
        readout = replace(readout, synapse=synapse)
    return replace(model, layers=tuple(layers), readout=readout)


@EXECUTIONS
@settings(max_examples=half_as_many())
@given(model=models(KINDS), seed=SEEDS)
def test_permuted_neurons_permute_their_spikes(execute: Execution, model: Model, seed: int) -> None:
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(layer.size) for layer in model.layers]
    x, steps = inputs_for(model, 3, seed), steps_for(model)
    ours = execute(model, x, steps=steps)
    theirs = execute(reordered(model, orders), x, steps=steps)
    kept = [o for y, o in zip(model.layers, orders, strict=True) for _ in y.neuron.STATE]
    for name, each in (("spikes", orders), ("v", orders), ("state", kept)):
        pairs = zip(getattr(ours, name), each, strict=True)
        assert_same_values([values[..., order] for values, order in pairs], getattr(theirs, name))
    if isinstance(model.readout, Accumulate | LI):
        np.testing.assert_array_equal(ours.scores, theirs.scores)
    elif model.readout is not None:
        assert ours.scores is not None
        np.testing.assert_array_equal(ours.scores[:, orders[-1]], theirs.scores)


# --------------------------------------------------------------------- silent inputs


def silent_value(model: Model) -> int | None:
    """Return a value of the input at which no line of it ever excites a neuron, or None."""
    if isinstance(model.input, Spikes):
        return 0
    one = replace(model.input, size=1)
    steps = model.steps or FREE_STEPS
    for value in range(model.input.low, model.input.high + 1):
        x = np.full((1, 1) if one.held else (1, steps, 1), value, one.dtype)
        if not np.asarray(one.encode(x, steps)).any():
            return value
    return None


def widened(model: Model, more: int, rng: np.random.Generator) -> Model:
    """Return a model with `more` inputs behind the others, of random weights."""
    first = model.layers[0]
    codes, size = first.synapse.codes, model.input.size
    groups = codes.reshape(len(codes), -1, size)  # an encoder may have two lines for a value
    extra = rng.integers(-1, 2, (*groups.shape[:2], more))
    wide = np.concatenate([groups, extra], axis=2).reshape(len(codes), -1)
    layer = replace(first, synapse=replace(first.synapse, codes=wide))
    return replace(
        model,
        input=replace(model.input, size=size + more),
        layers=(layer, *model.layers[1:]),
    )


@EXECUTIONS
@settings(max_examples=half_as_many())
@given(model=models(KINDS), more=st.sampled_from((1, 7, 31, 33)), seed=SEEDS)
def test_silent_inputs_change_nothing(
    execute: Execution, model: Model, more: int, seed: int
) -> None:
    value = silent_value(model)
    assume(value is not None)
    try:
        wide = widened(model, more, np.random.default_rng(seed))
    except ValueError:
        assume(False)  # the wider model has no bound
        raise
    x, steps = inputs_for(model, 3, seed), steps_for(model)
    padding = np.full((*x.shape[:-1], more), value)
    ours = execute(model, x, steps=steps)
    theirs = execute(wide, np.concatenate([x, padding], axis=-1), steps=steps)
    assert_same_outcome(ours, theirs)
    assert_same_values(ours.v or (), theirs.v or ())
    np.testing.assert_array_equal(ours.scores, theirs.scores)


# ----------------------------------------------------------------------------- batches


@EXECUTIONS
@settings(max_examples=half_as_many())
@given(model=models(KINDS), seed=SEEDS)
def test_batch_equals_loop(execute: Execution, model: Model, seed: int) -> None:
    x, steps = inputs_for(model, 4, seed), steps_for(model)
    whole = execute(model, x, steps=steps)
    for i in range(len(x)):
        one = execute(model, x[i : i + 1], steps=steps)
        for name in ("spikes", "u", "v", "state"):
            values = [value[i : i + 1] for value in getattr(whole, name)]
            assert_same_values(values, getattr(one, name))
        for name in ("scores", "predictions", "output", "steps"):
            values = getattr(whole, name)
            ours = None if values is None else values[i : i + 1]
            np.testing.assert_array_equal(ours, getattr(one, name))


# ---------------------------------------------------------------------------- pauses


@given(models(PLAIN_KINDS), st.integers(1, FREE_STEPS - 1), SEEDS)
def test_resuming_equals_running_through(model: Model, cut: int, seed: int) -> None:
    free = without_end(model)
    x = inputs_for(free, 3, seed)
    held = free.input.held
    first, second = (x, x) if held else (x[:, :cut], x[:, cut:])
    counts = (FREE_STEPS, cut, FREE_STEPS - cut) if held else (None, None, None)
    through = free.run(x, trace=True, steps=counts[0])
    begun = free.run(first, trace=True, steps=counts[1])
    resumed = free.run(second, state=begun.state, trace=True, steps=counts[2])
    for name in ("spikes", "v"):
        pieces = zip(getattr(begun, name), getattr(resumed, name), strict=True)
        whole = [np.concatenate(pair, axis=1) for pair in pieces]
        assert_same_values(getattr(through, name), whole)
    assert_same_values(through.state, resumed.state)


def without_end(model: Model) -> Model:
    """Return the model without readout and end, if it has bounds then."""
    try:
        return replace(model, readout=None, steps=None, stop=None)
    except ValueError:
        assume(False)
        raise


# ---------------------------------------------------------------------- common scale


def scaled_synapse(synapse: Dense, factor: int) -> Dense:
    return replace(
        synapse, codes=synapse.codes.astype(np.int64) * factor, bits=16, bias=synapse.bias * factor
    )


def not_adapting(layer: Layer) -> Layer:
    """Return a layer whose thresholds stay as they are."""
    if not isinstance(layer.neuron, ALIF):
        return layer
    return replace(
        layer, neuron=LIF(**{f.name: getattr(layer.neuron, f.name) for f in fields(LIF)})
    )


def scaled(model: Model, factor: int) -> Model:
    """Return the model with weights, thresholds, biases and limits in a unit as much smaller.

    A leak floors v >> k, so that only one that takes nothing or everything has no unit: neurons
    that adapt, whose thresholds leak, do not.
    """
    layers = []
    for layer in map(not_adapting, model.layers):
        neuron = replace(
            layer.neuron,
            leak=(),
            threshold=layer.neuron.threshold.astype(np.int64) * factor,
            reset_by=None if layer.neuron.reset_by is None else layer.neuron.reset_by * factor,
            floor=None if layer.neuron.floor is None else layer.neuron.floor * factor,
            ceiling=None if layer.neuron.ceiling is None else layer.neuron.ceiling * factor,
            reset_to=None if layer.neuron.reset_to is None else layer.neuron.reset_to * factor,
            **({"leak_c": ()} if isinstance(layer.neuron, CuBa) else {}),
        )
        synapse = replace(layer.synapse, input_shift=0)
        layers.append(Layer(scaled_synapse(synapse, factor), neuron))
    return replace(model, layers=tuple(layers), stop=None)


@EXECUTIONS
@settings(max_examples=half_as_many())
@given(model=models(KINDS), factor=FACTORS, seed=SEEDS)
def test_a_common_scale_changes_no_spike(
    execute: Execution, model: Model, factor: int, seed: int
) -> None:
    try:
        small, large = scaled(model, 1), scaled(model, factor)
    except ValueError:
        assume(False)  # beyond 16 bits of weight or 32 of membrane, or without a bound
        raise
    x, steps = inputs_for(model, 3, seed), steps_for(model)
    ours, theirs = execute(small, x, steps=steps), execute(large, x, steps=steps)
    assert_same_outcome(ours, theirs)
    assert_same_values([v * factor for v in ours.v or ()], theirs.v or ())
