"""Models as NIR files: read again, their spikes are the model's but for what floors change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.nir.saved import saved

from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Burst,
    Conv,
    Count,
    CuBa,
    Dense,
    Layer,
    Model,
    Pool,
    Shape,
    Spikes,
)
from qat.model.edges import Edge
from qat.nir import Options, export, load, read, round_trip

pytestmark = pytest.mark.usefixtures("inside")


def codes(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-40, 60, shape)


def fired(neurons: int = 6, **more: Any) -> LIF:
    return LIF(np.arange(90, 90 + neurons), **{"reset": "zero", **more})


def dense(neuron: LIF | Burst, out: int = 6, size: int = 8, **more: Any) -> Layer:
    return Layer(Dense(codes(out, size), 8, bias=np.arange(out)), neuron, **more)


def spiking(*layers: Layer, size: int = 8, readout: Any = None) -> Model:
    return Model(Spikes(size), layers, readout or Count(), 7, "net")


def inputs(model: Model) -> np.ndarray:
    return np.random.default_rng(1).random((12, model.steps or 1, model.input.size)) < 0.4


EXACT = ("spikingjelly", "norse", "snntorch", "plain")


@pytest.mark.parametrize("dialect", EXACT)
def test_neurons_without_a_leak_are_written_exactly(dialect: str, tmp_path: Path) -> None:
    second = Layer(Dense(codes(5, 6, seed=2), 8), LIF(70, reset="zero"))
    model = spiking(dense(fired()), second)
    export(model, tmp_path / "a.nir", dialect)
    assert round_trip(model, tmp_path / "a.nir", inputs(model)) == {"0": 0.0, "1": 0.0}


@pytest.mark.parametrize("dialect", EXACT)
def test_maps_pools_and_what_flattens_them_are_written_exactly(
    dialect: str, tmp_path: Path
) -> None:
    grid = Shape(8, 6, 2)
    conv = Conv(codes(3, 3, 3, 2), grid, 8, bias=[1, 2, 3])
    each = Conv(codes(3, 3, 3, 1, seed=3), Shape(4, 3, 3), 8, groups=3, padding="same")
    model = Model(
        Spikes(96, grid=grid),
        (
            Layer(conv, LIF([60, 70, 80], reset="zero"), pool=Pool("sum", (2, 2))),
            Layer(each, LIF(90, reset="zero")),
            dense(fired(), size=36),
        ),
        Count(),
        7,
    )
    export(model, tmp_path / "a.nir", dialect)
    assert set(round_trip(model, tmp_path / "a.nir", inputs(model)).values()) == {0.0}


def test_subtraction_is_exact_without_a_leak_for_the_frameworks_that_have_it(
    tmp_path: Path,
) -> None:
    model = spiking(dense(LIF(90)), Layer(Dense(codes(5, 6, seed=2), 8), LIF(61, reset_by=60)))
    for dialect in ("snntorch", "plain"):
        export(model, tmp_path / "a.nir", dialect)
        assert set(round_trip(model, tmp_path / "a.nir", inputs(model)).values()) == {0.0}
    with pytest.raises(ValueError, match="reset 'subtract'; this framework loads zero"):
        export(model, tmp_path / "b.nir", "norse")


def test_a_late_reset_is_written_where_snntorch_clears_what_flows_in(tmp_path: Path) -> None:
    late = CuBa(np.arange(400, 406), (), reset="late", leak_c=())
    echo = Edge(Dense(codes(5, 5, seed=3), 8), "self", 1)
    again = Layer(Dense(codes(5, 6, seed=2), 8), LIF(90, reset="late"), more=(echo,))
    model = spiking(Layer(Dense(codes(6, 8), 8), late), again)
    export(model, tmp_path / "a.nir", "snntorch")
    assert set(round_trip(model, tmp_path / "a.nir", inputs(model)).values()) == {0.0}
    with pytest.raises(ValueError, match="snnTorch has it of current-based or recurrent neurons"):
        export(spiking(dense(LIF(90, reset="late"))), tmp_path / "b.nir", "snntorch")
    with pytest.raises(ValueError, match="reset 'late'; this framework loads zero: use another"):
        export(model, tmp_path / "b.nir", "norse")


def test_a_leak_is_written_and_what_its_floors_change_is_counted(tmp_path: Path) -> None:
    few = Layer(Dense(codes(6, 8) // 9, 8), LIF(11, (2, -4), reset="zero"))
    model = spiking(few)
    export(model, tmp_path / "a.nir", "spikingjelly")
    assert 0 < round_trip(model, tmp_path / "a.nir", inputs(model))["0"] < 0.1


@pytest.mark.parametrize("dialect", EXACT)
def test_current_based_neurons_are_written(dialect: str, tmp_path: Path) -> None:
    neuron = CuBa(np.arange(400, 406), (1,), reset="zero", leak_c=(1,))
    model = spiking(Layer(Dense(16 * codes(6, 8), 16), neuron))
    export(model, tmp_path / "a.nir", dialect)
    assert round_trip(model, tmp_path / "a.nir", inputs(model))["0"] < 0.02


def test_recurrent_edges_and_delays_are_written(tmp_path: Path) -> None:
    echo = Edge(Dense(codes(6, 6, seed=5), 8), "self", 1)
    model = spiking(dense(fired(), more=(echo,)))
    for dialect in ("snntorch", "plain"):
        export(model, tmp_path / "a.nir", dialect)
        assert round_trip(model, tmp_path / "a.nir", inputs(model)) == {"0.lif": 0.0}
    with pytest.raises(ValueError, match="recurrent edges are written for snntorch and plain"):
        export(model, tmp_path / "a.nir", "norse")
    late = spiking(dense(fired(), delay=[0, 1, 2, 3] * 2))
    export(late, tmp_path / "a.nir", "plain")
    assert round_trip(late, tmp_path / "a.nir", inputs(late)) == {"0": 0.0}


def test_the_metadata_say_what_a_loader_must_be_told(tmp_path: Path) -> None:
    model = spiking(dense(LIF(90)), Layer(Dense(codes(5, 6), 8), LIF(61, reset="zero")))
    written = export(model, tmp_path / "a.nir", "snntorch")
    with h5py.File(tmp_path / "a.nir") as file:
        about = {key: value[()] for key, value in file["node/metadata"].items()}
    assert about["spikemcu"].decode() == model.digest()
    assert json.loads(about["reset"]) == written.resets == {"0": "subtract", "1": "zero-now"}
    assert about["dt"] == 1e-4
    assert about["compare"] == b">"
    assert about["steps"] == 7
    found = read(tmp_path / "a.nir")
    assert found.sign is not None
    assert "spikemcu wrote it" in found.sign
    assert dict(found.twin.reading.reset) == written.resets


def test_metadata_of_anyone_are_a_guess_that_options_overrule(tmp_path: Path) -> None:
    model = spiking(dense(fired()))
    export(model, tmp_path / "a.nir", "snntorch")
    with h5py.File(tmp_path / "a.nir", "a") as file:
        del file["node/metadata/reset"]
        file["node/metadata/reset"] = '{"0": "explode"}'
    with pytest.raises(ValueError, match="leaves open --reset subtract"):
        read(tmp_path / "a.nir")
    assert read(tmp_path / "a.nir", Options(reset="zero")).twin.reading.reset == {"0": "zero"}


def test_an_exported_model_comes_back_with_the_same_spikes(tmp_path: Path) -> None:
    path, reference = saved("spikingjelly_conv", tmp_path)
    model = load(path, reference=reference, bits=8).model
    export(model, tmp_path / "out.nir", "spikingjelly")
    back = load(tmp_path / "out.nir", steps=model.steps, bits=8).model
    x = inputs(model)
    one, other = (m.run(x, trace=True).spikes for m in (model, back))
    assert one is not None
    assert other is not None
    assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_readouts_and_encoders_are_told(tmp_path: Path) -> None:
    readout = Accumulate(Dense(codes(4, 6, seed=4), 8, bias=[1, 2, 3, 4]))
    model = Model(Analog(8, 0, 15), (dense(fired()),), readout, 5)
    written = export(model, tmp_path / "a.nir", "spikingjelly")
    assert written.notes == ("the scores are the sums of the last node over the steps",)
    x = np.random.default_rng(0).integers(0, 16, (9, 8))
    assert round_trip(model, tmp_path / "a.nir", x) == {"0": 0.0}
    sent = read(tmp_path / "a.nir").twin.run(np.repeat(x[None], 5, axis=0))["scores"]
    assert (np.rint(sent.sum(axis=0)) == model.run(x).scores).all()


REFUSED: dict[str, tuple[Model, str]] = {
    "counts": (spiking(dense(Burst([5, 9]))), "layer 0: Burst has no node in NIR"),
    "several": (spiking(dense(LIF(90, most=3))), "several spikes a step cannot be written"),
    "limits": (spiking(dense(LIF(90, floor=-9))), "a limit of the membrane cannot be written"),
    "amount": (spiking(dense(LIF(90, reset_by=50))), "subtracts 50, and not the threshold of 90"),
    "maximum": (
        Model(Spikes(16, grid=Shape(4, 4, 1)),
              (Layer(Conv(codes(2, 3, 3, 1), Shape(4, 4, 1), 8), LIF(90, reset="zero"),
                     pool=Pool()),), Count(), 3),
        "NIR has no pool that takes the maximum",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_written_is_refused_in_one_line(what: str, tmp_path: Path) -> None:
    model, text = REFUSED[what]
    with pytest.raises(ValueError, match=text) as error:
        export(model, tmp_path / "a.nir", "plain")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "a.nir").exists()
