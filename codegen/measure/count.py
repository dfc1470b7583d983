"""The instructions of models on a board, counted on the emulated core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from codegen.measure.benchmark import measure_calls
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board
from codegen.target.compiler import size_of
from qat.model import Model


@dataclass(frozen=True)
class Cost:
    """Bytes of flash (code, weights, constants) and mean instructions of an inference."""

    flash: int
    instructions: int


def cost_of(model: Model | Generated, board: str | Board, x: NDArray[Any]) -> Cost:
    """Return what a model costs on a board; MissingToolError without the ARM compiler or QEMU."""
    made = generated(model)
    counted = {m.layer: m.instructions for m in measure_calls(made, x, board)}
    return Cost(size_of(made.files, board).flash, counted["inference"])
