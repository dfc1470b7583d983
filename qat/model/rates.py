"""How often the values of a signal are active: what is measured, and what is assumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, lgamma, log, log1p, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.layer import Layer

COUNTS = 65
"""Different spike counts that are told apart."""

SPREAD = 16
"""Parts of equal size into which steps are divided, the quietest first."""

DIGITS = 6
"""Decimal places that are kept."""


@dataclass(frozen=True)
class Rates:
    """The signal of one layer, or a spiking input. An active value is one that is not 0.

    rate:   active values, as a share of all in a step: spikes per neuron and step
    busy:   fraction of steps in which any value is active
    counts: fraction of the values that sum up to 0, 1, ... over an inference; the last of at
            most COUNTS entries holds the rest. Empty for a free-running model
    spread: share of active values in a step from the middle of the quietest sixteenth of the
            steps, of the next, ... of the busiest. Empty where it was not measured
    digits: share of values that have binary digit 0, 1, ...; empty where all values are spikes
    """

    rate: float
    busy: float
    counts: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    digits: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        lists = {"counts": self.counts, "spread": self.spread}
        if self.digits:
            lists["digits"] = self.digits
        named = {name: [round(v, DIGITS) for v in values] for name, values in lists.items()}
        return {"rate": round(self.rate, DIGITS), "busy": round(self.busy, DIGITS), **named}

    def thinned(self, share: float) -> Rates:
        """Return the same with a share of the active values, in a share of the steps."""
        digits = tuple(one * share for one in self.digits)
        spread = tuple(one * share for one in self.spread)
        return replace(self, rate=self.rate * share, digits=digits, spread=spread)

    def raised(self, more: float) -> Rates:
        """Return the same with `more` active values, as a share of all, that were 0.

        They are as large as the others are on average, and 1 where there are none.
        """
        spread = tuple(min(rate + more, 1.0) for rate in self.spread)
        alike = [one * (1 + more / self.rate) for one in self.digits] if self.rate else [
            more, *self.digits[1:]]  # fmt: skip
        digits = tuple(min(one, 1.0) for one in alike[: len(self.digits)])
        if not self.counts:
            return replace(self, rate=self.rate + more, spread=spread, digits=digits)
        levels = 2 ** len(self.digits) - 1 if self.digits else 1
        spikes = more * (len(self.counts) - 1) / levels
        if self.digits and self.rate:
            spikes *= sum(one * 2**place for place, one in enumerate(self.digits)) / self.rate
        mean = sum(c * share for c, share in enumerate(self.counts[1:], 1))
        firing = sum(self.counts[1:])
        each = mean / firing if firing else 1.0
        moved = min(spikes / each, self.counts[0])
        scale = 1 + moved / firing if firing else 0.0
        counts = [share * scale for share in self.counts[1:]]
        if not firing:
            counts[0] = moved
        counts = [self.counts[0] - moved, *counts]
        return replace(
            self, rate=self.rate + more, counts=tuple(counts), spread=spread, digits=digits
        )


def rates_of(
    spikes: NDArray[Any], steps: int | None, made: NDArray[np.int64] | None, levels: int
) -> Rates:
    """Return the figures of a signal (batch, step, value), of the steps that were made."""
    counts: tuple[float, ...] = ()
    if steps is not None:
        most = min(steps * levels, COUNTS - 1)
        sums = spikes.sum(axis=1, dtype=np.int64)
        times = np.bincount(np.minimum(sums, most).ravel(), minlength=most + 1)
        counts = tuple((times / max(times.sum(), 1)).tolist())
    if made is not None and len(made):
        spikes = until(spikes, made)
    planes = levels.bit_length() if levels > 1 else 0
    digits = tuple(float((spikes >> place & 1).mean()) for place in range(planes))
    active = spikes != 0
    busy = float(active.any(axis=-1).mean())
    return Rates(float(active.mean()), busy, counts, spread_of(spikes), digits)


def spread_of(spikes: NDArray[Any]) -> tuple[float, ...]:
    """Return the rates of vectors (..., n) from the middles of SPREAD parts, quietest first.

    Single vectors and no means: what a step does may turn on how many spikes it has.
    """
    rates = np.sort((spikes.reshape(-1, spikes.shape[-1]) != 0).mean(axis=-1))
    if not len(rates):
        return ()
    middles = (np.arange(SPREAD) + 0.5) / SPREAD * len(rates)
    found: list[float] = rates[middles.astype(np.intp)].tolist()
    return tuple(found)


def until(values: NDArray[Any], made: NDArray[np.int64]) -> NDArray[Any]:
    """Return the vectors (vectors, n) of the steps that were made, of (batch, step, n)."""
    found: NDArray[Any] = values[np.arange(values.shape[1]) < made[:, None]]
    return found


def counted_to(levels: int, steps: int | None) -> int:
    """Return how many entries the counts of a signal have, 0 where they are not known."""
    return 0 if steps is None else min(steps * levels, COUNTS - 1) + 1


def together(parts: Sequence[tuple[Rates, int]]) -> Rates:
    """Return the signals of several sources as those of one.

    parts: (signal, its values). They are taken to be active in steps that have nothing to do with
    each other, and quiet and busy together where it is told how far they spread.
    """
    whole = sum(size for _, size in parts)

    def mean(values: Sequence[float]) -> float:
        pairs = zip(values, parts, strict=True)
        return sum(value * size for value, (_, size) in pairs) / whole

    planes = max(max(len(rates.digits), 1) for rates, _ in parts)
    digits = [rates.digits or (rates.rate,) for rates, _ in parts]
    padded = [(*one, *[0.0] * (planes - len(one))) for one in digits]
    spreads = [rates.spread for rates, _ in parts]
    return Rates(
        mean([rates.rate for rates, _ in parts]),
        1 - prod(1 - rates.busy for rates, _ in parts),
        spread=tuple(map(mean, zip(*spreads, strict=True))) if all(spreads) else (),
        digits=tuple(map(mean, zip(*padded, strict=True))) if planes > 1 else (),
    )


def independent(rate: float, layer: Layer, steps: int | None) -> Rates:
    """Return the figures of values that are active independently of each other and of time."""
    if layer.levels == 1:
        return _binomial(rate, layer.sends, steps)
    return _counted(rate, layer.sends, layer.levels, steps)


def busy_share(rate: float, size: int) -> float:
    """Return the share of steps in which any of `size` independent values is active."""
    return float(1 - (1 - rate) ** size)


def _counted(rate: float, size: int, levels: int, steps: int | None) -> Rates:
    """Return the figures of counts, each value half as frequent as the one before it."""
    values = np.arange(levels + 1)
    parts = 0.5 ** np.minimum(values, 60) * (values > 0)
    parts *= rate / parts.sum()
    digits = tuple(
        float(parts[values >> place & 1 == 1].sum()) for place in range(levels.bit_length())
    )
    parts[0] = 1 - rate
    counts: tuple[float, ...] = ()
    if steps is not None:
        most = min(steps * levels, COUNTS - 1)
        sums = np.ones(1)
        for _ in range(min(steps, COUNTS)):
            sums = np.convolve(sums, parts)
            sums = np.append(sums[:most], sums[most:].sum()) if len(sums) > most else sums
        counts = (*sums.tolist(), *[0.0] * (most + 1 - len(sums)))
    return Rates(rate, busy_share(rate, size), counts, (), digits)


def _binomial(rate: float, size: int, steps: int | None) -> Rates:
    """Return the figures of neurons that spike independently of each other and of time."""
    if steps is None:
        return Rates(rate, busy_share(rate, size))
    counts = [_chance(steps, c, rate) for c in range(min(steps, COUNTS - 1) + 1)]
    counts[-1] += max(0.0, 1 - sum(counts))
    return Rates(rate, busy_share(rate, size), tuple(counts))


def _chance(steps: int, count: int, rate: float) -> float:
    """Return the probability of `count` spikes in `steps`: the binomial distribution."""
    if rate in (0, 1):
        return float(count == rate * steps)
    ways = lgamma(steps + 1) - lgamma(count + 1) - lgamma(steps - count + 1)
    return exp(ways + count * log(rate) + (steps - count) * log1p(-rate))
