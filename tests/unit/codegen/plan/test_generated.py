"""A model is planned and rendered once: what a verb makes, it hands on."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.zoo.small import small_model

import codegen
from codegen.checks.equivalence import made_inputs
from codegen.cli import main
from codegen.measure.count import cost_of
from codegen.package.write import files_of
from codegen.plan.choose import plan
from codegen.render import render, render_program
from codegen.render.generated import generated, model_of
from codegen.report.report import report
from codegen.report.summary import summarize
from codegen.target.emulated import TargetModel, footprint
from codegen.verify import here
from qat.model import LIF, Accumulate, Activity, Analog, Dense, Layer, Model

pytestmark = pytest.mark.usefixtures("recorded_builds")

BOARD = "qemu-m4"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls of the real `plan` and `render_program`, under whatever name they are."""
    found: Counter[str] = Counter()

    def counting(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            found[function.__name__] += 1
            return function(*arguments, **options)

        return call

    wrapped = {id(function): counting(function) for function in (plan, render_program)}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "codegen":
            for key, value in list(vars(module).items()):
                if id(value) in wrapped:
                    monkeypatch.setattr(module, key, wrapped[id(value)])
    return found


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "small.npz"
    small_model().save(path)
    return path


ONCE = {"plan": 1, "render_program": 1}

VERBS = [
    (["check", "{model}"], ONCE),
    (["generate", "{model}", "-o", "{tmp}/out"], ONCE),
    (["report", "{model}", "--board", BOARD], ONCE),
    (["report", "{model}", "--board", "all"], ONCE),
    (["report", "{model}", "--board", BOARD, "--html", "{tmp}/page.html"], ONCE),
    (["build", "{model}", "--board", BOARD], ONCE),
    (["run", "{model}", "--board", BOARD], ONCE),
    (["bench", "{model}", "--board", BOARD, "--limit", "2"], ONCE),
    (["bench", "--layer", "20x10", "--density", "0.1,0.5", "--board", BOARD], ONCE),
    (["info", "{model}"], {"plan": 1}),
]


@pytest.mark.parametrize(("words", "wanted"), VERBS, ids=lambda v: " ".join(v) if v else "")
def test_a_verb_plans_and_renders_once(
    words: list[str], wanted: dict[str, int], saved: Path, tmp_path: Path, counted: Counter[str]
) -> None:
    words = [word.format(model=saved, tmp=tmp_path) for word in words]
    assert main(words) == 0
    assert dict(counted) == wanted


def test_a_verification_plans_and_renders_once(
    saved: Path, counted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its own process; those that it starts, of other hash seeds and for a crash, do it too."""
    monkeypatch.setattr(here, "LEVELS", ("-O0",))
    monkeypatch.setattr(here, "HASH_SEEDS", ("0",))
    assert main(["verify", str(saved), "--board", BOARD, "--seeds", "1"]) == 0
    assert dict(counted) == ONCE


def test_a_board_is_planned_once_for_an_evaluation(tmp_path: Path, counted: Counter[str]) -> None:
    rng, path = np.random.default_rng(1), tmp_path / "digits.npz"
    layer = Layer(Dense(rng.integers(-1, 2, (16, 64))), LIF(40, (3,)))
    readout = Accumulate(Dense(rng.integers(-1, 2, (10, 16))))
    Model(Analog(64, 0, 16), (layer,), readout, steps=2).save(path)
    words = ["evaluate", str(path), "--data", "digits", "--limit", "3", "--board", BOARD]
    assert main(words) == 0
    assert dict(counted) == ONCE


def test_a_cost_is_of_one_plan(counted: Counter[str]) -> None:
    """What `compare` asks for every network that it trained."""
    model = small_model()
    cost_of(model, BOARD, made_inputs(model, 2))
    assert dict(counted) == ONCE


def test_what_was_made_is_handed_on(counted: Counter[str]) -> None:
    made = generated(small_model())
    assert generated(made) is made
    assert model_of(made) is made.model
    assert footprint(made) == footprint(made.model)
    assert summarize(made) == summarize(made.model)
    assert files_of(made) == files_of(made.model)
    assert dict(made.files) == render(made.model)
    assert "binding.h" not in made.pair


def test_everything_that_takes_a_model_takes_what_was_made(
    counted: Counter[str], tmp_path: Path
) -> None:
    made = generated(small_model())
    x = made_inputs(made.model, 2)
    assert codegen.check(made, x) is None
    np.testing.assert_array_equal(codegen.HostModel(made).run(x).scores, made.model.run(x).scores)
    codegen.generate(made, tmp_path)
    report(made, BOARD)
    with TargetModel(made, BOARD) as target:
        assert target.model is made.model
    assert codegen.BoardModel(made, "nucleo_l476rg").model is made.model
    assert dict(counted) == ONCE


def test_only_counting_renders_nothing(counted: Counter[str]) -> None:
    made = generated(small_model())
    footprint(made)
    summarize(made)
    assert dict(counted) == {"plan": 1}


def test_what_was_made_for_one_purpose_is_not_planned_for_another(tmp_path: Path) -> None:
    made = generated(small_model())
    with pytest.raises(ValueError, match="is generated already"):
        generated(made, core="cortex-m0")
    with pytest.raises(ValueError, match="is generated already"):
        codegen.generate(made, tmp_path, "other")


def test_a_reported_activity_is_that_of_the_plan() -> None:
    model = small_model()
    made = generated(model, activity=Activity.of(model, 0.4))
    assert report(made, BOARD) == report(model, BOARD, 0.4)
    assert report(made, BOARD) != report(model, BOARD)


def test_a_program_tells_what_its_model_tells() -> None:
    model = dataclasses.replace(small_model(), name="other")
    program = plan(model)
    assert program.model is model
    copied = {field.name for field in dataclasses.fields(program)} & set(dir(Model))
    assert copied <= {"layers", "readout", "sensor"}, "stages of its own, under the same names"
    assert (program.name, program.digest) == ("other", model.digest())
