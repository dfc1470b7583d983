"""Neurons without memory: they integrate once and emit a count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qat.model.checks import (
    INT32_MAX,
    IntArray,
    integer,
    integers,
    must_match,
    spread_over,
)
from qat.model.digest import line, spread
from qat.model.intervals import Interval
from qat.model.neuron import MAX_SPIKES, Int32, Neuron, Reach, Signal, Step


@dataclass(frozen=True, eq=False)
class Burst(Neuron):
    """Neurons that integrate once and emit a count: no memory from step to step.

        u_j = I_j
        S_j = number of thresholds d with u_j >= thresholds[d, j]

    In a network of one step (T = 1) every layer then runs once, and the next one adds the count's
    binary digits.

    thresholds: int32, (D,) for all or (D, channels), D = 1 to 7 spikes at most; those of a channel
                do not decrease
    """

    thresholds: IntArray

    STATE: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        found = integers("Burst.thresholds", self.thresholds, -INT32_MAX, INT32_MAX, np.int32)
        object.__setattr__(self, "thresholds", found)
        if found.ndim not in (1, 2) or 0 in found.shape:
            raise ValueError(
                f"Burst.thresholds: found shape {found.shape}; must be (counts,) or "
                "(counts, channels)"
            )
        integer("Burst.thresholds: counts", len(found), 1, MAX_SPIKES)
        if (np.diff(found.astype(np.int64), axis=0) < 0).any():
            raise ValueError("Burst.thresholds: those of a channel must not decrease")

    @property
    def most(self) -> int:
        """D, the number of thresholds."""
        return len(self.thresholds)

    @property
    def by_channel(self) -> IntArray:
        """The thresholds with an axis of channels: (D, channels), or (D, 1) where all share."""
        return self.thresholds.reshape(self.most, -1)

    @property
    def least(self) -> IntArray:
        """The first threshold of each channel."""
        return self.thresholds[0]

    def check(self, channels: int) -> None:
        """Refuse thresholds of another number of channels."""
        must_match("Burst.thresholds", self.thresholds[0], channels)

    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return the currents, and how many thresholds each has reached."""
        size = current.shape[-1]
        reached = [current >= spread_over(row, size) for row in self.thresholds]
        spikes: Signal = reached[0]
        if self.most > 1:
            spikes = np.add.reduce(reached, axis=0, dtype=np.uint8)
        return Step(current, spikes, ())

    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return the range of the currents."""
        return Reach(current, current, ())

    def narrowed(self, channels: int) -> Burst:
        """Return what is left with only the first channels."""
        several = self.thresholds.ndim > 1
        return Burst(self.thresholds[:, :channels]) if several else self

    def describe(self) -> dict[str, Any]:
        """Return the most spikes, the smallest and largest threshold."""
        extent = [int(self.thresholds.min()), int(self.thresholds.max())]
        return {"most": self.most, "threshold": extent}

    def digested(self, channels: int) -> Iterator[bytes]:
        """Yield what the digest hashes of a layer of so many channels."""
        yield line("burst", self.most)
        for row in self.thresholds:
            yield spread("threshold", row, channels)
