"""Delays that are learned: real numbers in a fixed range, rounded to whole steps straight through.

With d_i the delay of input i and S the signal that it delays,

    x_i(t) = S_i(t - rint(d_i))                            0 before the first step
    dL/dd_i = sum over t of dL/dx_i(t) * slope_i(t)

where the slope is what a delay longer by one step would change, seen through a window of WIDTH
steps to either side, so that an input is drawn to spikes that lie some steps away:

    slope_i(t) = sum over k = 1 .. WIDTH of (S_i(t - d - k) - S_i(t - d + k)) / (WIDTH (WIDTH + 1))

A float network does not round: x_i is interpolated between two steps, and its slope is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine import native
from qat.model.checks import spread_over
from qat.train.arrays import as_of, is_numpy, like, namespace, real, zeros

Float = NDArray[np.floating[Any]]

WIDTH = 3
"""Steps to either side that the gradient of a delay looks at."""


@dataclass(frozen=True, eq=False)
class Lags:
    """The delays of the inputs of an edge.

    whole: steps, intp (n,)
    part:  what a float network has of the step after, (n,) in [0, 1); None for whole delays
    """

    whole: NDArray[np.intp]
    part: Float | None = None

    @property
    def longest(self) -> int:
        """Steps that the longest one reaches back."""
        return int(self.whole.max()) + (self.part is not None)

    def later(self) -> Lags:
        """Return whole delays that are one step longer."""
        return Lags(self.whole + 1)

    def at(self, signal: NDArray[Any], t: int) -> NDArray[Any]:
        """Return what arrives in step t, (batch, n), of a signal of (steps, batch, n)."""
        found = _row(signal, t - self.whole)
        if self.part is None:
            return found
        part = as_of(self.part, found)
        return found * (1 - part) + _row(signal, t - self.whole - 1) * part

    def delayed(self, signal: NDArray[Any]) -> NDArray[Any]:
        """Return what arrives in every step, (steps, batch, n)."""
        if self.part is None:
            return _shifted(signal, self.whole)
        part = as_of(self.part, real(signal))
        return _shifted(signal, self.whole) * (1 - part) + _shifted(signal, self.whole + 1) * part

    def backward(self, d: Float) -> Float:
        """Return dL/d signal from dL/d what arrives, (steps, batch, n) both."""
        if self.part is None:
            return _shifted(d, -self.whole)
        part = as_of(self.part, d)
        return _shifted(d * (1 - part), -self.whole) + _shifted(d * part, -self.whole - 1)

    def add_back(self, d_spikes: Float, d: Float, t: int, first: int) -> None:
        """Add dL/d what arrived in step t, (batch, n), to the steps in which it was sent.

        first: steps before it are left alone
        """
        for whole, share in self._shares(d):
            sent = t - whole
            kept = np.flatnonzero(sent >= first)
            places, kept = like(sent[kept], d), like(kept, d)
            d_spikes[places, :, kept] += share[:, kept].T

    def _shares(self, d: Float) -> list[tuple[NDArray[np.intp], Float]]:
        if self.part is None:
            return [(self.whole, d)]
        part = as_of(self.part, d)
        return [(self.whole, d * (1 - part)), (self.whole + 1, d * part)]

    def gradient(self, signal: NDArray[Any], d: Float) -> Float:
        """Return dL/dd, (n,), from dL/d what arrives, by the equations above."""
        wide, einsum = as_of(signal, d), namespace(d).einsum
        if self.part is not None:
            slope = _shifted(wide, self.whole + 1) - _shifted(wide, self.whole)
            return einsum("tbn,tbn->n", d, slope)
        total = zeros((d.shape[2],), d)
        for k in range(1, WIDTH + 1):
            for later, sign in ((k, 1), (-k, -1)):
                arriving = _shifted(wide, self.whole + later)
                total += sign * einsum("tbn,tbn->n", d, arriving)
        return total / (WIDTH * (WIDTH + 1))


def _row(signal: NDArray[Any], steps: NDArray[np.intp]) -> NDArray[Any]:
    """Return signal_i(steps_i), (batch, n), 0 before the first step."""
    xp, places = namespace(signal), like(np.maximum(steps, 0), signal)
    found = signal[places, :, like(np.arange(len(steps)), signal)].T
    sent = like(steps >= 0, signal)
    return xp.where(sent, found, xp.zeros_like(found))  # step 0 may not be known yet


def _shifted(signal: NDArray[Any], by: NDArray[np.intp]) -> NDArray[Any]:
    """Return signal_i(t - by_i) in every step t, (steps, batch, n), 0 beyond its ends."""
    known = is_numpy(signal) and signal.dtype == np.float32 and signal.size
    library = native.library() if known else None
    if library is not None:
        return library.shifted(np.ascontiguousarray(signal), by.astype(np.int32))
    steps, out = len(signal), namespace(signal).zeros_like(signal)
    for d in np.unique(by).tolist():
        columns = like(np.flatnonzero(by == d), signal)
        if abs(d) < steps:
            first, end = max(d, 0), steps + min(d, 0)
            out[first:end, :, columns] = signal[first - d : end - d][:, :, columns]
    return out


@dataclass(frozen=True)
class DelayTwin:
    """The delays of an edge: learned where low < high, else `low` for all.

    channels: how many there are
    low, high: the range, in steps
    rounded:  False for a float network
    """

    channels: int
    low: int
    high: int
    rounded: bool = True

    @property
    def learned(self) -> bool:
        """True if they are parameters."""
        return self.low < self.high

    def initial(self, rng: np.random.Generator) -> Float:
        """Return random delays, (channels,) float32, evenly spread over the range."""
        return rng.uniform(self.low, self.high, self.channels).astype(np.float32)

    def constrain(self, delays: Float) -> Float:
        """Return them within the range."""
        return np.clip(delays, self.low, self.high)

    def fold(self, delays: Float | None, size: int) -> Lags:
        """Return the delays of `size` inputs, those of the channels repeated by position."""
        if delays is None:
            return Lags(np.full(size, self.low, np.intp))
        wide = spread_over(delays.astype(np.float64), size)
        if self.rounded:
            return Lags(np.rint(wide).astype(np.intp))
        whole = np.minimum(np.floor(wide), max(self.high - 1, self.low))
        return Lags(whole.astype(np.intp), wide - whole)

    def by_channel(self, gradient: Float) -> Float:
        """Return the gradient of each channel's delay of that of each input."""
        return gradient.reshape(-1, self.channels).sum(axis=0)

    def record(self, lags: Lags) -> NDArray[np.int64] | int:
        """Return the delays of the integer model's edge."""
        return lags.whole[: self.channels].astype(np.int64)
