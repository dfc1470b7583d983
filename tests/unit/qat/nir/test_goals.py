"""How near to the framework the integer models are: of every dialect, dense, on maps, recurrent.

Weights are on a grid of 8 bits, thresholds were fitted to 8 samples, and judged on 64 others. What
the resolution of a membrane is was chosen with other networks (grid.py, seed 100).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.nir.grid import FORMS, KINDS, drift, imported
from support.nir.saved import names, saved

from qat.nir import load

pytestmark = pytest.mark.usefixtures("inside")

EVERY = [(dialect, kind) for dialect in FORMS for kind in KINDS]

COUNTED = ("sinabs", "rockpool")
"""Dialects that compare with >= and subtract: a membrane that meets its threshold is a spike, and
one a little below may be lifted there by the floor of its leak, a few times in 100,000."""


@pytest.mark.parametrize(("dialect", "kind"), EVERY)
def test_without_a_leak_no_spike_differs(dialect: str, kind: str, tmp_path: Path) -> None:
    made = imported(dialect, kind, 1.0, tmp_path / "a.nir")
    assert drift(made) == [0.0, 0.0]


@pytest.mark.parametrize(("dialect", "kind"), EVERY)
def test_with_a_leak_of_a_half_none_does_or_few(dialect: str, kind: str, tmp_path: Path) -> None:
    made = imported(dialect, kind, 0.5, tmp_path / "a.nir")
    assert made.model.layers[0].neuron.leak == (1,)
    assert made.parts[0].fraction_bits[0] >= 4
    if dialect in COUNTED:
        assert max(drift(made)) <= 0.0003
    else:
        assert drift(made) == [0.0, 0.0]


@pytest.mark.parametrize(("dialect", "kind"), EVERY)
def test_other_leaks_are_four_terms_and_drift_little(
    dialect: str, kind: str, tmp_path: Path
) -> None:
    made = imported(dialect, kind, 0.8, tmp_path / "a.nir")
    assert len(made.model.layers[0].neuron.leak) <= 4
    assert 0 <= drift(made)[0] <= 0.003


def test_the_late_reset_of_snntorch_is_exact(tmp_path: Path) -> None:
    path, reference = saved("snntorch_rsynaptic", tmp_path)
    made = load(path, reference=reference, bits=8)
    assert made.model.layers[0].neuron.reset == "late"
    assert made.drift is not None
    assert [layer.differing for layer in made.drift.layers] == [0, 0]
    assert len(names()) >= 19
