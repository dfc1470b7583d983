"""Inputs for which a core takes longest that multiplies by a call of its library."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import isa
from codegen.target.boards import Board
from qat.model import Input


def slowest(given: Input, x: NDArray[Any], board: Board) -> NDArray[Any] | None:
    """Return (1, ...) inputs, shaped as those in x; None where no value takes longer than others.

    Such a multiplication goes on until the last bit of a value that is set: of -1 that is the 32nd.
    A random input has positive values as well, so that its count is no bound.
    """
    if isa.find(board.core).multiplies or given.low >= 0:
        return None
    return np.full_like(x[:1], -1)
