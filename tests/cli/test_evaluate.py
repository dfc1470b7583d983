"""evaluate: the accuracy of a model on the data that it must be judged by."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qat
from codegen.cli import main
from qat.data.named import load
from qat.model import Model
from qat.train.judging import PIECE, judge

WORDS = ("walk", "run", "sit, still")
SEED = 3


def lines(samples: int, seed: int, words: tuple[str, ...] = WORDS) -> str:
    """Return a .csv of classes that overlap, so that no model is right about all."""
    rng = np.random.default_rng(seed)
    rows = [
        [*(f"{v:.3f}" for v in rng.normal(WORDS.index(word) * 1.5, 1, 4)), f'"{word}"']
        for word in (words[i % len(words)] for i in range(samples))
    ]
    return "\n".join(map(",".join, [["a", "b", "c", "d", "label"], *rows])) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evaluate")
    (path / "own.csv").write_text(lines(150, 0))
    (path / "other.csv").write_text(lines(60, 1, WORDS[::2]))
    command = ["train", str(path / "own.csv"), "-o", str(path / "m.npz"), "--seed", str(SEED)]
    assert main([*command, "--hidden", "8", "--epochs", "6", "--bits", "4"]) == 0
    return path


def found(capsys: pytest.CaptureFixture[str], *words: Any) -> dict[str, Any]:
    assert main(["evaluate", *map(str, words), "--json"]) == 0
    values: dict[str, Any] = json.loads(capsys.readouterr().out)
    return values


def test_its_own_file_is_judged_by_the_test_part(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = Model.load(folder / "m.npz"), load(folder / "own.csv", SEED)
    value = found(capsys, folder / "m.npz", "--data", folder / "own.csv")
    assert value["accuracy"] == qat.evaluate(model, data.x_test, data.y_test)
    assert value["accuracy"] == model.metadata["accuracy"]["test"]
    assert (value["part"], value["trained_on"], value["samples"]) == ("test", True, 30)
    predictions = model.run(data.x_test).predictions
    for label, name in enumerate(model.class_names):
        own = data.y_test == label
        assert value["per_class"][name] == float((predictions[own] == label).mean())
        for other in range(3):
            count = int((predictions[own] == other).sum())
            assert value["confusion"][label][other] == count
    assert value["classes"] == list(model.class_names)
    assert sorted(value["classes"]) == sorted(WORDS)


def test_another_file_is_judged_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = found(capsys, folder / "m.npz", "--data", folder / "other.csv")
    assert (value["part"], value["trained_on"], value["samples"]) == ("all", False, 60)
    assert value["per_class"]["run"] is None  # none of these are there
    confusion = np.array(value["confusion"])
    assert value["accuracy"] == np.trace(confusion) / 60
    assert confusion.sum() == 60


def test_people_read_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folder / "m.npz"), "--data", str(folder / "other.csv")]) == 0
    out = capsys.readouterr().out
    assert "all of other, which did not train it: 60 samples" in out
    assert "accuracy " in out
    assert "rows: the class; columns: what it was taken for" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["run", "0", "-"] in rows
    command = ["evaluate", str(folder / "m.npz"), "--data", str(folder / "own.csv")]
    assert main([*command, "--limit", "5"]) == 0
    assert "the first 5 of the test part of own, whose other parts" in capsys.readouterr().out


def test_a_named_set_needs_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = load("digits")
    net = qat.Network([64, 16, 10], 2, 4, input_range=data.input_range)
    net.report = {"training": {"data": "digits"}}
    model = qat.export(net, "untrained")
    model.save(tmp_path / "d.npz")
    value = found(capsys, tmp_path / "d.npz")
    assert value["accuracy"] == qat.evaluate(model, data.x_test, data.y_test)
    assert (value["part"], value["samples"]) == ("test", 359)
    assert list(value["per_class"]) == [str(n) for n in range(10)]


@pytest.mark.target
@pytest.mark.usefixtures("recorded_builds")
def test_an_emulated_board_is_as_often_right(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (folder / "m.npz", "--data", folder / "own.csv")
    here = found(capsys, *words)
    there = found(capsys, *words, "--board", "qemu-m3")
    assert there.pop("board") == "qemu-m3"
    assert here.pop("board") is None
    assert there == here


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "nowhere.csv"], "nowhere.csv: cannot be read"),
        (["--board", "qemu-m33x"], "did you mean qemu-m33"),
        (["--board", "pico"], "pico: is a board of hardware"),
        ([], "needs data, --data NAME|FILE"),
    ],
)
def test_what_cannot_be_judged_is_one_line(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(folder / "m.npz"), *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_model_that_runs_free_gives_no_classes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    free = dataclasses.replace(
        Model.load(folder / "m.npz"), readout=None, steps=None, metadata={}, name="free"
    )
    free.save(tmp_path / "free.npz")
    for verb in ("evaluate", "predict"):
        assert main([verb, str(tmp_path / "free.npz"), "--data", str(folder / "own.csv")]) == 2
        assert "free: runs free and gives no classes" in capsys.readouterr().err


def test_data_are_run_in_pieces() -> None:
    """Memory does not grow with the samples, and no sample is counted twice."""
    sizes: list[int] = []

    def answer(x: Any) -> Any:
        sizes.append(len(x))
        return x[:, 0] % 3

    x = np.arange(2 * PIECE + 7)[:, None]
    judged = judge(answer, x, np.arange(len(x)) % 4, 4)
    assert sizes == [PIECE, PIECE, 7]
    expected = np.zeros((4, 4), np.int64)
    for value in range(len(x)):
        expected[value % 4, value % 3] += 1
    assert (judged.confusion == expected).all()
    assert judged.of_class == tuple(expected.sum(axis=1))
    assert judged.mistaken(3)[1] == expected[3, :3].max()


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [0, -1, 1, 1], [0], []])
def test_labels_that_are_no_classes_are_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="y: "):
        judge(lambda x: x[:, 0], np.zeros((4, 1), np.int64), np.array(labels, np.int64), 3)
