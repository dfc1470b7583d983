"""Pictures among arrays: a vector of their values each, and the map on which these lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model import Shape

COLOURS = (1, 3)
"""Channels of a picture that other programs often put first."""

PICTURES = "pictures (samples, height, width, channels)"


def flat(what: str, x: ArrayLike) -> tuple[NDArray[Any], Shape | None]:
    """Return samples with a vector in place of every picture, and the map of one.

    x: pictures, (samples, height, width, channels), or one a step, (samples, steps, height, width,
       channels): (samples, inputs) or (samples, steps, inputs) is returned, in the order (row,
       column, channel). Any other shape stays as it is, and has no map

    Raises ValueError for square pictures whose channels come first, and for an empty one.
    """
    array = np.asarray(x)
    if array.ndim not in (4, 5):
        return array, None
    height, width, channels = sides = array.shape[-3:]
    if height in COLOURS and width == channels > max(COLOURS):
        steps = "0, " if array.ndim == 4 else "0, 1, "
        axes = "2, 3, 1" if array.ndim == 4 else "3, 4, 2"
        raise ValueError(
            f"{what}: found shape {array.shape}, whose channels seem to come first; give "
            f"{PICTURES}, such as {what}.transpose({steps}{axes})"
        )
    if 0 in array.shape:
        raise ValueError(f"{what}: found shape {array.shape}; none of it may be 0")
    return array.reshape(*array.shape[:-3], -1), Shape(*sides)


def flat_parts(
    x: ArrayLike, x_test: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[Any] | None, Shape | None]:
    """Return both parts with vectors in place of pictures, and the map that they share.

    Raises ValueError as `flat`, and for maps that differ.
    """
    array, grid = flat("x", x)
    if x_test is None:
        return array, None, grid
    test, other = flat("x_test", x_test)
    if other != grid:
        found = "no pictures" if other is None else f"pictures of {other}"
        raise ValueError(f"x_test: found {found}; x has {grid or 'no pictures'}")
    return array, test, grid


def told(x: ArrayLike) -> tuple[str, ...]:
    """Return what the shape of samples was taken for, where it could mean something else."""
    shape = np.shape(x)
    steps = f"{shape[1]} steps, " if len(shape) in (3, 5) else ""
    if len(shape) == 3:
        asked = f"if they are pictures, give {PICTURES}"
        return (f"samples of {steps}{shape[2]} inputs each; {asked}",)
    if len(shape) in (4, 5):
        height, width, channels = shape[-3:]
        colours = "channel" if channels == 1 else "channels"
        return (f"samples of {steps}pictures {height} high, {width} wide, {channels} {colours}",)
    return ()
