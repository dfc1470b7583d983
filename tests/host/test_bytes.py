"""First layers on bytes: the generated C gives the model, on this machine, with two compilers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.crossed import crossed
from support.results import assert_same
from support.zoo.byte_maps import BYTES, MODELS, byte_map, far_over

from codegen.checks.equivalence import made_inputs
from codegen.checks.host import HostModel
from codegen.kernels.bytes.plan import sums_of
from codegen.plan.choose import plan
from codegen.render import render
from qat.model import Burst, Model


def check(model: Model, samples: int = 6, **options: Any) -> None:
    """Compare every signal, current and score."""
    x = made_inputs(model, samples, seed=1)
    host = HostModel(model, files=render(model, kernels=BYTES), **options)
    assert_same(model.run(x, trace=True), host.run(x, trace=True))


@pytest.mark.parametrize(("name", "compiler"), crossed(MODELS, ["gcc", "clang"]))
def test_the_c_gives_the_model(name: str, compiler: str) -> None:
    check(MODELS[name], compiler=compiler)


def test_the_models_have_every_layout() -> None:
    found = {(s.bits, s.near) for s in (sums_of(0, model) for model in MODELS.values()) if s}
    assert found == {(8, True), (8, False), (16, True)}
    over = [sums_of(0, model).least.max() for model in MODELS.values()]
    assert sum(n > 0 for n in over) == 3
    assert max(over) == 210  # and the bytes that are taken away are not small


@pytest.mark.parametrize("name", MODELS)
def test_the_models_spike(name: str) -> None:
    model = MODELS[name]
    fired = model.run(made_inputs(model, 6, seed=1), trace=True).spikes
    assert fired is not None
    assert fired[0].max() == model.layers[0].levels
    assert (fired[0] == 0).any()


def test_what_is_taken_away_last_is_itself_a_byte() -> None:
    """35 taps of 15 lack 18 of them to a byte: these sum to 270, and fields of 16 bits serve."""
    model = far_over(20, (2, 40, 90))
    (layer,) = model.layers
    codes = np.where(layer.synapse.codes == 0, 1, layer.synapse.codes)
    model = replace(model, layers=(replace(layer, synapse=replace(layer.synapse, codes=codes)),))
    assert sums_of(0, model).bits == 16
    check(model, samples=40)


@st.composite
def maps(draw: st.DrawFn) -> Model:
    """Draw convolutions of every size, stride, padding and pool that there is."""
    pool = draw(st.booleans())
    stride, padding = draw(st.sampled_from([1, 2])), draw(st.sampled_from(["same", "none"]))
    kernel = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    sides = []
    for k in kernel:
        side = draw(st.integers(k, 18))
        while pool and (-(-side // stride) if padding == "same" else (side - k) // stride + 1) % 2:
            side += 1
        sides.append(side)
    low, high = draw(st.sampled_from([(0, 15), (0, 1), (0, 255), (-8, 7), (-128, 127)]))
    return byte_map(
        (sides[0], sides[1], draw(st.integers(1, 3))),
        draw(st.sampled_from([1, 3, 16, 32, 35, 64])),
        kernel, stride=stride, padding=padding, pool=pool, most=draw(st.integers(1, 7)), low=low,
        high=high, zeros=draw(st.sampled_from([0.0, 0.5, 0.9])),
        shift=draw(st.sampled_from([0, 2])), bias=draw(st.sampled_from([0, 7])),
        middle=draw(st.sampled_from([0.0, 0.5])), seed=draw(st.integers(0, 2**16)),
    )  # fmt: skip


@given(maps())
def test_any_convolution_of_bytes_gives_the_model(model: Model) -> None:
    if sums_of(0, model) is not None and model.layers[0].synapse.weights.any():
        check(model, samples=4)


def few_taps(taps: int, threshold: int, minus: int = 0) -> Model:
    """Return a model of one channel with so many taps of +1 and -1, and one threshold."""
    model = byte_map((8, 8, 1), 1, (5, 5), zeros=0.0, most=1)
    codes = np.zeros(25, np.int8)
    codes[:taps], codes[taps : taps + minus] = 1, -1
    layer = model.layers[0]
    synapse = replace(layer.synapse, codes=codes.reshape(1, 5, 5, 1), bias=0)
    return replace(model, layers=(replace(layer, synapse=synapse, neuron=Burst([threshold])),))


@pytest.mark.parametrize(
    ("taps", "threshold", "layout"),
    [
        (8, 60, (8, True)),
        (16, 120, (8, True)),
        (16, 1, (8, False)),
        (17, 128, (8, True)),
        (17, 1, (8, False)),
        (17, 255, (8, False)),
        (17, 256, (8, False)),
        (17, 0, (16, True)),  # always reached: nothing is left to say so in a byte
        (18, 135, (16, True)),
    ],
)
def test_a_byte_holds_17_taps_of_4_bits(taps: int, threshold: int, layout: Any) -> None:
    model = few_taps(taps, threshold)
    sums = sums_of(0, model)
    assert sums is not None
    assert (sums.bits, sums.near) == layout
    check(model)


def test_it_is_planned_where_nothing_is_cheaper() -> None:
    assert plan(MODELS["32 channels, pooled"]).layers[0].kernel == "bytes"


@pytest.mark.parametrize(
    ("plus", "minus", "threshold", "layout"),
    [
        (12, 8, -74, (8, 45)),  # 20 taps: 3 of them are taken away last
        (12, 8, -75, (16, 0)),  # the threshold lies among the sums that then are 0
        (12, 8, 181, (8, 45)),
        (2, 15, 9, (8, 0)),
        (2, 16, 9, (8, 15)),
        (17, 8, 255, (8, 120)),
        (18, 7, 255, (16, 0)),  # without its minus taps it is no byte
    ],
)
def test_more_taps_fit_a_byte_where_some_are_taken_away_last(plus, minus, threshold, layout):
    model = few_taps(plus, threshold, minus)
    sums = sums_of(0, model)
    assert (sums.bits, int(sums.least.max())) == layout
    check(model)
