"""The verb plot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.zoo.small import small_model

from codegen.cli import main


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "digits.npz"
    assert main(["train", "digits", "-o", str(path), "--epochs", "1", "--hidden", "16"]) == 0
    return path


def test_plot_draws_all_it_can(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    folder = tmp_path / "new" / "folder"
    words = ["plot", str(trained), "-o", str(folder), "--format", "png,svg", "--limit", "50"]
    assert main([*words, "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    kinds = ("raster", "membranes", "firing", "confusion")
    assert files == [str(folder / f"digits-{k}.{f}") for k in kinds for f in ("png", "svg")]
    assert sorted(map(str, folder.iterdir())) == sorted(files)


def test_without_labels_there_is_no_confusion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.npz"
    small_model().save(path)
    assert main(["plot", str(path), "-o", str(tmp_path / "out"), "--limit", "4"]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert "small on 4 made inputs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kind", "raster,3d"], "kind '3d': is not known; use raster, membranes, firing"),
        (["--format", "pdf"], "format 'pdf': is not known; use png, svg"),
        (["--sample", "500"], "sample: found 500; there are 359, from 0"),
        (["-o", "{tmp}/file/out"], "cannot be written"),
    ],
)
def test_wrong_use_is_one_line(
    words: list[str], said: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    capsys.readouterr()
    given = [word.format(tmp=tmp_path) for word in words]
    assert main(["plot", str(trained), "-o", str(tmp_path), *given]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
