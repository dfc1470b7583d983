"""Delays, recurrent and skipping edges: the C of random models against the model."""

from __future__ import annotations

import numpy as np
import pytest
from support.crossed import some
from support.zoo.echoes import delayed_map, inputs_for, random_echoes

from codegen.checks.comparison import compare
from codegen.checks.host import HostModel
from codegen.render.generated import generated
from qat.model import LIF, Dense, Edge, Layer, Model, Spikes

SEEDS = some(range(30), range(15))
"""Of random models."""


def _ternary(n: int, m: int) -> Dense:
    return Dense(np.random.default_rng(n + m).integers(-1, 2, (m, n)))


def differing(model: Model, seed: int = 0) -> str | None:
    """Return the first value of the C that is not the model's."""
    x, steps = inputs_for(model, 6)
    host = HostModel(generated(model), compiler=("gcc", "clang")[seed % 2])
    found = host.run(x, trace=True, steps=steps)
    told = compare(model.run(x, trace=True, steps=steps), found)
    return told.first if told.differing else None


@pytest.mark.parametrize("seed", SEEDS)
def test_edges_compute_the_model(seed: int) -> None:
    assert differing(random_echoes(seed), seed) is None


def test_channels_of_a_map_may_be_late() -> None:
    assert differing(delayed_map()) is None


FAULTS = {
    "a slot of the ring is the one before": ("at + slots - delay", "(at + 1u) % slots"),
    "a line is shorter than it should be": ("late[0] & 7u", "late[0] & 3u"),
    "inputs of a word take the line of another": ("(word2 ^ old2)", "(word1 ^ old2)"),
    "a line does not move": ("late[0]++;", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_show(fault: str) -> None:
    ring = Edge(_ternary(100, 20), "input", 3)
    layer = Layer(
        _ternary(100, 20), LIF(np.array(3), (2,)), delay=np.arange(100) % 17, more=(ring,)
    )
    model = Model(Spikes(100), (layer,), None, None, "late")
    x, steps = inputs_for(model, 6)
    made = generated(model)
    name = f"{model.name}.c"
    broken = made.files[name].replace(*FAULTS[fault])
    assert broken != made.files[name]
    found = HostModel(made, files=made.files | {name: broken}).run(x, trace=True, steps=steps)
    assert compare(model.run(x, trace=True, steps=steps), found).differing
