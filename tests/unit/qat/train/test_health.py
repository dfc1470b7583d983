"""Layers that do no work are named, after training and from a model file."""

from dataclasses import replace

import numpy as np
import pytest

import qat
from qat.model import LIF
from qat.train.health import idle_neurons, of_model, of_network
from qat.train.network import Network


@pytest.fixture(scope="module")
def digits():
    return qat.datasets.load("digits")


@pytest.fixture(scope="module")
def trained(digits):
    net = Network([64, 20, 10], bits=[2, 8])
    assert qat.fit(net, digits, epochs=5).warnings == ()
    return net


def changed(net, digits, **parameters):
    """Return the network with other parameters, and its idle neurons counted anew."""
    other = net.with_bits(net.bits)
    other.parameters = net.parameters | parameters
    other.report = {"idle_neurons": idle_neurons(other, digits.x_validation)}
    return other


def both(net):
    """Return the warnings of a network, which its model must share."""
    found = of_network(net)
    assert of_model(qat.export(net)) == found
    return found


def test_a_good_network_has_none(trained):
    assert both(trained) == ()


@pytest.mark.parametrize(("count", "said"), [(20, "all 20 neurons"), (6, "6 of 20 neurons")])
def test_weights_that_are_all_zero(count, said, trained, digits):
    weight = trained.parameters["0.weight"].copy()
    weight[:count] = 0
    (line,) = both(changed(trained, digits, **{"0.weight": weight}))
    assert line.startswith(f"layer 0: {said} have no weight but zero; use fewer neurons")


def test_a_readout_that_is_all_zero(trained, digits):
    zero = {"1.weight": np.zeros_like(trained.parameters["1.weight"])}
    assert both(changed(trained, digits, **zero))[0].startswith("readout: all 10 neurons have no")


def test_a_few_zero_neurons_are_no_matter(trained, digits):
    weight = trained.parameters["0.weight"].copy()
    weight[:4] = 0
    assert both(changed(trained, digits, **{"0.weight": weight})) == ()


def test_a_silent_layer(trained, digits):
    silent = changed(trained, digits, **{"0.bias": np.full(20, -3, np.float32)})
    assert silent.report["idle_neurons"] == [{"silent": 20, "saturated": 0}]
    (line,) = of_network(silent)
    assert line == (
        "layer 0: all 20 neurons never spiked on validation data; use fewer neurons, or a lower "
        "rate_penalty"
    )


def test_a_saturated_layer(trained, digits):
    busy = changed(trained, digits, **{"0.bias": np.full(20, 30, np.float32)})
    (line,) = both(busy)
    assert line.startswith("layer 0: all 20 neurons spiked at nearly every step on validation")


def test_neurons_that_no_input_can_make_spike(trained):
    model = qat.export(trained)
    layer = model.layers[0]
    threshold = np.full(20, 10**6)
    threshold[:8] = layer.neuron.threshold
    deaf = replace(model, layers=(replace(layer, neuron=LIF(threshold, (3,))),))
    assert of_model(deaf) == (
        "layer 0: 12 of 20 neurons reach their threshold with no input; train longer, or with a "
        "lower rate_penalty",
    )


def test_training_that_silences_a_network_says_so(digits):
    history = qat.fit(Network([64, 20, 10]), digits, epochs=4, rate_penalty=300.0)
    assert any("never spiked" in line for line in history.warnings)
    real = qat.fit(Network([64, 20, 10], None), digits, epochs=4, rate_penalty=300.0)
    assert any("never spiked" in line for line in real.warnings)


@pytest.mark.parametrize("rows", [None, [], "no", [None], [{}], [{"silent": "many"}], [[3]]])
def test_metadata_of_another_shape_is_passed_over(rows, trained):
    model = replace(qat.export(trained), metadata={"idle_neurons": rows})
    assert of_model(model) == ()
