"""Ranges below zero, the least integers, and values that an int16 sample would lose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import codegen
from codegen.render import render
from qat.data.own import from_arrays
from qat.data.recordings import from_recording
from qat.data.sensing import own_unit
from qat.model import LIF, Accumulate, Analog, Delta, Dense, Frames, Latency, Layer, Model, Rate
from qat.model.activity import Activity
from qat.model.intervals import Interval

RANGES = [(-128, -128), (-128, -1), (-118, -30), (-1, -1), (-128, 0), (0, 0), (3, 7), (255, 255)]


def model_of(kind: Any, low: int, high: int) -> Model:
    own = Latency.linear(5, low, high, 4) if kind is Latency else kind(5, low, high)
    random = np.random.default_rng(0)
    layer = Layer(Dense(random.integers(-1, 2, (4, own.lines)), 2), LIF(3, (3,)))
    return Model(own, (layer,), Accumulate(Dense(random.integers(-128, 128, (3, 4)), 8)), 4, "net")


@pytest.mark.parametrize("kind", [Analog, Frames, Rate, Latency, Delta])
def test_any_range_has_a_cost_and_c(kind):
    for low, high in RANGES:
        model = model_of(kind, low, high)
        assumed = Activity.of(model)
        if not model.input.spiking:
            assert len(assumed.values) == high - low + 1
            assert (assumed.busy < 1) == (low <= 0 <= high)
        assert render(model)["net.c"]


@pytest.mark.parametrize(("low", "high"), [(-128, -128), (-118, -30)])
def test_the_c_of_a_range_below_zero_is_equal(low, high):
    assert codegen.check(model_of(Analog, low, high)) is None


def test_a_width_is_the_least_that_holds_all_values():
    for low in range(-20, 20):
        for high in range(low, 20):
            least = next(b for b in range(1, 9) if -(2 ** (b - 1)) <= low <= high < 2 ** (b - 1))
            assert Interval(np.array([low]), np.array([high])).width == least


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
def test_the_least_integers_are_as_large_as_they_are(dtype):
    least = np.iinfo(dtype).min
    unit = own_unit(np.array([[least, 0], [0, 1]], dtype), each=False)
    assert -(2**15) <= least / unit[0] <= 2**15 - 1
    assert (unit == 1).all() == (least >= -(2**15))


def test_data_of_the_least_integers_train_as_others():
    random = np.random.default_rng(0)
    y = np.arange(200) % 2
    for dtype in (np.int8, np.int16):
        x = random.integers(np.iinfo(dtype).min, 0, (200, 3), dtype) + y[:, None].astype(dtype)
        x[:4] = np.iinfo(dtype).min
        data = from_arrays(x, y)
        real = data.x_train.min() * data.x_scale
        assert abs(real - x.min()) <= 0.5 * data.x_scale + 1


# ------------------------------------------------------------- lost by a unit

R, Y = np.random.RandomState(0), np.arange(600) % 2
SMALL = np.c_[101325 + 3 * Y + R.normal(0, 1, 600), R.normal(0, 1, 600)]


def test_small_changes_on_a_large_offset_are_refused_with_the_offset():
    said = "unit: feature p goes from 101,32.* subtract an offset such as 101,300 from it"
    with pytest.raises(ValueError, match=said):
        from_arrays(SMALL, Y, each_feature=True, channel_names=("p", "q"))
    lines = np.repeat(np.arange(6) % 2, 100)
    with pytest.raises(ValueError, match=said):
        from_recording(SMALL, lines, 10, channel_names=("p", "q"))
    data = from_arrays(SMALL - [101300, 0], Y, each_feature=True)
    assert data.raw is not None
    assert min(len(np.unique(data.raw.train[..., k])) for k in (0, 1)) > 100


def test_a_coarse_unit_that_was_asked_for_is_told():
    data = from_arrays(SMALL - [101300, 0], Y, each_feature=True, unit=2.0)
    assert "use a finer unit" in data.warnings[0]
    assert from_arrays(SMALL - [101300, 0], Y, each_feature=True, unit=0.01).warnings == ()


def test_few_values_that_were_few_are_no_loss():
    x = np.c_[Y * 1000.0 + 30_000, R.normal(0, 1, 600)]
    assert from_arrays(x, Y, each_feature=True).warnings == ()


def test_a_feature_that_a_common_scale_hides_is_told():
    x = np.c_[R.normal(1000, 300, 600), Y * 0.5 + R.random_sample(600)]
    assert (
        "1 of 2 features change in the data and not in the inputs" in from_arrays(x, Y).warnings[0]
    )
    assert from_arrays(x, Y, each_feature=True).warnings == ()


@pytest.mark.parametrize("value", [1e308, -1e200, 5e-320])
def test_values_whose_squares_are_no_floats_are_refused(value):
    x = np.c_[R.normal(0, 1, 60), value * (0.2 + np.arange(60) % 3 / 4)]
    y = np.arange(60) // 5 % 2
    for make in (from_arrays, lambda x, y: from_recording(x, y, 2)):
        with pytest.raises(ValueError, match=r"feature 1 holds values to .* allowed are 1e-100 to"):
            make(x, y)
