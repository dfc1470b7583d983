"""Thresholds chosen anew for the integers of a layer: where its membranes stand when they fire.

The layer runs in whole numbers along the spikes of the framework: what it adds up follows its own
rounding, what is reset follows the real network, so that no difference grows into others. Then a
threshold moves by the median difference of the membranes that are near it, for all neurons or for
each channel, where that leaves fewer differing spikes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import spread_over
from qat.model.leak import leak
from qat.nir.dynamics import Float
from qat.nir.whole import Whole

Int64 = NDArray[np.int64]

NEAR = 0.25
"""Membranes within this share of the threshold say how far it has to move."""

FEWER = 0.9
"""A change is kept where it leaves at most this share of the differing spikes."""


def membranes(part: Whole, current: Int64, spikes: NDArray[Any]) -> Int64:
    """Return u of every step in whole numbers, reset by the spikes of the framework.

    current, spikes: (steps, batch, neurons)
    """
    size = current.shape[-1]
    by, to = (spread_over(np.asarray(v), size) for v in (part.reset_by, part.reset_to))
    reset = part.stage.neuron.reset
    v, found = np.zeros_like(current[0]), np.empty_like(current)
    for t in range(len(current)):
        u = found[t] = v - leak(v, part.leak) + current[t]
        fired = spikes[t].astype(np.int64)
        if reset == "value":
            v = np.where(fired > 0, to, u)
        else:
            v = u - fired * (by if reset == "subtract" else 0)
    return found


def refitted(part: Whole, current: Int64, real: Float, spikes: NDArray[Any]) -> Whole:
    """Return a layer with thresholds that make fewer spikes differ; itself where none do.

    real: the membranes of the framework, (steps, batch, neurons); of a neuron that emits one spike
    """
    threshold = part.stage.neuron.threshold
    if part.most > 1 or threshold is None or not spikes.size:
        return part
    u = membranes(part, current, spikes)
    channels = part.stage.map.channels
    rows = u.reshape(-1, channels)
    off = rows - real.reshape(-1, channels) / part.unit
    near = np.abs(real.reshape(-1, channels) / threshold - 1) < NEAR
    fired = spikes.reshape(-1, channels) > 0
    best, least = part, _differing(rows, part.threshold, fired)
    for each in (False, True):
        moved = np.maximum(part.threshold + _medians(off, near, each=each), 1)
        wrong = _differing(rows, moved, fired)
        if wrong < least * FEWER:
            best, least = replace(part, threshold=moved), wrong
    return best


def _medians(off: Float, near: NDArray[np.bool_], *, each: bool) -> Int64:
    if not each:
        return np.asarray(round(float(np.median(off[near]))) if near.any() else 0)
    found = [np.median(off[n, j]) if (n := near[:, j]).any() else 0 for j in range(off.shape[1])]
    return np.rint(found).astype(np.int64)


def _differing(u: Int64, threshold: Int64, fired: NDArray[np.bool_]) -> int:
    return int(((u >= threshold) != fired).sum())
