"""Neurons of a layer that leak differently become classes of leaks, exact where they can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.nir.mapped import on_new_inputs
from support.nir.writer import Node, affine, chain, ends, write_nir

import codegen
from qat.model.leak import LeakClasses
from qat.nir import Imported, export, leaks, load
from qat.nir.finetune import network_of

pytestmark = pytest.mark.usefixtures("inside")

STEPS, RNG = 20, np.random.default_rng(4)
WEIGHTS = RNG.integers(-100, 120, (24, 16)) / 128, RNG.integers(-50, 70, (24, 24)) / 128
X = (RNG.random((STEPS, 8, 16)) < 0.3).astype(np.float32)


def neurons(decay: np.ndarray, *shape: int) -> Node:
    """Return LIF neurons as snnTorch writes them, with a beta of each."""
    tau = np.broadcast_to(1e-4 / (1 - decay), shape)
    return {"type": "LIF", "tau": tau, "r": tau / 1e-4, "v_leak": np.zeros(shape),
            "v_threshold": np.ones(shape), "v_reset": np.zeros(shape)}  # fmt: skip


def imported(decay: np.ndarray, folder: Path) -> Imported:
    nodes = {**ends([16], [24]), "0": affine(WEIGHTS[0]), "1": neurons(decay, 24),
             "2": affine(WEIGHTS[1]), "3": neurons(decay, 24)}  # fmt: skip
    path = write_nir(folder / "a.nir", nodes, chain("input", *"0123", "output"))
    return load(path, reset="zero", x=X, bits=8, name="net")


def test_a_few_leaks_that_are_shifts_are_exact(tmp_path: Path) -> None:
    made = imported(np.resize([0.5, 0.75, 0.875], 24), tmp_path)
    leak = made.model.layers[0].neuron.leak
    assert isinstance(leak, LeakClasses)
    assert leaks.leak_words(leak) == [[1], [2], [3]]
    assert leaks.leak_words((2, -4)) == [2, -4]
    assert on_new_inputs(made, STEPS) == [0.0, 0.0]
    assert codegen.check(made.model, np.moveaxis(X, 0, 1)) is None


def test_many_leaks_are_gathered_and_drift_less_than_one_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decay = np.random.default_rng(5).uniform(0.6, 0.95, 24)
    made = imported(decay, tmp_path)
    leak = made.model.layers[0].neuron.leak
    assert isinstance(leak, LeakClasses)
    assert len(leak.terms) <= leaks.MAX_CLASSES
    assert np.abs(leaks.kept(leak, 24) - decay).max() < 0.05
    assert codegen.check(made.model, np.moveaxis(X, 0, 1)) is None
    monkeypatch.setattr("qat.nir.whole.leak_of", leaks.shared_leak)
    alike = imported(decay, tmp_path)
    assert np.mean(on_new_inputs(made, STEPS)) < 0.3 * np.mean(on_new_inputs(alike, STEPS))


def test_neurons_that_do_not_leak_are_in_no_class(tmp_path: Path) -> None:
    """The model has no such class: all share a leak then, which is told."""
    with np.errstate(divide="ignore"):
        made = imported(np.resize([0.5, 1.0], 24), tmp_path)
    assert not isinstance(made.model.layers[0].neuron.leak, LeakClasses)
    assert any(note.startswith("1: leak") for note in made.notes)


def test_channels_of_maps_have_classes(tmp_path: Path) -> None:
    conv = {"type": "Conv2d", "weight": RNG.integers(-90, 120, (4, 1, 3, 3)) / 128,
            "bias": np.zeros(4), "stride": 1, "padding": 1, "dilation": 1, "groups": 1}  # fmt: skip
    decay = np.array([0.5, 0.75, 0.5, 0.875])[:, None, None]
    nodes = {**ends([1, 6, 6], [4, 6, 6]), "c": conv, "n": neurons(decay, 4, 6, 6)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", *"cn", "output"))
    x = (RNG.random((STEPS, 8, 1, 6, 6)) < 0.3).astype(np.float32)
    made = load(path, reset="zero", x=x, bits=8, name="net")
    leak = made.model.layers[0].neuron.leak
    assert isinstance(leak, LeakClasses)
    assert leak.of.tolist() in ([0, 1, 0, 2], [2, 1, 2, 0])
    assert on_new_inputs(made, STEPS) == [0.0]


def test_what_has_no_classes_says_so(tmp_path: Path) -> None:
    made = imported(np.resize([0.5, 0.75], 24), tmp_path)
    with pytest.raises(ValueError, match="node '1' has neurons that leak by classes"):
        network_of(made)
    with pytest.raises(ValueError, match=r"LIF.leak: has 2 classes"):
        export(made.model, tmp_path / "b.nir", "snntorch")
