"""Constants of bit-sliced neurons: planes of those that differ, bits of those that all share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.common import uniform
from codegen.kernels.memory import Table
from codegen.kernels.neurons.plan import Digit
from codegen.kernels.pack import constant_planes
from qat.model import Interval


class Constants:
    """Collects the planes of per-neuron constants of a layer, block by block."""

    def __init__(self) -> None:
        self.parts: list[NDArray[np.uint32]] = []
        self.words = 0

    def add(self, values: NDArray[Any], width: int) -> int:
        """Append the planes of `values`; return the word where they start."""
        start = self.words
        self.parts.append(constant_planes(values, width))
        self.words += width
        return start

    def table(self, index: int) -> tuple[Table, ...]:
        """Return the table of layer `index`; none where all neurons share their constants."""
        if not self.parts:
            return ()
        what = "constants of each neuron, in planes"
        return (Table(f"constants{index}", what, np.concatenate(self.parts, axis=1)),)

    def signed_digits(self, values: NDArray[Any], width: int) -> tuple[Digit, ...]:
        """Return the digits of a constant that may be negative, modulo 2**width."""
        shared = uniform(values)
        if shared is not None:
            return common_digits(shared, width)
        own = min(Interval(values.min(keepdims=True), values.max(keepdims=True)).width, width)
        start = self.add(values, own)
        return tuple(Digit(b, word=start + min(b, own - 1)) for b in range(width))

    def digits(self, values: NDArray[Any], width: int) -> tuple[tuple[Digit, ...], int | None]:
        """Return the digits of a constant against planes 0..width-1, and where its planes start."""
        shared = uniform(values)
        if shared is not None:
            return common_digits(shared, width), None
        own = Interval(values.min(keepdims=True), values.max(keepdims=True)).width - 1
        start = self.add(values, min(own, width))
        return tuple(
            Digit(b, word=start + b) if b < own else Digit(b, bit=0) for b in range(width)
        ), start


def common_digits(value: int | None, width: int) -> tuple[Digit, ...]:
    """Return the digits of a constant that all neurons share; none if there is none."""
    if value is None:
        return ()
    return tuple(Digit(b, bit=value >> b & 1) for b in range(width))
