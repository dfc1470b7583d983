"""Networks on maps and with counts: what trains is the integer model, to the bit."""

import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.slopes import assert_slope, in_float64

import qat
from qat.model import Shape
from qat.model.notation import chained, parse, written
from qat.study.otherbits import with_other_bits
from qat.train import lif
from qat.train.dynamics import Dynamics
from qat.train.network import Network
from qat.train.norm import STATISTICS
from qat.train.session import gradients
from qat.train.surrogate import SURROGATES

GRIDS = [(6, 6, 1), (4, 8, 3), (1, 12, 4), (5, 7, 2)]
LAYERS = [
    "5c3",
    "4c3-p2",
    "4c3s2v",
    "3c5s2-6c3v",
    "4c3-d3",
    "4c3-d3s2v-a2",
    "6c1x3-pg-5",
    "6c3-ag",
    "7-5",
    "4c3-p2-3c2-a2-6",
    "33c3v-p2-9",
]


def fits(grid, layers):
    try:
        return bool(chained(parse(layers), Shape(*grid)))
    except ValueError:
        return False


FITTING = [(grid, layers) for grid in GRIDS for layers in LAYERS if fits(grid, layers)]


def test_enough_layers_fit_the_maps():
    assert {grid for grid, _ in FITTING} == set(GRIDS)
    assert {layers for _, layers in FITTING} == set(LAYERS)


@st.composite
def networks(draw):
    """Return (network on a map, inputs): every kind of synapse, neuron, pool, input, readout."""
    grid, layers = draw(st.sampled_from(FITTING))
    low, high = draw(st.sampled_from([(0, 15), (0, 255), (-8, 7), (0, 1)]))
    neuron, kind = draw(st.sampled_from(["lif", "burst"])), draw(st.sampled_from(list(HELD)))
    if low < 0 and kind == "rate":  # two lines a value lie on no map
        kind = "analog"
    net = Network(
        [int(np.prod(grid)), 4],
        draw(st.sampled_from([2, 4, 8])),
        draw(st.sampled_from([None, 1, 3])),
        layers=layers,
        grid=grid,
        neuron=neuron,
        levels=draw(st.integers(1, 7)),
        leak=draw(st.sampled_from([(), (2,), (1, -3)])),
        reset=draw(st.sampled_from(["subtract", "zero"])),
        readout=draw(st.sampled_from(["accumulate", "count"])),
        input=kind,
        input_range=(low, high),
        membrane_bits=draw(st.sampled_from([None, 8])),
        seed=draw(st.integers(0, 99)),
    )
    random = np.random.default_rng(draw(st.integers(0, 99)))
    spread = draw(st.sampled_from([0.05, 0.5]))
    net.parameters = net.constrained(
        {k: (v + spread * random.normal(size=v.shape)).astype(v.dtype)
         for k, v in net.parameters.items() if not k.endswith(STATISTICS)}
        | {k: v for k, v in net.parameters.items() if k.endswith(STATISTICS)}
    )  # fmt: skip
    low, high = (0, 1) if kind == "spikes" else (low, high)
    lead = (9,) if HELD[kind] else (9, net.steps)
    x = random.integers(low, high + 1, (*lead, net.sizes[0]))
    x[0], x[1] = low, high
    net.parameters = net.measured(net.check(x[2:7]))
    return net, x


HELD = {"analog": True, "frames": False, "spikes": False, "rate": True}


@settings(max_examples=150, deadline=None)
@given(networks())
def test_twin_equals_record(made):
    net, x = made
    model, own = qat.export(net), net.run(x)
    result = model.run(x, trace=True)
    np.testing.assert_array_equal(result.scores, own.scores)
    for mine, theirs, layer in zip(own.spikes, result.spikes, model.layers, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype == layer.dtype
    passed = net.forward(net.check(x), net.fold())
    for layer, trace in enumerate(passed.traces):
        if model.layers[layer].pool is None:  # else u may be what a pool has left
            steps = np.broadcast_to(trace.u, (net.steps, *trace.u.shape[1:]))
            np.testing.assert_array_equal(result.u[layer], steps.transpose(1, 0, 2))


@pytest.mark.parametrize("layers", ["4c3-p2-5c3v", "4c3s2-d3-a2", "6c3-pg-7", "8c5-ag"])
@pytest.mark.parametrize("neuron", ["lif", "burst"])
def test_numpy_gives_the_same_network(monkeypatch, layers, neuron):
    net = Network([64, 5], layers=layers, grid=(8, 8, 1), neuron=neuron, levels=2,
                  input_range=(0, 9), seed=1)  # fmt: skip
    random = np.random.default_rng(2)
    x, y = random.integers(0, 10, (11, 64)), random.integers(0, 5, 11)

    def all_of_it():
        loss, slopes, run = gradients(net, x, y, 0.1, even=True)
        return loss, slopes, run.scores, net.measured(x)

    _, fast, scores, measured = all_of_it()
    monkeypatch.setenv("SPIKEMCU_NATIVE", "0")
    _, slow, same, measured_too = all_of_it()
    np.testing.assert_array_equal(scores, same)
    for name, value in measured.items():
        np.testing.assert_array_equal(value, measured_too[name], err_msg=name)
    for name, value in slow.items():
        np.testing.assert_allclose(fast[name], value, rtol=2e-3, atol=2e-5, err_msg=name)


@pytest.mark.parametrize(
    ("layers", "kind", "steps"),
    [
        ("3c3-p2-4c3v", "analog", 1),
        ("3c3s2v-d2-a2-4", "analog", 1),
        ("2c3-pg-3", "analog", 2),
        ("3c2-a2-3c2", "frames", 3),
        ("5-4", "analog", 1),
    ],
)
@pytest.mark.parametrize(("neuron", "levels"), [("lif", 1), ("burst", 1), ("burst", 3)])
def test_the_gradient_of_every_parameter(layers, kind, steps, neuron, levels):
    net = in_float64(
        Network([36, 3], None, steps, layers=layers, grid=(6, 6, 1), neuron=neuron,
                levels=levels, leak=(2,), input=kind, input_range=(0, 9), bias=True,
                surrogate="atan", detach_reset=False, seed=4)
    )  # fmt: skip
    random = np.random.default_rng(1)
    x = random.integers(0, 10, (4, 36) if kind == "analog" else (4, steps, 36))
    y, smooth = np.array([0, 2, 1, 2]), SURROGATES["atan"].spike
    terms = {"even": True, "spike": smooth}

    def loss_of(name, value):
        kept = net.parameters
        net.parameters = kept | {name: value}
        loss = gradients(net, x, y, 0.3, -1.0, **terms)[0]
        net.parameters = kept
        return loss

    _, slopes, _ = gradients(net, x, y, 0.3, -1.0, **terms)
    assert slopes.keys() == net.parameters.keys()
    moved = [name for name in slopes if np.abs(slopes[name]).max() > 1e-5]
    assert len(moved) >= len(net.parameters) - 2 * len(net.layers)  # all but what is measured
    for name, value in net.parameters.items():
        loss = partial(loss_of, name)
        assert_slope(slopes[name], loss, value, rtol=2e-4, atol=1e-7, err_msg=name)


def test_several_spikes_a_step_have_the_slope_of_the_nearest_threshold():
    dynamics = Dynamics(most=3, rounded=False)
    u = np.array([[[0.4, 1.2, 1.7, 2.9, 9.0]]])
    row = SURROGATES["triangle"]
    theta = np.float64(1)
    _, spikes = lif.forward(u, theta, dynamics, 1)
    np.testing.assert_array_equal(spikes[0, 0], [0, 1, 1, 2, 3])
    found = lif.backward(np.ones_like(u), u, spikes, theta, dynamics, surrogate=row)
    nearest = np.array([1, 1, 2, 3, 3])
    np.testing.assert_allclose(found.current[0, 0], row.derivative(u[0, 0] - nearest))


# ------------------------------------------------------------------ training


@pytest.fixture(scope="module")
def digits():
    return qat.datasets.load("digits")


def conv(seed=0, **how):
    settings_ = {"layers": "8c3-p2-12c3", "grid": (8, 8, 1), "neuron": "burst", **how}
    return Network([64, 10], [2, 2, 4], input_range=(0, 16), seed=seed, **settings_)


def test_a_small_convolution_learns_the_digits(digits):
    net = conv()
    history = qat.fit(net, digits, 0, epochs=10, learning_rate=2e-2)
    model = qat.export(net)
    assert qat.evaluate(model, digits.x_test, digits.y_test) > 0.94
    assert qat.evaluate(net, digits.x_validation, digits.y_validation) == (
        history.best.validation_accuracy
    )
    assert history.settings["even_penalty"] is True
    assert model.metadata["activity"]["layers"][0]["digits"]


def test_what_is_resumed_is_the_unbroken_run(digits, tmp_path):
    few = replace(digits, x_train=digits.x_train[:300], y_train=digits.y_train[:300])
    whole, first, second = conv(), conv(), conv()
    how = {"epochs": 4, "batch_size": 64, "augment": shifted}

    def stop(epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    qat.fit(whole, few, 3, **how)
    assert qat.fit(first, few, 3, run=tmp_path / "run", progress=stop, **how).interrupted
    history = qat.fit(second, few, 3, run=tmp_path / "run", resume=True, **how)
    assert [e.number for e in history.epochs] == [1, 2, 3, 4]
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(second.parameters[name], value, err_msg=name)
    assert qat.export(second).digest() == qat.export(whole).digest()
    assert qat.Model.load(tmp_path / "run" / "model.npz").digest() == qat.export(whole).digest()


def shifted(x, random):
    return np.roll(x, random.integers(-1, 2), axis=1)


def test_counts_in_dense_layers(digits):
    net = Network([64, 32, 10], neuron="burst", input_range=(0, 16), seed=1)
    assert net.steps == 1
    qat.fit(net, digits, 0, epochs=8, learning_rate=2e-2)
    model = qat.export(net)
    assert model.layers[0].neuron.most == 3
    assert model.input.grid is None
    assert qat.evaluate(model, digits.x_test, digits.y_test) > 0.93


def test_cost_targets_and_other_bits(digits):
    net = conv()
    history = qat.fit(net, digits, 0, epochs=3, learning_rate=2e-2, spike_cost=[9.0, 9.0],
                      cost_target=500.0)  # fmt: skip
    other = with_other_bits(net, digits, history.settings, 8, None)
    assert other.model.synapses()[0][1].bits == 8
    assert other.accuracy > 0.5


def test_moments_are_those_of_the_weights_that_are_judged(digits):
    net = conv()
    before = dict(net.parameters)
    measured = net.measured(digits.x_train)
    assert net.parameters.keys() == before.keys() == measured.keys()
    sums = net.forward(digits.x_train, net.fold(), training=True).traces[0].moments
    chosen = len(digits.x_train)  # all of them: fewer than are measured at most
    assert chosen <= 4096
    np.testing.assert_allclose(measured["0.mean"], sums.mean, rtol=1e-2)
    net.parameters = measured
    silent = [t.spikes.max(axis=(0, 1)) for t in net.forward(digits.x_train, net.fold()).traces]
    assert all(s.max() > 0 for s in silent)


# ----------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"grid": None}, r"Network.grid: layers '8c3-p2-12c3' need a map"),
        ({"grid": (8, 8, 2)}, "a map of 8x8x2 has 128 values; there are 64 inputs"),
        ({"layers": "8c3-p3"}, "pool 3x3: does not divide the map 8x8x8"),
        ({"layers": "8c3-p2-8c5v"}, "kernel 5x5: its height is 5; the map 4x4x8 has 4"),
        ({"layers": "8k3"}, "'8k3', 1st of 1: is no layer"),
        ({"levels": 8}, "Network.levels: found 8; allowed are 1 to 7"),
        ({"neuron": "relu"}, "Network.neuron: found 'relu'; one of lif, cuba, alif, burst"),
        ({"input": "delta"}, "has 128 lines for the 64 values of a map of 8x8x1"),
    ],
)
def test_what_makes_no_network(how, message):
    with pytest.raises(ValueError, match=message) as error:
        Network([64, 10], input_range=(0, 16), **{"layers": "8c3-p2-12c3", "grid": (8, 8, 1),
                                                   "neuron": "burst", **how})  # fmt: skip
    assert "\n" not in str(error.value)


def test_hidden_sizes_besides_layers():
    with pytest.raises(ValueError, match="give inputs and outputs alone"):
        Network([64, 32, 10], layers="32")


def test_layers_and_sizes_make_the_same_network():
    one, other = Network([64, 32, 10], seed=5), Network([64, 10], layers="32", seed=5)
    assert one.settings() == other.settings()
    for name, value in one.parameters.items():
        np.testing.assert_array_equal(value, other.parameters[name])


def test_no_warning_of_numpy():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = conv()
        gradients(net, np.zeros((2, 64), np.uint8), np.array([1, 2]))
        assert written(parse(net.settings()["layers"])) == "8c3-p2-12c3"


def test_a_pool_of_wide_sums_has_the_gradient_of_both_loops(monkeypatch):
    """Sums beyond float32 are pooled in float64, their gradient in float32: by either loop."""
    net = Network([36, 4], [16, 8], 4, layers="4c3-p2", grid=(6, 6, 1), input_range=(-128, 127))
    random = np.random.default_rng(0)
    x, y = random.integers(-128, 128, (5, 36)), np.array([0, 1, 2, 3, 0])
    assert net.fold()[0].codes.dtype == np.float64
    _, compiled, _ = gradients(net, x, y)
    monkeypatch.setenv("SPIKEMCU_NATIVE", "0")
    _, plain, _ = gradients(net, x, y)
    for name, expected in plain.items():
        np.testing.assert_allclose(compiled[name], expected, rtol=1e-4, atol=1e-6, err_msg=name)
