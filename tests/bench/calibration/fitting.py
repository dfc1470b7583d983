"""Coefficients of the costs from counts: least squares, none negative.

    instructions = sum over features f of  coefficient[f] * f

A count weighs by its relative error, a small part of a call less; and one that does not fit, for a
compiler now and then chooses otherwise, weighs less from round to round, so that it moves the
others little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.features import Features

ABSOLUTE = 5.0
"""Instructions beside which a relative error counts for nothing."""

OF_CALL = 0.1
"""Part of a call beside which the relative error of one of its parts counts for nothing."""

USUAL = 0.07
"""Relative error above which a count weighs less, by as much as it is larger."""

ROUNDS = 3
"""Fits, each with weights from the errors of the one before."""

MARGIN = 1.2
"""What the worst case has on top of all counts: in another model a compiler keeps other values in
registers, which moves the count of a part by up to a tenth, and of the loop around all by more."""

LIKE = 0.3
"""How much a coefficient twice as large as that of a similar core weighs, in the same way."""

DRAWN = 0.1
"""How much a coefficient twice as large as expected weighs, as a relative error of a count."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Observation:
    """The features of a part, and how many instructions it took; of the whole call; its weight.

    A weight of 0 bounds the worst case, and has no part in what is typical.
    """

    kind: str
    features: Features
    instructions: float
    call: float
    weight: float = 1.0


def nnls(a: Floats, y: Floats) -> Floats:
    """Return x >= 0 that minimises |a x - y|.

    The active-set method of C. L. Lawson and R. J. Hanson, Solving Least Squares Problems (1974),
    chapter 23, on the normal equations: a has many more rows than columns.
    """
    square, right = a.T @ a, a.T @ y
    x, free = np.zeros(a.shape[1]), np.zeros(a.shape[1], np.bool_)
    for _ in range(10 * a.shape[1]):
        slope = np.where(free, -np.inf, right - square @ x)
        best = int(slope.argmax())
        if slope[best] <= 1e-9:
            break
        free[best] = True
        while True:
            trial = np.zeros_like(x)
            trial[free] = np.linalg.lstsq(square[np.ix_(free, free)], right[free], rcond=None)[0]
            low = free & (trial <= 0)
            if not low.any():
                break
            step = (x[low] / (x[low] - trial[low] + 1e-300)).min()
            x = x + step * (trial - x)
            free &= x > 1e-12
            x[~free] = 0
        x = trial
    return x


def fit(
    observations: Sequence[Observation], similar: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the coefficients of one kind: typical, and worst, which no observation exceeds.

    similar: what was fitted for a core whose code is nearly the same: what fewer counts leave open
        is taken from there
    """
    rows = [o.features.numbers() for o in observations]
    names = list(dict.fromkeys(name for row in rows for name in row))
    a = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    y = np.array([o.instructions for o in observations])
    scale = y + OF_CALL * np.array([o.call for o in observations]) + ABSOLUTE
    prior = _expected(observations, names)
    if similar is not None:
        prior = Prior(np.array([similar["typical"].get(name, 0.0) for name in names]), LIKE)
    typical = _typical(prior, a, y, np.array([o.weight for o in observations]) / scale)
    errors = (np.abs(a @ typical - y) / scale)[[o.weight > 0 for o in observations]]
    found = {
        "seen": names,
        "typical": _named(names, typical, 4),
        "worst": _named(names, _above(a, y, typical), 4),
        "observations": len(errors),
        "mean_error": round(float(errors.mean()), 4),
        "largest_error": round(float(errors.max()), 4),
    }
    return found if similar is None else _completed(found, similar)


def _completed(found: dict[str, Any], similar: Mapping[str, Any]) -> dict[str, Any]:
    """Return coefficients with those of features that a similar core alone has been counted for.

    The worst ones are the larger of both: fewer counts may have missed what is large.
    """
    rest = [name for name in similar["seen"] if name not in found["seen"]]
    typical = {name: similar["typical"][name] for name in rest if name in similar["typical"]}
    worst = {
        name: max(found["worst"].get(name, 0.0), similar["worst"].get(name, 0.0))
        for name in (*found["seen"], *rest)
        if name in found["worst"] or name in similar["worst"]
    }
    seen, typical = [*found["seen"], *rest], {**found["typical"], **typical}
    return {**found, "seen": seen, "typical": typical, "worst": worst}


@dataclass(frozen=True, eq=False)
class Prior:
    """What coefficients are drawn to, 0 if unknown; how much one twice as large weighs."""

    values: Floats
    weight: float


def _expected(observations: Sequence[Observation], names: Sequence[str]) -> Prior:
    """Return what the fields of the features say that they should take."""
    records = {type(o.features) for o in observations}
    known = {name: n for record in records for name, n in record.names().items()}
    return Prior(np.array([known[name] for name in names]), DRAWN)


def _typical(prior: Prior, a: Floats, y: Floats, weights: Floats) -> Floats:
    """Return coefficients that few counts have to agree with less than the others."""
    trust = np.ones(len(y))
    for _ in range(ROUNDS):
        now = weights * np.sqrt(trust)
        rows = a * now[:, None]
        largest = np.abs(rows).max(axis=0)
        largest[largest == 0] = 1.0
        scaled = Prior(prior.values * largest, prior.weight)
        found = nnls(*_drawn_to(scaled, rows / largest, y * now)) / largest
        trust = 1 / np.maximum(1, np.abs(a @ found - y) * weights / USUAL)
    return found


def _drawn_to(prior: Prior, a: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the least squares problem with rows that draw coefficients to what is expected.

    Many features go together in most layers; where the counts do not tell them apart, this does.
    """
    known = np.flatnonzero(prior.values)
    rows = np.zeros((len(known), a.shape[1]))
    rows[np.arange(len(known)), known] = prior.weight / prior.values[known]
    return np.concatenate([a, rows]), np.concatenate([y, np.full(len(known), prior.weight)])


def _above(a: Floats, y: Floats, start: Floats) -> Floats:
    """Return coefficients of at least `start`, close above all of y."""
    relative = 1 / (y + 3 * ABSOLUTE)
    rows, wanted = a * relative[:, None], y * relative
    largest = np.abs(rows).max(axis=0)
    largest[largest == 0] = 1.0
    rows, start = rows / largest, start * largest
    more, weight = np.zeros(a.shape[1]), np.ones(len(y))
    for _ in range(12):
        weight = np.where(rows @ (start + more) < wanted, weight * 3, np.maximum(weight / 1.5, 1))
        root = np.sqrt(weight)
        more = nnls(rows * root[:, None], (wanted - rows @ start) * root)
    x = start + more
    predicted = rows @ x
    some = wanted > 0
    return x / largest * max(1.0, float((wanted[some] / predicted[some]).max(initial=0))) * MARGIN


def _named(names: Sequence[str], values: Floats, places: int) -> dict[str, float]:
    return {name: round(float(x), places) for name, x in zip(names, values, strict=True) if x > 0}
