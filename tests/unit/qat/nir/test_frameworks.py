"""With the frameworks themselves: the saved files are what they write and compute, and they load
what this project writes. An environment of their own is made once, with pip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.nir.environment import run
from support.nir.saved import names, saved

from qat.nir.exported import as_input, export, extent_of, round_trip
from qat.nir.hdf5 import read_tree
from qat.nir.imported import load
from qat.nir.layout import model_order

pytestmark = pytest.mark.proof

LOADED = (
    ("spikingjelly_conv", "spikingjelly"),
    ("spikingjelly_conv", "norse"),
    ("spikingjelly_conv", "snntorch"),
    ("spikingjelly_if", "spikingjelly"),
    ("spikingjelly_if", "norse"),
    ("spikingjelly_if", "snntorch"),
    ("norse_conv", "norse"),
    ("norse_conv", "spikingjelly"),
    ("snntorch_conv", "snntorch"),
)
"""Networks, each with a framework that loads the file of its integer model."""


def equal(a: object, b: object) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, list) and isinstance(b, list):
        return sorted(a) == sorted(b)  # edges: a set in some exporters
    return a == b


def test_the_saved_files_are_what_the_frameworks_write_and_compute(tmp_path: Path) -> None:
    run("frameworks.py", tmp_path / "new")
    for name in names():
        path, reference = saved(name, tmp_path / "old")
        made = tmp_path / "new" / path.name
        assert equal(read_tree(path)["node"], read_tree(made)["node"]), name
        old, new = np.load(reference), np.load(made.with_suffix(".npz"))
        assert equal(dict(old), dict(new)), name


@pytest.mark.parametrize(("name", "dialect"), LOADED)
def test_frameworks_load_what_is_written_and_spike_alike(
    name: str, dialect: str, tmp_path: Path
) -> None:
    path, reference = saved(name, tmp_path)
    model = load(path, reference=reference, bits=8).model
    steps = model.steps
    assert steps is not None
    x = np.random.default_rng(0).random((20, steps, model.input.size)) < 0.3
    export(model, tmp_path / "out.nir", dialect)
    np.savez(tmp_path / "x.npz", x=as_input(model, x))
    run("loaders.py", dialect, tmp_path / "out.nir", tmp_path / "x.npz", tmp_path / "y.npz")
    spikes = model.run(x, trace=True).spikes
    assert spikes is not None
    extent = extent_of(model.layers[-1].shape)
    found = np.load(tmp_path / "y.npz")["output"].reshape(steps, len(x), -1)
    found = found[..., model_order(extent)]
    differing = float((found != np.moveaxis(spikes[-1], 1, 0)).mean())
    told = list(round_trip(model, tmp_path / "out.nir", x).values())[-1]
    assert differing == told  # what is reported is what the framework shows
    assert differing <= (0.05 if name.startswith("snntorch") else 0.0)
