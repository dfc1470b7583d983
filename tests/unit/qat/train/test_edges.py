"""Recurrent, skipping and delayed edges in training: the model's integers, the float gradient."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.slopes import assert_slope, in_float64
from support.twins import assert_twin_equals_record

from qat.train import lif
from qat.train.delays import WIDTH, Lags
from qat.train.dynamics import Dynamics
from qat.train.export import export
from qat.train.feedback import Feedback
from qat.train.network import Network
from qat.train.session import gradients
from qat.train.surrogate import SURROGATES, surrogate

NEURONS = (
    {},
    {"levels": 3},
    {"neuron": "cuba", "leak_c": (1,)},
    {"neuron": "cuba", "levels": 3},
    {"neuron": "alif", "leak_b": 2},
    {"neuron": "alif", "raise_by": 1.5},
)
"""Kinds of neurons that may be recurrent."""


@st.composite
def networks(draw):
    kind = draw(st.sampled_from(["analog", "frames", "spikes", "latency", "delta"]))
    low, high = draw(st.sampled_from([(0, 255), (0, 15), (-128, 127), (0, 1)]))
    marks = st.sampled_from(["", "r", "r5", "t3", "t31r", "r2t7"])
    words = [f"{draw(st.integers(1, 33))}{draw(marks)}" for _ in range(draw(st.integers(1, 3)))]
    if kind == "analog":
        words[0] = words[0].split("t")[0]
    words[1:] = [w + draw(st.sampled_from(["", "+i"])) for w in words[1:]]
    words[2:] = [w + draw(st.sampled_from(["", "+0"])) for w in words[2:]]
    inputs, steps = draw(st.integers(1, 20)), draw(st.integers(1, 12))
    net = Network(
        [inputs, 4],
        [draw(st.sampled_from([2, 4, 8, 16])) for _ in range(len(words) + 1)],
        steps,
        layers="-".join(words),
        leak=draw(st.sampled_from([(), (3,), (2, -4)])),
        leaks=draw(st.sampled_from([None, None, ((1,), (2, -4)), ((0,), (2,), (3, 5), (6,))])),
        reset=draw(st.sampled_from(["subtract", "zero"])),
        readout=draw(st.sampled_from(["accumulate", "count"])),
        input=kind,
        input_range=(low, high),
        scale=draw(st.sampled_from(["layer", "neuron"])),
        threshold=draw(st.sampled_from(["layer", "neuron"])),
        bias=draw(st.sampled_from([None, True, False])),
        membrane_bits=draw(st.sampled_from([None, 8])),
        **draw(st.sampled_from(NEURONS)),
        norm=draw(st.booleans()),
        seed=draw(st.integers(0, 99)),
    )
    return _scattered(net, draw), _inputs(net, draw)


def _scattered(net, draw):
    """Return the network with random numbers added to its parameters."""
    random = np.random.default_rng(draw(st.integers(0, 99)))
    spread = draw(st.sampled_from([0.1, 1.0]))
    net.parameters = net.constrained(
        {k: (v + spread * random.normal(size=v.shape)).astype(v.dtype)
         for k, v in net.parameters.items()}
    )  # fmt: skip
    for name in [name for name in net.parameters if name.endswith("variance")]:
        net.parameters[name] = np.abs(net.parameters[name])
    return net


def _inputs(net, draw):
    low, high = net.encoder.low, net.encoder.high
    shape = (5, net.ends[0]) if net.encoder.held else (5, net.steps, net.ends[0])
    random = np.random.default_rng(draw(st.integers(0, 99)))
    return random.integers(low, high, shape, endpoint=True)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_twin_equals_record(made):
    try:
        export(made[0])
    except ValueError as error:  # large weights on bytes and two leaks
        assume("beyond int32" not in str(error))
        raise
    assert_twin_equals_record(*made)


@settings(max_examples=10, deadline=None)
@given(networks())
def test_numpy_equals_the_compiled_loop(made):
    net, x = made
    fast = net.run(x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPIKEMCU_NATIVE", "0")
        slow = net.run(x)
    for one, other in zip(fast.spikes, slow.spikes, strict=True):
        np.testing.assert_array_equal(one, other)


LAYERS = [("6r3t4-5t3r+i-4+0+i", "spikes"), ("5t2-4r", "frames"), ("6r-5t3+i", "analog")]


OF_KINDS = [
    (*LAYERS[0], False, {}), (*LAYERS[0], True, {}), (*LAYERS[1], True, {}),
    (*LAYERS[2], False, {}),
    (*LAYERS[0], False, {"neuron": "cuba", "leak_c": (1, -3)}),
    (*LAYERS[1], False, {"neuron": "alif", "leak_b": 2, "raise_by": 0.6}),
    (*LAYERS[0], False, {"neuron": "alif", "leaks": ((1,), (2, -4), (3,))}),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "kind", "norm", "neuron"), OF_KINDS)
def test_the_gradient_of_every_parameter(layers, kind, norm, neuron):
    """The float network: weights, thresholds, norms, and delays between whole steps."""
    net = in_float64(
        Network([5, 3], None, 7, layers=layers, input=kind, input_range=(-3, 9), bias=True,
                leak=(2,), damping=(0.7, 1.2), norm=norm, detach_reset=False, seed=3,
                **neuron)
    )  # fmt: skip
    random = np.random.default_rng(1)
    x = random.integers(0, 2, (4, 5) if kind == "analog" else (4, 7, 5))
    x = x * (1 if kind == "spikes" else 7)
    y, smooth = np.array([0, 2, 1, 2]), surrogate("atan", 0.7, 1.2).spike
    for name in [n for n in net.parameters if "delay" in n]:  # away from where it has a kink
        whole = np.floor(net.parameters[name])
        net.parameters[name] = (
            np.minimum(whole, whole.max() - 1) + 0.2 + 0.6 * random.random(whole.shape)
        )

    def loss_of(name, value):
        kept = net.parameters
        net.parameters = kept | {name: value}
        loss = gradients(net, x, y, 0.3, -1.0, spike=smooth)[0]
        net.parameters = kept
        return loss

    _, slopes, _ = gradients(net, x, y, 0.3, -1.0, spike=smooth)
    assert slopes.keys() == net.parameters.keys()
    assert any("weight_" in name for name in slopes)
    for name, value in net.parameters.items():
        if name.rpartition(".")[2] in {"mean", "variance"}:
            continue
        loss = partial(loss_of, name)
        assert_slope(slopes[name], loss, value, least=1e-6, rtol=2e-5, atol=1e-7, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.sampled_from([0, 1, 3, 100]), st.booleans(), st.booleans())
def test_gradients_of_both_loops_agree(seed, truncate, detached, shared):
    random = np.random.default_rng(seed)
    neurons = int(random.choice([1, 7, 32, 33]))
    weights = random.integers(-9, 10, (neurons, neurons)).astype(np.float32)
    feedback = Feedback(weights, Lags(random.integers(1, 6, neurons)), True)
    current = random.integers(-30, 50, (9, 4, neurons)).astype(np.float32)
    kinds = ({}, {"leak_c": (1, -3)}, {"leak_b": 2, "raised": np.float32(6)})
    own = kinds[seed % 3]
    dynamics = Dynamics((3,), str(random.choice(["subtract", "zero"])), **own)
    d = random.normal(size=(1 if shared else 9, 4, neurons)).astype(np.float32)

    def all_of_it():
        u, spikes = lif.forward(current, np.float32(20), dynamics, 9, feedback=feedback)
        found = lif.backward(
            d, u, spikes, np.float32(20), dynamics, surrogate=surrogate("triangle", 0.4, 1.0),
            detach_reset=detached, feedback=feedback, truncate=truncate,
        )  # fmt: skip
        return u, spikes, found.current, found.threshold

    fast = all_of_it()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPIKEMCU_NATIVE", "0")
        slow = all_of_it()
    for one, other in zip(fast[:2], slow[:2], strict=True):
        assert one.tobytes() == other.tobytes()
    for one, other in zip(fast[2:], slow[2:], strict=True):
        assert np.abs(one - other).max() <= 1e-4 * max(np.abs(other).max(), 1e-3)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("own", [{}, {"leak_c": (1,)}, {"leak_b": 2, "raised": 0.3}])
def test_truncation_cuts_memory_at_its_multiples(recurrent, own):
    """A block of steps has the gradient that it has where nothing follows it."""
    random = np.random.default_rng(0)
    row, dynamics = SURROGATES["atan"], Dynamics((2,), **own)
    lags = Lags(random.integers(1, 5, 6))
    feedback = Feedback(random.normal(size=(6, 6)), lags, False) if recurrent else None
    current, d = random.normal(0.5, 1, (10, 3, 6)), random.normal(size=(10, 3, 6))
    u, spikes = lif.forward(current, np.ones(6), dynamics, 10, feedback=feedback)

    def of(first, end, truncate):
        parts = (a[first:end] for a in (d, u, spikes))
        return lif.backward(*parts, np.ones(6), dynamics, surrogate=row, feedback=feedback,
                            truncate=truncate).current  # fmt: skip

    whole, cut = of(0, 10, 0), of(0, 10, 4)
    np.testing.assert_allclose(cut[4:8], of(0, 8, 0)[4:8])
    np.testing.assert_allclose(cut[:4], of(0, 4, 0))
    np.testing.assert_allclose(cut[8:], whole[8:])
    assert np.abs(cut[:8] - whole[:8]).max() > 1e-3
    np.testing.assert_allclose(of(0, 10, 10), whole)


def test_the_slope_of_a_delay_points_to_spikes_some_steps_away():
    signal = np.zeros((20, 1, 1), np.float32)
    signal[5] = 1
    wanted = np.zeros_like(signal)
    wanted[9] = 1  # what should arrive at step 9, left at step 5
    for delay in range(10):
        slope = Lags(np.array([delay])).gradient(signal, wanted)[0]
        assert (slope > 0) == (1 <= 4 - delay <= WIDTH)
        assert (slope < 0) == (1 <= delay - 4 <= WIDTH)
