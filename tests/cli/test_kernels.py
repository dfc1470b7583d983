"""`kernels`: both choices beside each other, and a model that names the one that was asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.zoo import counting

from codegen.cli import main
from qat.model import Model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kernels") / "bursts.npz"
    counting.MODELS["bursts alone"].save(path)
    return path


def told_by(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_told_is_what_report_says_of_what_is_written(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for goal, path in (("flash", tmp_path / "f.npz"), ("instructions", tmp_path / "i.npz")):
        found = told_by(capsys, "kernels", str(model), "--for", goal, "-o", str(path))
        assert (found["for"], found["file"]) == (goal, str(path))
        said = told_by(capsys, "report", str(path), "--board", "qemu-m4")
        for key in ("flash", "instructions", "worst"):
            assert found[goal][key] == said[key]
        assert found[goal]["ram"] == said["ram"] + said["stack"]
        assert Model.load(path).digest() == found["digest"] == Model.load(model).digest()
    assert found["flash"]["flash"] < found["instructions"]["flash"]
    assert found["flash"]["instructions"] > found["instructions"]["instructions"]


def test_a_board_that_is_not_there_is_one_line(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kernels", str(model), "--board", "qemu-m44"]) == 2
    assert "did you mean qemu-m4" in capsys.readouterr().err
