"""Changed copies of training images, so that a network sees each one differently every epoch."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from math import isqrt, radians
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine import native

Pixels = NDArray[Any]
Real = NDArray[np.float32]


@dataclass(frozen=True)
class Affine:
    """Random affine maps of square images about their centre, each image its own.

    shift:    pixels, in both directions
    rotation: degrees
    scale:    relative change of height and of width
    shear:    columns per row

    Every value is the largest one, drawn evenly from -value to +value. Call it with images of
    (batch, side * side), uint8, and a random generator; it returns the same shape and dtype,
    bilinear between pixels, 0 beyond the edges. Raises ValueError for images that are not square.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0

    def times(self, factor: float) -> Affine:
        """Return changes that are so many times as large."""
        return Affine(*(factor * value for value in astuple(self)))

    def __call__(self, x: Pixels, rng: np.random.Generator) -> Pixels:
        """Return changed images."""
        side = isqrt(x.shape[-1])
        if x.ndim != 2 or side * side != x.shape[1] or x.dtype != np.uint8:
            raise ValueError(
                f"augment: found {x.dtype} of shape {x.shape}; an affine map needs square uint8 "
                "images, (batch, side * side)"
            )
        rows, columns = self._sources(len(x), side, rng)
        images, library = np.ascontiguousarray(x).reshape(-1, side, side), native.library()
        if library is not None:
            return library.bilinear(images, rows, columns)
        return _bilinear(images, rows, columns)

    def _sources(self, batch: int, side: int, rng: np.random.Generator) -> tuple[Real, Real]:
        """Return where every pixel comes from: rows and columns, (batch, side * side)."""

        def draw(size: float) -> Real:
            return rng.uniform(-size, size, (batch, 1)).astype(np.float32)

        angle, shear = draw(radians(self.rotation)), draw(self.shear)
        height, width = 1 + draw(self.scale), 1 + draw(self.scale)
        middle = np.float32((side - 1) / 2)
        row, column = (g.ravel() - middle for g in np.indices((side, side), np.float32))
        cosine, sine = np.cos(angle), np.sin(angle)
        rows = cosine / height * row
        rows += (sine / height + shear) * column
        rows += middle + draw(self.shift)
        columns = -sine / width * row
        columns += cosine / width * column
        columns += middle + draw(self.shift)
        return rows, columns


def _bilinear(images: Pixels, rows: Real, columns: Real) -> Pixels:
    """Return pixels of (batch, side, side) images at fractional places, (batch, places).

    qat/machine/bilinear.c does the same where there is a compiler, to the bit.
    """
    batch, side = images.shape[:2]
    wide = side + 3  # zeros around: one before, two behind
    padded = np.zeros((batch, wide, wide), np.float32)
    padded[:, 1:-2, 1:-2] = images
    rows, columns = (np.clip(p + 1, 0, side + 1, out=p) for p in (rows, columns))
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    rows -= top
    columns -= left
    corner = (np.arange(batch, dtype=np.int32) * wide**2)[:, None] + top * np.int32(wide) + left
    flat = padded.ravel()

    def between(at: NDArray[np.int32]) -> Real:
        near, far = np.take(flat, at), np.take(flat, at + 1)
        far -= near
        far *= columns
        far += near
        return far

    upper, lower = between(corner), between(corner + wide)
    lower -= upper
    lower *= rows
    lower += upper
    lower += np.float32(0.5)
    return lower.astype(images.dtype)
