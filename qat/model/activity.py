"""How active a model is on data: what its cost on a core depends on, beside its shape.

These figures are metadata: they change no result and lie outside the digest. Training writes
them, `Activity.of` reads them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, lgamma, log, log1p
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import is_share, shares
from qat.model.execution import check_input

if TYPE_CHECKING:
    from qat.model import Model

KEY = "activity"
"""Where a model's metadata hold it."""

DENSITY = 0.1
"""Spikes per neuron and step where nothing is known."""

COUNTS = 65
"""Different spike counts that are told apart."""

DIGITS = 6
"""Decimal places that are kept."""


@dataclass(frozen=True)
class Rates:
    """The spikes of one layer, or of a spiking input.

    rate:   spikes per neuron and step
    busy:   fraction of steps in which any neuron spikes
    counts: fraction of the neurons that spike 0, 1, ... T times in an inference; the last of at
            most COUNTS entries holds the rest. Empty for a free-running model
    """

    rate: float
    busy: float
    counts: tuple[float, ...] = ()

    def raised(self, more: float) -> Rates:
        """Return the same with `more` spikes per neuron and step, of neurons that were silent."""
        if not self.counts:
            return replace(self, rate=self.rate + more)
        spikes = more * (len(self.counts) - 1)
        mean = sum(c * share for c, share in enumerate(self.counts[1:], 1))
        firing = sum(self.counts[1:])
        each = mean / firing if firing else 1.0
        moved = min(spikes / each, self.counts[0])
        scale = 1 + moved / firing if firing else 0.0
        counts = [share * scale for share in self.counts[1:]]
        if not firing:
            counts[0] = moved
        return replace(self, rate=self.rate + more, counts=(self.counts[0] - moved, *counts))


@dataclass(frozen=True)
class Activity:
    """What a model meets and does, as means over inputs.

    values: fraction of each value of the input, low to high: (0, 1) for spikes
    busy:   fraction of the input vectors that are not all 0
    layers: one per spiking layer
    source: where the figures come from, for people
    steps:  that an inference makes, where it may stop early; None for all of them. Rates are those
            of the steps that were made
    """

    values: tuple[float, ...]
    busy: float
    layers: tuple[Rates, ...]
    source: str = "measured"
    steps: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values, without their source."""
        return {
            "values": [round(v, DIGITS) for v in self.values],
            "busy": round(self.busy, DIGITS),
            "layers": [
                {
                    "rate": round(r.rate, DIGITS),
                    "busy": round(r.busy, DIGITS),
                    "counts": [round(c, DIGITS) for c in r.counts],
                }
                for r in self.layers
            ],
            **({} if self.steps is None else {"steps": round(self.steps, DIGITS)}),
        }

    @classmethod
    def measure(cls, model: Model, x: ArrayLike, steps: int | None = None) -> Activity:
        """Return the activity of a model on a batch of inputs; x is as for Model.run."""
        array, steps = check_input(model, x, steps)
        result = model.run(array, trace=True, steps=steps)
        arriving = model.input.encode(array, steps)
        found = cls.of_spikes(arriving, *model.input.reads, result.spikes or (), model.steps)
        if result.steps is None or not len(array):
            return found
        made = float(result.steps.mean())
        layers = (replace(r, rate=r.rate * steps / made, busy=r.busy * steps / made)
                  for r in found.layers)  # fmt: skip
        return replace(found, layers=tuple(layers), steps=made)

    @classmethod
    def of_spikes(
        cls,
        x: ArrayLike,
        low: int,
        high: int,
        spikes: tuple[NDArray[np.bool_], ...],
        steps: int | None,
    ) -> Activity:
        """Return the activity of what the first layer receives, low to high, and of spikes.

        x: (..., inputs) whole numbers; spikes: per layer (batch, step, neuron)
        """
        array = np.asarray(x).astype(np.int64)
        values = np.bincount(array.ravel() - low, minlength=high - low + 1)
        return cls(
            tuple((values / max(array.size, 1)).tolist()),
            float((array != 0).any(axis=-1).mean()),
            tuple(_rates(layer, steps) for layer in spikes),
        )

    @classmethod
    def of(cls, model: Model, density: float | None = None) -> Activity:
        """Return what a model's metadata say, and assumptions where they say nothing.

        density: spikes per neuron and step, instead of what the metadata say; byte inputs keep
            their values

        Raises ValueError for a density outside of 0 to 1 or metadata of another shape.
        """
        if density is not None and not 0 <= density <= 1:
            raise ValueError(f"density: found {density}; must lie in 0 to 1")
        known = model.metadata.get(KEY)
        found = assumed(model) if known is None else _from_json(model, known)
        if density is None:
            return found
        given = assumed(model, density)
        if model.input.spiking or known is None:
            return given
        note = f"{density:g} spikes per neuron and step assumed; input values {found.source}"
        return cls(found.values, found.busy, given.layers, note, found.steps)


def _rates(spikes: NDArray[np.bool_], steps: int | None) -> Rates:
    """Return the figures of spikes (batch, step, neuron)."""
    counts: tuple[float, ...] = ()
    if steps is not None:
        most = min(steps, COUNTS - 1)
        times = np.bincount(np.minimum(spikes.sum(axis=1), most).ravel(), minlength=most + 1)
        counts = tuple((times / max(times.sum(), 1)).tolist())
    return Rates(float(spikes.mean()), float(spikes.any(axis=-1).mean()), counts)


def assumed(model: Model, density: float | None = None) -> Activity:
    """Return independent spikes of one density, and equally frequent values of a byte input.

    Without a density the firing rates of the metadata count, else DENSITY.
    """
    layers = model.layers
    rates = shares(model.metadata.get("firing_rates"), len(layers))
    note = "firing rates of the metadata"
    if density is not None or rates is None:
        rates = [DENSITY if density is None else density] * len(layers)
        note = f"{rates[0]:g} spikes per neuron and step assumed"
    low, high = model.input.reads
    if model.input.spiking:
        share = DENSITY if density is None else density
        values: tuple[float, ...] = (1 - share, share)
        note += f"; {share:g} of the inputs spike, assumed"
    else:
        values = (1 / (high - low + 1),) * (high - low + 1)
        note += f"; all input values from {low} to {high} assumed equally frequent"
    zeros = values[-low] if low <= 0 <= high else 0.0
    busy = _busy(1 - zeros, model.input.lines)
    binomial = (_binomial(rate, y.size, model.steps) for rate, y in zip(rates, layers, strict=True))
    return Activity(values, busy, tuple(binomial), note)


def _busy(rate: float, size: int) -> float:
    return float(1 - (1 - rate) ** size)


def _binomial(rate: float, size: int, steps: int | None) -> Rates:
    """Return the figures of neurons that spike independently of each other and of time."""
    if steps is None:
        return Rates(rate, _busy(rate, size))
    counts = [_chance(steps, c, rate) for c in range(min(steps, COUNTS - 1) + 1)]
    counts[-1] += max(0.0, 1 - sum(counts))
    return Rates(rate, _busy(rate, size), tuple(counts))


def _chance(steps: int, count: int, rate: float) -> float:
    """Return the probability of `count` spikes in `steps`: the binomial distribution."""
    if rate in (0, 1):
        return float(count == rate * steps)
    ways = lgamma(steps + 1) - lgamma(count + 1) - lgamma(steps - count + 1)
    return exp(ways + count * log(rate) + (steps - count) * log1p(-rate))


def _from_json(model: Model, known: Any) -> Activity:
    """Return the activity that metadata hold, or raise ValueError."""
    most = 0 if model.steps is None else min(model.steps, COUNTS - 1) + 1
    try:
        layers = tuple(Rates(r["rate"], r["busy"], tuple(r["counts"])) for r in known["layers"])
        made = None if model.stop is None else known.get("steps")
        found = Activity(
            tuple(known["values"]), known["busy"], layers, "of the training data", made
        )
        numbers = [*found.values, found.busy]
        for r in layers:
            numbers += [r.rate, r.busy, *r.counts]
        right = all(map(is_share, numbers)) and {len(r.counts) for r in layers} <= {0, most}
        right &= made is None or 1 <= made <= (model.steps or 1)
    except (KeyError, TypeError, AttributeError):
        right, found = False, assumed(model)
    sizes = len(found.values), len(found.layers)
    low, high = model.input.reads
    wanted = high - low + 1, len(model.layers)
    if not right or not isinstance(known, Mapping) or sizes != wanted:
        raise ValueError(
            f"Model.metadata: {KEY!r} does not belong to this model; remove it, or measure it "
            "again with Activity.measure"
        )
    return found
