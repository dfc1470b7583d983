"""The activity of a model on data, on which its cost on a core depends beside its shape.

These figures are metadata: they change no result and lie outside the digest. Training writes
them, `Activity.of` reads them back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import is_share, shares
from qat.model.execution import check_input
from qat.model.rates import (
    COUNTS,
    DIGITS,
    SPREAD,
    Rates,
    busy_share,
    counted_to,
    independent,
    rates_of,
    spread_of,
    until,
)

if TYPE_CHECKING:
    from qat.model.model import Model

KEY = "activity"
"""Where a model's metadata hold it."""

DENSITY = 0.1
"""Spikes per neuron and step where nothing is known."""


LISTS = ("counts", "spread", "digits")
"""The lists of a layer's figures, in the order of their fields."""


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
            array = until(array, made)
        levels = levels or [1] * len(spikes)
        values = np.bincount(array.ravel() - low, minlength=high - low + 1)
        return cls(
            tuple((values / max(array.size, 1)).tolist()),
            float((array != 0).any(axis=-1).mean()) if array.size else 0.0,
            tuple(rates_of(y, steps, made, most) for y, most in zip(spikes, levels, strict=True)),
            spread=spread_of(array) if (low, high) == (0, 1) else (),
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
    busy = busy_share(1 - zeros, model.input.lines)
    found = (independent(rate, y, model.steps) for rate, y in zip(rates, layers, strict=True))
    return Activity(values, busy, tuple(found), note)


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


def _is_right(found: Activity, model: Model) -> bool:
    """Return True if the figures are shares, in lists as long as they must be."""
    fit = len(found.layers) == len(model.layers) and all(
        len(r.counts) in (0, counted_to(y.levels, model.steps))
        and len(r.digits) in (0, y.levels.bit_length())
        for r, y in zip(found.layers, model.layers, strict=True)
    )
    last = counted_to(model.layers[-1].levels, model.steps)
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
