"""A network put together of parts: what it computes, what it takes, what it refuses."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

import qat
from qat.model import Analog, Delta, Frames, Latency, Model, Pool, Shape, Spikes
from qat.torch import ALIF, LI, LIF, Accumulate, Burst, Conv, Count, CuBa, Dense, Sequential

pytestmark = pytest.mark.torch


def chain() -> Sequential:
    """Return a network whose layers differ in neurons, leaks, bits and edges."""
    return Sequential(
        Frames(12, -8, 7),
        Dense(16, bits=4, recurrent=3), LIF(leak=(1,), reset="zero", most=3),
        Dense(9, delays=5, recurrent=2), CuBa(leak=(2, -4), leak_c=(3,), threshold="neuron"),
        Dense(10, recurrent=2), ALIF(leak_b=2, raise_by=0.4),
        Dense(8, bits=8, skips=(0, "input")), LIF(leak=(), membrane_bits=12),
        LI(4, bits=16, score="max"),
        steps=7, seed=3,
    )  # fmt: skip


def maps() -> Sequential:
    return Sequential(
        Analog(72, 0, 15, grid=Shape(6, 6, 2)),
        Conv(5, 3, bits=4), Burst(3), Pool("max", (2, 2)),
        Conv(None, (3, 1), padding="none"), LIF(leak=(2,)), Pool("sum", (1, 3)),
        Dense(7, bits=8), Burst(2),
        Accumulate(3),
        steps=3,
    )  # fmt: skip


def inputs(net: Sequential, batch: int = 6) -> Any:
    record = net.encoder
    shape = (batch, record.size) if record.held else (net.chain.steps, batch, record.size)
    return np.random.default_rng(5).integers(record.low, record.high, shape, endpoint=True)


def assert_equal(net: Sequential, x: Any) -> Model:
    """Compare scores and spikes with those of the model that is exported."""
    model, batch_first = qat.torch.export(net), x if net.encoder.held else np.swapaxes(x, 0, 1)
    wanted, found = model.run(batch_first, trace=True), net.run(x)
    np.testing.assert_array_equal(found.scores, wanted.scores)
    for own, of_model in zip(found.spikes, wanted.spikes, strict=True):
        np.testing.assert_array_equal(own, of_model)
    assert any(spikes.any() for spikes in wanted.spikes)
    return model


def test_layers_may_differ_in_all_that_they_have() -> None:
    net = chain()
    model = assert_equal(net, inputs(net))
    kinds = [type(layer.neuron).__name__ for layer in model.layers]
    assert kinds == ["LIF", "CuBa", "ALIF", "LIF"]
    assert [layer.neuron.leak for layer in model.layers] == [(1,), (2, -4), (3,), ()]
    assert [edge.source for edge in model.layers[3].edges] == ["before", 0, "input"]


def test_maps_and_counts() -> None:
    net = maps()
    x = inputs(net)
    net.measure(x)
    net.eval()
    model = assert_equal(net, x)
    assert [type(layer.neuron).__name__ for layer in model.layers] == ["Burst", "LIF", "Burst"]
    assert model.layers[1].synapse.depthwise
    np.testing.assert_array_equal(net.run(x.reshape(6, 6, 6, 2)).scores, net.run(x).scores)


@pytest.mark.parametrize("encoder", [Latency.linear(12, 0, 9, 5), Delta(12, 0, 9, threshold=2)])
def test_encoders_and_counting(encoder: Any) -> None:
    net = Sequential(encoder, Dense(16), ALIF(leak_b=2), Dense(4), LIF(), Count(), steps=5)
    model = assert_equal(net, inputs(net))
    assert type(model.layers[0].neuron).__name__ == "ALIF"


def test_a_batch_of_maps_in_time() -> None:
    net = Sequential(
        Spikes(8, grid=Shape(2, 2, 2)), Dense(6), LIF(), Accumulate(2), steps=4
    )  # fmt: skip
    x = inputs(net)
    np.testing.assert_array_equal(net.run(x.reshape(4, 6, 2, 2, 2)).scores, net.run(x).scores)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.zeros((6, 12)), r"found shape \(6, 12\); needs \(7 steps, batch, 12\)"),
        (np.zeros((6, 7, 12)), r"found shape \(6, 7, 12\); needs \(7 steps, batch, 12\)"),
        (np.zeros((7, 6, 13)), r"found shape \(7, 6, 13\)"),
        (np.full((7, 6, 12), 8), "made for -8 to 7"),
        (np.full((7, 6, 12), 0.5), "holds fractions"),
        (np.full((7, 6, 12), np.nan), "NaN"),
    ],
)
def test_inputs_that_are_refused(x: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text) as error:
        chain()(x)
    assert "\n" not in str(error.value)


PARTS: tuple[tuple[tuple[Any, ...], str], ...] = (
    ((Dense(4), LIF(), Accumulate(2)), "needs an input, then for each layer"),
    ((Analog(4), Dense(4), Accumulate(2)), "found Dense in place of a layer"),
    ((Analog(4), LIF(), Dense(4), Accumulate(2)), "found LIF, Dense in place of a layer"),
    ((Analog(4), Dense(4), LIF()), "needs a readout"),
    ((Analog(4), Accumulate(2)), "has no layer"),
    ((Analog(4), Dense(4, bits=3), LIF(), Count()), "allowed are 2, 4, 8, 16 and None"),
    ((Analog(4), Dense(4, delays=2), LIF(), Count()), "delays a held input"),
    ((Analog(4), Dense(4, recurrent=1), Burst(), Count()), "burst neurons keep nothing"),
    ((Analog(4), Conv(4, 9), LIF(), Count()), "Conv.kernel"),
    ((Analog(4), Conv(4, 3), LIF(), Count()), "use a smaller kernel"),
    ((Analog(4), Dense(4, skips=(3,)), LIF(), Count()), "reads no earlier layer"),
    ((Analog(4), Dense(4), LIF(most=8), Count()), "LIF.most"),
    ((Analog(4), Dense(4), LIF(surrogate="step"), Count()), "surrogate: found 'step'"),
    ((Analog(4), Dense(4), CuBa(truncate=-3), Count()), "truncate"),
    ((Analog(4), Dense(4), ALIF(raise_by=0.0), Count()), "raise_by: found 0; must be above 0"),
    ((Analog(4), Dense(4), ALIF(most=2), Count()), "'alif' emits one spike a step"),
)


@pytest.mark.parametrize(("parts", "text"), PARTS)
def test_parts_that_are_refused(parts: tuple[Any, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text) as error:
        Sequential(*parts, steps=3)
    assert "\n" not in str(error.value)


def test_moments_must_be_those_of_the_weights() -> None:
    net = maps()
    x = inputs(net)
    for call in (lambda: net.run(x), lambda: qat.torch.export(net)):
        with pytest.raises(ValueError, match=r"call net\.measure"):
            call()
    net.measure(x)
    net.run(x)
    net.train()
    net(x)  # a step of training may follow
    with pytest.raises(ValueError, match=r"call net\.measure"):
        net.run(x)


@contextmanager
def precision(word: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(word)
    yield
    torch.set_float32_matmul_precision(before)


def test_products_that_round_are_refused() -> None:
    net = chain()
    with precision("high"), pytest.raises(ValueError, match="'highest'"):
        net(inputs(net))


def test_autocast_changes_no_bit() -> None:
    net = chain()
    x, y = inputs(net), torch.zeros(6, dtype=torch.long)

    def all_of_it() -> list[Any]:
        net.zero_grad()
        scores = net(x)
        torch.nn.functional.cross_entropy(net.logits(scores), y).backward()
        return [scores.detach().numpy(), *(p.grad.numpy().copy() for p in net.parameters())]

    usual = all_of_it()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = all_of_it()
    for a, b in zip(usual, found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_parameters_that_make_no_integers() -> None:
    net = chain()
    with pytest.raises(ValueError, match=r"layer 0, weight: is torch.float16"):
        chain().half()(inputs(net))
    with torch.no_grad():
        net.layers[1].threshold[2] = float("nan")
    with pytest.raises(ValueError, match=r"layer 1, threshold: holds NaN.*learning rate"):
        net(inputs(net))


def test_parameters_stay_in_their_ranges() -> None:
    net = chain()
    with torch.no_grad():
        net.layers[0].threshold.fill_(-3)
        net.layers[1].delay.fill_(99)
    net.eval()
    net(inputs(net))
    assert net.layers[0].threshold == -3
    assert_equal(net, inputs(net))
    net.train()
    net(inputs(net))
    assert net.layers[0].threshold.item() == pytest.approx(0.05)
    assert (net.layers[1].delay == 5).all()


def test_real_weights_are_trained_and_not_exported() -> None:
    net = Sequential(Analog(4), Dense(4, bits=None), LIF(), Accumulate(2, bits=None), steps=3)
    net(np.ones((2, 4))).sum().backward()
    assert net.layers[0].weight.grad.abs().sum() > 0
    with pytest.raises(ValueError, match=r"layer 0, 1 has real weights"):
        qat.torch.export(net)


def test_a_network_of_another_shape_is_not_taken_back() -> None:
    made = qat.torch.from_network(qat.Network([4, 8, 2], input_range=(0, 9)))
    with pytest.raises(ValueError, match="the layers are not those"):
        qat.torch.to_network(made, qat.Network([4, 9, 2], input_range=(0, 9)))
    with pytest.raises(ValueError, match="input_range is not known"):
        qat.torch.from_network(qat.Network([4, 8, 2]))


def test_it_is_copied_by_pickle() -> None:
    net = chain()
    x = inputs(net)
    again = pickle.loads(pickle.dumps(net))
    assert qat.torch.export(again).digest() == qat.torch.export(net).digest()
    np.testing.assert_array_equal(again.run(x).scores, net.run(x).scores)


def test_what_is_exported_knows_its_activity() -> None:
    net = chain()
    model = qat.torch.export(net, "words", inputs(net))
    assert model.name == "words"
    assert len(model.metadata["firing_rates"]) == 4
    assert model.metadata["activity"]


def test_a_graph_is_freed_without_the_collector() -> None:
    net = chain()
    gc.disable()
    try:
        scores = net(inputs(net))
        alive = weakref.ref(scores)
        del scores
        assert alive() is None
    finally:
        gc.enable()


def test_a_module_of_no_framework_is_refused() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.ReLU())
    with pytest.raises(ValueError, match="found neurons of no known framework; takes networks of"):
        qat.torch.from_module(net, torch.zeros(3, 1, 4))


@pytest.mark.parametrize("what", ["a weight", "spikes"])
def test_what_a_gradient_needs_is_not_changed_in_silence(what: str) -> None:
    net = chain()
    sent = net.sent(inputs(net))
    with torch.no_grad():
        (net.layers[1].weight if what == "a weight" else sent.spikes[1]).mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        sent.scores.sum().backward()


def test_what_wraps_a_network_is_not_exported() -> None:
    wrapped = torch.nn.DataParallel(chain())
    with pytest.raises(ValueError, match="found DataParallel; needs the Sequential itself"):
        qat.torch.export(wrapped)
    assert qat.torch.export(wrapped.module).digest() == qat.torch.export(chain()).digest()
