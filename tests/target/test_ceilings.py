"""Instruction counts that must not grow.

spikemcu bench --layer 784x128 --density 0.1 --board all shows them for the width of trained layers.
"""

from __future__ import annotations

import pytest
from support.compiler import allowed
from support.crossed import some

from codegen.checks.comparison import compare
from codegen.checks.equivalence import made_inputs
from codegen.checks.host import HostModel
from codegen.measure.benchmark import measure_layer
from codegen.measure.shapes import random_layer

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("recorded_builds")]

WIDTH = 16
"""Bits of the membrane."""

CEILINGS = {
    "qemu-m0": 8_300,
    "qemu-m3": 5_900,
    "qemu-m4": 5_700,
    "qemu-m7": 5_700,
    "qemu-m33": 5_700,
    "qemu-m55": 2_500,
}
"""A whole time step of 784 -> 128, 10 % of the inputs active, 16-bit membranes, one threshold."""

PORTABLE_FLAGS = ("-DMODEL_PORTABLE=1",)
PORTABLE = {
    "qemu-m0": 11_000,
    "qemu-m3": 7_000,
    "qemu-m4": 7_000,
    "qemu-m7": 7_000,
    "qemu-m33": 7_000,
    "qemu-m55": 7_500,
}
"""The same in portable C99 alone."""


def test_the_measured_layer_is_what_it_says() -> None:
    model = random_layer(784, 128, WIDTH)
    bounds = model.bounds().layers[0]
    assert bounds.u_raw.width == 16
    x = made_inputs(model, 40)
    assert compare(model.run(x, trace=True), HostModel(model).run(x, trace=True)).differing == 0


@pytest.mark.parametrize("board", CEILINGS)
def test_a_step_stays_below_its_ceiling(board: str) -> None:
    (measured,) = measure_layer(784, 128, [0.1], board, width=WIDTH)
    assert measured.instructions <= allowed(CEILINGS[board])


SAME_SET = ("qemu-m7", "qemu-m33")
"""Boards that compile the portable C for much the same instructions as qemu-m4: in the proof."""


@pytest.mark.parametrize("board", some(PORTABLE, [b for b in PORTABLE if b not in SAME_SET]))
def test_a_step_in_portable_c_stays_below_its_ceiling(board: str) -> None:
    (measured,) = measure_layer(784, 128, [0.1], board, width=WIDTH, flags=PORTABLE_FLAGS)
    assert measured.instructions <= allowed(PORTABLE[board])


def test_work_is_proportional_to_spikes() -> None:
    few, some, many = measure_layer(784, 128, [0.0, 0.1, 0.2], "qemu-m4")
    first, second = some.instructions - few.instructions, many.instructions - some.instructions
    assert 0.85 < second / first < 1.1
