"""Convolutions in windows: the C of random layers against the model, in every value."""

from __future__ import annotations

import pytest
from support.crossed import some
from support.zoo.windows import (
    KERNELS,
    TOGETHER,
    inputs_for,
    keeping_more,
    random_together,
    random_windows,
)

from codegen.checks.comparison import compare
from codegen.checks.host import HostModel
from codegen.render.generated import generated
from qat.model import Model

SEEDS = some(range(24), range(12))
"""Of random models; a third is of each kind of steps."""


def assert_equal(model: Model, seed: int) -> None:
    """Compare a model's C of windows with it, by one compiler or the other."""
    x, steps = inputs_for(model, 6)
    made = generated(model, kernels=KERNELS)
    found = HostModel(made, compiler=("gcc", "clang")[seed // 3 % 2]).run(
        x, trace=True, steps=steps
    )
    told = compare(model.run(x, trace=True, steps=steps), found)
    assert told.differing == 0, told.first


@pytest.mark.parametrize("seed", SEEDS)
def test_windows_compute_the_model(seed: int) -> None:
    assert_equal(random_windows(seed), seed)


@pytest.mark.parametrize("which", [0, 1], ids=["current-based", "adaptive"])
@pytest.mark.parametrize("seed", some(range(12), range(6)))
def test_windows_keep_more_than_membranes(seed: int, which: int) -> None:
    assert_equal(keeping_more(random_windows(seed), which), seed)


@pytest.mark.parametrize("seed", TOGETHER)
def test_layers_that_one_function_computes_are_the_models(seed: int) -> None:
    model = random_together(seed)
    x, _ = inputs_for(model, 6)
    made = generated(model, kernels=dict.fromkeys(range(len(model.layers)), "windows"))
    members = {y.together.members for y in made.program.layers if y.together}
    assert members == {tuple(range(1, len(model.layers)))}
    found = HostModel(made, compiler=("gcc", "clang")[seed % 2]).run(x, trace=True)
    compared = compare(model.run(x, trace=True), found)
    assert compared.differing == 0, compared.first


def test_a_planted_fault_shows() -> None:
    """The windows of every column but the first begin at the wrong entry."""
    model = random_windows(1)
    x, steps = inputs_for(model, 6)
    made = generated(model, kernels=KERNELS)
    name = f"{model.name}.c"
    broken = made.files[name].replace("const uint32_t first = x", "const uint32_t first = 0u * x")
    assert broken != made.files[name]
    found = HostModel(made, files=made.files | {name: broken}).run(x, trace=True, steps=steps)
    assert compare(model.run(x, trace=True, steps=steps), found).differing
