"""Every record of the integer model has its part in torch, which makes that very record."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import qat
from qat.model import INPUTS, Model, Shape, Spikes
from qat.model.edges import SYNAPSES
from qat.model.leak import LeakClasses
from qat.model.leaky import RESETS
from qat.model.neurons import NEURONS
from qat.model.readouts import READOUTS
from qat.torch import LIF, Accumulate, Dense, Sequential, export

pytestmark = pytest.mark.torch

STEPS = 3
OWN: dict[str, dict[str, Any]] = {
    "Rate": {}, "Latency": {}, "Delta": {"threshold": 2}, "Spikes": {},
}  # fmt: skip
"""What an input takes beside its size and its range."""


def exported(*parts: Any) -> Model:
    """Return the model of a network of these parts; norms are measured where it has some."""
    net = Sequential(*parts, steps=STEPS)
    size, held = parts[0].size, parts[0].held
    x = torch.randint(0, 2, (9, size) if held else (STEPS, 9, size))
    if net.chain.normalised:
        net.measure(x)
    return export(net, "net", x)


@pytest.mark.parametrize("record", NEURONS, ids=lambda r: r.__name__)
def test_every_neuron(record: type) -> None:
    neuron = getattr(qat.torch, record.__name__)()
    model = exported(Spikes(6), Dense(5), neuron, Accumulate(3))
    assert type(model.layers[0].neuron) is record


@pytest.mark.parametrize("reset", RESETS)
def test_every_reset(reset: str) -> None:
    own = {"reset_to": -0.5} if reset == "value" else {}
    model = exported(Spikes(6), Dense(5), LIF(reset=reset, **own), Accumulate(3))
    assert model.layers[0].neuron.reset == reset


@pytest.mark.parametrize("record", SYNAPSES, ids=lambda r: r.__name__)
def test_every_synapse(record: type) -> None:
    part = getattr(qat.torch, record.__name__)
    own = {"kernel": 3} if record.__name__ == "Conv" else {}
    grid = Spikes(32, grid=Shape(4, 4, 2))
    model = exported(grid, part(5, **own), LIF(), Accumulate(3))
    assert type(model.layers[0].synapse) is record


@pytest.mark.parametrize("record", READOUTS, ids=lambda r: r.__name__)
def test_every_readout(record: type) -> None:
    part = getattr(qat.torch, record.__name__)
    own = () if record.__name__ == "Count" else (3,)
    model = exported(Spikes(6), Dense(3), LIF(), part(*own))
    assert type(model.readout) is record


@pytest.mark.parametrize("record", INPUTS, ids=lambda r: r.__name__)
def test_every_input(record: type) -> None:
    about: Any = (6,) if record.__name__ == "Spikes" else (6, 0, 7)
    given = record(*about, **OWN.get(record.__name__, {}))
    if record.__name__ == "Latency":
        given = record.linear(*about, STEPS)
    model = exported(given, Dense(5), LIF(), Accumulate(3))
    assert type(model.input) is record


def test_leaks_by_classes() -> None:
    parts = Dense(6), LIF(leaks=((1,), (3,))), Accumulate(3)
    leak = exported(Spikes(6), *parts).layers[0].neuron.leak
    assert isinstance(leak, LeakClasses)
    assert set(leak.terms) == {(1,), (3,)}
