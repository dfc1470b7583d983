"""Training samples at other places: pictures moved by pixels, windows by time steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.augment import Affine
from qat.data.dataset import Dataset
from qat.model.checks import integer

Values = NDArray[Any]
Numbers = NDArray[np.int64]

MOST = 2**15
"""The farthest that a sample may be moved."""

MOST_CHANGES = 10
"""The largest changes of images, in those of a recipe."""


@dataclass(frozen=True)
class Shift:
    """Moves every sample by whole places of its own, drawn evenly from -by to by.

    by:    pixels of a picture, up or down and left or right, or time steps of a window
    sides: height, width and channels of a picture, or of each step of one; None for a window,
           which is moved in time
    blank: what comes in at the end of a window is 0, as where events are counted; else its first
           or last step again, as a sensor goes on. What comes in at the edge of a picture is 0

    Call it with samples, (batch, inputs) or (batch, steps, inputs), and a random generator; it
    returns the same shape and dtype. Raises ValueError for samples of another shape.
    """

    by: int
    sides: tuple[int, int, int] | None = None
    blank: bool = False

    def __post_init__(self) -> None:
        integer("Shift.by", self.by, 0, MOST)

    def __call__(self, x: Values, rng: np.random.Generator) -> Values:
        """Return moved samples."""
        wanted = 3 if self.sides is None else x.ndim
        if x.ndim != wanted or (self.sides and x.shape[-1] != np.prod(self.sides)):
            needs = f"pictures of {self.sides}" if self.sides else "windows (batch, steps, inputs)"
            raise ValueError(f"shift: found samples of shape {x.shape}; needs {needs}")
        if self.sides is None:
            return self._in_time(x, self._drawn(len(x), rng))
        return self._in_space(x, self._drawn(len(x), rng), self._drawn(len(x), rng))

    def _drawn(self, samples: int, rng: np.random.Generator) -> Numbers:
        return rng.integers(-self.by, self.by, samples, endpoint=True)

    def _in_time(self, x: Values, late: Numbers) -> Values:
        """Return windows whose steps come `late` steps later."""
        steps = x.shape[1]
        source = np.arange(steps) - late[:, None]
        moved = np.take_along_axis(x, source.clip(0, steps - 1)[..., None], axis=1)
        if self.blank:
            moved[(source < 0) | (source >= steps)] = 0
        return moved

    def _in_space(self, x: Values, down: Numbers, right: Numbers) -> Values:
        """Return pictures that lie `down` rows lower and `right` columns further to the right."""
        assert self.sides is not None
        height, width, _ = self.sides
        maps = x.reshape(len(x), -1, *self.sides)
        moved = np.zeros_like(maps)
        for y, x_ in {*zip(down.tolist(), right.tolist(), strict=True)}:
            chosen = (down == y) & (right == x_)
            rows, from_rows = _overlap(height, y)
            columns, from_columns = _overlap(width, x_)
            moved[chosen, :, rows, columns] = maps[chosen, :, from_rows, from_columns]
        return moved.reshape(x.shape)


def _overlap(length: int, by: int) -> tuple[slice, slice]:
    """Return where what was moved lies, and where it comes from."""
    size = max(length - abs(by), 0)
    to, source = max(by, 0), max(-by, 0)
    return slice(to, to + size), slice(source, source + size)


def shift_of(data: Dataset, by: int) -> Shift:
    """Return what moves the training samples of a data set by up to `by` places.

    Pictures, and steps that lie on a map, are moved in space; other windows in time.

    Raises ValueError for samples whose values have no order, and for a move past their ends.
    """
    x = data.x_train if data.originals is None else data.originals
    sides = _sides(data, x)
    if sides is None and x.ndim == 2:
        raise ValueError(
            f"shift: {data.name} has {x.shape[1]} inputs without a place; only pictures and "
            "windows can be moved, leave it out"
        )
    longest = x.shape[1] if sides is None else max(sides[:2])
    if by >= longest:
        what = "steps" if sides is None else "pixels"
        raise ValueError(
            f"shift: found {by}; {data.name} has samples of {longest} {what}, use at most "
            f"{longest - 1}"
        )
    events = data.input_range[0] == 0 and data.sensor is None
    return Shift(by, sides, blank=sides is None and events)


def moved_by(data: Dataset, by: int, changes: Any = None) -> Any:
    """Return what changes training samples that are moved by up to `by` places.

    changes: what changes them so far: maps of Affine keep what is not their shift. None is returned
             where nothing is changed

    Raises ValueError as `shift_of`, and for samples that are changed in another way already.
    """
    shift = shift_of(data, by)
    if isinstance(changes, Affine):
        return replace(changes, shift=float(by))
    if by and changes is not None:
        raise ValueError(
            f"shift: found {by}, for samples that {changes} changes already; use one of both"
        )
    return shift if by else changes


def changed_by(data: Dataset, factor: float, changes: Any) -> Affine | None:
    """Return what changes training samples so many times as much as `changes` does; None for 0.

    Raises ValueError for a factor out of range, and for data that nothing changes, or not by maps.
    """
    if not 0 <= factor <= MOST_CHANGES:
        raise ValueError(f"changes: found {factor:g}; must be from 0 to {MOST_CHANGES}")
    if not isinstance(changes, Affine):
        raise ValueError(
            f"changes: the recipe of {data.name} changes no images; leave it out, or name the "
            "recipe of other data, such as --recipe mnist"
        )
    return changes.times(factor) if factor else None


def _sides(data: Dataset, x: Values) -> tuple[int, int, int] | None:
    """Return height, width and channels of pictures as they were read, None for what has none."""
    grid, inputs = data.grid, int(x.shape[-1])
    if grid is None or (x.ndim == 3 and data.x_train.ndim == 2):  # steps in a row are no picture
        return None
    if grid.size == inputs:
        return grid.sides
    side = isqrt(inputs)
    return (side, side, 1) if side * side == inputs else None
