"""Maps, counts and pools on emulated cores: every signal and membrane equals the model."""

from __future__ import annotations

import pytest
from support.maps import map_model
from support.models import inputs_for, steps_for
from support.recorded import emulated
from support.zoo.golden import maps

from codegen.checks.comparison import compare


@pytest.mark.parametrize("board", ["qemu-m0", "qemu-m4", "qemu-m55"])
@pytest.mark.parametrize("seed", [None, 1, 5, 8, 13])
def test_a_target_equals_the_model(board: str, seed: int | None) -> None:
    model = maps() if seed is None else map_model(seed)
    x, steps = inputs_for(model, 4, 0), steps_for(model)
    expected = model.run(x, trace=True, steps=steps)
    with emulated(model, board) as target:
        found = compare(expected, target.run(x, trace=True, steps=steps))
    assert found.differing == 0
    assert found.spikes == sum(spikes.size for spikes in expected.spikes or ())
