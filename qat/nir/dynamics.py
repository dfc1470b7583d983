"""What a neuron of any framework computes in a step of time, as one record of real numbers.

With the current I, the membrane v, a decay for each neuron and the gain of its input,

    j = current_decay * j + current_gain * I          of a current-based neuron, else j = I
    u = decay * v + gain * j + drive
    S = u > threshold, or u >= threshold              several = False
    S = max(floor(u / threshold), 0)                  several = True
    v = u - S * reset_by, or reset_to where S > 0     after the comparison

A reset that is `late` takes place in the step after: R, the spikes of the step before, lowers u by
reset_by, or clears v (and, with `clears`, the input as well) before the comparison. One that is
`twice` (snnTorch's reset_delay=False) does so where v was still above the threshold after its
own reset. Spikes that are `behind` leave the neuron a step later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]

Reset = Literal["subtract", "value", "none"]


class Kept(NamedTuple):
    """The state of neurons, (batch, ...): membrane, synaptic current, spikes to be sent."""

    v: Float
    j: Float
    sent: Float


@dataclass(frozen=True, eq=False)
class Dynamics:
    """The constants of the equations above, each in the shape of the signal.

    threshold: None of a neuron that does not spike: it sends u
    start:     v before the first step
    """

    decay: Float
    gain: Float
    drive: Float
    start: Float
    threshold: Float | None = None
    strict: bool = True
    several: bool = False
    reset: Reset = "none"
    reset_to: Float | float = 0.0
    reset_by: Float | float = 0.0
    late: bool = False
    twice: bool = False
    clears: bool = False
    behind: bool = False
    current_decay: Float | None = None
    current_gain: Float | float = 1.0

    def begin(self, batch: int, dtype: Any) -> Kept:
        """Return the state before the first step."""
        v = np.broadcast_to(self.start, (batch, *np.shape(self.decay))).astype(dtype)
        return Kept(v, np.zeros_like(v), np.zeros_like(v))

    def step(self, kept: Kept, current: Float) -> tuple[Float, Float, Kept]:
        """Return (u, what is sent, the state after it) for the currents of a step."""
        dtype, j = current.dtype, current
        if self.current_decay is not None:
            j = self._of(dtype, self.current_decay) * kept.j
            j = j + self._of(dtype, self.current_gain) * current
        early = self._above(kept.v) if self.late or self.twice else None
        u = self._membrane(kept.v, j, early)
        if self.threshold is None:
            return u, u, Kept(u, j, kept.sent)
        spikes = self._spikes(u)
        v = u if self.late else self._after(u, spikes, early)
        return u, (kept.sent if self.behind else spikes), Kept(v, j, spikes)

    @staticmethod
    def _of(dtype: Any, value: Any) -> Any:
        return np.asarray(value, dtype=dtype)

    def _membrane(self, v: Float, j: Float, early: Float | None) -> Float:
        """Return u."""
        decay, gain, drive = (self._of(v.dtype, x) for x in (self.decay, self.gain, self.drive))
        if early is None:
            return decay * v + gain * j + drive
        if self.reset == "subtract":
            return decay * v + gain * j + drive - early * self._of(v.dtype, self.reset_by)
        if self.reset == "value" and not self.clears:
            return decay * ((1 - early) * v) + gain * j + drive
        u = decay * v + gain * j + drive
        return (1 - early) * u if self.reset == "value" else u

    def _above(self, v: Float) -> Float:
        assert self.threshold is not None
        threshold = self._of(v.dtype, self.threshold)
        return (v > threshold if self.strict else v >= threshold).astype(v.dtype)

    def _spikes(self, u: Float) -> Float:
        if not self.several:
            return self._above(u)
        return np.maximum(np.floor(u / self._of(u.dtype, self.threshold)), 0)

    def _after(self, u: Float, spikes: Float, early: Float | None) -> Float:
        """Return v after a reset in the same step."""
        if self.reset == "none":
            return u
        taken = spikes if early is None else spikes - early
        if self.reset == "subtract":
            return u - taken * self._of(u.dtype, self.reset_by)
        if early is not None:
            return u - taken * u
        return np.where(spikes > 0, self._of(u.dtype, self.reset_to), u)
