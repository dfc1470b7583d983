"""What a reader of pictures returns."""

from __future__ import annotations

from typing import NamedTuple

from qat.data.arrays import Arrays
from qat.model import Shape


class Pictures(NamedTuple):
    """x and y, perhaps x_test and y_test; where the values of x lie; what is to be said of them.

    grid:    of a picture, None where its values lie on no map
    classes: words for the classes, or none
    """

    arrays: Arrays
    grid: Shape | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    classes: tuple[str, ...] = ()
