"""Instruction counts are exact, on every core; a timer that counts none is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.crossed import some
from support.recorded import build

from codegen.base.errors import InconsistentError
from codegen.render import render
from codegen.target.boards import find_board, further_boards, load_boards
from codegen.target.counting import What, check_count
from codegen.target.device import Device
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu
from qat.model import Model

pytestmark = pytest.mark.target

ORDINARY = ("qemu-m0", "qemu-m4", "qemu-m55", "qemu-rv32imc")
"""Of each instruction set one; the others have the timers of these."""
LOOPS = (1, 2, 3, 7, 10, 99, 1000, 12345, 100_000, 1_000_003, 10_000_019)


@pytest.mark.parametrize("name", some(load_boards() | further_boards(), ORDINARY))
def test_loops_of_known_length(name: str, model: Model) -> None:
    board = find_board(name)
    with Qemu(board, build(render(model), name)[name], counting=True) as qemu:
        device = Device(Client(qemu, 60.0))
        for _ in range(2):
            for n in LOOPS:
                count = device.benchmark(What.LOOP, n)
                assert check_count(count, board) == 2 * n + 1
    outlasted = board.architecture.wrapping == 0 or count.span.wraps > 0
    assert outlasted, "the longest loop must outlast a timer of 24 bits"


def test_without_counting_the_calibration_is_refused(elf: Path) -> None:
    board = find_board("qemu-m4")
    with Qemu(board, elf) as qemu:
        count = Device(Client(qemu, 60.0)).benchmark(What.LOOP, 1000)
        with pytest.raises(InconsistentError, match="does not count instructions"):
            check_count(count, board)
