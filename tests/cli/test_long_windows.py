"""Windows longer than what is otherwise sent of a recording: one whole window is the least."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegen.checks.equivalence import compare_raw
from codegen.checks.streams import (
    MADE_VALUES,
    MOST_VALUES,
    STREAM_SAMPLES,
    expected,
    made_samples,
    one_result,
)
from codegen.cli import main
from codegen.package.examples import recording_of
from qat.model import LIF, Accumulate, Dense, Frames, Layer, Model, Sensor

WINDOW, GROUP, COUNT = 2560, 80, 11


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, random = tmp_path_factory.mktemp("long"), np.random.RandomState(0)
    lines = ["a,b,label"]
    for word, mean in (("still", 0), ("moves", 2)):
        values = random.normal(mean, 1, (COUNT * WINDOW, 2))
        lines += [f"{a:.1f},{b:.1f},{word}" for a, b in values]
    (path / "long.csv").write_text("\n".join(lines))
    words = ["--window", str(WINDOW), "--group", str(GROUP), "--hidden", "4", "--epochs", "1"]
    out = ["-o", str(path / "long.npz"), "--json"]
    assert main(["train", str(path / "long.csv"), *words, *out]) == 0
    return path


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def made(model: Model) -> int:
    return len(made_samples(model))


def test_check_compares_a_whole_window(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Model.load(folder / "long.npz")
    assert STREAM_SAMPLES < WINDOW == one_result(model)
    found = told(capsys, "check", folder / "long.npz", "--data", folder / "long.csv")
    assert found["differing"] == 0
    assert found["compared"]["raw_samples"] == made(model) + WINDOW
    results = len(expected(model, made_samples(model)).when)
    assert found["compared"]["raw_results"] == results + 1
    assert main(["check", str(folder / "long.npz"), "--data", str(folder / "long.csv")]) == 0
    assert "2,560 raw samples of them" in capsys.readouterr().out


@pytest.mark.parametrize("windows", [1, 3])
def test_a_recording_has_as_many_windows_as_were_asked_for(
    windows: int, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["generate", folder / "long.npz", "-o", tmp_path, "--data", folder / "long.csv"]
    told(capsys, *words, "--vectors", windows)
    recording = next(tmp_path.rglob("*recording.h")).read_text()
    assert f"{windows * WINDOW}" in recording


def _model(channels: int, steps: int, group: int) -> Model:
    codes = np.ones((2, channels), np.int8)
    layer = Layer(Dense(codes, 2), LIF(1000, (3,)))
    sensor = Sensor(np.zeros(channels, np.int32), np.ones(channels, np.int32), group=group)
    head = Accumulate(Dense(np.array([[1, -1], [-1, 1]]), 2))
    return Model(Frames(channels, -127, 127), (layer,), head, steps, "wide", sensor=sensor)


def test_made_samples_come_to_one_window() -> None:
    """64 channels, and windows of more samples than are made of so many channels otherwise."""
    model = _model(64, 50, 100)
    assert MADE_VALUES // 64 < one_result(model) == 5000
    assert len(expected(model, made_samples(model)).when) >= 1
    assert recording_of(model).answers >= 1


def test_a_window_beyond_all_measure_is_told() -> None:
    """Its made samples give no result, which the comparison says."""
    model = _model(64, 800, 100)
    assert one_result(model) * 64 > MOST_VALUES

    class Same:
        def stream(self, samples: Any) -> Any:
            return expected(model, samples)

    found = compare_raw(model, Same(), None)
    assert found.raw_results == 0
    assert f"0 results of {found.raw_samples:,} raw samples" in found.line
    with pytest.raises(ValueError, match="no answer comes"):
        recording_of(model)
