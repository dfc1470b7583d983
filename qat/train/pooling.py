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
        library = native.library() if values.dtype == np.float32 and values.size else None
        out = np.empty((len(parts), *self.left.sides), values.dtype)
        chosen = np.empty(out.shape, np.int32)
        if library is not None:
            settings = library.map_settings(**self._settings(len(parts)))
            library.largest(settings, np.ascontiguousarray(values), out, chosen)
        else:
            sides = (*parts.shape[:2], parts.shape[3], parts.shape[5], -1)
            kernels = parts.transpose(0, 1, 3, 5, 2, 4).reshape(sides)
            chosen[...] = kernels.argmax(axis=-1)
            out[...] = kernels.max(axis=-1)
        return out.reshape(*lead, -1), chosen

    def backward(self, d: Float, chosen: Chosen | None) -> Float:
        """Return dL/d values before the pool from that behind it, (..., values)."""
        (height, width), left, given = self.record.kernel, self.left, self.given
        lead = d.shape[:-1]
        maps = np.ascontiguousarray(d).reshape(-1, *left.sides)
        if chosen is None:
            spread = maps.repeat(height, axis=1).repeat(width, axis=2)
            return spread.reshape(*lead, given.size)
        out = np.zeros((len(maps), *given.sides), d.dtype)
        library = native.library() if d.dtype == np.float32 and d.size else None
        if library is not None:
            library.to_largest(library.map_settings(**self._settings(len(maps))), maps, chosen, out)
        else:
            parts = self._parts(out.reshape(len(maps), -1))
            for k in range(height * width):
                at = parts[:, :, k // width, :, k % width]
                at[...] = np.where(chosen == k, maps, 0)
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


def pool_twin(note: PoolNote | None, given: Shape) -> PoolTwin | None:
    """Return the twin of a pool of the notation, on the map of the neurons before it."""
    return None if note is None else PoolTwin(Pool(note.mode, note.kernel(given)), given)
