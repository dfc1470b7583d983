"""The verb anytime."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.zoo.small import small_model

from codegen import check
from codegen.cli import main
from qat.model import Model


def test_a_rule_is_chosen_and_its_c_obeys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, ruled = str(tmp_path / "digits.npz"), str(tmp_path / "early.npz")
    assert main(["train", "digits", "-o", path, "--epochs", "4", "--hidden", "32"]) == 0
    capsys.readouterr()
    assert main(["anytime", path, "--lose", "1", "-o", ruled, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["accuracy_by_step"]["test"]) == 8
    part = found["validation"]
    assert part["stopped"]["accuracy"] >= part["all"]["accuracy"] - 0.01 - 1e-9
    assert part["stopped"]["steps"] < part["all"]["steps"] == 8
    assert found["instructions"]["stopped"] > 0
    model = Model.load(ruled)
    assert model.stop is not None
    assert model.stop.margin == found["stop"]["margin"]
    assert check(model) is None


def test_a_given_rule_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "digits.npz")
    assert main(["train", "digits", "-o", path, "--epochs", "1", "--hidden", "16"]) == 0
    words = ["anytime", path, "--margin", "7", "--first", "3"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "rule: stop after step 3 or later, when the lead reaches 7" in out
    assert "stopped after step" in out


def test_labels_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.npz"
    small_model().save(path)
    assert main(["anytime", str(path)]) == 2
    assert "needs data with labels, --data NAME|FILE" in capsys.readouterr().err
