"""Leaks as sums of powers of two: the nearest one to a time constant, and what it leaves."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import MAX_SHIFT
from qat.model.leak import MAX_LEAK_TERMS, Terms, leak_fraction

WHOLE = 2**MAX_SHIFT
"""A leak of one, in parts of the smallest term: sums of terms are whole numbers of them."""


def _parts(leak: Terms) -> int:
    """Return the fraction that leaks, times WHOLE."""
    return sum(-(WHOLE >> -k) if k < 0 else WHOLE >> k for k in leak)


@cache
def _candidates(terms: int) -> tuple[list[Terms], NDArray[np.int64]]:
    """Return every leak of at most `terms` terms that settles and has no term to cancel.

    And its parts of WHOLE. Made once: a network may have a time constant for each neuron.
    """
    signed = [*range(MAX_SHIFT + 1), *(-k for k in range(1, MAX_SHIFT + 1))]
    chosen = [c for n in range(1, terms + 1) for c in combinations(signed, n)]
    plain = [c for c in chosen if len({abs(k) for k in c}) == len(c)]
    leaks = [c for c in plain if 0 < _parts(c) <= WHOLE]
    return leaks, np.array([_parts(leak) for leak in leaks])


def nearest_leak(fraction: float, terms: int = 3) -> tuple[int, ...]:
    """Return the leak of at most `terms` shifts whose sum of +-2**-k is nearest to `fraction`.

    The search is exhaustive. Among equals it takes fewer terms, then smaller shifts.

    fraction: lambda, what leaks per step, in (0, 1]; 1 - exp(-dt / tau) for a time constant
    terms:    1 to 4; a fourth leaves a third to a fifth of the error

    Raises ValueError for values outside these ranges.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"leak fraction: found {fraction}; must be above 0 and at most 1")
    if not 1 <= terms <= MAX_LEAK_TERMS:
        raise ValueError(f"leak terms: found {terms}; allowed are 1 to {MAX_LEAK_TERMS}")

    leaks, parts = _candidates(terms)
    errors = np.abs(parts / WHOLE - fraction)
    nearest = [leaks[i] for i in np.flatnonzero(errors == errors.min())]
    return min(nearest, key=lambda leak: (len(leak), max(abs(k) for k in leak)))


def residue(leak: tuple[int, ...]) -> int:
    """Return the largest |v| at which a membrane without input can stay for ever.

    Shifts round down, so that v - leak(v) stops short of 0: at +7 for the leak (3,), where
    7 >> 3 is 0. With n terms, |f(v)| <= (1 - lambda)|v| + n, so every membrane enters
    |v| <= n / lambda and stays; what it reaches there is found by repeated squaring of f.

    Raises ValueError for an empty leak, which keeps every membrane as it is.
    """
    if not leak:
        raise ValueError("leak: is empty; an integrate-and-fire neuron never comes to rest")
    radius = int(len(leak) / leak_fraction(leak)) + 1
    v = np.arange(-radius, radius + 1)
    after = v - sum((v >> k) if k >= 0 else -(v >> -k) for k in leak)
    visited = after + radius
    for _ in range(len(v).bit_length()):  # 2**n steps, more than there are membranes
        visited = visited[visited]
    return int(np.abs(v[visited]).max())
