"""The trained models that ship as examples are what their README says."""

import re
from pathlib import Path

import numpy as np
import pytest
import support

import codegen
from codegen.checks.equivalence import made_inputs
from qat.model import Analog, Model

FOLDER = Path(support.__file__).resolve().parents[1] / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.npz"))
INPUTS = {"mnist-784.npz": 784, "mnist-256.npz": 256}

pytestmark = pytest.mark.usefixtures("optimised")


def test_all_examples_are_here():
    assert sorted(INPUTS) == EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_of_the_kind_it_says(name):
    model = Model.load(FOLDER / name)
    assert model.input == Analog(INPUTS[name], 0, 15)
    (layer,) = model.layers
    assert (layer.size, layer.synapse.bits, model.readout.synapse.bits) == (128, 2, 8)
    assert model.steps == 8
    assert layer.neuron.leak == (3,)
    assert np.ndim(layer.neuron.threshold) == 0 or len(np.unique(layer.neuron.threshold)) == 1
    bounds = model.bounds().layers[0]
    assert max(bounds.u.width, bounds.v.width) <= 11
    assert model.metadata["accuracy"]["test"] >= 0.983
    assert 0 < model.metadata["firing_rates"][0] < 0.08


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
    assert f"{100 * model.metadata['firing_rates'][0]:.1f} %" in row
