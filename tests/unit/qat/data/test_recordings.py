"""Samples of sensors and recordings: units, windows, how they are divided, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import qat
from qat.data.named import load
from qat.data.own import from_arrays
from qat.data.recordings import (
    LEFT_OUT,
    TESTS,
    TRAIN,
    VALIDATE,
    covered,
    divide_by,
    divide_in_time,
    from_recording,
    runs_of,
)
from qat.data.sensing import own_unit, power_of_ten, to_samples

RANDOM = np.random.default_rng(0)


def recording(stretches: int = 6, length: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values, labels and who made them: two activities of three people in turn."""
    y = np.repeat(np.arange(stretches) % 2, length)
    who = np.repeat(np.arange(stretches) // 2, length)
    t = np.arange(len(y))
    x = np.stack([np.sin(t / (3 + 4 * y)), 9.81 + 0.2 * np.cos(t / 9) + y], axis=1)
    return x + RANDOM.normal(0, 0.05, x.shape), y, who


X, Y, WHO = recording()


# ------------------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("most", "unit"), [(16.0, 1e-3), (16.4, 1e-2), (2e-9, 1e-12), (70_000, 10.0), (0.0, 1.0)]
)
def test_a_power_of_ten_leaves_room_for_twice_as_much(most: float, unit: float) -> None:
    assert power_of_ten(most) == unit
    assert 2 * most / unit <= 32767
    assert most == 0 or 2 * most / (unit / 10) > 32767


def test_whole_numbers_are_samples() -> None:
    assert own_unit(np.array([[-32000.0, 4], [7, 12000]]), True).tolist() == [1, 1]
    assert own_unit(np.array([[-40000.0, 4], [7, 12000]]), True).tolist() == [10, 10]
    assert own_unit(np.array([[-40000.0, 4], [7, 120]]), True).tolist() == [10, 1]


def test_channels_share_a_unit_unless_it_is_too_coarse_for_one() -> None:
    alike = RANDOM.normal(0, [3, 8, 1], (200, 3))
    assert len(set(own_unit(alike, True))) == 1
    apart = own_unit(alike * [1, 1000, 0.01], True)
    assert apart[0] < apart[1]
    assert apart[2] < apart[0]
    assert len(set(own_unit(alike * [1, 1000, 0.01], False))) == 1


def test_samples_beyond_the_range_of_int16_are_held() -> None:
    assert to_samples(np.array([[1e6, -1e6, 0.26]]), np.ones(3) / 10).tolist() == [
        [32767, -32768, 3]
    ]


# ----------------------------------------------------------------- what inputs are


@pytest.mark.parametrize("unit", [None, 0.01, (0.001, 0.01)])
@pytest.mark.parametrize(("group", "hop"), [(1, None), (4, 12), (4, 40)])
def test_inputs_are_what_the_sensor_makes_of_samples(group: int, hop: int | None, unit) -> None:
    data = from_recording(X, Y, 20, hop, group, unit=unit)
    assert data.sensor is not None
    assert data.raw is not None
    assert data.x_train.shape[1:] == (20 // group, 2)
    for part in ("train", "validation", "test"):
        raw, x = getattr(data.raw, part), getattr(data, f"x_{part}")
        again = np.array([data.sensor.scale(window, -127, 127) for window in raw])
        np.testing.assert_array_equal(again, x)
    means = data.raw.train.reshape(-1, group, 2).mean(axis=1) * data.raw.unit
    wanted = (means - np.array(data.x_offset)) / np.array(data.x_scale)
    coarse = 0.51 + 0.5 * (data.raw.unit / np.array(data.x_scale)).max() / group
    assert np.abs(np.clip(wanted, -127, 127) - data.x_train.reshape(-1, 2)).max() < coarse


def test_a_stream_of_samples_gives_the_windows_of_the_data() -> None:
    """What the model makes of a recording is what the data set made of it."""
    data = from_recording(X, Y, 20, 12, 4)
    net = qat.Network([2, 8, 2], bits=2, steps=5, input="frames")
    qat.fit(net, data, epochs=1)
    model = qat.export(net)
    assert model.sensor is data.sensor
    assert model.metadata["sample_unit"] == data.raw.plain_unit
    stretch = to_samples(X[400:800], data.raw.unit)
    windows = model.inputs_of(stretch)
    known = {x.tobytes() for x in (*data.x_train, *data.x_validation, *data.x_test)}
    inside = sum(window.tobytes() in known for window in windows)
    assert len(windows) == 32
    assert inside >= 28  # all but those that were left out, between two parts


def test_features_of_a_file_are_samples_as_well(tmp_path: Path) -> None:
    x = RANDOM.normal(20, [0.5, 4, 0.01], (90, 3))
    lines = [",".join(f"{v:.5f}" for v in row) + f",{i % 3}" for i, row in enumerate(x)]
    (tmp_path / "a.csv").write_text("\n".join(["heat,light,force,label", *lines]))
    data = load(tmp_path / "a.csv")
    assert data.channel_names == ("heat", "light", "force")
    assert data.sensor is not None
    assert data.raw is not None
    again = data.sensor.scale(data.raw.train[:, 0][None], -127, 127)[0]
    np.testing.assert_array_equal(again, data.x_train)
    net = qat.Network([3, 8, 3], bits=2, steps=4)
    qat.fit(net, data, epochs=1)
    model = qat.export(net)
    np.testing.assert_array_equal(model.inputs_of(data.raw.test[:, 0]), data.x_test)
    assert model.metadata["channels"] == ["heat", "light", "force"]


def test_frames_of_real_numbers_are_samples_as_well() -> None:
    frames = RANDOM.normal(size=(50, 9, 3))
    data = from_arrays(frames, np.arange(50) % 2)
    assert data.sensor is not None
    assert data.raw is not None
    again = [data.sensor.scale(w, *data.input_range) for w in data.raw.test]
    np.testing.assert_array_equal(again, data.x_test)


def test_values_with_one_scale_may_have_units_of_their_own() -> None:
    x = RANDOM.normal(size=(80, 2)) * [1, 3]
    data = from_arrays(x, np.arange(80) % 2, unit=(0.001, 0.01))
    assert isinstance(data.x_scale, float)
    assert data.sensor is not None
    assert data.sensor.gain[1] == pytest.approx(10 * data.sensor.gain[0], rel=1e-4)
    assert max(abs(int(data.x_train.min())), int(data.x_train.max())) in (126, 127)
    with pytest.raises(ValueError, match="no value changes in samples of 100; use a finer unit"):
        from_arrays(x, np.arange(80) % 2, unit=100)


def test_bytes_stay_bytes_unless_a_unit_is_given() -> None:
    x = RANDOM.integers(0, 200, (60, 4))
    assert from_arrays(x, np.arange(60) % 2).sensor is None
    assert from_arrays(x, np.arange(60) % 2, unit=1).sensor is not None


@pytest.mark.parametrize("bits", [2, 4, 7])
def test_fewer_input_bits_are_scaled_from_the_samples(bits: int) -> None:
    data = from_recording(X, Y, 20, group=4).with_input_bits(bits)
    assert data.input_range == (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    assert data.sensor is not None
    assert data.raw is not None
    again = [data.sensor.scale(window, *data.input_range) for window in data.raw.train]
    np.testing.assert_array_equal(again, data.x_train)
    assert data.x_train.max() <= data.input_range[1]
    with pytest.raises(ValueError, match="input bits: found 1; must be at least 2"):
        data.with_input_bits(1)


def test_samples_go_through_the_sensor_of_another() -> None:
    data, other = from_recording(X, Y, 20, group=4), from_recording(X / 2, Y, 20, group=4)
    assert data.sensor is not None
    found = other.with_sensor(data.sensor, -127, 127)
    assert other.raw is not None
    again = np.array([data.sensor.scale(window, -127, 127) for window in other.raw.validation])
    np.testing.assert_array_equal(found.x_validation, again)
    assert found.sensor is data.sensor
    with pytest.raises(ValueError, match="is not made of the samples of a sensor"):
        load("digits").with_sensor(data.sensor, 0, 16)


def test_what_goes_through_another_step_has_no_sensor() -> None:
    data = from_recording(X, Y, 20).through(lambda x: x // 2)
    assert data.sensor is None
    assert data.raw is None


# ------------------------------------------------------------------------ division


def test_runs_end_where_a_column_changes() -> None:
    y, who = np.array([0, 0, 1, 1, 1, 0]), np.array([5, 5, 5, 6, 6, 6])
    assert runs_of(y) == [(0, 2), (2, 5), (5, 6)]
    assert runs_of(y, who) == [(0, 2), (2, 3), (3, 5), (5, 6)]


@pytest.mark.parametrize("hop", [3, 5, 10, 25])
def test_no_sample_is_on_two_sides(hop: int) -> None:
    runs = runs_of(Y)
    starts = np.concatenate([np.arange(a, b - 9, hop) for a, b in runs])
    labels = Y[starts]
    parts = divide_in_time(starts, labels, 10)
    touched = [
        set((starts[parts == part][:, None] + np.arange(10)).ravel().tolist())
        for part in (TRAIN, VALIDATE, TESTS)
    ]
    assert not touched[0] & touched[1]
    assert not touched[0] & touched[2]
    assert not touched[1] & touched[2]
    for label in (0, 1):
        own = parts[labels == label]
        assert (own == TESTS).mean() == pytest.approx(0.2, abs=0.03)
        assert (own == VALIDATE).mean() == pytest.approx(0.1, abs=0.03)
        assert (own == LEFT_OUT).mean() < 0.12
        times = [starts[(labels == label) & (parts == p)] for p in (TRAIN, VALIDATE, TESTS)]
        assert times[0].max() < times[1].min()
        assert times[1].max() < times[2].min()


def test_whole_recordings_test() -> None:
    names = np.array(["a", "b", "c", "d", "e", "f"])[np.repeat(np.arange(6), 10)]
    labels = np.tile(np.arange(2), 30)
    parts = divide_by(names, labels, 3)
    for name in set(names):
        assert len(set(parts[names == name])) == 1
    assert sorted({p: len(set(names[parts == p])) for p in (0, 1, 2)}.items()) == [
        (TRAIN, 4), (VALIDATE, 1), (TESTS, 1)
    ]  # fmt: skip
    np.testing.assert_array_equal(parts, divide_by(names, labels, 3))
    assert any((divide_by(names, labels, seed) != parts).any() for seed in range(5))


def test_every_class_keeps_some_recording_that_trains() -> None:
    names, labels = np.array(list("abcde")), np.array([0, 0, 0, 1, 1])
    for seed in range(20):
        parts = divide_by(names, labels, seed)
        assert set(labels[parts == TRAIN]) == {0, 1}


def recorded(folder: Path, **columns: np.ndarray) -> Path:
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    (folder / "rec.csv").write_text("\n".join(lines))
    return folder / "rec.csv"


def test_a_recording_from_a_file(tmp_path: Path) -> None:
    about = {"time": np.arange(len(Y)), "ax": X[:, 0].round(4), "ay": X[:, 1].round(4)}
    path = recorded(tmp_path, **about, who=WHO, what=np.array(["sits", "runs"])[Y])
    how = {"label": "what", "window": 20, "hop": 12, "group": 4, "ignore": ("time",)}
    data = load(path, **how, by="who")
    assert data.channel_names == ("ax", "ay")
    assert data.class_names == ("runs", "sits")
    assert data.source == "rec.csv; 6 stretches of one label"
    assert data.sensor is not None
    assert (data.sensor.group, data.sensor.hop) == (4, 3)
    assert sum(len(y) for y in (data.y_train, data.y_validation, data.y_test)) == 6 * 32
    np.savez(tmp_path / "rec.npz", x=X.round(4), y=1 - Y, who=WHO)
    del how["label"], how["ignore"]
    same = load(tmp_path / "rec.npz", **how, by="who")
    np.testing.assert_array_equal(same.x_test, data.x_test)


def test_subjects_of_a_file_of_features(tmp_path: Path) -> None:
    path = recorded(tmp_path, a=X[:, 0], b=X[:, 1], who=WHO, y=Y)
    data = load(path, by="who")
    assert [len(y) for y in (data.y_train, data.y_validation, data.y_test)] == [800, 800, 800]
    assert data.inputs == 2


def test_stretches_shorter_than_a_window_are_left_out_and_said() -> None:
    y = np.concatenate([Y, np.zeros(5, int), np.ones(7, int)])
    data = from_recording(np.concatenate([X, X[:12]]), y, 20)
    assert "8 stretches of one label, 1 of them shorter" not in data.source
    assert "2 of them shorter than a window and left out" in data.source


# ------------------------------------------------------------------------ bad input

CONSTANT = np.stack([X[:, 0], np.full(len(X), 3.5)], axis=1)
NAN = np.where(np.arange(len(X))[:, None] == 7, np.nan, X)
FEW = np.where(np.arange(len(Y)) < 25, 2, Y)


@pytest.mark.parametrize(
    ("x", "y", "how", "said"),
    [
        (X, Y, {"window": 500}, "window: found 500 samples; the longest stretch of one label has"),
        (X, Y, {"window": 10, "group": 4}, "the window must be a multiple of the group"),
        (X, Y, {"window": 12, "hop": 6, "group": 4}, "the hop must be a multiple of the group"),
        (X, Y, {"window": 0}, "each must be 1 or more"),
        (CONSTANT, Y, {"window": 20}, "feature heat is 3.5 in every sample; leave it out"),
        (X, FEW, {"window": 20}, "class runs: has 1 windows of 20 samples .one every 20., too few"),
        (X, FEW, {"window": 30}, "class runs: has 0 windows of 30 samples"),
        (X, Y * 0, {"window": 20}, "every sample has the label 0"),
        (X, Y, {"window": 20, "unit": 1e-4}, "unit: 0.0001 makes feature heat = 1.* a sample of 1"),
        (X, Y, {"window": 20, "unit": 1e-4}, "use a unit of at least 0.000"),
        (X, Y, {"window": 20, "unit": 50.0}, "never changes in samples of 50; use a finer unit"),
        (X, Y, {"window": 20, "unit": -1}, "must be one number above 0"),
        (X, Y, {"window": 20, "unit": (1, 2, 3)}, "or one for each of 2 channels"),
        (NAN, Y, {"window": 20}, "x: holds NaN"),
        (X[:, 0], Y, {"window": 20}, "must be .samples, channels."),
        (X, Y[:-1], {"window": 20}, "labels for"),
        (X, Y, {"window": 20, "by": WHO // 2}, "found 2 recordings .0, 1.; needs at least 3"),
        (X, Y, {"window": 20, "by": Y + 2 * (np.arange(len(Y)) // 800)}, None),
    ],
)
def test_recordings_that_do_not_fit_get_one_line(x, y, how, said) -> None:
    classes = ("sits", "walks", "runs")[: int(y.max()) + 1]
    names = {"class_names": classes, "channel_names": ("light", "heat")}
    if said is None:
        assert from_recording(x, y, **how, **names).classes == 2
        return
    with pytest.raises(ValueError, match=said) as caught:
        from_recording(x, y, **how, **names)
    assert "\n" not in str(caught.value)


def test_lines_that_windows_cover() -> None:
    inside = covered(np.array([1, 2, 7]), 2, 9)
    assert np.flatnonzero(inside).tolist() == [1, 2, 3, 7, 8]


def test_more_windows_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qat.machine.memory.available", lambda: 200_000)
    assert len(from_recording(X, Y, 20).x_train) > 50
    with pytest.raises(ValueError, match=r"2,286 windows: needs about .* use a larger hop"):
        from_recording(X, Y, 20, 1)


def test_a_class_of_one_recording_cannot_be_held_out() -> None:
    y = np.repeat([0, 1, 2], 200)
    with pytest.raises(ValueError, match="in so few recordings that none is left to train"):
        from_recording(RANDOM.normal(size=(600, 2)), y, 20, by=y)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"hop": 5}, "hop: needs a window"),
        ({"group": 5}, "group: needs a window"),
        ({"by": "nobody", "window": 20}, r"has no column 'nobody' \(by\); it has the columns a, b"),
        ({"ignore": ("c",)}, r"has no column 'c' \(ignore\)"),
        ({"ignore": ("a", "b")}, "has no feature left beside its label"),
        ({"unit": 1e-6}, "use a unit of at least"),
    ],
)
def test_files_that_do_not_fit_get_one_line(how, said, tmp_path: Path) -> None:
    path = recorded(tmp_path, a=X[:, 0], b=X[:, 1], y=Y)
    with pytest.raises(ValueError, match=said) as caught:
        load(path, **how)
    assert "\n" not in str(caught.value)


def test_named_sets_take_a_unit_if_they_are_of_a_sensor() -> None:
    with pytest.raises(ValueError, match="these are images"):
        load("digits", unit=1)
    with pytest.raises(ValueError, match="go with a file of your own"):
        load("digits", window=4)
