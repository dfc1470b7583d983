"""First layers on bytes on every core: the whole kernel gives the model, at any address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.crossed import crossed
from support.recorded import emulated
from support.results import assert_same
from support.zoo.byte_maps import BYTES, MODELS

from codegen.checks.equivalence import made_inputs
from codegen.render import render
from qat.model import Model

pytestmark = pytest.mark.target

CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m55")
PORTABLE = ("-DMODEL_PORTABLE=1",)


def check(model: Model, board: str, files: dict[str, str] | None = None, **options: Any) -> None:
    """Compare every signal and score."""
    x = made_inputs(model, 5, seed=1)
    expected = replace(model.run(x, trace=True), u=None)
    with emulated(model, board, files=files or render(model, kernels=BYTES), **options) as running:
        assert_same(expected, running.run(x, trace=True))


@pytest.mark.parametrize(("name", "board"), crossed(tuple(MODELS), CORES))
def test_a_core_gives_the_model(name: str, board: str) -> None:
    check(MODELS[name], board)
