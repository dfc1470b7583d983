"""Convolutions in windows on every core: spikes, counts, membranes and scores are the model's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.recorded import emulated
from support.zoo.windows import KERNELS, inputs_for, random_windows

from codegen.checks.comparison import compare
from codegen.render import render

pytestmark = pytest.mark.target

CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m55")
PORTABLE = ("-DMODEL_PORTABLE=1",)


@pytest.mark.parametrize("flags", [(), PORTABLE], ids=["own", "portable"])
@pytest.mark.parametrize("board", CORES)
@pytest.mark.parametrize("seed", [0, 7, 11])
def test_windows_on_a_core(seed: int, board: str, flags: tuple[str, ...]) -> None:
    model = random_windows(seed)
    x, steps = inputs_for(model, 6)
    expected = replace(model.run(x, trace=True, steps=steps), u=None)
    files = render(model, kernels=KERNELS)
    with emulated(model, board, flags=flags, files=files) as running:
        found = compare(expected, running.run(x, trace=True, steps=steps))
    assert found.differing == 0, found.first
