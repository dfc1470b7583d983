"""Backpropagation through time against finite differences, with a smooth spike for the step."""

from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest
from support.slopes import assert_slope, in_float64, numeric

from qat.train import lif
from qat.train.dynamics import Dynamics
from qat.train.loss import Spending, cross_entropy, rate_penalty
from qat.train.network import Network
from qat.train.session import gradients
from qat.train.surrogate import SURROGATES, heaviside

DIMENSIONS = {"analog": (4, 5), "frames": (4, 6, 5), "spikes": (4, 6, 5)}


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_derivatives_belong_to_their_spikes(surrogate):
    row, x = SURROGATES[surrogate], np.linspace(-1.3, 1.7, 31)
    slope = (row.spike(x + 1e-6) - row.spike(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(row.derivative(x), slope, atol=2e-6)
    assert row.derivative(np.zeros(1))[0] == 1
    assert (row.derivative(x) >= 0).all()


@pytest.mark.parametrize("reset", ["subtract", "zero", "value"])
@pytest.mark.parametrize("readout", ["accumulate", "count"])
@pytest.mark.parametrize("kind", DIMENSIONS)
def test_the_gradient_of_every_parameter(reset, readout, kind):
    own = {"reset_to": -0.3} if reset == "value" else {}
    each = "neuron" if reset == "zero" else "layer"
    assert_gradients(kind, reset=reset, readout=readout, threshold=each, **own)


@pytest.mark.parametrize("score", ["last", "max", "sum", "first"])
@pytest.mark.parametrize("leak", [(), (2, -4)])
def test_the_gradient_through_integrators(score, leak):
    own = {"readout_threshold": 0.3} if score == "first" else {}
    assert_gradients("frames", readout="li", score=score, readout_leak=leak, **own)


@pytest.mark.parametrize("kind", DIMENSIONS)
@pytest.mark.parametrize("leak_c", [(), (2, -4)])
def test_the_gradient_through_synaptic_currents(kind, leak_c):
    assert_gradients(kind, neuron="cuba", leak_c=leak_c)


@pytest.mark.parametrize("kind", DIMENSIONS)
@pytest.mark.parametrize("each", ["layer", "neuron"])
def test_the_gradient_through_thresholds_that_adapt(kind, each):
    assert_gradients(kind, neuron="alif", leak_b=2, raise_by=0.6, threshold=each)


LEAKS = ((1,), (3,), (2, -4))


@pytest.mark.parametrize("neuron", ["lif", "cuba", "alif"])
@pytest.mark.parametrize("readout", ["accumulate", "count"])
def test_the_gradient_through_classes_of_leaks(neuron, readout):
    assert_gradients("frames", neuron=neuron, readout=readout, leaks=LEAKS)


def assert_gradients(kind, **options):
    """Compare the gradient of every parameter with finite differences."""
    surrogate = "atan"
    net = in_float64(
        Network(
            [5, 6, 4, 3],
            bits=None,
            steps=6,
            leak=(2, -4),
            input=kind,
            input_range=(-3, 9),
            bias=True,
            surrogate=surrogate,
            detach_reset=False,
            seed=3,
            **options,
        )
    )
    random = np.random.default_rng(1)
    x = random.integers(0, 2, DIMENSIONS[kind]) * (1 if kind == "spikes" else 7)
    y = np.array([0, 2, 1, 2])
    smooth = SURROGATES[surrogate].spike
    spending = Spending((3.0, 2.0, 1.0)[: len(net.layers)], 0.5, 0.05)

    def loss_of(name, value):
        kept = net.parameters
        net.parameters = kept | {name: value}
        loss = gradients(net, x, y, 0.3, -1.0, spike=smooth, spending=spending)[0]
        net.parameters = kept
        return loss

    _, slopes, _ = gradients(net, x, y, 0.3, -1.0, spike=smooth, spending=spending)
    assert slopes.keys() == net.parameters.keys()
    for name, value in net.parameters.items():
        loss = partial(loss_of, name)
        assert_slope(slopes[name], loss, value, least=1e-5, rtol=1e-5, atol=1e-7, err_msg=name)


TO = {"zero": 0.0, "value": 0.4}
THRESHOLD = np.array([0.8, 1.1, 1.4])


def reference(current, threshold, *, reset, limits, smooth, frozen=None):
    """The time loop once more; `frozen` gives the spikes of the reset, with THRESHOLD in it."""
    v, spikes = np.zeros(current.shape[1:]), []
    for t, inflow in enumerate(current):
        u = v * 0.75 + inflow
        if reset == "late" and t:
            u = u * (1 - (spikes if frozen is None else frozen)[t - 1])
        u = np.clip(u, *limits)
        spikes.append(smooth(u / threshold - 1))
        if reset == "late":
            v = u
            continue
        s, r = (spikes[-1], threshold) if frozen is None else (frozen[t], THRESHOLD)
        v = u - s * (r if reset == "subtract" else u - TO[reset])
    return np.array(spikes)


@pytest.mark.parametrize(
    ("detached", "reset"),
    [*product([True, False], ["subtract", "zero", "value"]), (True, "late")],
)
@pytest.mark.parametrize("limits", [(-50, 50), (-0.6, 1.2)])
def test_the_time_loop(detached, reset, limits):
    random = np.random.default_rng(5)
    current, weight = random.normal(0.5, 0.8, (7, 2, 3)), random.normal(size=(7, 2, 3))
    threshold, row = THRESHOLD.copy(), SURROGATES["fast_sigmoid"]
    dynamics = Dynamics((2,), reset, limits, rounded=False, reset_to=TO.get(reset, 0.0))
    u, spikes = lif.forward(current, threshold, dynamics, 7, row.spike)
    same = {"reset": reset, "limits": limits, "smooth": row.spike}
    np.testing.assert_allclose(spikes, reference(current, threshold, **same), rtol=1e-12)
    frozen = spikes if detached else None

    def loss(current, threshold):
        return (weight * reference(current, threshold, frozen=frozen, **same)).sum()

    got = lif.backward(weight, u, spikes, threshold, dynamics, surrogate=row, detach_reset=detached)
    np.testing.assert_allclose(
        got.current, numeric(lambda c: loss(c, threshold), current), rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(
        got.threshold, numeric(lambda t: loss(current, t), threshold), rtol=1e-6, atol=1e-8
    )


def test_a_held_current_is_the_same_current_at_every_step():
    current = np.random.default_rng(0).normal(0.5, 1, (1, 4, 3))
    held = lif.forward(current, np.ones(3), Dynamics((3,)), 5)
    repeated = lif.forward(np.repeat(current, 5, axis=0), np.ones(3), Dynamics((3,)), 5)
    np.testing.assert_array_equal(held, repeated)
    np.testing.assert_array_equal(held[1], heaviside(held[0] - 1))


def test_cross_entropy():
    random = np.random.default_rng(2)
    logits, labels = random.normal(size=(4, 3)) * 50, np.array([0, 1, 2, 1])
    loss, gradient = cross_entropy(logits, labels)
    with np.errstate(over="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(loss, -np.log(p[range(4), labels]).mean())
    np.testing.assert_allclose(
        gradient, numeric(lambda z: cross_entropy(z, labels)[0], logits), atol=1e-6
    )
    assert np.isfinite(cross_entropy(logits * 1e4, labels)[0])


def test_rate_penalty():
    rates = np.array([0.0, 0.1, 0.3])
    loss, gradient = rate_penalty(rates, 0.1, 2.0)
    np.testing.assert_allclose(loss, 2 * 0.2**2)
    np.testing.assert_allclose(gradient, [0, 0, 2 * 2 * 0.2])


def test_spending_counts_instructions_of_spikes():
    rates = [np.array([0.5, 0.25]), np.array([0.125])]
    spending = Spending((10.0, 40.0), 40.0, 0.3)
    assert spending.instructions(rates, 8) == 8 * (10 * 0.75 + 40 * 0.125) == 100
    loss, (first, second) = spending.loss(rates, 8)
    np.testing.assert_allclose(loss, 0.3 * (100 / 40 - 1))
    np.testing.assert_allclose(first, np.full(2, 0.3 * 8 * 10 / 40))
    np.testing.assert_allclose(second, [0.3 * 8 * 40 / 40])
    loss, slopes = replace(spending, target=101.0).loss(rates, 8)
    assert loss == 0
    assert not any(slope.any() for slope in slopes)


def test_the_gradient_of_spending():
    spending, random = Spending((10.0, 40.0), 2.0, 0.3), np.random.default_rng(0)
    rates = [random.random(3), random.random(2)]
    for layer in range(2):

        def loss(r, layer=layer):
            return spending.loss([*rates[:layer], r, *rates[layer + 1 :]], 5)[0]

        slopes = spending.loss(rates, 5)[1]
        np.testing.assert_allclose(slopes[layer], numeric(loss, rates[layer]), rtol=1e-6)


def test_thresholds_do_not_begin_with_what_memory_held(monkeypatch):
    monkeypatch.setattr(np, "empty_like", lambda x: np.full_like(x, np.nan))
    spikes = np.zeros((3, 2, 4), np.float32)
    dynamics = Dynamics(leak_b=2, raised=np.float32(1))
    found = lif.thresholds(spikes, np.ones(4, np.float32), dynamics)
    np.testing.assert_array_equal(found, np.ones((3, 2, 4)))
