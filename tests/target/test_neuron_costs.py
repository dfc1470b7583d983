"""Membranes of further kinds beside those of LIF; tests/bench/neurons.py has the whole table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from calibration.counting import Counting
from neurons import BOARDS, CASES, Case, a_step

pytestmark = pytest.mark.target

MOST = 1.9
"""Times the instructions of a LIF membrane."""

ORDINARY = {
    *((CASES[1], core) for core in ("qemu-m0", "qemu-m4", "qemu-m55")),
    (CASES[3], "qemu-rv32imc"),
    *((case, "qemu-m4") for case in CASES[4:]),
}
"""The dearest case beside LIF, in which bits are fewest; other kernels on a core each."""

CELLS = [
    pytest.param(
        case, core, id=f"{case.title}-{core}",
        marks=() if (case, core) in ORDINARY else pytest.mark.proof,
    )
    for case in CASES
    for core in BOARDS
]  # fmt: skip


@pytest.mark.parametrize(("case", "core"), CELLS)
def test_a_membrane_takes_at_most_1_9_times_that_of_lif(
    case: Case, core: str, counting: Callable[[str], Counting]
) -> None:
    leaky, current, adaptive = (a_step(counting(core), case, one) for one in case.neurons)
    assert leaky > 200
    assert 1.1 * leaky < current <= MOST * leaky
    assert 1.1 * leaky < adaptive <= MOST * leaky
