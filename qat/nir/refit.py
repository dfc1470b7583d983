"""Thresholds chosen anew for the integers of a layer: where its membranes stand when they fire.

The layer runs in whole numbers along the spikes of the framework: what it adds up follows its own
rounding, what is reset follows the real network, so that no difference grows into others. Then the
threshold that leaves the fewest differing spikes is taken, one for all neurons, or one for each
channel where that is better by a tenth.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import spread_over
from qat.model.leak import Terms, leak, leak_fraction, leaked, leaks_of
from qat.nir.whole import Whole

Int64 = NDArray[np.int64]

REACH, FARTHEST = 0.05, 2**20
"""How far a threshold may move: as a share of it, and in units."""

FEWER = 0.9
"""A threshold for each channel, in place of one for all, is kept where it leaves at most this
share of the differing spikes."""


def membranes(part: Whole, current: Int64, spikes: NDArray[Any]) -> Int64:
    """Return u of every step in whole numbers, reset by the spikes of the framework.

    current, spikes: (steps, batch, neurons)
    """
    size = current.shape[-1]
    by, to = (spread_over(np.asarray(v), size) for v in (part.reset_by, part.reset_to))
    reset, late = part.stage.neuron.reset, part.stage.neuron.late
    v, found = np.zeros_like(current[0]), np.empty_like(current)
    c = np.zeros_like(v)
    for t in range(len(current)):
        c = current[t] if part.leak_c is None else c - leak(c, part.leak_c) + current[t]
        u = v - leaked(v, part.leak) + c
        if late and t:
            u = np.where(spikes[t - 1] > 0, 0, u)
        found[t] = u
        fired = spikes[t].astype(np.int64)
        if late:
            v = u
        elif reset == "value":
            v = np.where(fired > 0, to, u)
        else:
            v = u - fired * (by if reset == "subtract" else 0)
    return found


def refitted(part: Whole, current: Int64, spikes: NDArray[Any]) -> Whole:
    """Return a layer with the thresholds that leave the fewest differing spikes.

    current, spikes: (steps, batch, neurons); a layer that emits several spikes stays as it is
    """
    if part.most > 1 or part.stage.neuron.threshold is None or not spikes.size:
        return part
    channels = part.stage.map.channels
    u = membranes(part, current, spikes).reshape(-1, channels)
    fired = spikes.reshape(-1, channels) > 0
    before = np.broadcast_to(part.threshold, (channels,))
    off = u - before
    reach = min(max(8, int(REACH * before.min())), FARTHEST)
    lift = _lift(part)
    shared, left = _best(off.ravel(), fired.ravel(), reach, lift)
    moved = before + shared
    each = [_best(off[:, j], fired[:, j], reach, lift) for j in range(channels)]
    if sum(wrong for _, wrong in each) < FEWER * left:
        moved = before + np.array([by for by, _ in each])
    return replace(part, threshold=np.maximum(moved, 1))


def _lift(part: Whole) -> int:
    """Return by how much floors of the leak lift membranes on the mean, where no bias takes it."""
    return round(
        float(np.mean([_lift_of((part.leak_c or (), one)) for one in leaks_of(part.leak)]))
    )


def _lift_of(leaks: tuple[Terms, Terms]) -> float:
    """Return the same for the leaks of a synaptic current and of a membrane."""
    lifted = 0.0
    for terms in leaks:
        own = 0.5 if len(terms) == 1 and terms[0] else 0.0
        lifted = (lifted + own) / (float(leak_fraction(terms)) or 1.0)
    return lifted


def _best(off: Int64, fired: NDArray[np.bool_], reach: int, lift: int) -> tuple[int, int]:
    """Return (how far a threshold moves, spikes that differ then): the fewest, nearest to the lift.

    off: membranes less the threshold
    """
    near = np.abs(off) <= reach
    late = np.bincount(off[near & fired] + reach, minlength=2 * reach + 1)
    early = np.bincount(off[near & ~fired] + reach, minlength=2 * reach + 1)
    always = int((off[~near & fired] < 0).sum() + (off[~near & ~fired] > 0).sum())
    # a threshold moved by m misses spikes with off < m, and adds those with off >= m
    missed = np.concatenate([[0], np.cumsum(late)])
    added = early.sum() - np.concatenate([[0], np.cumsum(early)])
    wrong = missed + added
    best = np.flatnonzero(wrong == wrong.min()) - reach
    return int(best[np.abs(best - lift).argmin()]), int(wrong.min()) + always
