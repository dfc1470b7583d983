"""What the tests of NIR share."""

from __future__ import annotations

from pathlib import Path

import pytest

from qat.nir import child, hdf5


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read HDF5 in this process: files of our own need no other, and are many."""

    def read(path: Path, target: Path) -> None:
        child.read(str(path), str(target))

    monkeypatch.setattr(hdf5, "_read_apart", read)
