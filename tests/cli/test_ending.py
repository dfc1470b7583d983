"""What `train` ends in: figures that can be measured again, and commands that work."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qat
from codegen.cli import main
from codegen.measure.spend import instructions
from codegen.render import render
from codegen.target.compiler import size_of
from codegen.target.emulated import footprint
from qat.data.named import load
from qat.model import Model
from qat.study.otherbits import UPDATES, with_other_bits
from qat.train.network import Network

SUBJECTS = ("ann", "bob", "cid", "dora", "eva")


def recordings() -> str:
    rng = np.random.default_rng(0)
    rows = ["a,b,who,label"]
    for who in SUBJECTS:
        for label, word in enumerate(("walk", "run")):
            rows += [
                f"{rng.normal(3 * label, 1):.3f},{rng.normal(0, 1):.3f},{who},{word}"
                for _ in range(30)
            ]
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("it's here")
    (path / "rec.csv").write_text(recordings())
    return path


def train(folder: Path, name: str, *words: str) -> list[str]:
    data, path = str(folder / "rec.csv"), str(folder / name)
    return ["train", data, "-o", path, "--by", "who", "--hidden", "8", "--epochs", "3", *words]


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("builtins.print", lambda text="", **more: said.append(str(text)))
        assert main(train(folder, "m.npz", "--json")) == 0
    values: dict[str, Any] = json.loads(said[-1])
    return values


def test_recordings_kept_for_the_test_are_named(
    folder: Path, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train(folder, "again.npz")) == 0
    assert f"kept for the test: {', '.join(told['held_out'])}" in capsys.readouterr().out
    assert set(told["held_out"]) < set(SUBJECTS)
    data = load(folder / "rec.csv", by="who")
    assert len(data.y_test) == 60 * len(told["held_out"])


def test_every_class_has_its_accuracy(folder: Path, told: dict[str, Any]) -> None:
    model, data = Model.load(folder / "m.npz"), load(folder / "rec.csv", by="who")
    for label, name in enumerate(model.class_names):
        own = data.y_test == label
        expected = qat.evaluate(model, data.x_test[own], data.y_test[own])
        assert told["per_class"][name] == expected


def test_what_its_own_bits_cost_is_as_measured(folder: Path, told: dict[str, Any]) -> None:
    model, data = Model.load(folder / "m.npz"), load(folder / "rec.csv", by="who")
    own, *others = told["other_bits"]
    assert [entry["bits"] for entry in (own, *others)] == [2, 4, 8]
    assert own["with_code"]
    assert own["flash"] == size_of(render(model), "qemu-m4").flash
    assert own["ram"] == footprint(model)[1]
    assert own["instructions"] == instructions(model, "qemu-m4")
    assert own["accuracy"] == qat.evaluate(model, data.x_validation, data.y_validation)
    assert own["updates"] == 0
    assert all(0 < entry["updates"] <= UPDATES for entry in others)


def test_the_last_epoch_was_the_best(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With one epoch it is; the hint is a command that works, and leaves the model alone."""
    path = folder / "one more.npz"
    command = [*train(folder, path.name), "--epochs=1", "--run", str(folder / "kept")]
    assert main(command) == 0
    first = path.read_bytes()
    (hint,) = (x for x in capsys.readouterr().out.splitlines() if x.startswith("it was the last"))
    words = shlex.split(hint.partition(": spikemcu ")[2])
    assert words[-2:] == ["--epochs", "2"]
    assert "--run" not in words
    assert main(words) == 0
    assert path.read_bytes() == first
    again = Model.load(folder / "one more-2-epochs.npz")
    assert again.metadata["training"]["epochs"] == 2


def test_what_comes_next_works(
    folder: Path, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    commands = [shlex.split(line) for line in told["next"]]
    assert [words[:2] for words in commands] == [
        ["spikemcu", verb] for verb in ("evaluate", "report", "generate")
    ]
    for words in commands:
        assert main(words[1:]) == 0
    assert f"accuracy {100 * told['accuracy']['test']:.2f} %" in capsys.readouterr().out


def test_which_loops_ran_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPIKEMCU_NATIVE", "0")
    assert main(train(folder, "slow.npz")) == 0
    assert "trained with NumPy loops" in capsys.readouterr().out
    assert main(["info", str(folder / "slow.npz")]) == 0
    assert "trained with NumPy loops" in capsys.readouterr().out


def test_compiled_loops_are_told(told: dict[str, Any], folder: Path) -> None:
    assert told["loops"] == "compiled"
    assert Model.load(folder / "m.npz").metadata["training"]["loops"] == "compiled"


def test_a_large_network_is_only_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qat.study.otherbits.WORK", 1e6)
    data = load("digits")
    settings = {"batch_size": 32, "learning_rate": 3e-3, "weight_decay": 0.1, "rate_penalty": 0.0}
    net = Network([64, 32, 10], 2, 8, input_range=data.input_range)
    before = net.parameters
    other = with_other_bits(net, data, settings, 4, output_bits=8)
    assert other is not None
    assert other.updates == 0
    assert [synapse.bits for _, synapse in other.model.synapses()] == [4, 8]
    assert net.parameters is before
