"""The verb compare: a table and a picture of accuracy against cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.contract import lost_keys

import codegen.cli.compare as verb
import qat
from codegen.base.errors import MissingQemuError
from codegen.cli import main
from codegen.measure.count import Cost
from codegen.measure.spend import spike_costs
from codegen.plan.choose import plan
from codegen.render import render
from codegen.target.compiler import size_of
from codegen.target.emulated import TargetModel

QUICK = ["compare", "digits", "--widths", "8,40", "--bits", "2", "--epochs", "1", "--seeds", "2"]


def result(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Return what the verb prints with --json; a later option takes the place of QUICK's."""
    capsys.readouterr()
    assert main([*QUICK, *words, "--json"]) == 0
    values: dict[str, Any] = json.loads(capsys.readouterr().out)
    return values


@pytest.mark.target
@pytest.mark.usefixtures("recorded_builds")
def test_accuracy_flash_and_instructions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    costs: list[tuple[int, int]] = []
    exact = verb.cost_of

    def noted(model: Any, board: str, x: Any) -> Cost:
        cost = exact(model, board, x)
        assert (board, len(x)) == ("qemu-m3", 20)
        assert cost.flash == size_of(render(model), "qemu-m3").flash
        costs.append((cost.flash, cost.instructions))
        return cost

    monkeypatch.setattr(verb, "cost_of", noted)
    folder = tmp_path / "out"
    words = ["--seeds", "1", "--board", "qemu-m3", "--format", "png,svg"]
    values = result(capsys, "-o", str(folder), *words)
    assert lost_keys("compare", values) == set()
    assert [p["kind"]["how"] for p in values["points"]] == ["float", "rounded", "trained"] * 2
    real, rounded, trained = values["points"][:3]
    assert (real["flash"], real["instructions"]) == (None, None)
    measured = [point for point in values["points"] if point["kind"]["how"] != "float"]
    assert [(point["flash"], point["instructions"]) for point in measured] == costs
    assert values["points"][4]["instructions"] > rounded["instructions"]  # 40 against 8 neurons
    assert values["files"] == [
        str(folder / f"digits-compare.{form}") for form in ("md", "json", "png", "svg")
    ]
    table = (folder / "digits-compare.md").read_text()
    assert f"| 8 | ternary, trained | {100 * trained['validation']:.2f} %" in table
    assert f"| {trained['flash']:,} | {trained['instructions']:,} |" in table
    assert json.loads((folder / "digits-compare.json").read_text())["points"] == values["points"]


def test_costs_are_means_over_the_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sum that is made of costs: any figure that follows from a model serves."""
    order: list[Cost] = []

    def figures(model: Any, *_: Any) -> Cost:
        weights = sum(np.count_nonzero(synapse.codes) for _, synapse in model.synapses())
        order.append(Cost(plan(model).flash_bytes, int(weights)))
        return order[-1]

    monkeypatch.setattr(verb, "cost_of", figures)
    values = result(capsys, "-o", str(tmp_path), "--widths", "8")
    _, rounded, trained = values["points"]
    assert len(order) == 4
    for point, pair in ((rounded, order[0::2]), (trained, order[1::2])):
        assert point["flash"] == round(sum(cost.flash for cost in pair) / 2)
        assert point["instructions"] == round(sum(cost.instructions for cost in pair) / 2)
    assert len({cost.instructions for cost in order}) > 2  # the seeds do differ


def test_without_tools_the_accuracies_remain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: Any) -> Cost:
        raise MissingQemuError("no QEMU here")

    monkeypatch.setattr(verb, "cost_of", missing)
    capsys.readouterr()
    assert main([*QUICK, "-o", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "flash and instructions left out: no QEMU here" in out
    assert (tmp_path / "digits-compare.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bits", "2,3"], "bits: found 3; allowed are 2, 4, 8 and 16"),
        (["--widths", "0"], "widths: found 0; must be 1 or more"),
        (["--board", "qemu-m9"], "qemu-m9"),
        (["--format", "gif"], "format 'gif': is not known; use png, svg"),
        (["-o", "{tmp}/file/out"], "cannot be written"),
    ],
)
def test_wrong_use_is_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    given = [word.format(tmp=tmp_path) for word in words]
    assert main([*QUICK, "-o", str(tmp_path), *given]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.target
@pytest.mark.usefixtures("recorded_builds")
def test_instructions_per_spike_explain_what_an_inference_takes() -> None:
    data = qat.datasets.load("digits")
    model = qat.export(qat.Network([64, 64, 40, 10], input_range=(0, 16), seed=1))
    first, second = spike_costs(model, "qemu-m3", density=0.1)
    assert 3 < first < 60  # a spike is a list entry and a column of two words of planes
    assert 1 < second < 60
    x = data.x_test[:30]
    with TargetModel(model, "qemu-m3") as target:
        counts = target.benchmark(x)
    spikes = [layer.sum(axis=(1, 2)) for layer in model.run(x, trace=True).spikes]
    taken = counts.infer - counts.input
    rest = taken - first * spikes[0] - second * spikes[1]
    assert np.std(rest) < 0.5 * np.std(taken)


@pytest.mark.target
def test_training_to_a_number_of_instructions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))
    words = ["train", "digits", "--epochs", "8", "--cost-board", "qemu-m3", "--cost-penalty", "1"]

    def trained(target: str) -> dict[str, Any]:
        capsys.readouterr()
        path = str(tmp_path / "m.npz")
        assert main([*words, "--cost-target", target, "-o", path, "--json"]) == 0
        values: dict[str, Any] = json.loads(capsys.readouterr().out)
        return values

    dear, free = trained("100"), trained("1e6")
    assert dear["settings"]["spike_cost"] == free["settings"]["spike_cost"]
    assert dear["settings"]["cost_target"] == 100
    assert dear["firing_rates"][0] < 0.5 * free["firing_rates"][0]
