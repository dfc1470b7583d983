"""Windows on Helium: 32 weights in 16 bytes, and thresholds of neurons without memory in bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.memory import Table
from codegen.kernels.pack import LANES
from codegen.kernels.windows.layout import Layout, window_codes

HALF = LANES // 2
ORDER = np.r_[0:HALF:2, 1:HALF:2, HALF:LANES:2, HALF + 1 : LANES : 2]
"""Neurons in the order of the halfwords that bytes are widened to."""

BYTE, HALFWORD = 127, 2**15 - 1


def tables(
    index: int,
    layout: Layout,
    thresholds: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> tuple[Table, ...]:
    """Return what replaces the weights on Helium; () where sums, thresholds or offsets do not fit.

    The sum of halfwords, less a middle threshold of its neuron, is held to a byte: that changes no
    comparison with thresholds that lie less than a byte from it. thresholds: (D, lanes) of the sum
    a; low, high: (lanes,), what it reaches
    """
    if (layout.full and layout.part) or not layout.near:
        return ()
    values = np.clip(thresholds, low, high + 1)
    middle = (values[0] + values[-1]) // 2
    apart = values - middle
    inputs = 2 * layout.span * layout.step * (2**layout.planes - 1)
    reached = max(abs(int(low.min())), int(high.max())) + abs(middle).max() + inputs
    if abs(apart).max() > BYTE or reached > HALFWORD:
        return ()
    weights = packed_nibbles(index, layout)
    rows = len(weights.values)
    return (
        weights,
        Table(f"middle{index}", "added to the sum of each neuron, even ones first",
              _rows(-middle, rows)[:, ORDER].astype(np.int16)),
        Table(f"apart{index}", "thresholds less the middle one, of each neuron",
              np.stack([_rows(one, rows) for one in apart], axis=1).astype(np.int8)),
    )  # fmt: skip


def packed_nibbles(index: int, layout: Layout) -> Table:
    """Return the weights of words of one kind: (rows, columns, 16) bytes."""
    (codes,) = (some for some in window_codes(layout) if len(some))
    rows = len(codes) // LANES
    halves = (codes + 1).astype(np.uint8).reshape(rows, 2, HALF, -1).transpose(0, 3, 1, 2)
    packed = halves[:, :, 0] | halves[:, :, 1] << 4
    return Table(f"nibbles{index}", "weight + 1 of 32 neurons to an input, two a byte", packed)


def _rows(values: NDArray[Any], rows: int) -> NDArray[Any]:
    return values.reshape(rows, LANES)
