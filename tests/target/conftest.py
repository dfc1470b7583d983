"""Fixtures of the target tests: a cache of their own, a small model, its firmware."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.models import small_model

from codegen.boards import find_board
from codegen.project import build
from codegen.qemu import Qemu
from codegen.render import render
from qat.model import Model

BOARD = "qemu-m4"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Path]:
    """Give the suite a cache, one for all workers, and leave the user's alone."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPIKEMCU_CACHE", str(folder))
        yield folder


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
