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
from codegen.kernels.bytes.plan import layer_stage
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


VECTORS = tuple(name for name, model in MODELS.items() if layer_stage(0, model).vectors)
FAULTS = {
    "a weight of the next tap": ("16 channels", "weight_ = BYTE_MAP_WEIGHTS(own, offset + 16)",
                                 "weight_ = BYTE_MAP_WEIGHTS(own, offset + 32)"),
    "a threshold less": ("16 channels", "vcmphiq_n_u8(sum, 127u)", "vcmphiq_n_u8(sum, 126u)"),
    "digits": ("16 channels", "reached0 ^ reached1", "reached0 ^ reached2"),
    "no saturation": ("5x7, far over a byte", "vqsubq_u8(", "vsubq_u8("),
    "a corner": ("32 channels, pooled", "vmaxq_u8(sum0, sum1)", "vmaxq_u8(sum0, sum0)"),
    "odd channels": ("8 bits", "sum0_1, weight_, (int16_t)x1)", "sum0_1, weight_, (int16_t)x0)"),
    "the sign of a value": ("signed, 16 channels", "vdupq_n_u8(128u)", "vdupq_n_u8(0u)"),
}  # fmt: skip
"""Of the loops for vectors: a model, and what is changed in its C."""


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_give_the_model(name: str) -> None:
    check(MODELS[name], "qemu-m55")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_vectors_shows(fault: str) -> None:
    name, old, new = FAULTS[fault]
    files = render(MODELS[name], kernels=BYTES)
    assert old in files["byte_map.c"]
    with pytest.raises(AssertionError):
        check(
            MODELS[name], "qemu-m55", {**files, "byte_map.c": files["byte_map.c"].replace(old, new)}
        )
