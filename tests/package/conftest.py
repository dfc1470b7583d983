"""Fixtures of the package tests: the wheel, built once for all workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.building import Built, built_twice

from codegen.base.paths import locked


@pytest.fixture(scope="session")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Built:
    """Build wheel and source archive of the checkout, and both again elsewhere."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "built"
    with locked(folder.with_suffix(".lock")):
        return built_twice(root, folder)


@pytest.fixture(scope="session")
def wheel(built: Built) -> Path:
    """Return the wheel of the checkout."""
    return built.wheel


@pytest.fixture(scope="session")
def readme(root: Path) -> str:
    """Return the text of the README."""
    return (root / "README.md").read_text()
