"""Thresholds that adapt: the equations, the proved range of what raises them, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qat.model import ALIF, LIF, Dense, Layer, Model, Spikes


def free(neuron: ALIF | LIF, steps: int | None = None, bias: int = 0) -> Model:
    """Return neurons that read one input each, three times what it sends, and a bias."""
    synapse = Dense(np.eye(2, dtype=int) * 3, 4, bias=bias)
    return Model(Spikes(2), (Layer(synapse, neuron),), steps=steps, name="net")


def test_a_neuron_that_spikes_again_and_again_needs_more_each_time() -> None:
    neuron = ALIF(3, leak_b=2, raise_by=2)
    x = np.ones((1, 8, 2), bool)
    found = free(neuron).run(x, trace=True)
    assert found.further is not None
    assert found.spikes is not None
    b, v, spikes = 0, 0, []
    for step in range(8):
        u = v + 3
        spikes.append(u >= 3 + b)
        b = b - (b >> 2) + 2 * spikes[-1]
        v = u - 3 * spikes[-1]
        assert found.further[0]["b"][0, step].tolist() == [b, b]
    assert found.spikes[0][0, :, 0].tolist() == spikes
    assert 2 <= sum(spikes) < 8


@pytest.mark.parametrize("raise_by", [1, 5, [3, 7]])
@pytest.mark.parametrize("leak_b", [1, 3])
def test_the_range_of_what_raises_a_threshold_is_reached_and_not_left(
    raise_by: Any, leak_b: int
) -> None:
    neuron = ALIF(1, (1,), leak_b=leak_b, raise_by=raise_by, reset_by=0, ceiling=900)
    model = free(neuron, bias=600)  # which is above every threshold
    most = np.broadcast_to(np.array(raise_by) * 2**leak_b, 2)
    (bounds,) = model.bounds().layers
    assert bounds.state[1].lo.tolist() == [0, 0]
    assert bounds.state[1].hi.tolist() == most.tolist()
    b = 0
    for _ in range(400):  # the largest q makes the largest b
        b = b - (b >> leak_b) + int(most[0]) // 2**leak_b
    assert b == most[0]


def test_in_few_steps_it_rises_by_as_many_spikes() -> None:
    counted = Model(
        Spikes(2), (Layer(Dense(np.eye(2, dtype=int)), ALIF(1, leak_b=9, raise_by=5)),), steps=None,
        name="net",
    )  # fmt: skip
    assert counted.bounds().layers[0].state[1].high == 5 * 2**9
    neuron = counted.layers[0].neuron
    assert isinstance(neuron, ALIF)
    assert neuron.highest(2, 7).tolist() == [35, 35]


def test_a_threshold_that_no_membrane_reaches_rises_no_more() -> None:
    model = free(ALIF(1, (0,), leak_b=3, raise_by=2))  # u is the current, 3 at most
    (bounds,) = model.bounds().layers
    found = model.run(np.ones((1, 9, 2), bool), trace=True)
    assert found.further is not None
    assert bounds.state[1].high == found.further[0]["b"].max() == 4  # and not 2 * 2**3


def test_a_silent_membrane_may_be_as_high_as_the_highest_threshold() -> None:
    plain, raised = (
        free(neuron).bounds().layers[0]
        for neuron in (LIF(4, reset_by=5), ALIF(4, reset_by=5, leak_b=1, raise_by=6))
    )
    assert plain.state[0].high == 3
    assert raised.state[0].high == 3 + 12


BAD = {
    "most": ({"most": 2}, "ALIF.most: found 2; a neuron whose threshold adapts has 1 spike a step"),
    "leak_b": ({"leak_b": 0}, "ALIF.leak_b"),
    "raise_by": ({"raise_by": 0}, "ALIF.raise_by: holds 0"),
    "channels": ({"raise_by": [1, 2, 3]}, "ALIF.raise_by"),
    "int32": ({"raise_by": 2**30}, "ALIF.raise_by: thresholds reach 17179869188, beyond int32"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_such_neuron_is_refused(name: str) -> None:
    changed, said = BAD[name]
    with pytest.raises(ValueError, match=said):
        free(ALIF(4, **{"leak_b": 4, "raise_by": 3, **changed}))


def test_the_digest_knows_every_constant() -> None:
    digests = {
        free(ALIF(4, leak_b=k, raise_by=q)).digest() for k, q in ((4, 3), (4, 4), (5, 3))
    } | {free(LIF(4)).digest()}
    assert len(digests) == 4
