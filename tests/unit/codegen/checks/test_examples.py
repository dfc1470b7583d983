"""The trained models that ship as examples are what their README says."""

import re
from pathlib import Path

import numpy as np
import pytest
import support

import codegen
from codegen.checks.equivalence import made_inputs
from qat.model import Analog, Burst, Conv, Model, Shape, c_name
from qat.model.notation import parse

FOLDER = Path(support.__file__).resolve().parents[1] / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.npz"))
DENSE = {"mnist-784.npz": 784, "mnist-256.npz": 256}
"""Inputs of the dense ones, which leak over 8 steps."""

MAPS = {
    "mnist-conv-small.npz": ("16c3-p2-32c3v-p2", 2, 0.989),
    "mnist-conv.npz": ("32c3s2-32c3-p2-32c3v", 4, 0.992),
    "mnist-conv-large.npz": ("32c3-p2-32c3-32c3-p2-32c3v", 8, 0.993),
}
"""Layers, bits of the readout, and what the test accuracy exceeds, of those on maps."""

pytestmark = pytest.mark.usefixtures("optimised")


def test_all_examples_are_here():
    assert sorted((*DENSE, *MAPS)) == EXAMPLES


@pytest.mark.parametrize("name", DENSE)
def test_a_dense_example_is_of_the_kind_it_says(name):
    model = Model.load(FOLDER / name)
    assert model.input == Analog(DENSE[name], 0, 15)
    (layer,) = model.layers
    assert (layer.size, layer.synapse.bits, model.readout.synapse.bits) == (128, 2, 8)
    assert model.steps == 8
    assert layer.neuron.leak == (3,)
    assert np.ndim(layer.neuron.threshold) == 0 or len(np.unique(layer.neuron.threshold)) == 1
    bounds = model.bounds().layers[0]
    assert max(bounds.u.width, bounds.v.width) <= 11
    assert model.metadata["accuracy"]["test"] >= 0.983
    assert 0 < model.metadata["firing_rates"][0] < 0.08


@pytest.mark.parametrize("name", MAPS)
def test_an_example_on_maps_is_of_the_kind_it_says(name):
    layers, bits, least = MAPS[name]
    model = Model.load(FOLDER / name)
    assert model.input == Analog(256, 0, 15, grid=Shape(16, 16, 1))
    assert model.name == c_name(Path(name).stem)
    assert model.steps == 1
    for layer, note in zip(model.layers, parse(layers), strict=True):
        assert isinstance(layer.synapse, Conv)
        assert (layer.synapse.bits, layer.synapse.codes.shape[0]) == (2, note.channels)
        assert isinstance(layer.neuron, Burst)
        assert layer.neuron.most == 3
        assert (layer.pool is None) == (note.pool is None)
    assert model.readout.synapse.bits == bits
    assert model.metadata["accuracy"]["test"] > least


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_c_of_an_example_equals_it(name):
    model = Model.load(FOLDER / name)
    assert codegen.check(model, made_inputs(model, 40)) is None


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_readme_has_the_digest_and_the_accuracy(name):
    model = Model.load(FOLDER / name)
    (row,) = re.findall(rf"^\| `{name}`.*$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert model.digest() in row
    assert f"{100 * model.metadata['accuracy']['test']:.2f} %" in row
    assert f"{100 * model.metadata['accuracy']['validation']:.2f} %" in row
    rates = model.metadata["firing_rates"]
    assert ", ".join(f"{100 * rate:.1f} %" for rate in rates) in row
