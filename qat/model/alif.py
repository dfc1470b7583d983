"""Leaky integrate-and-fire neurons whose threshold adapts: their own spikes raise it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from qat.model.checks import (
    INT32_MAX,
    IntArray,
    integer,
    must_match,
    per_layer_or_neuron,
    spread_over,
)
from qat.model.digest import line, spread
from qat.model.intervals import Int64, Interval
from qat.model.leaky import Leaky
from qat.model.membrane import reach_of
from qat.model.neuron import Int32, Reach, Step

MOST_LEAK = 15
"""The slowest leak of a raised threshold, b >> 15."""


@dataclass(frozen=True, eq=False)
class ALIF(Leaky):
    """Adaptive leaky integrate-and-fire neurons. One step, with v(0) = b(0) = 0.

        u_j = v_j - leak(v_j) + I_j
        S_j = u_j >= threshold_j + b_j
        b_j = b_j - (b_j >> leak_b) + raise_by_j * S_j

    with saturation and reset as Leaky has them; the reset's constants do not adapt. A step has one
    spike at most.

    Always 0 <= b <= raise_by * 2**leak_b: f(b) = b - (b >> leak_b) never falls where b rises, and
    f(q * 2**leak_b) + q = q * 2**leak_b. In T steps b <= T * q besides; and as a neuron spikes
    where u >= threshold + b alone, b <= f(max u - threshold) + q.

    leak_b:   1 to 15
    raise_by: int32 >= 1, one for the layer or one per channel
    """

    leak_b: int = field(kw_only=True)
    raise_by: IntArray = field(kw_only=True)

    STATE: ClassVar[tuple[str, ...]] = ("v", "b")

    def __post_init__(self) -> None:
        super().__post_init__()
        set_ = object.__setattr__
        set_(self, "leak_b", integer("ALIF.leak_b", self.leak_b, 1, MOST_LEAK))
        set_(self, "raise_by", per_layer_or_neuron("ALIF.raise_by", self.raise_by, 1))
        if self.most > 1:
            raise ValueError(
                f"ALIF.most: found {self.most}; a neuron whose threshold adapts has 1 spike a step"
            )
        if self.late:
            raise ValueError("ALIF.reset: found 'late'; only LIF and CuBa are reset a step later")

    def check(self, channels: int) -> None:
        """Refuse constants of another number of channels, and thresholds beyond int32."""
        super().check(channels)
        must_match("ALIF.raise_by", self.raise_by, channels)

    def by_channel(self) -> tuple[str, ...]:
        """Return the names of the constants that may be one for each channel, of those given."""
        return (*super().by_channel(), "raise_by")

    def highest(self, channels: int, steps: int | None) -> Int64:
        """Return the most that b reaches of each channel in so many steps, None: in any number."""
        most = 2**self.leak_b if steps is None else min(2**self.leak_b, steps)
        return np.broadcast_to(self.raise_by, channels).astype(np.int64) * most

    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return u, the spikes, and membranes and what adds to the thresholds after the step."""
        v, b = state
        u = self.integrated(v, current)
        spikes = u >= spread_over(self.threshold, u.shape[-1]) + b
        b = b - (b >> self.leak_b) + spikes * spread_over(self.raise_by, u.shape[-1])
        return Step(u, spikes, (self.after(u, spikes), b.astype(np.int32)))

    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return the proved ranges: a silent membrane stays below the highest threshold."""
        channels = len(current.lo)
        theta, most = np.broadcast_to(self.threshold, channels), self.highest(channels, steps)
        u_raw, u, v = self._with(current, steps, theta + most)
        lower = np.minimum(most, self._after_highest(u.hi - theta))
        if (lower < most).any():
            most = lower
            u_raw, u, v = self._with(current, steps, theta + most)
        return Reach(u_raw, u, (v, Interval(np.zeros_like(most), most)))

    def _with(
        self, current: Interval, steps: int | None, highest: Int64
    ) -> tuple[Interval, Interval, Interval]:
        """Return the ranges of the membrane where no threshold passes `highest`."""
        if int(highest.max()) > INT32_MAX:
            raise ValueError(
                f"ALIF.raise_by: thresholds reach {int(highest.max())}, beyond int32 ({INT32_MAX});"
                " use a smaller raise_by or leak_b"
            )
        return reach_of(self, current, steps, highest)

    def _after_highest(self, most: Int64) -> Int64:
        """Return what b is at most behind a spike, before which it was at most so much.

        A neuron spikes where u >= threshold + b alone, so that b <= max u - threshold before it;
        without a spike b never rises.
        """
        most = np.maximum(most, 0)
        after: Int64 = most - (most >> self.leak_b) + self.raise_by.astype(np.int64)
        return after

    def describe(self) -> dict[str, Any]:
        """Return what Leaky describes, and how the threshold adapts."""
        extent = [int(self.raise_by.min()), int(self.raise_by.max())]
        return super().describe() | {"leak_b": self.leak_b, "raise_by": extent}

    def digested(self, channels: int) -> Iterator[bytes]:
        """Yield what the digest hashes of a layer of so many channels."""
        yield from super().digested(channels)
        yield line("leak_b", self.leak_b)
        yield spread("raise_by", self.raise_by, channels)
