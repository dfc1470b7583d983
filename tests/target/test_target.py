"""TargetModel.run gives Model.run's result, for every kind of model, on every core."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from support.models import FREE_STEPS, inputs_for, steps_for
from support.results import assert_same
from support.zoo.small import small_model

from codegen.base.errors import InconsistentError
from codegen.render import render
from codegen.target.build import build
from codegen.target.emulated import TargetModel
from qat.model import LIF, Accumulate, Analog, Count, Dense, EarlyStop, Frames, Layer, Model, Spikes

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("recorded_builds")]

SLOW = LIF(90, (3,), floor=-500)


def layers(*sizes: int, neuron: LIF = SLOW, seed: int = 3) -> tuple[Layer, ...]:
    rng = np.random.default_rng(seed)
    shapes = pairwise(sizes)
    return tuple(Layer(Dense(rng.integers(-1, 2, (m, n)), bias=4), neuron) for n, m in shapes)


def readout(outputs: int, size: int) -> Accumulate:
    return Accumulate(Dense(np.random.default_rng(4).integers(-99, 99, (outputs, size)), 8))


MODELS = {
    "analog": small_model(),
    "analog, signed, counted": Model(Analog(33, -8, 7), layers(33, 31), Count(), 5, name="counted"),
    "analog, free": Model(Analog(20, 0, 16), layers(20, 40, 33), name="free"),
    "frames": Model(Frames(30, 0, 255), layers(30, 40), readout(7, 40), 4, name="frames"),
    "frames, free": Model(Frames(30, -9, 9), layers(30, 33), name="frames_free"),
    "spikes": Model(Spikes(65), layers(65, 33, neuron=LIF(5, (2,))), Count(), 4, name="spikes"),
    "spikes, free": Model(Spikes(64), layers(64, 32, neuron=LIF(5, (2,))), name="spikes_free"),
}
EARLY = {
    "analog, early stop": replace(small_model(), stop=EarlyStop(30, 2)),
    "frames, early stop": replace(MODELS["frames"], stop=EarlyStop(60)),
    "spikes, counted, early stop": replace(MODELS["spikes"], stop=EarlyStop(1, 2)),
}
LARGE = {
    "input and trace of several frames": Model(
        Analog(2100, 0, 3), layers(2100, 400), readout(10, 400), 3, name="wide"
    ),
    "frames of several frames": Model(
        Frames(1500, 0, 3), layers(1500, 20), readout(3, 20), 3, name="long_frames"
    ),
    "scores of several frames": Model(
        Analog(8, 0, 16), layers(8, 33), readout(600, 33), 3, name="many_scores"
    ),
    "more layers than one INFO holds": Model(
        Analog(4, 0, 16), layers(4, *[2] * 260, neuron=LIF(1, (3,))), readout(3, 2), 2, name="deep"
    ),
}


def check(model: Model, board: str, samples: int = 4) -> None:
    x, steps = inputs_for(model, samples, 1), steps_for(model)
    expected = model.run(x, trace=True, steps=steps)
    assert expected.spikes is not None
    assert any(s.any() for s in expected.spikes), "a silent model proves nothing"
    with TargetModel(model, board) as target:
        assert_same(replace(expected, u=None), target.run(x, trace=True, steps=steps))
        bare = target.run(x, steps=steps)
        assert_same(replace(expected, spikes=None, u=None, v=None), bare)


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model(name: str) -> None:
    check(MODELS[name], "qemu-m4")


@pytest.mark.parametrize("board", ["qemu-m0", "qemu-m4", "qemu-m55"])
@pytest.mark.parametrize("name", EARLY)
def test_an_early_stop_is_obeyed(name: str, board: str) -> None:
    model = EARLY[name]
    made = model.run(inputs_for(model, 12, 1)).steps
    assert made is not None
    assert len(set(made)) > 1, "a rule that always or never stops proves nothing"
    check(model, board, samples=12)


def test_steps_that_were_saved_cost_nothing() -> None:
    model = EARLY["analog, early stop"]
    x = inputs_for(model, 6, 1)
    made = model.run(x).steps
    assert made is not None
    with TargetModel(model, "qemu-m4") as target:
        counts = target.benchmark(x)
    assert ((counts.step > 0).sum(axis=1) == made).all()
    assert counts.infer is not None
    assert counts.input is not None
    once = counts.input + counts.step.sum(axis=1)
    assert (counts.infer > once).all()
    assert counts.infer[made.argmin()] < counts.infer[made.argmax()]


@pytest.mark.parametrize("name", LARGE)
def test_what_does_not_fit_into_one_frame(name: str) -> None:
    check(LARGE[name], "qemu-m3", samples=2)


def test_an_empty_batch(model: Model) -> None:
    with TargetModel(model, "qemu-m4") as target:
        x = np.zeros((0, 20), np.uint8)
        assert_same(replace(model.run(x, trace=True), u=None), target.run(x, trace=True))


def test_progress_and_reuse(model: Model) -> None:
    x = inputs_for(model, 3, 5)
    seen: list[tuple[int, int]] = []
    with TargetModel(model, "qemu-m4") as target:
        first = target.run(x, progress=lambda done, of: seen.append((done, of)))
        assert_same(first, target.run(x))
        target.close()
        assert_same(first, target.run(x))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_arguments_are_checked(model: Model) -> None:
    x = inputs_for(model, 2, 5)
    with TargetModel(model, "qemu-m4") as target:
        with pytest.raises(ValueError, match="state"):
            target.run(x, state=model.run(x).state)
        with pytest.raises(ValueError, match=r"found shape \(2, 19\)"):
            target.run(x[:, :19])
        with pytest.raises(ValueError, match="steps"):
            target.run(x, steps=5)


# -------------------------------------------------------------- planted bugs


def planted(model: Model, name: str, old: str, new: str) -> dict[str, str]:
    files = render(model)
    assert files[name].count(old) == 1
    return files | {name: files[name].replace(old, new)}


def run_with(model: Model, files: dict[str, str]) -> tuple[Any, Any]:
    x = inputs_for(model, 4, 1)
    with TargetModel(model, "qemu-m4", files=files) as target:
        return model.run(x, trace=True), target.run(x, trace=True)


def test_a_wrong_spike_shows(model: Model) -> None:
    old = "return small_spikes(state, layer);"
    new = "static uint32_t w[2]; w[0] = *small_spikes(state, layer) ^ 4u; return w;"
    expected, found = run_with(model, planted(model, "binding.h", old, new))
    assert (expected.spikes[0][..., 2] != found.spikes[0][..., 2]).all()
    assert (expected.spikes[0][..., 3:32] == found.spikes[0][..., 3:32]).all()


def test_a_whole_inference_that_differs_from_its_steps_is_refused(model: Model) -> None:
    old = "return small_classify(state, (const uint8_t *)x, scores);"
    new = "int32_t c = small_classify(state, (const uint8_t *)x, scores); scores[1]++; return c;"
    with pytest.raises(InconsistentError, match=r"sample 0: the whole inference gives class \d"):
        run_with(model, planted(model, "binding.h", old, new))


def test_benchmark_counts_every_call() -> None:
    model = MODELS["analog"]
    x = inputs_for(model, 3, 1)
    with TargetModel(model, "qemu-m4") as target:
        counts = target.benchmark(x)
        again = target.benchmark(x)
    assert counts.input is not None
    assert counts.infer is not None
    assert again.infer is not None
    np.testing.assert_array_equal(counts.step, again.step)
    np.testing.assert_array_equal(counts.infer, again.infer)
    assert counts.step.shape == (3, 6)
    parts = counts.input + counts.step.sum(axis=1)
    assert (counts.infer > parts - 100).all()  # reset and readout come on top
    assert (counts.infer < 2 * parts).all()


def test_benchmark_of_other_kinds() -> None:
    for name, steps in (("frames", 4), ("spikes, free", FREE_STEPS)):
        model = MODELS[name]
        with TargetModel(model, "qemu-m0") as target:
            counts = target.benchmark(inputs_for(model, 2, 1))
        assert counts.input is None
        assert counts.infer is None
        assert counts.step.shape == (2, steps)
        assert (counts.step > 100).all()


def test_the_elf_is_shared_by_all_targets_of_a_model(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegen.target.emulated.build", build)  # PlatformIO's own
    with TargetModel(model, "qemu-m4") as first, TargetModel(model, "qemu-m4") as second:
        assert first.elf == second.elf == build(render(model), ["qemu-m4"])["qemu-m4"]
