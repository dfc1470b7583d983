"""How a recording reaches the integer model: spikes, or whole numbers of a unit that bytes hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Analog, Frames, Input, Shape, Spikes

MOST_CODE = 255
WHOLE = 1e-4


@dataclass(frozen=True, eq=False)
class Inputs:
    """A recording as the model takes it.

    record: the input of the model
    worth:  the real value of 1 in it; None where it is spikes
    x:      (steps, batch, inputs), float64, as the framework takes it, in the model's order
    """

    record: Input
    worth: float | None
    x: NDArray[np.float64]

    def given(self, samples: slice = slice(None)) -> NDArray[Any]:
        """Return samples for Model.run."""
        x = np.moveaxis(self.x[:, samples], 0, 1)
        whole = np.rint(x / (self.worth or 1.0))
        if self.record.held:
            whole = whole[:, 0]
        return whole.astype(self.record.dtype)


def inputs_of(x: NDArray[np.float64], shape: Shape) -> Inputs:
    """Return the input that a recording, (steps, batch, inputs), needs.

    Raises ValueError for values that are no whole numbers of one unit within a byte.
    """
    grid = shape if shape.positions > 1 else None
    if ((x == 0) | (x == 1)).all():
        return Inputs(Spikes(shape.size, grid=grid), None, x)
    worth = _unit(x)
    if worth is None:
        raise ValueError(
            "inputs: hold values that are no whole numbers of one unit within a byte, such as "
            "pixels / 255; a model takes spikes or bytes: round them before the network"
        )
    whole = np.rint(x / worth)
    kind = Analog if (x == x[:1]).all() else Frames
    return Inputs(kind(shape.size, int(whole.min()), int(whole.max()), grid=grid), worth, x)


def unknown(shape: Shape) -> Inputs:
    """Return the input of a network without data: spikes."""
    grid = shape if shape.positions > 1 else None
    return Inputs(Spikes(shape.size, grid=grid), None, np.zeros((1, 0, shape.size)))


def _unit(x: NDArray[np.float64]) -> float | None:
    """Return the unit of which all values are whole numbers that bytes hold; None for none."""
    values = np.unique(x)
    largest = float(np.abs(values).max())
    for most in range(1, MOST_CODE + 1):
        codes = values * (most / largest)
        whole = np.rint(codes)
        signed = whole.min() < 0
        fits = whole.min() >= -128 and whole.max() <= (127 if signed else MOST_CODE)
        if fits and np.abs(codes - whole).max() < WHOLE:
            return largest / most
    return None
