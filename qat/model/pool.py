"""Pools: a signal on a map, with fewer positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import integer
from qat.model.digest import line
from qat.model.shape import MAX_EXTENT, Shape

MODES = ("max", "sum")


@dataclass(frozen=True)
class Pool:
    """Each `kernel` of positions becomes one, channel by channel.

    mode:   "max": the largest value, which of spikes is their OR; "sum": the sum
    kernel: (height, width) in positions, which must divide the map; the whole map is a global pool
    """

    mode: Literal["max", "sum"] = "max"
    kernel: tuple[int, int] = (2, 2)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"Pool.mode: found {self.mode!r}; allowed are 'max' and 'sum'")
        found = self.kernel
        if not isinstance(found, Iterable) or len(sides := tuple(found)) != 2:
            raise ValueError(f"Pool.kernel: found {found!r}; must be (height, width)")
        kernel = tuple(integer("Pool.kernel", side, 1, MAX_EXTENT) for side in sides)
        object.__setattr__(self, "kernel", kernel)

    @property
    def gain(self) -> int:
        """How many times the largest value before it the largest one behind it can be."""
        return self.kernel[0] * self.kernel[1] if self.mode == "sum" else 1

    def output_shape(self, given: Shape) -> Shape:
        """Return the map that is left; ValueError for one that the kernel does not divide."""
        return given.pool(self.kernel)

    def of(self, signal: NDArray[Any], given: Shape, dtype: Any) -> NDArray[Any]:
        """Return what is left of a signal.

        signal: (..., values of the map), bool or counts; given: the map; dtype: of the result,
        which holds its largest value
        """
        left, (height, width) = self.output_shape(given), self.kernel
        lead = signal.shape[:-1]
        parts = signal.reshape(*lead, left.height, height, left.width, width, given.channels)
        axes = (len(lead) + 1, len(lead) + 3)
        found = parts.max(axis=axes) if self.mode == "max" else parts.sum(axis=axes, dtype=np.int64)
        return found.astype(dtype, copy=False).reshape(*lead, left.size)

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        yield line("pool", self.mode, *self.kernel)
