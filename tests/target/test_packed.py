"""Readouts of few outputs on every core, packed and in pairs: the scores are the model's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.crossed import crossed
from support.recorded import emulated
from support.results import assert_same
from support.zoo.readouts import CHOSEN, EDGES, PAIRS

from codegen.checks.equivalence import made_inputs
from codegen.plan.choose import plan
from codegen.render import render
from qat.model import Model

pytestmark = pytest.mark.target

CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m55")
PACKED, PAIRED = {1: "packed"}, {1: "pairs"}


def check(model: Model, board: str, kernels: dict[int, str]) -> None:
    """Compare every spike and score."""
    x = made_inputs(model, 5, seed=1)
    expected = replace(model.run(x, trace=True), u=None)
    with emulated(model, board, files=render(model, kernels=kernels)) as running:
        assert_same(expected, running.run(x, trace=True))


@pytest.mark.parametrize(("name", "board"), crossed(EDGES, CORES, each=1))
def test_a_core_gives_the_model(name: str, board: str) -> None:
    check(EDGES[name], board, PACKED)


@pytest.mark.parametrize(("name", "board"), crossed(PAIRS, CORES, each=1))
def test_a_core_gives_the_model_in_pairs(name: str, board: str) -> None:
    check(PAIRS[name], board, PAIRED)


def test_the_one_that_costs_choose_gives_the_model() -> None:
    assert plan(CHOSEN).stages[-1].kernel == "packed"
    check(CHOSEN, "qemu-m4", PACKED)
