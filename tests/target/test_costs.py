"""Predicted instructions, and the worst case, against counts on every instruction set."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibration import samples
from calibration.counting import Counting
from calibration.samples import Plan, make
from support.crossed import ALIKE, crossed, some
from support.models import inputs_for, steps_for
from support.zoo.golden import GOLDEN
from support.zoo.small import small_model

from codegen.cli.data import inputs_of
from codegen.kernels import SPIKES, candidates
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.plan.choose import plan
from codegen.render import render
from codegen.target.boards import find_board, further_boards, load_boards
from qat.data.named import load
from qat.model import (
    LIF,
    Accumulate,
    Activity,
    Analog,
    Delta,
    Dense,
    EarlyStop,
    Frames,
    Latency,
    Layer,
    Model,
    Rate,
    Spikes,
)

pytestmark = pytest.mark.target

OnCore = Callable[[str], Counting]
"""What the fixture `counting` gives: what counts on a board."""

USER_CACHE = os.environ.get("SPIKEMCU_CACHE")
"""Where the user's data sets are; the suite has a cache of its own for firmware."""

EXAMPLES = Path(__file__).parents[1] / "examples"
BOARDS = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m55")
PREDICTED, REST = 0.05, 25
"""Part of a count by which a prediction may miss it, for every layer of an example; and
instructions for the loop around all layers, which takes about a hundred."""

MAPS = ("mnist-conv-small", "mnist-conv", "mnist-conv-large")
"""The examples on maps."""

LOOSE, FEW = 0.2, 40
"""The same for random models, and instructions beside."""
FEW_OF_REST = 65
"""The same for the rest of a call, of which a compiler puts more or less inside its loop."""

IMAGES = 16


# ------------------------------------------------------------------- predictions


def counted(
    counting: Counting, model: Model, x: Any, kernels: dict[int, str] | None = None
) -> dict[str, Any]:
    """Return {part: instructions}: of the inference of every input, or of its every step."""
    names = part_names(plan(model, kernels=kernels))
    calls = counting.calls(model, render(model, kernels=kernels), x, steps_for(model))
    holds = model.steps is None and model.input.held
    each = calls[:, int(holds) :].reshape(-1, len(names))
    return {name: values for name, values in zip(names, each.T, strict=True) if values.any()}


def predicted(
    model: Model, board: str, activity: Activity, kernels: Any = None, single: bool = False
) -> dict[str, float]:
    core = find_board(board).core
    found = cost.works(plan(model, kernels=kernels), model.input, activity, core, single)
    return {work.part: cost.evaluate(work, core) for work in found}


@cache
def images(name: str) -> Any:
    """Return test images of the data that an example was trained on."""
    model = Model.load(EXAMPLES / f"{name}.npz")
    with pytest.MonkeyPatch.context() as patch:
        if USER_CACHE is None:
            patch.delenv("SPIKEMCU_CACHE")
        else:
            patch.setenv("SPIKEMCU_CACHE", USER_CACHE)
        load(model.metadata["training"]["data"])  # fetched if it is not here
        return inputs_of(model, Namespace(data=None, limit=None, label=None)).x


def compare(counting: Counting, model: Model, x: Any, activity: Activity) -> None:
    counts = counted(counting, model, x)
    expected = predicted(model, counting.board.name, activity)
    assert set(counts) == set(expected)
    wrong = {
        part: f"{expected[part]:.0f} predicted, {values.mean():.0f} counted"
        for part, values in counts.items()
        if abs(expected[part] - values.mean())
        > (REST if part == "rest" else PREDICTED * values.mean())
    }
    assert not wrong


@pytest.mark.parametrize("board", BOARDS)
def test_an_inference_that_stops_early_takes_what_was_predicted(
    board: str, counting: OnCore
) -> None:
    model = replace(small_model(), stop=EarlyStop(30, 2))
    x, core = inputs_for(model, 60, 1), find_board(board).core
    activity = Activity.measure(model, x)
    assert activity.steps is not None
    assert 2 < activity.steps < 6
    counts = counted(counting(board), model, x)
    expected = predicted(model, board, activity)
    assert set(counts) == set(expected)
    total = sum(values.mean() for values in counts.values())
    assert sum(expected.values()) == pytest.approx(total, rel=LOOSE)
    worst = cost.worst_works(plan(model), model.input, core)
    for work in worst:
        assert counts[work.part].max() <= cost.evaluate(work, core, "worst")


@pytest.mark.proof  # needs MNIST; tests/target/test_report.py does it with images that are here
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", ["mnist-256", "mnist-784"])
def test_every_layer_takes_what_was_predicted_on_its_own_images(
    name: str, board: str, counting: OnCore
) -> None:
    x = images(name)[:: 10_000 // IMAGES]
    model = Model.load(EXAMPLES / f"{name}.npz")
    compare(counting(board), model, x, Activity.measure(model, x))


@pytest.mark.proof
@pytest.mark.parametrize("name", ["mnist-256", "mnist-784"])
def test_the_metadata_predict_what_all_test_images_take(name: str) -> None:
    model = Model.load(EXAMPLES / f"{name}.npz")
    ours = predicted(model, "qemu-m4", Activity.of(model))
    test = predicted(model, "qemu-m4", Activity.measure(model, images(name)))
    assert all(abs(ours[part] / test[part] - 1) < PREDICTED for part in test)


UNSEEN = (
    Plan(Analog, 0, 15, (150, 70, 10), (2, 8), 7),
    Plan(Analog, 0, 255, (90, 60, 40, 12), (2, 2, 8), 6, own=True),
    Plan(Frames, -8, 7, (70, 150, 9), (2,), 5),
    Plan(Spikes, 0, 1, (300, 160, 50), (2,), None),
    Plan(Spikes, 0, 1, (48, 30, 64), (2,), None, own=True),
    Plan(Spikes, 0, 1, (200, 50, 24), (8, 4), None),
    Plan(Analog, 0, 15, (50, 24, 20, 6), (8, 4, 8), 6),
    Plan(Rate, 0, 15, (170, 130, 10), (2, 8), 7),
    Plan(Rate, -100, 100, (24, 40, 10), (2, 8), 8),
    Plan(Rate, 0, 31, (9, 20), (4,), 9, count=True, plain=True),
    Plan(Latency, 0, 255, (120, 128, 40), (2, 2), 10, count=True),
    Plan(Latency, -8, 7, (25, 40, 10), (2, 8), 6, plain=True),
    Plan(Delta, 0, 255, (40, 33, 6), (2, 8), 12, plain=True),
)
"""Models like those that are fitted, and none of them."""


@pytest.mark.parametrize(("number", "board"), crossed(map(str, range(len(UNSEEN))), BOARDS))
def test_a_model_that_was_not_fitted_takes_about_what_was_predicted(
    number: str, board: str, counting: OnCore
) -> None:
    seed = int(number)
    row = UNSEEN[seed]
    assert row not in samples.PLANS
    model = make(row, 1000 + seed)
    x, kernels = samples.inputs(model, seed)[4:16:3], row.kernels(model)
    counts = counted(counting(board), model, x, kernels)
    for index, one in enumerate(x):
        activity = Activity.measure(model, one[None])
        expected = predicted(model, board, activity, kernels, single=True)
        for part, values in counts.items():
            seen = values.reshape(len(x), -1)[index].mean()
            few = FEW_OF_REST if part == "rest" else FEW
            assert abs(expected[part] - seen) <= LOOSE * seen + few, part


# -------------------------------------------------------------------- worst case


def adversarial(model: Model) -> Any:
    """Return inputs that take the longest ways: all active, alternating, all digits, none."""
    low, high, size = model.input.low, model.input.high, model.input.size
    bits = high.bit_length()
    values = {low, high, max(low, 0), min(high, 1), high >> 1, high - 1, 2 ** max(bits - 1, 0)}
    values |= {0x55 % (high + 1), 0xAB % (high + 1), 0x2B % (high + 1), max(low, -0x55), low // 2}
    values |= {max(low, -1)}  # all bits set: a multiplication by a library goes through them
    rows = [np.full(size, max(low, min(high, v))) for v in sorted(values)]
    rows += [np.where(np.arange(size) % 2 == odd, high, max(low, 0)) for odd in (0, 1)]
    rows += [np.random.default_rng(s).integers(low, high + 1, size) for s in range(3)]
    rows += [np.where(np.arange(size) < part, high, max(low, 0)) for part in range(0, size, 17)]
    x = np.array(rows)
    if model.input.held:
        return x
    x = np.repeat(x[:, None], model.steps or 4, axis=1)
    if isinstance(model.input, Delta):  # from one end to the other, and back
        x = np.concatenate([x, np.where(np.arange(x.shape[1])[:, None] % 2, low, x)])
    return x.astype(bool) if isinstance(model.input, Spikes) else x


def _dense(inputs: int, neurons: int, bits: int = 2) -> Dense:
    return Dense(samples.codes(np.random.default_rng(inputs), bits, (neurons, inputs)), bits)


def _two(model_input: Any, threshold: int, bits: int = 2, steps: int = 7) -> Model:
    """Return a model of two layers with a readout of 8 bits."""
    layers = (
        Layer(_dense(model_input.lines, 130, bits), LIF(threshold, (3,))),
        Layer(_dense(130, 40, bits), LIF(threshold, (3,))),
    )
    return Model(model_input, layers, Accumulate(_dense(40, 10, 8)), steps, name="worst")


MODELS = {
    **{model.name: model for model in GOLDEN},
    "always": small_model(threshold=1),
    "never": small_model(threshold=10**6),
    "sometimes": small_model(),
    "signed digits": _two(Analog(130, 0, 255), 900),
    "negative digits": _two(Analog(100, -128, 127), 400),
    "negative columns": _two(Analog(60, -128, 127), 400, bits=8),
    "top digit": _two(Analog(260, 0, 15), 1),
    "frames of bits": _two(Frames(200, 0, 1), 3),
    "inactive inputs": _two(Spikes(400), 2),
    "strips": _two(Spikes(300), 1, bits=8),
    "strips of 4 bits": _two(Spikes(100), 1, bits=4),
    "never in strips": _two(Spikes(100), 10**6, bits=4),
    "rates": _two(Rate(150, 0, 255), 3),
    "signed rates": _two(Rate(130, -128, 127), 1),
    "rates one by one": _two(Rate(11, -8, 7), 1),
    "times": _two(Latency.linear(300, 0, 15, 5), 1),
    "times one by one": _two(Latency(9, 0, 255, (256, 200, 0)), 1),
    "events": _two(Delta(70, 0, 255, 1), 1),
    **{name: Model.load(EXAMPLES / f"{name}.npz") for name in MAPS},
}

UNPRICED = "qemu-rv32ec"
"""The board whose core has no coefficients for layers on maps."""

LOOSE_BOUND = 2.5
"""How many times the largest count that these inputs reach a bound may be."""


@pytest.mark.parametrize(
    ("name", "board"), crossed(MODELS, load_boards() | further_boards(), apart=ALIKE)
)
def test_no_input_takes_more_than_the_worst_case(name: str, board: str, counting: OnCore) -> None:
    model, core = MODELS[name], find_board(board).core
    try:
        works = cost.worst_works(plan(model), model.input, core)
    except ValueError as error:  # what was never measured is refused, not told as 0
        if board != UNPRICED or "no coefficients" not in str(error):
            raise
        return
    bounds = {work.part: cost.evaluate(work, core, "worst") for work in works}
    counts = counted(counting(board), model, adversarial(model))
    most = {part: values.max() for part, values in counts.items()}
    assert not {part: (n, bounds[part]) for part, n in most.items() if n > bounds[part]}
    if name == "always":  # elsewhere nothing makes all neurons of a layer fire
        assert not {part: n for part, n in most.items() if bounds[part] > LOOSE_BOUND * n}


# --------------------------------------------------------------- choice of kernels

SHAPES = ((100, 3, 8), (60, 9, 4), (200, 24, 8), (128, 40, 4), (300, 8, 8))
"""Inputs, neurons and bits of layers that two kernels serve."""


@pytest.mark.parametrize("board", some(BOARDS, ("qemu-m4",)))
def test_the_chosen_kernel_takes_the_fewest_instructions(board: str, counting: OnCore) -> None:
    rng = np.random.default_rng(3)
    for inputs, neurons, bits in SHAPES:
        synapse = Dense(samples.codes(rng, bits, (neurons, inputs)), bits)
        model = Model(Spikes(inputs), (Layer(synapse, LIF(4 * 2**bits, (3,))),), name="choice")
        few, many = (rng.random((1, 4, inputs)) < share for share in (0.03, 0.3))
        counts = {
            kernel.name: counted(
                counting(board), model, np.concatenate([few, many]), {0: kernel.name}
            )["layer 0"].reshape(2, -1)
            for kernel in candidates(synapse, SPIKES)
        }
        assert len(counts) == 2
        for index, x in enumerate((few, many)):
            steps = {name: count[index].mean() for name, count in counts.items()}
            activity = Activity.measure(model, x)
            chosen = plan(model, find_board(board).core, activity).layers[0].kernel
            assert steps[chosen] <= 1.05 * min(steps.values()), (steps, inputs, neurons, bits)
