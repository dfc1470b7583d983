"""Predictions and bounds of the report against counts on every emulated core."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.golden import GOLDEN
from support.models import small_model, steps_for

from codegen import costs
from codegen.benchmark import part_counts
from codegen.boards import find_board, load_boards
from codegen.cycles import executed
from codegen.device import Device
from codegen.protocol import Client
from codegen.report import report
from codegen.runner import MARKS
from codegen.stages import part_names, plan
from codegen.target import TargetModel
from qat.datasets import load
from qat.encode import resample
from qat.model import Activity, Analog, Model, Spikes

pytestmark = pytest.mark.target

EXAMPLES = Path(__file__).parents[1] / "examples"
PREDICTED = 0.05
"""Part of a layer's count by which a prediction may miss it."""

LOOSE = 2.5
"""How many times the largest count that these inputs reach a bound may be."""


@cache
def images(side: int) -> Any:
    """Return handwritten digits in the size of an example's input, 4 bits: real images."""
    small = load("digits").x_test[:60].astype(int) * 255 // 16
    return resample(small.astype(np.uint8), side).astype(int) // 16


@pytest.mark.parametrize("board", load_boards())
@pytest.mark.parametrize("name", ["mnist-256", "mnist-784"])
def test_every_layer_of_an_example_takes_what_was_predicted(name: str, board: str) -> None:
    model = Model.load(EXAMPLES / f"{name}.npz")
    x = images(round(model.input.size**0.5))
    counts = {part: values.mean() for part, _, values in part_counts(model, x, board)}
    core, activity = find_board(board).core, Activity.measure(model, x)
    predicted = {
        work.part: costs.evaluate(work, core)
        for work in costs.works(plan(model), model.input, activity, core)
    }
    wrong = {
        part: f"{predicted[part]:.0f} predicted, {counts[part]:.0f} counted"
        for part in counts
        if part != "rest" and abs(predicted[part] / counts[part] - 1) > PREDICTED
    }
    assert not wrong
    total = sum(counts.values())
    assert abs(sum(predicted.values()) / total - 1) < PREDICTED


def test_without_data_the_metadata_of_an_example_predict_it() -> None:
    model = Model.load(EXAMPLES / "mnist-784.npz")
    assert Activity.of(model).source == "of the training data"
    found = report(model, "qemu-m4")
    assert {p.part for p in found.parts} == set(part_names(plan(model)))
    assert found.instructions == pytest.approx(sum(p.instructions for p in found.parts))
    assert found.instructions < found.worst
    assert found.flash > found.code > 0
    assert found.latency_us == pytest.approx(found.cycles / 25, rel=1e-3)


def adversarial(model: Model) -> Any:
    """Return inputs that take the longest ways: all active, alternating, all digits, none."""
    low, high, size = model.input.low, model.input.high, model.input.size
    values = [high, low, max(low, min(high, 0x55)), min(high, -1) if low < 0 else high >> 1]
    values += [2 ** max(high.bit_length() - 1, 0), min(high, 1), max(0, low)]
    rows = [np.full(size, v) for v in values]
    rows += [np.where(np.arange(size) % 2 == odd, high, max(low, 0)) for odd in (0, 1)]
    rows += [np.random.default_rng(s).integers(low, high + 1, size) for s in range(3)]
    x = np.array(rows)
    if isinstance(model.input, Analog):
        return x
    x = np.repeat(x[:, None], model.steps or 5, axis=1)
    x[-1, ::2] = max(low, 0)
    return x.astype(bool) if isinstance(model.input, Spikes) else x


MODELS = {
    **{model.name: model for model in GOLDEN},
    "always": small_model(threshold=1),
    "never": small_model(threshold=10**6),
    "sometimes": small_model(),
}


@pytest.mark.parametrize("board", load_boards())
@pytest.mark.parametrize("name", MODELS)
def test_no_input_takes_more_than_the_worst_case(name: str, board: str) -> None:
    model, core = MODELS[name], find_board(board).core
    program = plan(model)
    bounds = {
        work.part: costs.evaluate(work, core, "worst")
        for work in costs.worst_works(program, model.input, core)
    }
    for part, most in _most(model, board).items():
        assert most <= bounds[part], part
        if name == "always":  # elsewhere nothing makes all neurons of a layer fire
            assert bounds[part] <= LOOSE * most, part


def _most(model: Model, board: str) -> dict[str, float]:
    """Return the most instructions that each part took, in an inference or in a step."""
    with TargetModel(model, board, flags=MARKS) as target:
        counts = target.parts(adversarial(model), steps_for(model))
    if counts.infer is not None:
        each = counts.infer
    elif counts.scores is not None:
        each = counts.step.sum(axis=1) + counts.scores
    else:
        each = counts.step.reshape(-1, counts.step.shape[-1])
    names = part_names(plan(model))
    return {n: float(most) for n, most in zip(names, each.max(axis=0), strict=True) if most}


@pytest.mark.parametrize("board", load_boards())
def test_a_trace_has_the_instructions_that_the_timer_counts(board: str) -> None:
    model = small_model()
    x = np.full((1, model.input.size), 7)
    with TargetModel(model, board, flags=MARKS) as target:
        counted = target.parts(x).infer
        found = executed(
            target.board,
            target.elf,
            "small_classify",
            lambda qemu: Device(Client(qemu, 20.0)).infer(model.outputs, bytes([7] * 20)),
        )
    assert counted is not None
    for part, one in found.items():
        if part:
            assert abs(one.instructions - counted[0, part]) <= 12
            assert 1 < one.cycles / one.instructions < 2.5
