"""Readouts of 4 bits two in a word: the C equals the model, up to the largest sums of a field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.zoo.readouts import PAIRS, read_by

from codegen.checks.equivalence import made_inputs
from codegen.host import HostModel
from codegen.kernels.pairs.plan import pair_bytes, pair_words
from codegen.plan.choose import plan
from codegen.render.generated import generated
from qat.model import Accumulate, Burst, Model


def scores_differ(model: Model, **fault: str) -> bool:
    """Return True if the C of a model has other scores; fault: {old=, new=} of it."""
    made = generated(model, kernels={1: "pairs"})
    files = dict(made.files)
    if fault:
        name = f"{model.name}.c"
        assert fault["old"] in files[name]
        files[name] = files[name].replace(fault["old"], fault["new"])
    x = made_inputs(model, 40, seed=3)
    found = HostModel(model, files=files).run(x).scores
    return not np.array_equal(found, model.run(x).scores)


@pytest.mark.parametrize("name", PAIRS)
def test_scores_equal_the_models(name):
    assert not scores_differ(PAIRS[name])


@pytest.mark.parametrize("outputs", range(2, 17))
def test_every_number_of_outputs(outputs):
    assert not scores_differ(read_by(outputs, 40, 1 + outputs % 2, outputs, bits=4))


@pytest.mark.parametrize(("old", "new"), [("some << 12", "some << 11"), ("some >> 8", "some >> 7")])
def test_a_weight_of_another_field_shows(old, new):
    assert scores_differ(PAIRS["10 of 128"], old=old, new=new)


def test_a_byte_has_the_weights_of_two_outputs():
    codes = np.array([[-8, 7], [0, -1], [3, -3], [-8, -8]])
    assert pair_bytes(codes).tolist() == [[0x80, 0x0B], [0x7F, 0x05]]


def test_a_word_has_the_weights_of_eight_outputs():
    codes = np.arange(-8, 8).reshape(2, 8).T
    assert pair_words(codes).tolist() == [[0x75316420], [0xFDB9ECA8]]


def full(neurons: int, code: int) -> Model:
    """Return a model of which every neuron counts 3, and every weight is alike."""
    model = read_by(3, neurons, bits=4)
    codes = np.full((3, neurons), code)
    (layer,) = model.layers
    synapse = replace(model.readout.synapse, codes=codes)
    always = replace(layer, neuron=Burst([-99, -98, -97]))
    return replace(model, layers=(always,), readout=Accumulate(synapse))


@pytest.mark.parametrize("code", [-8, 7])
def test_the_largest_sums_stay_in_their_fields(code):
    most = (2**16 - 1) // (15 * 3)
    model = full(most, code)
    assert plan(model).stages[-1].kernel == "pairs"
    assert not scores_differ(model)
    assert plan(full(most + 1, code)).stages[-1].kernel == "plain"
