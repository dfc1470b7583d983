"""Fixtures of the target tests: the suite's cache, a small model, its firmware."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from calibration.counting import Counting
from support.zoo.small import small_model

from codegen.render import render
from codegen.target.boards import find_board
from codegen.target.build import build
from codegen.target.qemu import Qemu
from qat.model import Model

BOARD = "qemu-m4"


@pytest.fixture(scope="session", autouse=True)
def own_cache(cache: Path) -> Path:
    """Have every test here use the suite's cache."""
    return cache


@pytest.fixture(scope="session")
def counting() -> Iterator[Callable[[str], Counting]]:
    """Give what counts models on a core: made once for each."""
    with ExitStack() as stack:
        yield cache(lambda core: stack.enter_context(Counting(core)))


@pytest.fixture(scope="session")
def model() -> Model:
    """Return a model of two layers, an analog input and a readout."""
    return small_model()


@pytest.fixture(scope="session")
def elf(model: Model) -> Path:
    """Return the firmware of the model for the M4."""
    return build(render(model), BOARD)[BOARD]


@pytest.fixture
def qemu(elf: Path) -> Iterator[Qemu]:
    """Run the firmware of the model."""
    with Qemu(find_board(BOARD), elf) as running:
        yield running
