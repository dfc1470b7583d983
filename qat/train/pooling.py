"""Pools of signals on maps, forward and backward; qat/machine/conv.c has the maximum as a loop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine import native
from qat.model import Pool
from qat.model.notation import PoolNote
from qat.model.shape import Shape
from qat.train.arrays import contiguous, is_numpy, namespace, repeated, zeros

Float = NDArray[np.floating[Any]]
Chosen = NDArray[np.int32]


@dataclass(frozen=True)
class PoolTwin:
    """Twin of `Pool`, on the map `given`; it has nothing to learn."""

    record: Pool
    given: Shape

    @property
    def largest(self) -> bool:
        """True where the largest value is kept, False where all are added."""
        return self.record.mode == "max"

    @property
    def gain(self) -> int:
        """How many times the largest value before it the largest one behind it can be."""
        return self.record.gain

    @cached_property
    def left(self) -> Shape:
        """The map behind it."""
        return self.record.output_shape(self.given)

    def forward(self, values: Float) -> tuple[Float, Chosen | None]:
        """Return (what is left of (..., values), which position of each kernel was chosen)."""
        lead, parts = values.shape[:-1], self._parts(values)
        if not self.largest:
            return parts.sum(axis=(2, 4)).reshape(*lead, -1), None
        library = _library(values)
        if library is not None:
            out = np.empty((len(parts), *self.left.sides), values.dtype)
            chosen = np.empty(out.shape, np.int32)
            settings = library.map_settings(**self._settings(len(parts)))
            library.largest(settings, np.ascontiguousarray(values), out, chosen)
            return out.reshape(*lead, -1), chosen
        (height, width), xp = self.record.kernel, namespace(values)
        taps = [parts[:, :, y, :, x] for y in range(height) for x in range(width)]
        kernels = xp.stack(taps, axis=-1)
        chosen = kernels.argmax(axis=-1)
        if is_numpy(chosen):
            chosen = chosen.astype(np.int32)  # as the compiled loop reads it
        return xp.amax(kernels, axis=-1).reshape(*lead, -1), chosen

    def backward(self, d: Float, chosen: Chosen | None) -> Float:
        """Return dL/d values before the pool from that behind it, (..., values)."""
        (height, width), left, given = self.record.kernel, self.left, self.given
        lead = d.shape[:-1]
        maps = contiguous(d).reshape(-1, *left.sides)
        if chosen is None:
            spread = repeated(repeated(maps, height, 1), width, 2)
            return spread.reshape(*lead, given.size)
        out = zeros((len(maps), *given.sides), d)
        library = _library(d)
        if library is not None:
            library.to_largest(library.map_settings(**self._settings(len(maps))), maps, chosen, out)
        else:
            parts = self._parts(out.reshape(len(maps), -1))
            for k in range(height * width):
                at = parts[:, :, k // width, :, k % width]
                at[...] = (chosen == k) * maps
        return out.reshape(*lead, given.size)

    def _parts(self, values: Float) -> Float:
        """Return a view of values, (n, rows, kernel height, columns, kernel width, channels)."""
        (height, width), left = self.record.kernel, self.left
        return values.reshape(-1, left.height, height, left.width, width, left.channels)

    def _settings(self, images: int) -> dict[str, int]:
        """Return the fields of map_settings in qat/machine/conv.c."""
        given, left, (height, width) = self.given, self.left, self.record.kernel
        return {
            "images": images,
            **dict(zip(("height", "width", "channels"), given.sides, strict=True)),
            "rows": left.height,
            "columns": left.width,
            "kernel_height": height,
            "kernel_width": width,
        }


def _library(values: Float) -> native.Library | None:
    """Return the compiled loops if there are any for these values."""
    known = is_numpy(values) and values.dtype == np.float32 and values.size
    return native.library() if known else None


def pool_twin(note: PoolNote | None, given: Shape) -> PoolTwin | None:
    """Return the twin of a pool of the notation, on the map of the neurons before it."""
    return None if note is None else PoolTwin(Pool(note.mode, note.kernel(given)), given)
