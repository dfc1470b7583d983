"""The files that frameworks wrote (files.zip, made by frameworks.py), laid out for a test."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

ARCHIVE = Path(__file__).with_name("files.zip")


@cache
def names() -> tuple[str, ...]:
    """Return the names of the networks."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        return tuple(sorted(n[:-4] for n in archive.namelist() if n.endswith(".nir")))


def saved(name: str, folder: Path) -> tuple[Path, Path]:
    """Return the paths of a network's file and of what its framework computed."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        for ending in ("nir", "npz"):
            archive.extract(f"{name}.{ending}", folder)
    return folder / f"{name}.nir", folder / f"{name}.npz"
