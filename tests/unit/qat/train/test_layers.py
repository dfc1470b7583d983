"""The forward pass of training computes the integers of the model, whatever the network."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.crossed import crossed
from support.twins import assert_twin_equals_record

import qat
from qat.model import LIF, Dense
from qat.model.leak import leak as leak_of
from qat.train.dynamics import Dynamics, decay
from qat.train.fold import Constants, Inflow
from qat.train.network import Network
from qat.train.synapses import DenseTwin, currents


@st.composite
def leaks(draw):
    terms = draw(st.lists(st.integers(-6, 6).filter(lambda k: k != -0 or k == 0), max_size=3))
    fraction = sum((-1 if k < 0 else 1) * 2.0 ** -abs(k) for k in terms)
    return tuple(terms) if not terms or 0 < fraction <= 1 else (3,)


READOUTS = (
    {"readout": "accumulate"},
    {"readout": "count"},
    {"readout": "li", "score": "last", "readout_leak": (2, -4)},
    {"readout": "li", "score": "max"},
    {"readout": "li", "score": "sum", "readout_leak": ()},
    {"readout": "li", "score": "first", "readout_threshold": 0.4},
)

NEURONS = (
    {},
    {"neuron": "cuba"},
    {"neuron": "cuba", "leak_c": (1, -3), "levels": 2},
    {"neuron": "cuba", "leak_c": ()},
    {"neuron": "alif"},
    {"neuron": "alif", "leak_b": 2, "raise_by": 0.01},
    {"neuron": "alif", "leak_b": 6, "raise_by": 2.5},
)

LATE = tuple(own for own in NEURONS if own.get("levels", 1) == 1 and own.get("neuron") != "alif")
"""Those that a late reset, of one spike and of a threshold that stays, goes with."""

LEAKS = (None, None, ((1,), (3,)), ((2, -4), (5,), (1, 3), (0,)))

RESETS = ({"reset": "subtract"}, {"reset": "zero"}, {"reset": "value", "reset_to": -0.4},
          {"reset": "late"})  # fmt: skip


@st.composite
def networks(draw):
    kind = draw(st.sampled_from(["analog", "frames", "spikes"]))
    low, high = draw(st.sampled_from([(0, 255), (0, 16), (-128, 127), (-5, 3), (0, 1)]))
    readout = draw(st.sampled_from(READOUTS))
    depth = draw(st.integers(1 if readout == {"readout": "count"} else 2, 3))
    sizes = [draw(st.integers(1, 40)) for _ in range(depth + 1)]
    reset = draw(st.sampled_from(RESETS))
    neurons = LATE if reset["reset"] == "late" else NEURONS
    net = Network(
        sizes,
        [draw(st.sampled_from([2, 4, 8, 16])) for _ in range(depth)],
        draw(st.integers(1, 9)),
        leak=draw(leaks()),
        leaks=draw(st.sampled_from(LEAKS)),
        **reset,
        **draw(st.sampled_from(neurons)),
        **readout,
        input=kind,
        input_range=(low, high),
        scale=draw(st.sampled_from(["layer", "neuron"])),
        threshold=draw(st.sampled_from(["layer", "neuron"])),
        bias=draw(st.sampled_from([None, True, False])),
        membrane_bits=draw(st.sampled_from([None, 6, 8, 16])),
        resolution=draw(st.sampled_from([None, 1, 4, 100])),
        seed=draw(st.integers(0, 99)),
    )
    random = np.random.default_rng(draw(st.integers(0, 99)))
    spread = draw(st.sampled_from([0.1, 1.0]))
    net.parameters = net.constrained(
        {k: (v + spread * random.normal(size=v.shape)).astype(v.dtype)
         for k, v in net.parameters.items()}
    )  # fmt: skip
    shape = (7, sizes[0]) if kind == "analog" else (7, net.steps, sizes[0])
    low, high = (0, 1) if kind == "spikes" else (low, high)
    x = random.integers(low, high + 1, shape)
    x[0], x[1] = low, high
    return net, x


@settings(max_examples=150, deadline=None)
@given(networks())
def test_twin_equals_record(made):
    assert_twin_equals_record(*made)


def as_analog(x):
    return x


def as_frames(x):
    return np.stack([np.roll(x, t, axis=1) for t in range(8)], axis=1)


def as_spikes(x):
    return x[:, None] > 2 * np.arange(8)[:, None]


PRESENTED = {"analog": as_analog, "frames": as_frames, "spikes": as_spikes}
WEIGHTS = [f"{readout} {bits}" for bits in (2, 4, 8, 16) for readout in ("accumulate", "count")]


@pytest.mark.parametrize(("kind", "weights"), crossed(PRESENTED, WEIGHTS, each=3))
def test_twin_equals_record_on_all_digits(kind, weights):
    (readout, bits), present = weights.split(), PRESENTED[kind]
    data = qat.datasets.load("digits")
    parts = ("x_train", "x_validation", "x_test")
    data = replace(data, **{part: present(getattr(data, part)) for part in parts})
    net = Network([64, 40, 10], int(bits), 8, readout=readout, input=kind, seed=1)
    qat.fit(net, data, epochs=1)
    x = np.concatenate([getattr(data, part) for part in parts])
    assert len(x) == 1797
    result = assert_twin_equals_record(net, x)
    assert 0.01 < result.spikes[0].mean() < 0.9


def test_layers_that_need_float64():
    net = Network([3000, 33, 4], bits=16, steps=4, input_range=(0, 255), seed=2)
    rows = np.linspace(0.2, 1, 33)[:, None]  # sums of 3000 products pass 2**24, not 2**31
    random = np.random.default_rng(0)
    weight = np.where(random.random((33, 3000)) < 0.2, -1, 1) * rows * 0.05
    weight[0, 0] = 6.0
    net.parameters |= {"0.weight": weight.astype(np.float32)}
    x = random.integers(0, 256, (200, 3000))
    first = net.fold()[0]
    assert first.codes.dtype == np.float64
    assert_twin_equals_record(net, x)
    first = replace(first, exponent=0)
    exact = currents(first, net.layers[0].synapse, x)
    wrong = currents(replace(first, codes=first.codes.astype(np.float32)), net.layers[0].synapse, x)
    assert np.abs(exact).max() > 2**24
    assert (exact != wrong).any()  # float32 would not have done


@pytest.mark.parametrize(
    ("bits", "inputs", "high", "dtype"),
    [(2, 784, 255, np.float32), (8, 784, 255, np.float32), (16, 784, 255, np.float64)],
)
def test_the_dtype_follows_the_bound(bits, inputs, high, dtype):
    net = Network([inputs, 16, 3], bits=bits, input_range=(0, high))
    assert net.fold()[0].codes.dtype == dtype


def test_the_dtype_is_decided_at_every_weight_update():
    net = Network([784, 4, 3], bits=8, input_range=(0, 255))
    assert net.fold()[0].codes.dtype == np.float32
    net.parameters |= {"0.weight": np.ones((4, 784), np.float32)}  # 784 * 127 * 255 > 2**24
    assert net.fold()[0].codes.dtype == np.float64


def test_a_planted_difference_is_seen():
    net = Network([10, 20, 3], bits=4, input_range=(0, 15), seed=4)
    x = np.random.default_rng(0).integers(0, 16, (50, 10))
    model = qat.export(net)
    neuron = model.layers[0].neuron
    for wrong in (replace(neuron, leak=(2,)), replace(neuron, threshold=neuron.threshold + 1)):
        other = replace(model, layers=(replace(model.layers[0], neuron=wrong),))
        assert (other.run(x).scores != net.run(x).scores).any()


# ----------------------------------------------------------------- folding


def test_folding_follows_its_equations():
    net = Network([6, 5, 4, 3], bits=2, input_range=(0, 100), threshold="neuron", bias=True)
    random = np.random.default_rng(1)
    net.parameters = net.constrained(
        {
            k: (v + random.normal(0, 0.3, v.shape)).astype(np.float32)
            for k, v in net.parameters.items()
        }
    )
    for i, (twin, c) in enumerate(zip(net.twins, net.fold(), strict=True)):
        p = net.of_layer(net.parameters, i)
        scale = qat.quantize.ternary(p["weight"]).scale
        x_scale = 1 / 100 if i == 0 else 1.0
        unit = scale * x_scale * 2.0**c.exponent
        assert (c.exponent >= 0) == (i == 0) or c.exponent == 0
        np.testing.assert_allclose(c.unit, unit, rtol=1e-12)
        np.testing.assert_array_equal(c.bias, np.rint(p["bias"] / unit))
        if c.threshold is not None:
            np.testing.assert_array_equal(
                c.threshold, np.maximum(1, np.rint(p["threshold"] / unit))
            )
            assert 16 <= (p["threshold"] / unit).min() < 32
        assert twin.n_out == len(c.codes)


@pytest.mark.parametrize("resolution", [2, 4, 8, 16, 64])
def test_the_resolution_is_the_least_threshold(resolution):
    net = Network([64, 20, 10], input_range=(0, 255), resolution=resolution)
    assert resolution <= net.fold()[0].threshold.min() <= 2 * resolution


def test_half_the_resolution_takes_a_bit_off_membranes_and_currents():
    def widths(resolution):
        net = Network([784, 40, 10], input_range=(0, 255), resolution=resolution)
        bounds = qat.export(net).bounds().layers[0]
        return bounds.current.width, bounds.v.width, bounds.u.width

    coarse, fine = widths(4), widths(16)
    assert fine == tuple(bits + 2 for bits in coarse)


@given(leaks(), st.integers(-(2**20), 2**20))
def test_decay_equals_the_integer_leak(leak, v):
    exact = np.array([v], np.int32)
    LIF(np.array(1), leak)
    got = decay(exact.astype(np.float32), Dynamics(leak))
    np.testing.assert_array_equal(got, exact - leak_of(exact, leak))


@given(st.integers(0, 15), st.integers(-300, 300), st.integers(-50, 50))
def test_currents_round_like_the_record(shift, a, bias):
    synapse = Dense(np.array([[1]]), 8, np.array(bias), input_shift=shift)
    inflow = Inflow(-300, 300, 1.0, spiking=False)
    folded = Constants(
        np.ones((1, 1), np.float32),
        np.float32(bias),
        None,
        np.ones(()),
        shift,
        inflow,
        True,
        np.zeros(()),
    )
    x = np.array([[a]])
    np.testing.assert_array_equal(currents(folded, DenseTwin(1, 1), x), synapse.currents(x, 300))


def test_a_layer_whose_weights_are_all_zero_can_be_exported():
    net = Network([6, 5, 3], bits=2, input_range=(0, 9), scale="neuron")
    net.parameters |= {"0.weight": np.zeros((5, 6), np.float32)}
    assert_twin_equals_record(net, np.full((2, 6), 9))


# ----------------------------------------------------------------- network


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sizes": [4]}, "needs inputs and outputs"),
        ({"sizes": [4, 0, 2]}, "Network.sizes: found 0"),
        ({"sizes": [4, 2]}, "needs a hidden layer"),
        ({"bits": 3}, "Network.bits: found 3"),
        ({"bits": [2]}, "found 1 values; the network has 2 layers"),
        ({"steps": 0}, "Network.steps: found 0"),
        ({"leak": (3, -3)}, "never settles"),
        ({"reset": "half"}, "reset"),
        ({"reset": "late", "detach_reset": False}, "detach_reset: found False with reset 'late'"),
        ({"reset": "late", "neuron": "alif"}, "found 'late' with neuron 'alif'"),
        ({"reset": "late", "levels": 2}, "LIF.most: found 2; a neuron whose reset is late"),
        ({"readout": "mean"}, "Network.readout: found 'mean'; one of accumulate, count"),
        ({"input": "sound"}, "one of analog, frames, spikes"),
        ({"input_range": (-200, 3)}, "low"),
        ({"input_range": (0, 0)}, "another value than 0"),
        ({"scale": "weight"}, "one of layer, neuron"),
        ({"surrogate": "box"}, "one of atan"),
        ({"membrane_bits": 40}, "membrane_bits: found 40"),
        ({"resolution": 0}, "Network.resolution: found 0"),
    ],
)
def test_networks_that_cannot_be_are_refused(values, said):
    with pytest.raises(ValueError, match=said):
        Network(**{"sizes": [4, 3, 2], **values})


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((2, 5)), "found shape"),
        (np.zeros(4), "found shape"),
        (np.full((2, 4), 10), "made for 0 to 9"),
        (np.full((2, 4), -1), "made for 0 to 9"),
        (np.full((2, 4), 0.5), "fractions"),
        (np.full((2, 4), np.nan), "NaN"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(x, said):
    with pytest.raises(ValueError, match=said):
        Network([4, 3, 2], input_range=(0, 9)).predict(x)


def test_a_network_must_know_its_input_range():
    net = Network([4, 3, 2])
    for call in (lambda: net.predict(np.zeros((1, 4))), lambda: qat.export(net)):
        with pytest.raises(ValueError, match="input_range"):
            call()


def test_biases_are_where_they_cost_nothing():
    net = Network([4, 3, 3, 2], input_range=(0, 9))
    assert [name for name in net.parameters if "bias" in name] == ["0.bias", "2.bias"]
    spikes = Network([4, 3, 3, 2], input="spikes")
    assert [name for name in spikes.parameters if "bias" in name] == ["2.bias"]


def test_an_empty_batch_has_no_predictions():
    assert Network([4, 3, 2], input_range=(0, 9)).predict(np.zeros((0, 4))).shape == (0,)
