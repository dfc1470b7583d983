"""Raw samples of a sensor: sums, scaling, windows, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qat.model import LIF, Accumulate, Analog, Dense, Frames, Layer, Model, Sensor, Spikes


def model_of(model_input, sensor: Sensor | None, steps: int | None = 5) -> Model:
    codes = np.random.default_rng(1).integers(-1, 2, (6, model_input.lines))
    readout = None if steps is None else Accumulate(Dense(np.ones((3, 6), int), 8))
    return Model(model_input, (Layer(Dense(codes), LIF(3, (2,))),), readout, steps, sensor=sensor)


def test_a_vector_is_the_scaled_sum_of_its_samples() -> None:
    sensor = Sensor([10, -400], [3, -7], shift=4, group=2)
    samples = np.array([[100, -32768], [-7, 32767], [1, 1], [2, 2], [9, 9]])
    expected = []
    for start in (0, 2):
        sums = [int(samples[start, c]) + int(samples[start + 1, c]) for c in range(2)]
        scaled = [((sums[0] - 10) * 3 + 8) >> 4, ((sums[1] + 400) * -7 + 8) >> 4]
        expected.append([min(max(v, -128), 127) for v in scaled])
    assert sensor.scale(samples, -128, 127).tolist() == expected


def test_fit_comes_close_to_the_real_scaling() -> None:
    rng = np.random.default_rng(2)
    scale, offset, unit = np.array([0.31, 0.004, 25.0]), np.array([9.81, -0.2, 100.0]), 0.001
    sensor = Sensor.fit(scale, offset, 3, unit, group=4)
    samples = rng.integers(-30000, 30000, (400, 3))
    real = samples.reshape(100, 4, 3).mean(axis=1) * unit
    wanted = np.clip((real - offset) / scale, -127, 127)
    assert np.abs(sensor.scale(samples, -127, 127) - wanted).max() < 0.52


def test_windows_follow_each_other_by_the_hop() -> None:
    samples = np.arange(14).reshape(14, 1)
    for hop, starts in ((None, [0, 5]), (2, [0, 2, 4, 6, 8]), (7, [0, 7])):
        model = model_of(Frames(1, -128, 127), Sensor([0], [1], hop=hop))
        windows = model.inputs_of(samples)
        assert windows[:, 0, 0].tolist() == starts
        assert windows.shape[1:] == (5, 1)
        assert model.run(windows).scores is not None


def test_a_held_input_takes_every_vector() -> None:
    model = model_of(Analog(2, 0, 255), Sensor([0, 0], [1, 2]))
    assert model.inputs_of([[3, 4], [-5, 200]]).tolist() == [[3, 8], [0, 255]]


def test_a_free_running_model_has_one_window() -> None:
    model = model_of(Frames(1, 0, 255), Sensor([0], [1], group=2), steps=None)
    assert model.inputs_of(np.ones((7, 1), int)).shape == (1, 3, 1)


def test_sensor_is_saved_and_part_of_the_digest(tmp_path: Path) -> None:
    plain, own = (model_of(Frames(1), s) for s in (None, Sensor([3], [5], 2, 2, 4)))
    assert plain.digest() != own.digest()
    own.save(tmp_path / "m.npz")
    again = Model.load(tmp_path / "m.npz")
    assert again.digest() == own.digest()
    assert again.sensor is not None
    assert (again.sensor.shift, again.sensor.group, again.sensor.hop) == (2, 2, 4)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Sensor([0], [0]), "none of them 0"),
        (lambda: Sensor([0, 1], [1]), "one per channel"),
        (lambda: Sensor(0, 1), "found shape"),
        (lambda: Sensor([0], [1], shift=23), "allowed are 0 to 22"),
        (lambda: Sensor([2**30 + 1], [1]), "holds 1073741825"),
        (lambda: model_of(Frames(2), Sensor([0], [1])), "has 1 channels; the input has 2"),
        (lambda: model_of(Analog(1), Sensor([0], [1], hop=2)), "a hop needs windows"),
        (lambda: model_of(Spikes(1), Sensor([0], [1])), "an input of bytes"),
        (lambda: model_of(Frames(1), None).inputs_of([[1]]), "has no sensor"),
        (lambda: model_of(Frames(1), Sensor([0], [1])).inputs_of([[1, 2]]), "1 channels"),
        (lambda: model_of(Frames(1), Sensor([0], [1])).inputs_of([[40000]]), "holds 40000"),
        (lambda: model_of(Frames(1), Sensor([0], [1])).inputs_of([[0.5]]), "must hold integers"),
    ],
)
def test_what_makes_no_sense_is_refused(make, says) -> None:
    with pytest.raises(ValueError, match=says):
        make()
