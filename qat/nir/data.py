"""Data on which a network of others is quantized and judged: x, (time, batch, ...), and labels."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine.bounded import open_regular
from qat.model.archive import Archive
from qat.nir import spyx
from qat.nir.nodes import Extent

MOST_BYTES = 2**30


@dataclass(frozen=True, eq=False)
class Recording:
    """x, (time, batch, *shape of the Input), float64; labels, (batch,), or None.

    note: how the axes of the file were understood, where they had to be turned
    """

    x: NDArray[np.float64]
    labels: NDArray[np.int64] | None = None
    note: str = ""


def read_recording(
    path: str | PathLike[str], extent: Extent, dialect: str, steps: int | None
) -> Recording:
    """Return the arrays x and, if it is there, y of an .npz.

    x is (time, batch, ...) as the framework takes it, or (batch, ...) of inputs that are held for
    `steps` steps. Where y has as many labels as the first axis, and not as the second, x is
    (batch, time, ...).

    Raises OSError, and ValueError in words that follow the name of the file.
    """
    with open_regular(path) as file:
        archive = Archive(file, "an .npz of arrays", MOST_BYTES)
        if "x" not in archive.arrays:
            raise ValueError("has no array 'x'; needs x (time, batch, ...), and y for accuracy")
        x = archive.array("x")
        labels = archive.array("y") if "y" in archive.arrays else None
    return recording(x, labels, extent, dialect, steps)


def recording(
    x: NDArray[Any], labels: NDArray[Any] | None, extent: Extent, dialect: str, steps: int | None
) -> Recording:
    """Return arrays as a recording; ValueError for others than `read_recording` allows."""
    if x.dtype.kind not in "fiub" or (x.dtype.kind == "f" and not np.isfinite(x).all()):
        raise ValueError("x: must hold finite numbers")
    size, note = prod(extent), ""
    if x.ndim >= 2 and 0 not in x.shape and prod(x.shape[1:]) == size and x.ndim <= len(extent) + 1:
        if steps is None:
            raise ValueError(
                f"x: has shape {x.shape}, inputs that are held for all steps; give --steps"
            )
        x = np.broadcast_to(x[None], (steps, *x.shape))
    if x.ndim < 3 or 0 in x.shape or prod(x.shape[2:]) != size:
        sides = ", ".join(map(str, extent))
        raise ValueError(f"x: has shape {x.shape}; needs (time, batch, {sides})")
    y = None if labels is None else _labels(labels)
    if y is not None and len(y) == x.shape[0] != x.shape[1]:
        x, note = np.moveaxis(x, 0, 1), "x is (batch, time, ...): its first axis has the labels"
    if y is not None and len(y) != x.shape[1]:
        raise ValueError(f"y: has {len(y)} labels; x has {x.shape[1]} samples")
    if dialect == "spyx":
        x = spyx.signal(x, extent)
    return Recording(x.reshape(*x.shape[:2], *extent).astype(np.float64), y, note)


def _labels(labels: NDArray[Any]) -> NDArray[np.int64]:
    if labels.ndim != 1 or labels.dtype.kind not in "iuf" or (labels != np.rint(labels)).any():
        raise ValueError(f"y: has shape {labels.shape}, dtype {labels.dtype}; needs whole numbers")
    return labels.astype(np.int64)
