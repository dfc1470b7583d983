"""Networks of torch: the integers of the model, the gradients of NumPy, and the way back."""

from __future__ import annotations

from collections import Counter
from copy import copy
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from support.trainable import networks

import qat
from qat.train.network import Network
from qat.train.norm import STATISTICS
from qat.train.session import gradients

pytestmark = pytest.mark.torch

COUNT = 45

PENALTY = 0.3
"""On the spikes of every layer, so that their gradient is compared as well."""

WORDS = """lif cuba alif burst accumulate count li analog frames spikes rate latency delta subtract
zero value late recurrent map norm classes""".split()
"""What some of the networks must have."""


@cache
def made() -> list[tuple[Network, Any, Any]]:
    return networks(COUNT)


def time_first(net: Network, x: Any) -> Any:
    return x if net.encoder.held else x.transpose(1, 0, 2)


def test_the_networks_are_of_every_kind() -> None:
    nets = [net for net, _, _ in made()]
    of = Counter(value for net in nets for value in (net.neuron, net.readout, net.input))
    for net in nets:
        of.update(net.bits)
        of.update({"recurrent": net.recurrent, "map": net.grid is not None, "norm": net.normalised})
        of.update([net.dynamics.reset, "classes" if net.leaks else "one leak"])
    for word in (*WORDS, 2, 4, 8, 16):
        assert of[word] >= 3, word
    assert any(net.fold()[0].codes.dtype == np.float64 for net in nets)


@pytest.fixture
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute with tensors, as on a device of its own, or with arrays that share their memory."""
    if request.param == "tensors":
        monkeypatch.setattr("qat.torch.functions.SHARED", frozenset())


PATHS = pytest.mark.parametrize("path", ["tensors", "arrays"], indirect=True)


@PATHS
@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("number", range(COUNT))
def test_scores_and_spikes_are_those_of_the_model(number: int) -> None:
    net, x, _ = made()[number]
    twin, model = qat.torch.from_network(net), qat.export(net)
    wanted, found = model.run(x, trace=True), twin.run(time_first(net, x))
    np.testing.assert_array_equal(found.scores, wanted.scores)
    np.testing.assert_array_equal(found.predictions, wanted.predictions)
    for own, of_model in zip(found.spikes, wanted.spikes, strict=True):
        np.testing.assert_array_equal(own, of_model)
    again = qat.torch.export(twin)
    assert again.digest() == model.digest()


@pytest.mark.parametrize("number", range(COUNT))
def test_the_way_to_torch_and_back_changes_no_bit(number: int) -> None:
    net, _, _ = made()[number]
    twin, empty = qat.torch.from_network(net), copy(net)
    empty.parameters = {name: np.zeros_like(value) for name, value in net.parameters.items()}
    other = qat.torch.from_network(empty)
    other.load_state_dict(twin.state_dict())
    back = qat.torch.to_network(other, net)
    assert back.parameters.keys() == net.parameters.keys()
    for name, value in net.parameters.items():
        assert back.parameters[name].dtype == value.dtype
        np.testing.assert_array_equal(back.parameters[name], value)


def slopes_of(net: Network, x: Any, y: Any) -> dict[str, Any]:
    """Return the gradient of every parameter by torch, by its name in the network."""
    twin = qat.torch.from_network(net)
    sent = twin.sent(time_first(net, x))
    loss = torch.nn.functional.cross_entropy(twin.logits(sent.scores), torch.as_tensor(y))
    rates = [spikes.mean(dim=(0, 1)) for spikes in sent.spikes]
    (loss + PENALTY * sum((rate**2).sum() for rate in rates)).backward()
    parts = {f"{i}.{name}": tensor for i, part in enumerate(twin.weighted)
             for name, tensor in part.tensors().items() if name not in STATISTICS}  # fmt: skip
    return {n: t.grad.numpy() for n, t in {**parts, "log_gain": twin.log_gain}.items()}


@PATHS
@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("dtype", "share"), [(np.float64, 1e-9), (np.float32, 1e-5)])
@pytest.mark.parametrize("number", range(COUNT))
def test_gradients_are_those_of_numpy(number: int, dtype: Any, share: float) -> None:
    net, x, y = made()[number]
    kept = net.parameters
    net.parameters = {name: value.astype(dtype) for name, value in kept.items()}
    _, wanted, _ = gradients(net, x, y, PENALTY)
    found = slopes_of(net, x, y)
    net.parameters = kept
    assert_alike(found, wanted, share)


@PATHS
@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("number", range(0, COUNT, 2))
def test_networks_of_real_weights_are_those_of_numpy(number: int) -> None:
    net, x, y = made()[number]
    real = net.with_bits(None)
    real.parameters = {name: value.astype(np.float64) for name, value in net.parameters.items()}
    found = qat.torch.from_network(real).run(time_first(real, x))
    np.testing.assert_allclose(found.scores, real.run(x).scores, rtol=1e-9, atol=1e-9)
    _, wanted, _ = gradients(real, x, y, PENALTY)
    assert_alike(slopes_of(real, x, y), wanted, 1e-9)


def assert_alike(found: dict[str, Any], wanted: dict[str, Any], share: float) -> None:
    """Compare gradients: 1e-5, and a share of the largest where terms cancel."""
    largest = max(np.abs(value).max() for value in wanted.values())
    for name, value in found.items():
        np.testing.assert_allclose(
            value, wanted[name], rtol=1e-5, atol=share * largest, err_msg=name
        )
