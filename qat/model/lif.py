"""Leaky integrate-and-fire neurons."""

from __future__ import annotations

from dataclasses import dataclass

from qat.model.intervals import Interval
from qat.model.leaky import Leaky
from qat.model.membrane import reach_of
from qat.model.neuron import Int32, Reach, Step


@dataclass(frozen=True, eq=False)
class LIF(Leaky):
    """Leaky integrate-and-fire neurons. One step, with the current I and v(0) = 0.

        u_j = v_j - leak(v_j) + I_j            leak(v) = sum over the terms of +-(v >> k)

    and saturation, spikes and reset as Leaky has them.
    """

    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return u, the spikes, and the membranes after the reset."""
        u = self.integrated(state[0], current)
        spikes = self.emitted(u)
        return Step(u, spikes, (self.after(u, spikes),))

    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return the proved ranges; qat/model/bounds.py says why they hold."""
        u_raw, u, v = reach_of(self, current, steps)
        return Reach(u_raw, u, (v,))
