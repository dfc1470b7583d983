"""Membranes of further kinds beside those of LIF; tests/bench/neurons.py has the whole table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from calibration.counting import Counting
from neurons import CASES, Case, a_step

pytestmark = pytest.mark.target

MOST = 1.9
"""Times the instructions of a LIF membrane."""

SAMPLE = [
    *((CASES[1], core) for core in ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m55")),
    *((case, "qemu-m55") for case in CASES[:3:2]),
    (CASES[3], "qemu-rv32imc"),
    *((case, "qemu-m4") for case in CASES if case is not CASES[1]),
]
"""The case in which bits are fewest, which is the dearest beside LIF; the others on one core."""


@pytest.mark.parametrize(("case", "core"), SAMPLE, ids=lambda one: getattr(one, "title", one))
def test_a_membrane_takes_at_most_1_9_times_that_of_lif(
    case: Case, core: str, counting: Callable[[str], Counting]
) -> None:
    leaky, current, adaptive = (a_step(counting(core), case, one) for one in case.neurons)
    assert leaky > 200
    assert 1.1 * leaky < current <= MOST * leaky
    assert 1.1 * leaky < adaptive <= MOST * leaky
