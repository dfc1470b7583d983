"""Training on from a network of others: asked for only, and kept where it is better."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.nir.writer import affine, chain, ends, fire, leaky, write_nir

from codegen.cli import main
from qat import Network, fit
from qat.data.own import from_arrays
from qat.nir.data import Recording
from qat.nir.finetune import finetuned, network_of
from qat.nir.imported import Imported, imported
from qat.nir.reading import read
from qat.nir.settle import Options

pytestmark = pytest.mark.usefixtures("inside")

CLASSES, INPUTS, STEPS = 5, 24, 6


def spikes() -> tuple[np.ndarray, np.ndarray]:
    """Return (samples, steps, inputs) of noisy classes, and their labels."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, 400)
    rates = rng.random((CLASSES, INPUTS)) * 0.35 + 0.05
    return (rng.random((400, STEPS, INPUTS)) < rates[y][:, None]).astype(np.uint8), y


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a NIR file, in the form of sinabs, of a network that was trained in real numbers."""
    x, y = spikes()
    net = Network([INPUTS, 16, CLASSES], bits=None, steps=STEPS, leak=(3,), readout="count",
                  input="spikes", bias=True)  # fmt: skip
    fit(net, from_arrays(x, y, sensor=False), epochs=12)
    tau = -1 / np.log(0.875)
    nodes: dict[str, Any] = {**ends([INPUTS], [CLASSES])}
    for i, size in enumerate((16, CLASSES)):
        p = net.of_layer(net.parameters, i)
        one = np.ones(size)
        nodes[f"{2 * i}"] = affine(p["weight"], p["bias"])
        nodes[f"{2 * i + 1}"] = {"type": "LIF", "tau": tau * one, "r": one, "v_leak": 0 * one,
                                 "v_threshold": p["threshold"] * one}  # fmt: skip
    path = tmp_path_factory.mktemp("net") / "net.nir"
    return write_nir(path, nodes, chain("input", *"0123", "output"))


READING = Options(dialect="sinabs", reset="subtract", compare=">=", gain="one")


def made(path: Path, bits: int) -> tuple[Imported, Recording]:
    x, y = spikes()
    data = Recording(np.moveaxis(x, 0, 1).astype(np.float64), y)
    return imported(read(path, READING), "net", bits=bits, data=data), data


def test_training_on_wins_back_what_rounding_to_two_bits_costs(network: Path) -> None:
    rounded, data = made(network, bits=2)
    model, told = finetuned(rounded, data, epochs=8)
    own, before, after = told.test
    assert rounded.drift is not None
    assert rounded.drift.accuracy is not None
    assert own > 0.6
    assert before < own - 0.05
    assert after > before
    assert told.kept
    assert told.validation[1] > told.validation[0]
    assert [layer.synapse.bits for layer in model.layers] == [2, 2]
    assert model.metadata["nir"]["dialect"] == "sinabs"


def test_a_network_that_it_makes_worse_is_left_as_it_was(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded, data = made(network, bits=8)
    monkeypatch.setattr("qat.nir.finetune.fit", lambda net, *_, **__: net.parameters.update(
        {"0.weight": 0 * net.parameters["0.weight"]}))  # fmt: skip
    model, told = finetuned(rounded, data, epochs=1)
    assert not told.kept
    assert model is rounded.model
    assert told.validation[1] < told.validation[0]


def test_the_command_says_what_it_did(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = spikes()
    np.savez(tmp_path / "d.npz", x=x, y=y)
    line = f"import {network} -o {tmp_path}/n.npz --dialect sinabs --reset subtract --compare ge"
    line += f" --gain one --bits 4 --data {tmp_path}/d.npz --drift 100% --finetune 2"
    assert main([*line.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["finetune"]
    assert found["epochs"] == 2
    assert set(found["test"]) == {"float", "before", "after"}
    assert main(line.split()) == 0
    assert "trained on for 2 epochs: validation " in capsys.readouterr().out


def test_networks_that_no_trainer_has_are_refused(network: Path, tmp_path: Path) -> None:
    rounded, data = made(network, bits=8)
    with pytest.raises(ValueError, match="--finetune: needs labels"):
        finetuned(rounded, Recording(data.x), epochs=1)
    nodes = {**ends([4], [3]), "a": affine(np.eye(3, 4)), "n": leaky(0.875, 3),
             "b": affine(np.eye(3)), "m": fire(3, r=1.0)}  # fmt: skip
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", *"anbm", "output"))
    x = np.random.default_rng(0).integers(0, 2, (5, 30, 4)).astype(float)
    two = imported(read(path, Options(dialect="plain", dt=1e-4, reset="subtract", compare=">")),
                   "net", bits=8, data=Recording(x, np.arange(30) % 3))  # fmt: skip
    with pytest.raises(ValueError, match="node 'm' leaks otherwise than the first layer"):
        finetuned(two, Recording(x, np.arange(30) % 3), epochs=1)


def test_a_reset_that_clears_the_next_step_trains_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    nodes: dict[str, Any] = {**ends([INPUTS], [CLASSES])}
    for i, (size, given) in enumerate(((16, INPUTS), (CLASSES, 16))):
        one = np.ones(size)
        nodes[f"{2 * i}"] = affine(rng.integers(-40, 60, (size, given)) / 64, 0 * one)
        nodes[f"{2 * i + 1}"] = {
            "type": "CubaLIF", "tau_mem": 2e-4 * one, "tau_syn": 2e-4 * one, "r": 2 * one,
            "w_in": 2 * one, "v_leak": 0 * one, "v_threshold": one, "v_reset": 0 * one,
        }  # fmt: skip
    path = write_nir(tmp_path / "net.nir", nodes, chain("input", *"0123", "output"))
    x, y = spikes()
    data = Recording(np.moveaxis(x, 0, 1).astype(np.float64), y)
    found = imported(read(path, Options("snntorch", reset=("zero",))), "net", bits=8, data=data)
    assert found.drift is not None
    assert [layer.differing for layer in found.drift.layers] == [0, 0]
    model, told = finetuned(found, data, epochs=2)
    assert told.epochs == 2
    assert [layer.neuron.reset for layer in model.layers] == ["late", "late"]
    assert network_of(found).dynamics.reset == "late"
