"""predict: a row for every sample or window, with or without labels."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegen.cli import main
from qat.data.named import load
from qat.model import EarlyStop, Model

WORDS = ("walk", "run, fast", "sit")
WINDOW, HOP = 12, 6


def lines(samples: int, labels: bool, stretch: int = 1, seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    rows = [["u", "v", "w", *(["label"] if labels else [])]]
    for i in range(samples):
        label = i // stretch % 3
        values = [f"{v:.3f}" for v in rng.normal(2.0 * label, 1, 3)]
        rows.append([*values, *([f'"{WORDS[label]}"'] if labels else [])])
    return "\n".join(map(",".join, rows)) + "\n"


def trained(folder: Path, *words: str) -> Path:
    path = folder / "m.npz"
    command = ["train", str(folder / "own.csv"), "-o", str(path), "--hidden", "8"]
    assert main([*command, "--epochs", "4", "--bits", "4", *words]) == 0
    return path


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    (folder / "own.csv").write_text(lines(120, True))
    (folder / "bare.csv").write_text(lines(120, False))
    return trained(folder)


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("windows")
    (folder / "own.csv").write_text(lines(720, True, stretch=120))
    (folder / "bare.csv").write_text(lines(100, False, stretch=100))
    return trained(folder, "--window", str(WINDOW), "--hop", str(HOP), "--group", "2")


def rows_of(capsys: pytest.CaptureFixture[str], *words: Any) -> list[dict[str, str]]:
    assert main(["predict", *map(str, words)]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_a_file_without_labels_has_a_row_for_every_line(
    samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its lines are those of the file with labels, which qat reads and divides on its own."""
    rows = rows_of(capsys, samples, "--data", samples.parent / "bare.csv")
    model, data = Model.load(samples), load(samples.parent / "own.csv")
    assert [row["sample"] for row in rows] == [str(i) for i in range(120)]
    answers = {
        tuple(int(row[f"score {name}"]) for name in model.class_names): row["class"] for row in rows
    }
    for part in ("train", "validation", "test"):
        result = model.run(getattr(data, f"x_{part}"))
        for scores, index in zip(result.scores, result.predictions, strict=True):
            assert answers[tuple(map(int, scores))] == model.class_names[index]
    assert {row["step"] for row in rows} == {str(model.steps)}
    assert "start" not in rows[0]


def test_labels_make_no_difference(samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = rows_of(capsys, samples, "--data", samples.parent / "bare.csv")
    assert rows_of(capsys, samples, "--data", samples.parent / "own.csv") == bare
    assert rows_of(capsys, samples, "--data", samples.parent / "bare.csv", "--limit", 7) == bare[:7]


def test_windows_say_where_they_begin(windows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of(capsys, windows, "--data", windows.parent / "bare.csv")
    assert [int(row["start"]) for row in rows] == list(range(0, 100 - WINDOW + 1, HOP))
    own = rows_of(capsys, windows, "--data", windows.parent / "own.csv")
    starts = [s + i for s in range(0, 720, 120) for i in range(0, 120 - WINDOW + 1, HOP)]
    assert [int(row["start"]) for row in own] == starts
    assert own[0]["class"] in WORDS


def test_the_step_is_the_one_of_the_decision(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = dataclasses.replace(Model.load(samples), stop=EarlyStop(3, 1))
    early.save(tmp_path / "early.npz")
    command = (tmp_path / "early.npz", "--data", samples.parent / "own.csv", "--json")
    assert main(["predict", *map(str, command)]) == 0
    found = json.loads(capsys.readouterr().out)
    steps = [row["step"] for row in found["predictions"]]
    assert len(set(steps)) > 1
    data = load(samples.parent / "own.csv")
    parts = [
        early.run(getattr(data, f"x_{part}")).steps for part in ("train", "validation", "test")
    ]
    assert sorted(steps) == sorted(np.concatenate(parts).tolist())


def test_files_hold_the_same(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", str(samples), "--data", str(samples.parent / "bare.csv")]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert main([*command, "-o", str(tmp_path / "p.csv")]) == 0
    assert (tmp_path / "p.csv").read_text() == printed
    capsys.readouterr()
    assert main([*command, "-o", str(tmp_path / "p.json"), "--json"]) == 0
    file = json.loads((tmp_path / "p.json").read_text())
    assert json.loads(capsys.readouterr().out) == {**file, "output": str(tmp_path / "p.json")}
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert len(file["predictions"]) == len(rows) == 120
    for row, told in zip(rows, file["predictions"], strict=True):
        assert row["class"] == told["class"] == file["classes"][told["index"]]
        scores = [int(row[f"score {name}"]) for name in file["classes"]]
        assert scores == told["scores"]
        assert scores[told["index"]] == max(scores)


def test_a_folder_that_is_not_there_is_said_at_once(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "none" / "p.csv"
    assert main(["predict", str(samples), "--data", "nowhere.csv", "-o", str(target)]) == 2
    assert f"{target}: cannot be written" in capsys.readouterr().err


def test_a_missing_channel_is_named(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few.csv").write_text("u,v\n1,2\n3,4\n")
    assert main(["predict", str(samples), "--data", str(tmp_path / "few.csv")]) == 2
    err = capsys.readouterr().err
    assert "'w'" in err
    assert err.count("\n") == 1
