"""Networks of snnTorch, norse and SpikingJelly become integer models where they were trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.nir.environment import run

from qat.model import Model


@pytest.mark.proof
@pytest.mark.parametrize("framework", ["snntorch", "norse", "spikingjelly"])
def test_a_network_of_a_framework_becomes_a_model(framework: str, tmp_path: Path) -> None:
    done = run("converted.py", framework, tmp_path)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {"differing": 0, "drift": 0.0, "training": True, "layers": 2}
    model = Model.load(tmp_path / "model.npz")
    assert model.name == framework
    assert model.metadata["nir"]["dialect"] == framework
