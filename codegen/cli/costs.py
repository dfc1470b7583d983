"""What models cost on a board, counted on the emulated core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.benchmark import measure_model
from codegen.render import render
from codegen.sizes import size_of
from codegen.target import TargetModel
from qat.model import Model


@dataclass(frozen=True)
class Cost:
    """Bytes of flash (code, weights, constants) and mean instructions of an inference."""

    flash: int
    instructions: int


def cost_of(model: Model, board: str, x: NDArray[Any]) -> Cost:
    """Return what a model costs on a board; MissingToolError without the ARM compiler or QEMU."""
    counted = {m.layer: m.instructions for m in measure_model(model, x, board)}
    return Cost(size_of(render(model), board).flash, counted["inference"])


def instructions_per_spike(model: Model, board: str, x: NDArray[Any]) -> tuple[float, ...]:
    """Return how many instructions one spike of each layer adds to an inference.

    The counts of single inputs (the holding of an analog input apart) are fitted by

        instructions = constant + sum over layers of cost * spikes

    with least squares; a cost below 0 is noise of the fit and becomes 0. Untrained networks do:
    the kernels are the same.
    """
    with TargetModel(model, board) as target:
        counts = target.benchmark(x)
    if counts.infer is None:
        total = counts.step.sum(axis=1)
    else:
        total = counts.infer - (0 if counts.input is None else counts.input)
    spikes = model.run(x, trace=True).spikes or ()
    columns = [layer.sum(axis=(1, 2)) for layer in spikes]
    table = np.stack([np.ones(len(x)), *columns], axis=1).astype(np.float64)
    fitted = np.linalg.lstsq(table, total.astype(np.float64), rcond=None)[0]
    return tuple(round(max(float(cost), 0.0), 2) for cost in fitted[1:])
