"""The leaks of a layer as shifts: one that all neurons share, or classes where they differ."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.leak import (
    MAX_CLASSES,
    Leak,
    LeakClasses,
    Terms,
    by_class,
    leak_fraction,
    leaks_of,
)
from qat.nir.dynamics import Float
from qat.train.leak import nearest_leak

NEAR = 1e-6
"""How near a leak is to what a framework computes to count as the same."""

ROUNDS = 20
"""In which classes of many leaks find their places."""


@cache
def shifts_for(fraction: float) -> Terms:
    """Return the leak of at most four shifts that is nearest to a fraction; () for none."""
    return () if fraction <= 0 else nearest_leak(min(fraction, 1.0), 4)


def shared_leak(decay: Float) -> tuple[Terms, bool]:
    """Return (the leak nearest to the middle decay of a layer, whether it is exact for all)."""
    leak = shifts_for(round(1 - float(np.median(decay)), 12))
    return leak, _is_exact(leak, decay)


def leak_of(decay: Float) -> tuple[Leak, bool]:
    """Return (the leak of neurons that spike, whether it is exact for all).

    decay: what a step keeps, () or (channels,). Where it differs by neuron there are classes, at
    most as many as a record has; neurons that do not leak are in none, and then all share one.
    """
    leak, exact = shared_leak(decay)
    if exact or decay.ndim == 0 or decay.max() >= 1 or np.ptp(decay) < NEAR:
        return leak, exact
    fractions = np.round(1 - decay, 12)
    if len({shifts_for(float(one)) for one in fractions}) > MAX_CLASSES:
        fractions = _gathered(fractions)
    terms = [shifts_for(float(one)) for one in fractions]
    every = tuple(sorted(set(terms)))
    if len(every) == 1 or () in every:
        return leak, exact
    classes = LeakClasses(every, np.array([every.index(one) for one in terms]))
    return classes, _is_exact(classes, decay)


def _gathered(fractions: Float) -> Float:
    """Return each fraction as the mean of its class: those that are near each other (Lloyd)."""
    centres = np.quantile(fractions, (np.arange(MAX_CLASSES) + 0.5) / MAX_CLASSES)
    for _ in range(ROUNDS):
        nearest = np.abs(fractions[:, None] - centres).argmin(axis=1)
        centres = np.array([
            fractions[nearest == i].mean() if (nearest == i).any() else centre
            for i, centre in enumerate(centres)
        ])  # fmt: skip
    found: Float = np.round(centres, 12)[np.abs(fractions[:, None] - centres).argmin(axis=1)]
    return found


def _is_exact(leak: Leak, decay: Float) -> bool:
    return bool(np.abs(kept(leak, decay.size) - decay.ravel()).max() < NEAR)


def kept(leak: Leak, channels: int) -> NDArray[np.float64]:
    """Return what a step keeps of a membrane, (channels,), but for floors."""
    return 1 - each_of(leak, channels, lambda terms: float(leak_fraction(terms)))


def each_of(leak: Leak, channels: int, of: Callable[[Terms], float]) -> NDArray[np.float64]:
    """Return a number of the leak of every channel."""
    found = np.empty(channels)
    for terms, here in by_class(leak, channels):
        found[here] = of(terms)
    return found


def slowest(leak: Leak) -> float:
    """Return the least part of a membrane that leaks; 0 where nothing does."""
    return min(float(leak_fraction(terms)) for terms in leaks_of(leak))


def mean_rounding(leak: Leak, leak_c: Terms | None, channels: int) -> NDArray[np.float64]:
    """Return the currents that make up for what floors of leaks add in a step, on the mean.

    A current-based membrane gets it through its synaptic current, which holds 1 / lambda of it.
    """
    own = each_of(leak, channels, _rounding)
    if leak_c is None:
        return own
    return _rounding(leak_c) + own * (float(leak_fraction(leak_c)) or 1.0)


def _rounding(leak: Terms) -> float:
    """Return what floors of a leak add in a step, on the mean.

    A term +(v >> k) leaks half a unit too little, -(v >> k) half too much; a leak of one term is
    left as it is: what it keeps at rest is small, and a bias costs more.
    """
    if len(leak) <= 1:
        return 0.0
    return sum(0.0 if k == 0 else 0.5 if k > 0 else -0.5 for k in leak)


def leak_words(leak: Leak) -> list[Any]:
    """Return a leak as JSON values: its shifts, or a list of those of each class."""
    every = [list(terms) for terms in leaks_of(leak)]
    return every if isinstance(leak, LeakClasses) else every[0]
