"""The activity of a model on data, on which its cost on a core depends beside its shape.

These figures are metadata: they change no result and lie outside the digest. Training writes
them, `Activity.of` reads them back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, lgamma, log, log1p, prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import is_share, shares
from qat.model.execution import check_input
from qat.model.layer import Layer

if TYPE_CHECKING:
    from qat.model.model import Model

KEY = "activity"
"""Where a model's metadata hold it."""

DENSITY = 0.1
"""Spikes per neuron and step where nothing is known."""

COUNTS = 65
"""Different spike counts that are told apart."""

SPREAD = 16
"""Parts of equal size into which steps are divided, the quietest first."""

LISTS = ("counts", "spread", "digits")
"""The lists of a layer's figures, in the order of their fields."""

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


@dataclass(frozen=True)
class Stops:
    """How inferences end that may stop early.

    whole:  fraction of them that make all steps
    counts: fraction of the neurons of the last layer that have spiked 0, 1, ... times when the
            scores are formed, as a mean over all times that they are; as in Rates
    """

    whole: float
    counts: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "whole": round(self.whole, DIGITS),
            "counts": [round(c, DIGITS) for c in self.counts],
        }

    @classmethod
    def of(
        cls, spikes: NDArray[Any], made: NDArray[np.int64], first: int, levels: int = 1
    ) -> Stops:
        """Return it for the last layer's signal, (batch, step, value), of values up to `levels`.

        made: (batch,) steps
        """
        steps = spikes.shape[1]
        most = min(steps * levels, COUNTS - 1)
        so_far = np.minimum(np.cumsum(spikes, axis=1, dtype=np.int32), most)
        at = np.arange(1, steps + 1)
        formed = so_far[(at >= first) & (at <= made[:, None])]
        times = np.bincount(formed.ravel(), minlength=most + 1)
        return cls(float((made == steps).mean()), tuple((times / max(times.sum(), 1)).tolist()))


@dataclass(frozen=True)
class Activity:
    """What a model meets and does, as means over inputs.

    values: fraction of each value of the input, low to high: (0, 1) for spikes
    busy:   fraction of the input vectors that are not all 0
    layers: one per spiking layer
    source: where the figures come from, for people
    steps:  that an inference makes, where it may stop early; None for all of them. Rates are those
            of the steps that were made
    spread: of a spiking input, as in Rates
    stop:   how inferences end that may stop early; None where that was not measured
    """

    values: tuple[float, ...]
    busy: float
    layers: tuple[Rates, ...]
    source: str = "measured"
    steps: float | None = None
    spread: tuple[float, ...] = ()
    stop: Stops | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values, without their source."""
        return {
            "values": [round(v, DIGITS) for v in self.values],
            "busy": round(self.busy, DIGITS),
            "spread": [round(v, DIGITS) for v in self.spread],
            "layers": [rates.to_json() for rates in self.layers],
            **({} if self.steps is None else {"steps": round(self.steps, DIGITS)}),
            **({} if self.stop is None else {"stop": self.stop.to_json()}),
        }

    @classmethod
    def measure(cls, model: Model, x: ArrayLike, steps: int | None = None) -> Activity:
        """Return the activity of a model on a batch of inputs; x is as for Model.run."""
        array, steps = check_input(model, x, steps)
        result = model.run(array, trace=True, steps=steps)
        arriving = model.input.encode(array, steps)
        spikes, made = result.spikes or (), result.steps
        levels = [layer.levels for layer in model.layers]
        found = cls.of_spikes(
            arriving, *model.input.reads, spikes, model.steps, made=made, levels=levels
        )
        if made is None or not len(array):
            return found
        assert model.stop is not None
        stop = Stops.of(spikes[-1], made, model.stop.first, levels[-1])
        return replace(found, steps=float(made.mean()), stop=stop)

    @classmethod
    def of_spikes(
        cls,
        x: ArrayLike,
        low: int,
        high: int,
        spikes: tuple[NDArray[Any], ...],
        steps: int | None,
        *,
        made: NDArray[np.int64] | None = None,
        levels: Sequence[int] | None = None,
    ) -> Activity:
        """Return the activity of what the first layer receives, low to high, and of spikes.

        x: (..., inputs) whole numbers; spikes: the signal of each layer, (batch, step, value)
        made: (batch,) steps that were made, None for all; what is after them does not count
        levels: the largest value of each signal; None: 1, spikes
        """
        array = np.asarray(x).astype(np.int64)
        if made is not None and array.ndim == 3:
            array = _until(array, made)
        levels = levels or [1] * len(spikes)
        values = np.bincount(array.ravel() - low, minlength=high - low + 1)
        return cls(
            tuple((values / max(array.size, 1)).tolist()),
            float((array != 0).any(axis=-1).mean()) if array.size else 0.0,
            tuple(_rates(y, steps, made, most) for y, most in zip(spikes, levels, strict=True)),
            spread=_spread(array) if (low, high) == (0, 1) else (),
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


def _until(values: NDArray[Any], made: NDArray[np.int64]) -> NDArray[Any]:
    """Return the vectors (vectors, n) of the steps that were made, of (batch, step, n)."""
    found: NDArray[Any] = values[np.arange(values.shape[1]) < made[:, None]]
    return found


def _spread(spikes: NDArray[Any]) -> tuple[float, ...]:
    """Return the rates of vectors (..., n) from the middles of SPREAD parts, quietest first.

    Single vectors and no means: what a step does may turn on how many spikes it has.
    """
    rates = np.sort((spikes.reshape(-1, spikes.shape[-1]) != 0).mean(axis=-1))
    if not len(rates):
        return ()
    middles = (np.arange(SPREAD) + 0.5) / SPREAD * len(rates)
    found: list[float] = rates[middles.astype(np.intp)].tolist()
    return tuple(found)


def _rates(
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
        spikes = _until(spikes, made)
    planes = levels.bit_length() if levels > 1 else 0
    digits = tuple(float((spikes >> place & 1).mean()) for place in range(planes))
    active = spikes != 0
    busy = float(active.any(axis=-1).mean())
    return Rates(float(active.mean()), busy, counts, _spread(spikes), digits)


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
    found = (_assumed(rate, y, model.steps) for rate, y in zip(rates, layers, strict=True))
    return Activity(values, busy, tuple(found), note)


def _busy(rate: float, size: int) -> float:
    return float(1 - (1 - rate) ** size)


def _assumed(rate: float, layer: Layer, steps: int | None) -> Rates:
    """Return the figures of values that are active independently of each other and of time."""
    if layer.levels == 1:
        return _binomial(rate, layer.sends, steps)
    return _counted(rate, layer.sends, layer.levels, steps)


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
    return Rates(rate, _busy(rate, size), counts, (), digits)


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
    try:
        layers = tuple(
            Rates(r["rate"], r["busy"], *(tuple(r.get(name, ())) for name in LISTS))
            for r in known["layers"]
        )
        made, stop = (None if model.stop is None else known.get(key) for key in ("steps", "stop"))
        found = Activity(
            tuple(known["values"]),
            known["busy"],
            layers,
            "of the training data",
            made,
            tuple(known.get("spread", ())),
            None if made is None or stop is None else Stops(stop["whole"], tuple(stop["counts"])),
        )
        right = _is_right(found, model)
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


def _counted_to(levels: int, steps: int | None) -> int:
    """Return how many entries the counts of a signal have, 0 where they are not known."""
    return 0 if steps is None else min(steps * levels, COUNTS - 1) + 1


def _is_right(found: Activity, model: Model) -> bool:
    """Return True if the figures are shares, in lists as long as they must be."""
    fit = len(found.layers) == len(model.layers) and all(
        len(r.counts) in (0, _counted_to(y.levels, model.steps))
        and len(r.digits) in (0, y.levels.bit_length())
        for r, y in zip(found.layers, model.layers, strict=True)
    )
    last = _counted_to(model.layers[-1].levels, model.steps)
    fit = fit and (found.stop is None or len(found.stop.counts) in (0, last))
    counts = [y for r in found.layers for y in (r.counts, r.digits)]
    spreads = [found.spread, *(r.spread for r in found.layers)]
    numbers = [*found.values, found.busy, *(n for r in found.layers for n in (r.rate, r.busy))]
    if found.stop is not None:
        numbers, counts = [*numbers, found.stop.whole], [*counts, found.stop.counts]
    numbers += [n for one in (*counts, *spreads) for n in one]
    fit = fit and {len(s) for s in spreads} <= {0, SPREAD}
    made = found.steps
    return fit and all(map(is_share, numbers)) and (made is None or 1 <= made <= (model.steps or 1))
