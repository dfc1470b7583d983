"""Predictions and bounds of the report against counts on every emulated core."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibration.cycles import executed
from support.crossed import ALIKE, crossed, some
from support.recorded import emulated
from support.zoo.small import small_model

from codegen import isa
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.plan.choose import plan
from codegen.report.report import report
from codegen.target.boards import find_board, further_boards, load_boards
from codegen.target.device import Device
from codegen.target.protocol import Client
from codegen.target.runner import MARKS
from qat.data.encode import resample
from qat.data.named import load
from qat.model import Activity, Model

pytestmark = pytest.mark.target

BOARDS = load_boards() | further_boards()

EXAMPLES = Path(__file__).parents[1] / "examples"
PREDICTED = 0.05
"""Part of a layer's count by which a prediction may miss it."""


@cache
def images(side: int) -> Any:
    """Return handwritten digits in the size of an example's input, 4 bits: real images."""
    small = load("digits").x_test[:60].astype(int) * 255 // 16
    return resample(small.astype(np.uint8), side).astype(int) // 16


def both(name: str, board: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the instructions of every part of an example, predicted and counted."""
    model = Model.load(EXAMPLES / f"{name}.npz")
    x = images(round(model.input.size**0.5))
    with emulated(model, board, flags=MARKS, around="counted") as target:
        means = target.parts(x).infer.mean(axis=0)
    counts = {part: n for part, n in zip(part_names(plan(model)), means, strict=True) if n}
    core, activity = find_board(board).core, Activity.measure(model, x)
    predicted = {
        work.part: cost.evaluate(work, core)
        for work in cost.works(plan(model), model.input, activity, core)
    }
    return predicted, counts


@pytest.mark.parametrize(
    ("name", "board"),
    crossed(["mnist-256", "mnist-784"], BOARDS, apart=ALIKE),
)
def test_every_layer_of_an_example_takes_what_was_predicted(name: str, board: str) -> None:
    predicted, counts = both(name, board)
    wrong = {
        part: f"{predicted[part]:.0f} predicted, {counts[part]:.0f} counted"
        for part in counts
        if part != "rest" and abs(predicted[part] / counts[part] - 1) > PREDICTED
    }
    assert not wrong
    total = sum(counts.values())
    assert abs(sum(predicted.values()) / total - 1) < PREDICTED


@pytest.mark.parametrize(
    ("name", "board"),
    crossed(["mnist-conv-small", "mnist-conv", "mnist-conv-large"], load_boards(), apart=ALIKE),
)
def test_an_example_on_maps_takes_what_was_predicted(name: str, board: str) -> None:
    """To a tenth, parts of a twentieth of the whole at least; others are a few hundred."""
    predicted, counts = both(name, board)
    total = sum(counts.values())
    wrong = {
        part: f"{predicted[part]:.0f} predicted, {n:.0f} counted"
        for part, n in counts.items()
        if n > total / 20 and abs(predicted[part] / n - 1) > 2 * PREDICTED
    }
    assert not wrong
    assert abs(sum(predicted.values()) / total - 1) < 2 * PREDICTED


def test_without_data_the_metadata_of_an_example_predict_it() -> None:
    model = Model.load(EXAMPLES / "mnist-784.npz")
    assert Activity.of(model).source == "of the training data"
    found = report(model, "qemu-m4")
    assert {p.part for p in found.parts} == set(part_names(plan(model)))
    assert found.instructions == pytest.approx(sum(p.instructions for p in found.parts))
    assert found.instructions < found.worst
    assert found.flash > found.code > 0
    assert found.latency_us == pytest.approx(found.cycles / 25, rel=1e-3)


@pytest.mark.parametrize("board", some(BOARDS, [name for name in BOARDS if name not in ALIKE]))
def test_a_trace_has_the_instructions_that_the_timer_counts(board: str) -> None:
    model = small_model()
    x = np.full((1, model.input.size), 7)
    with emulated(model, board, flags=MARKS, around="counted") as target:
        counted = target.parts(x).infer
        found = executed(
            target.board,
            target.elf,
            "small_classify",
            lambda qemu: Device(Client(qemu, 20.0)).infer(model.outputs, bytes([7] * 20)),
        )
    assert counted is not None
    least = 0.5 if isa.timing(find_board(board).family).pairs else 1.0
    for part, one in found.items():
        if part:
            assert abs(one.instructions - counted[0, part]) <= 12
            assert least < one.cycles / one.instructions < 2.5
