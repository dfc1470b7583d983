"""The compiled C equals Model.run in every bit, over models of every kind."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.compiler import QUICK
from support.models import (
    ENCODED_KINDS,
    KINDS,
    half_as_many,
    inputs_for,
    models,
    steps_for,
)
from support.results import assert_same

from codegen.checks.comparison import compare
from codegen.checks.host import HostModel
from codegen.kernels.encoders import ENCODERS, PLACE
from codegen.render import render
from qat.model import Model

SEEDS = st.integers(0, 2**32 - 1)


@given(models(KINDS), SEEDS)
def test_compiled_c_equals_the_model(model: Model, seed: int) -> None:
    x, steps = inputs_for(model, 5, seed), steps_for(model)
    expected = model.run(x, trace=True, steps=steps)
    found = HostModel(model).run(x, trace=True, steps=steps)
    assert_same(expected, found)
    assert compare(expected, found).differing == 0


@settings(max_examples=half_as_many())
@given(models(KINDS), SEEDS)
def test_clang_agrees_without_a_warning(model: Model, seed: int) -> None:
    x, steps = inputs_for(model, 3, seed), steps_for(model)
    host = HostModel(model, compiler="clang", flags=("-O2",))
    assert_same(model.run(x, trace=True, steps=steps), host.run(x, trace=True, steps=steps))


@settings(max_examples=half_as_many())
@given(models(ENCODED_KINDS), SEEDS)
def test_an_encoder_gives_the_same_in_every_way(model: Model, seed: int) -> None:
    x, steps = inputs_for(model, 5, seed), steps_for(model)
    expected = model.run(x, trace=True, steps=steps)
    for way in ENCODERS[type(model.input)].ways:
        files = render(model, kernels={PLACE: way})
        host = HostModel(model, files=files, flags=QUICK)
        found = host.run(x, trace=True, steps=steps)
        assert_same(expected, found)


@given(models(KINDS))
def test_rendering_is_deterministic(model: Model) -> None:
    assert render(model) == render(model)
