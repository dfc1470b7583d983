"""Raw samples through the compiled C equal Model.run on what the sensor makes of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import KINDS, half_as_many, sensed_models

from codegen.checks.host import HostModel
from codegen.checks.streams import compare_streams, ends_of, expected, made_samples
from qat.model import Model

SEEDS = st.integers(0, 2**32 - 1)


def assert_equal_streams(model: Model, host: HostModel, samples: np.ndarray) -> None:
    wanted, found = expected(model, samples), host.stream(samples)
    assert compare_streams(wanted, found).first is None
    for name in ("when", "predictions", "scores", "output"):
        ours, theirs = getattr(wanted, name), getattr(found, name)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_array_equal(ours, theirs)


@given(sensed_models(KINDS), SEEDS)
def test_samples_through_the_c_equal_the_model(model: Model, seed: int) -> None:
    samples = made_samples(model, seed)
    assert len(ends_of(model, len(samples))) > 1
    host = HostModel(model)
    assert_equal_streams(model, host, samples)
    assert_equal_streams(model, host, samples[: seed % 7])


@settings(max_examples=half_as_many())
@given(sensed_models(KINDS), SEEDS)
def test_clang_agrees(model: Model, seed: int) -> None:
    host = HostModel(model, compiler="clang", flags=("-O1",))
    assert_equal_streams(model, host, made_samples(model, seed))
