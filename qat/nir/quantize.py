"""From a plan to an integer model: bits of each layer, as few as the drift allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Count, Model
from qat.model.edges import INPUT
from qat.model.integrator import Score
from qat.model.neuron import MAX_SPIKES
from qat.nir.drift import run_model, shares, signals
from qat.nir.inflow import Inputs
from qat.nir.plan import Plan, Stage
from qat.nir.refit import refitted
from qat.nir.whole import Whole, whole

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Observed:
    """What a network does on data: what its layers emit, (steps, batch, neurons)."""

    inputs: Inputs
    emitted: tuple[NDArray[np.uint16], ...]

    @property
    def steps(self) -> int:
        """Steps that were observed; 0 without data."""
        return len(self.emitted[0]) if self.emitted and self.inputs.x.shape[1] else 0


@dataclass(frozen=True, eq=False)
class Settings:
    """What a model is made with.

    bits:  of each layer's weights, or None for 8: 16 where 8 are too coarse for the drift, and
           fewer as far as it allows, if `lower`
    drift: the largest share of differing spikes of a layer
    score: of a last layer that does not spike: its membrane at the end, its largest, their sum
    """

    bits: tuple[int, ...] | None
    lower: bool
    drift: float
    score: Score
    steps: int
    name: str
    metadata: dict[str, Any]


def quantized(
    plan: Plan, seen: Observed, settings: Settings, progress: Progress | None = None
) -> tuple[Model, list[Whole]]:
    """Return (the model, its layers in whole numbers); ValueError where a record refuses it."""
    count = len(plan.stages) + (plan.last is not None)
    bits = list(settings.bits or (8,) * count)
    parts = [part_of(plan, i, bits[i], seen) for i in range(count)]
    model = assembled(plan, parts, seen, settings)
    if settings.bits is not None or not seen.steps:
        return model, parts
    wanted = signals(plan, seen.emitted)

    def changed(index: int, to: int) -> tuple[Model, list[Whole]]:
        if progress is not None:
            progress(f"layer {index} with {to} bits")
        tried = [*parts[:index], part_of(plan, index, to, seen), *parts[index + 1 :]]
        return assembled(plan, tried, seen, settings), tried

    worst = _worst(model, seen, wanted)
    for i in range(count):
        if worst > settings.drift and "weights" not in parts[i].exact:
            model, parts = changed(i, 16)
            worst = _worst(model, seen, wanted)
    if worst > settings.drift or not settings.lower:
        return model, parts
    for before, fewer in ((8, 4), (4, 2)):
        for i in [i for i in range(count) if parts[i].bits == before]:
            other, tried = changed(i, fewer)
            if _worst(other, seen, wanted) <= settings.drift:
                model, parts = other, tried
    return model, parts


def layers_of(plan: Plan) -> tuple[Stage, ...]:
    """Return the layers of a plan, one that does not spike among them."""
    return plan.stages if plan.last is None else (*plan.stages, plan.last)


def part_of(plan: Plan, index: int, bits: int, seen: Observed) -> Whole:
    """Return a layer in whole numbers, its thresholds fitted to what was observed."""
    stage = layers_of(plan)[index]
    arriving = _arriving(plan, index, seen)
    reads_values = any(link.source == INPUT for link in stage.links)
    worth = seen.inputs.worth if reads_values else None
    rows = [a.reshape(-1, a.shape[-1]) for a in arriving] if seen.steps else []
    part = whole(stage, bits, rows, worth, _several(stage, index, seen))
    if (
        not seen.steps
        or stage.neuron.threshold is None
        or part.exact >= {"weights", "leak", "bias", "threshold"}
    ):
        return part
    current = currents(part, arriving, seen.inputs.worth)
    return refitted(part, current, seen.emitted[index])


def _several(stage: Stage, index: int, seen: Observed) -> int:
    """Return the spikes that a neuron may emit in a step; ValueError beyond what a record has."""
    if not stage.neuron.several:
        return 1
    if not seen.steps:
        return MAX_SPIKES
    most = int(seen.emitted[index].max())
    if most > MAX_SPIKES:
        raise ValueError(
            f"node {stage.node!r}: emits up to {most} spikes in a step on these data; the model "
            f"has {MAX_SPIKES} at most"
        )
    return max(most, 1)


def _arriving(plan: Plan, index: int, seen: Observed) -> list[NDArray[Any]]:
    """Return what each link of a layer reads, (steps, batch, inputs)."""
    if not seen.steps:
        return []
    sent = signals(plan, seen.emitted)
    x = seen.inputs.x[: seen.steps]
    return [
        link.arriving(x if link.source == INPUT else sent[link.source])
        for link in layers_of(plan)[index].links
    ]


def currents(
    part: Whole, arriving: Sequence[NDArray[Any]], worth: float | None
) -> NDArray[np.int64]:
    """Return the currents of a layer in whole numbers, (steps, batch, neurons)."""
    record = part.record()
    total: NDArray[np.int64] | None = None
    for edge, link, x in zip(record.edges, part.stage.links, arriving, strict=True):
        values = np.rint(x / worth) if link.source == INPUT and worth is not None else x
        found = edge.synapse.currents(values.astype(np.int64), 2**31 - 1).astype(np.int64)
        total = found if total is None else total + found
    assert total is not None
    return total


def assembled(plan: Plan, parts: Sequence[Whole], seen: Observed, settings: Settings) -> Model:
    """Return the model of layers in whole numbers."""
    return Model(
        seen.inputs.record,
        tuple(part.record() for part in parts[: len(plan.stages)]),
        Count() if plan.last is None else parts[-1].readout(settings.score),
        settings.steps,
        settings.name,
        settings.metadata,
    )


def _worst(model: Model, seen: Observed, wanted: Sequence[NDArray[Any]]) -> float:
    found, _ = run_model(model, replace(seen.inputs, x=seen.inputs.x[: seen.steps]))
    return max(shares(wanted, found))
