"""Delays, recurrent and skipping edges: the C of random models against the model."""

from __future__ import annotations

import pytest
from support.zoo.echoes import delayed_map, inputs_for, random_echoes

from codegen.checks.comparison import compare
from codegen.checks.host import HostModel
from codegen.render.generated import generated
from qat.model import Model

MANY = 30


def differing(model: Model, seed: int = 0) -> str | None:
    """Return the first value of the C that is not the model's."""
    x, steps = inputs_for(model, 6)
    host = HostModel(generated(model), compiler=("gcc", "clang")[seed % 2])
    found = host.run(x, trace=True, steps=steps)
    told = compare(model.run(x, trace=True, steps=steps), found)
    return told.first if told.differing else None


@pytest.mark.parametrize("seed", range(MANY))
def test_edges_compute_the_model(seed: int) -> None:
    assert differing(random_echoes(seed), seed) is None


def test_channels_of_a_map_may_be_late() -> None:
    assert differing(delayed_map()) is None


def test_a_planted_fault_shows() -> None:
    """Every slot of a ring is one step too old."""
    model = delayed_map()
    x, steps = inputs_for(model, 6)
    made = generated(model)
    name = f"{model.name}.c"
    broken = made.files[name].replace("at < delay ?", "at <= delay ?")
    assert broken != made.files[name]
    found = HostModel(made, files=made.files | {name: broken}).run(x, trace=True, steps=steps)
    assert compare(model.run(x, trace=True, steps=steps), found).differing
