"""First layers on bytes with leaky neurons: the generated C gives the model, in every value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.results import assert_same
from support.zoo.leaky_maps import KERNELS, leaky_map, random_leaky

from codegen.checks.equivalence import made_inputs
from codegen.checks.host import SANITIZE, HostModel
from codegen.kernels.leaky_bytes.plan import fits, fitted
from codegen.render import render
from qat.model import Model

MANY = 24


def check(model: Model, **options: object) -> None:
    """Compare every spike, membrane, u and score."""
    steps = 4 if model.input.held and not model.steps else None
    x = made_inputs(model, 4, seed=1)
    host = HostModel(model, files=render(model, kernels=KERNELS), **options)
    assert_same(model.run(x, trace=True, steps=steps), host.run(x, trace=True, steps=steps))


@pytest.mark.parametrize("seed", range(MANY))
def test_the_c_gives_the_model(seed: int) -> None:
    check(random_leaky(seed), compiler=("gcc", "clang")[seed % 2], flags=SANITIZE)


def test_the_models_have_bytes_and_halves_with_and_without_a_shift() -> None:
    found = [(fitted(0, random_leaky(seed)), random_leaky(seed)) for seed in range(MANY)]
    ways = {(one.bits, one.rest is not None) for one, _ in found}
    assert ways >= {(8, False), (8, True), (16, False), (16, True)}
    assert {model.layers[0].neuron.reset for _, model in found} == {"subtract", "zero", "value"}
    assert {model.layers[0].pool is not None for _, model in found} == {True, False}


def _of_nine_taps(threshold: int) -> Model:
    """Return neurons without memory whose sums lie in -45..90."""
    model = leaky_map(threshold, (0,), grid=(8, 8, 1), channels=1)
    codes = np.array([1, -1, 1, 1, -1, 1, 1, 1, -1], np.int8).reshape(1, 3, 3, 1)
    layer = model.layers[0]
    synapse = replace(layer.synapse, codes=codes)
    return replace(model, layers=(replace(layer, synapse=synapse),))


@pytest.mark.parametrize(("threshold", "bits"), [(1, 8), (83, 8), (84, 16), (90, 16), (91, 16)])
def test_a_byte_holds_u_less_the_threshold(threshold: int, bits: int) -> None:
    """The least u is 45 below 0: a threshold of 83 lies 128 above it."""
    model = _of_nine_taps(threshold)
    found = fitted(0, model)
    assert found is not None
    assert found.bits == bits
    check(model)


@pytest.mark.parametrize("limits", [{"floor": -3}, {"ceiling": 5}])
def test_what_is_held_to_a_limit_is_left_to_others(limits: dict[str, int]) -> None:
    model = leaky_map(9, (), grid=(8, 8, 1), channels=4)
    assert fits(0, model)
    layer = model.layers[0]
    held = replace(layer, neuron=replace(layer.neuron, **limits))
    assert not fits(0, replace(model, layers=(held,)))
