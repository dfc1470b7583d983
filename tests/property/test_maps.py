"""The compiled C equals Model.run for maps, counts and pools, in every mix of records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.maps import map_model
from support.models import half_as_many, inputs_for, steps_for
from support.results import assert_same

from codegen.checks.comparison import compare
from codegen.checks.host import HostModel
from codegen.kernels.memory import C_BYTES
from codegen.kernels.pack import pack_signal, signal_words, unpack_signal
from codegen.plan.choose import plan
from codegen.render import render
from qat.model import Model

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
def test_compiled_c_equals_the_model(seed: int) -> None:
    model = map_model(seed)
    x, steps = inputs_for(model, 5, seed), steps_for(model)
    expected = model.run(x, trace=True, steps=steps)
    found = HostModel(model).run(x, trace=True, steps=steps)
    assert_same(expected, found)
    assert compare(expected, found).differing == 0


@settings(max_examples=half_as_many())
@given(SEEDS)
def test_clang_agrees_without_a_warning(seed: int) -> None:
    model = map_model(seed)
    x, steps = inputs_for(model, 3, seed), steps_for(model)
    host = HostModel(model, compiler="clang", flags=("-O2",))
    assert_same(model.run(x, trace=True, steps=steps), host.run(x, trace=True, steps=steps))


@settings(max_examples=half_as_many())
@given(SEEDS)
def test_memory_of_signals_that_is_shared_changes_nothing(seed: int) -> None:
    """Probes give every signal its own memory: without them scores must be the same."""
    model = map_model(seed, steps=1)
    x = inputs_for(model, 4, seed)
    files = dict(render(model))
    upper = model.name.upper()
    header = files[f"{model.name}.h"]
    apart = f"#if {upper}_PROBE > 0\n    struct {{"
    files[f"{model.name}.h"] = header.replace(apart, apart.replace("> 0", "> 9"))
    if len(model.layers) > 2:
        assert apart in header
    found = HostModel(model, files=files).run(x)
    assert np.array_equal(found.scores, model.run(x).scores)


@given(st.integers(1, 300), st.integers(1, 70), SEEDS)
def test_planes_hold_a_signal(levels: int, values: int, seed: int) -> None:
    signal = np.random.default_rng(seed).integers(0, levels, (3, values), endpoint=True)
    words = pack_signal(signal, levels)
    assert words.shape[-1] == signal_words(values, levels)
    assert np.array_equal(unpack_signal(words, values, levels), signal)


@given(SEEDS)
def test_rendering_is_deterministic(seed: int) -> None:
    model: Model = map_model(seed)
    assert render(model) == render(model)


@pytest.mark.parametrize("seed", range(60))
def test_the_list_is_aligned_for_pairs_of_entries(seed: int) -> None:
    """Cores load two entries at once: an address that is no multiple of 4 is a fault there."""
    program = plan(map_model(seed))
    offset = 0
    for item in program.fields:
        size = C_BYTES[item.ctype]
        offset = -(-offset // size) * size
        if item.name == "list" and "add_columns" in program.helpers:
            assert offset % 4 == 0
        offset += item.bytes
