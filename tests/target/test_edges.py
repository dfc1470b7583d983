"""Delays, recurrent and skipping edges on emulated cores: every spike and membrane."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.crossed import crossed
from support.recorded import emulated
from support.zoo.echoes import MODELS, inputs_for

from codegen.checks.comparison import compare

pytestmark = pytest.mark.target

CORES = ("qemu-m0", "qemu-m4", "qemu-m55")


@pytest.mark.parametrize(("name", "board"), crossed(MODELS, CORES, each=2))
def test_a_core_gives_the_model(name: str, board: str) -> None:
    model = MODELS[name]
    x, steps = inputs_for(model, 6)
    expected = replace(model.run(x, trace=True, steps=steps), u=None)
    assert sum(spikes.sum() for spikes in expected.spikes or ()) > 0
    with emulated(model, board) as running:
        told = compare(expected, running.run(x, trace=True, steps=steps))
    assert told.differing == 0, told.first
