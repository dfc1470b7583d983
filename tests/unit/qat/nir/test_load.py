"""Models of networks of others: how far their integers drift, and what decides it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.nir.saved import saved
from support.nir.writer import affine, chain, ends, fire, leaky, write_nir

import codegen
from qat.model import LI, Accumulate, Analog, Conv, Frames, Spikes
from qat.nir.drift import CAUSES
from qat.nir.imported import load

pytestmark = pytest.mark.usefixtures("inside")

EXACT = ("spikingjelly_if", "spikingjelly_half", "spikingjelly_conv", "spikingjelly_conv1d",
         "sinabs_conv", "snntorch_rleaky", "spyx_conv", "norse_subtract", "spikingjelly_cuba",
         "spyx_psu")  # fmt: skip
"""Networks of which no spike differs at 8 bits: without a leak, or with a power of two."""

NEAR = {"snntorch_conv": 0.003, "norse_conv": 0.003, "rockpool_spiking": 0.003,
        "snntorch_synaptic": 0.003, "norse_cuba": 0.003, "rockpool_cuba": 0.01}  # fmt: skip
"""The largest share of differing spikes with other leaks, in four shifts; currents leak as well,
and neurons of rockpool emit several spikes, whose threshold cannot move."""


@pytest.mark.parametrize("name", EXACT)
def test_networks_on_a_grid_keep_every_spike(name: str, tmp_path: Path) -> None:
    path, reference = saved(name, tmp_path)
    made = load(path, reference=reference, bits=8)
    assert made.drift is not None
    assert [layer.differing for layer in made.drift.layers] == [0.0] * len(made.parts)
    assert [layer.first for layer in made.drift.layers] == [None] * len(made.parts)
    assert made.drift.agreeing == 1
    assert all("weights" in part.exact for part in made.parts)


@pytest.mark.parametrize("name", NEAR)
def test_other_leaks_drift_little_and_the_leak_is_named_as_the_cause(
    name: str, tmp_path: Path
) -> None:
    path, reference = saved(name, tmp_path)
    made = load(path, reference=reference, bits=8)
    assert made.drift is not None
    assert made.drift.worst <= NEAR[name]
    assert all(len(part.leak) <= 4 for part in made.parts)
    assert any(": leak" in note and note.endswith("rounded") for note in made.notes)
    for layer in made.drift.layers:
        assert list(layer.causes) == list(CAUSES)
        assert layer.causes["rounding"] == layer.differing


@pytest.mark.parametrize("name", ["snntorch_rleaky", "spyx_recurrent"])
def test_the_c_of_recurrent_networks_is_equal_to_the_model(name: str, tmp_path: Path) -> None:
    path, reference = saved(name, tmp_path)
    made = load(path, reference=reference, bits=8)
    layers = enumerate(made.model.layers)
    assert any(edge.reads_from(i) == i for i, layer in layers for edge in layer.edges)
    assert codegen.check(made.model, made.inputs.given()) is None


def test_the_model_knows_where_it_comes_from_and_how_active_it_is(tmp_path: Path) -> None:
    path, reference = saved("spikingjelly_conv", tmp_path)
    made = load(path, reference=reference, bits=8)
    about = made.model.metadata
    assert about["nir"]["dialect"] == "spikingjelly"
    assert made.model.name == "spikingjelly_conv"
    assert made.drift is not None
    assert about["firing_rates"] == [layer.rate[1] for layer in made.drift.layers]
    assert isinstance(made.model.layers[0].synapse, Conv)
    assert made.model.layers[0].pool is not None


def test_fewer_bits_drift_more_and_the_weights_are_named(tmp_path: Path) -> None:
    path, reference = saved("spikingjelly_half", tmp_path)
    made = load(path, reference=reference, bits=[4, 8])
    assert made.drift is not None
    first = made.drift.layers[0]
    assert (first.bits, made.drift.layers[1].bits) == (4, 8)
    assert first.causes["leak"] == 0 < first.causes["weights"]
    assert first.first is not None
    assert first.first["float"] != first.first["integer"]
    assert first.first["step"] < 16


def test_bits_are_taken_away_as_far_as_the_drift_allows(tmp_path: Path) -> None:
    path, reference = saved("spikingjelly_half", tmp_path)
    x = np.load(reference)["x"]
    allowed = {}
    for drift in (0.0, 0.02, 1.0):
        made = load(path, x=x, drift=drift)
        assert made.drift is not None
        assert made.drift.worst <= drift
        allowed[drift] = [part.bits for part in made.parts]
    assert allowed[0.0][0] == 8
    assert allowed[1.0] == [2, 2]
    assert sum(allowed[0.0]) > sum(allowed[0.02]) > sum(allowed[1.0])


def test_weights_too_fine_for_8_bits_get_16_where_the_drift_asks_for_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weight = rng.integers(-900, 900, (12, 20)) / 1024  # a grid of 11 bits
    nodes = {**ends([20], [12]), "a": affine(weight), "n": fire(12)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "a", "n", "output"))
    x = (rng.random((20, 40, 20)) < 0.3).astype(np.uint8)
    made = load(path, dialect="spikingjelly", x=x, drift=0.0)
    assert made.parts[0].bits == 16
    assert made.drift is not None
    assert made.drift.worst == 0


def network(folder: Path, size: int = 6) -> Path:
    weight = np.random.default_rng(3).integers(-9, 12, (4, size)) / 8
    nodes = {**ends([size], [4]), "a": affine(weight, [0.5, 0, -0.25, 0]), "n": fire(4, 2.0)}
    return write_nir(folder / "net-work.nir", nodes, chain("input", "a", "n", "output"))


def test_without_data_it_needs_steps_and_says_that_nothing_was_measured(tmp_path: Path) -> None:
    path = network(tmp_path)
    with pytest.raises(ValueError, match="--steps: without data"):
        load(path, dialect="spikingjelly")
    made = load(path, dialect="spikingjelly", steps=5)
    assert made.drift is None
    assert made.model.steps == 5
    assert made.model.name == "net_work"
    assert any("nothing was compared" in note for note in made.notes)
    assert any("no data" in note for note in made.notes)


def _held(rng: np.random.Generator) -> np.ndarray:
    return np.broadcast_to(rng.integers(0, 256, (1, 9, 6)) / 255, (7, 9, 6))


INPUTS: dict[str, tuple[Any, type]] = {
    "spikes": (lambda rng: rng.random((7, 9, 6)) < 0.5, Spikes),
    "pixels / 255, held": (_held, Analog),
    "signed values of a unit": (lambda rng: rng.integers(-90, 91, (7, 9, 6)) * 0.03, Frames),
}


@pytest.mark.parametrize("what", INPUTS)
def test_inputs_reach_the_model_as_spikes_or_bytes(what: str, tmp_path: Path) -> None:
    make, kind = INPUTS[what]
    x = make(np.random.default_rng(0))
    made = load(network(tmp_path), dialect="spikingjelly", x=x, bits=8)
    assert isinstance(made.model.input, kind)
    assert made.drift is not None
    assert made.drift.worst < 0.01


def test_inputs_of_no_unit_are_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((7, 9, 6))
    with pytest.raises(ValueError, match="no whole numbers of one unit within a byte"):
        load(network(tmp_path), dialect="spikingjelly", x=x)


def test_several_spikes_a_step_are_kept_up_to_what_a_record_has(tmp_path: Path) -> None:
    nodes = {**ends([6], [2]), "a": affine(np.ones((2, 6))), "n": fire(2, 1.0, r=1.0)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "a", "n", "output"))
    x = np.zeros((4, 3, 6), np.uint8)
    x[..., :5] = 1
    made = load(path, dialect="sinabs", reset="subtract", compare="floor", x=x, bits=8)
    assert made.model.layers[0].neuron.most == 5
    assert made.drift is not None
    assert made.drift.worst == 0
    heavier = {**nodes, "a": affine(2 * np.ones((2, 6)))}
    path = write_nir(tmp_path / "b.nir", heavier, chain("input", "a", "n", "output"))
    with pytest.raises(ValueError, match=r"emits up to 10 spikes in a step .* has 7 at most"):
        load(path, dialect="sinabs", reset="subtract", compare="floor", x=x, bits=8)


@pytest.mark.parametrize("score", ["last", "max", "sum"])
def test_a_last_layer_that_does_not_spike_gives_scores(score: Any, tmp_path: Path) -> None:
    path, reference = saved("sinabs_leak", tmp_path)
    made = load(path, reference=reference, bits=8, score=score)
    readout, unit = made.model.readout, made.parts[-1].unit
    assert isinstance(readout, LI)
    assert made.read.reference is not None
    x = made.read.reference.x
    v = made.read.twin.run(x)["3"]
    real = {"last": v[-1], "max": v.max(axis=0), "sum": v.sum(axis=0)}[score]
    scores = made.model.run(np.moveaxis(x, 0, 1).astype(bool)).scores * unit
    assert np.abs(scores - real).max() < 0.01 * np.abs(real).max()
    assert made.drift is not None
    assert made.drift.agreeing == 1


def test_membranes_that_do_not_leak_are_accumulated(tmp_path: Path) -> None:
    integrator = {"type": "I", "r": 1.0}
    nodes = {**ends([6], [2]), "a": affine(np.ones((3, 6))), "n": fire(3, 2.0, r=1.0),
             "b": affine([[1, -2, 3], [2, 1, -1]], [0.5, -0.5]), "i": integrator}  # fmt: skip
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", *"anbi", "output"))
    x = (np.random.default_rng(0).random((7, 9, 6)) < 0.5).astype(np.uint8)
    made = load(path, dialect="norse", reset="value", x=x, bits=8)
    assert isinstance(made.model.readout, Accumulate)
    wanted = made.read.twin.run(x)["i"][-1]
    scores = made.model.run(np.moveaxis(x, 0, 1).astype(bool)).scores * made.parts[-1].unit
    assert np.abs(scores - wanted).max() < 1e-9


def test_labels_give_the_accuracy_of_both(tmp_path: Path) -> None:
    x = (np.random.default_rng(0).random((7, 9, 6)) < 0.5).astype(np.uint8)
    made = load(network(tmp_path), dialect="spikingjelly", x=x, bits=8)
    labels = made.model.run(np.moveaxis(x, 0, 1).astype(bool)).predictions
    made = load(network(tmp_path), dialect="spikingjelly", x=x, labels=labels, bits=8)
    assert made.drift is not None
    assert made.drift.accuracy == (1.0, 1.0)
    with pytest.raises(ValueError, match="y: has 3 labels; x has 9 samples"):
        load(network(tmp_path), dialect="spikingjelly", x=x, labels=labels[:3])


def test_thresholds_are_fitted_anew_where_that_leaves_fewer_differences(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    weight = np.float32(rng.standard_normal((16, 30)) / 4 + 0.05)
    nodes = {**ends([30], [16]), "a": affine(weight), "n": leaky(0.9, 16)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "a", "n", "output"))
    x = (rng.random((20, 30, 30)) < 0.3).astype(np.uint8)
    made = load(path, reset="subtract", x=x, bits=4)
    assert made.drift is not None
    causes = made.drift.layers[0].causes
    assert causes["threshold"] < causes["bias"]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"v_threshold": 1e12 * np.ones(3)}, "threshold"),
        ({"v_threshold": 1e30 * np.ones(3)}, "threshold"),
        ({"v_reset": -1e30 * np.ones(3)}, "reset"),
    ],
)
def test_constants_beyond_int32_are_refused(
    fields: dict[str, Any], what: str, tmp_path: Path
) -> None:
    """A cast of 1e30 to whole numbers is the least of them, and would pass for small."""
    nodes = {**ends([5], [3]), "a": affine(np.ones((3, 5))), "n": {**fire(3), **fields}}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", *"an", "output"))
    x = np.ones((4, 2, 5), np.float32)
    with pytest.raises(ValueError, match=f"layer 'n': its {what} is beyond int32"):
        load(path, dialect="plain", dt=1e-4, reset="value", compare=">=", x=x, bits=8)


def test_more_spikes_in_a_step_than_a_count_holds_are_refused(tmp_path: Path) -> None:
    one = np.ones(3)
    node = {"type": "IF", "r": one, "v_threshold": 1e-5 * one, "v_reset": 0 * one}
    nodes = {**ends([5], [3]), "a": affine(np.ones((3, 5))), "n": node}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", *"an", "output"))
    x = np.ones((4, 2, 5), np.float32)
    with pytest.raises(ValueError, match="'n': emits up to 500000 spikes in a step on these data"):
        load(path, dialect="sinabs", compare="floor", reset="subtract", x=x, bits=8)
