"""How far an integer model is from the network that it was made of: spike by spike, by cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Model, leak_fraction
from qat.nir.dynamics import Float
from qat.nir.inflow import Inputs
from qat.nir.leaks import kept, mean_rounding
from qat.nir.plan import Plan, Stage
from qat.nir.whole import Whole

CAUSES = ("leak", "weights", "bias", "threshold", "rounding")
"""What makes the integers differ, in the order in which they are switched on."""


@dataclass(frozen=True)
class LayerDrift:
    """One layer.

    differing: share of the values of its signal that differ, of all samples and steps
    rate:      mean of its signal: (of the framework, of the integer model)
    first:     {"sample", "step", "neuron", "float", "integer"} of the first difference, or None
    causes:    share that differs with each cause switched on after those before it
    """

    node: str
    bits: int
    differing: float
    rate: tuple[float, float]
    first: dict[str, Any] | None
    causes: dict[str, float]


@dataclass(frozen=True)
class Drift:
    """All layers, and what came out.

    samples:  that were compared
    accuracy: (of the framework, of the integer model); None without labels
    agreeing: share of samples in which both say the same class
    """

    layers: tuple[LayerDrift, ...]
    samples: int
    agreeing: float
    accuracy: tuple[float, float] | None

    @property
    def worst(self) -> float:
        """The largest share of differing values of a layer."""
        return max((layer.differing for layer in self.layers), default=0.0)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "worst": self.worst,
            "samples": self.samples,
            "agreeing": self.agreeing,
            "accuracy": None if self.accuracy is None else dict(
                zip(("float", "integer"), self.accuracy, strict=True)
            ),
            "layers": [
                {
                    "node": layer.node,
                    "bits": layer.bits,
                    "differing": layer.differing,
                    "rate": dict(zip(("float", "integer"), layer.rate, strict=True)),
                    "first": layer.first,
                    "causes": layer.causes,
                }
                for layer in self.layers
            ],
        }  # fmt: skip


def signals(plan: Plan, emitted: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return what the layers of a plan send, (steps, batch, values), of what they emit."""
    return [stage.signal(spikes) for stage, spikes in zip(plan.stages, emitted, strict=False)]


def shares(wanted: Sequence[NDArray[Any]], found: Sequence[NDArray[Any]]) -> list[float]:
    """Return the share of values that differ, layer by layer."""
    return [float((a != b).mean()) for a, b in zip(wanted, found, strict=True)]


def run_model(model: Model, inputs: Inputs) -> tuple[list[NDArray[Any]], NDArray[np.int64]]:
    """Return (what the layers send, (steps, batch, values), the predictions)."""
    result = model.run(inputs.given(), trace=True)
    assert result.spikes is not None
    assert result.predictions is not None
    return [np.moveaxis(s, 1, 0) for s in result.spikes], result.predictions


def drift_of(
    plan: Plan,
    parts: Sequence[Whole],
    model: Model,
    inputs: Inputs,
    *,
    wanted: Sequence[NDArray[Any]],
    predictions: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
) -> Drift:
    """Return how a model drifts.

    wanted:      what the layers of the framework send, (steps, batch, values)
    predictions: of the framework
    """
    steps = len(wanted[0]) if wanted else 0
    found, own = run_model(model, replace(inputs, x=inputs.x[:steps]))
    causes = _by_cause(plan, parts, inputs.x[:steps], wanted, found)
    layers = tuple(
        LayerDrift(
            stage.node,
            part.bits,
            share,
            (float(a.mean()), float(b.mean())),
            _first(a, b),
            {cause: causes[cause][i] for cause in CAUSES},
        )
        for i, (stage, part, share, a, b) in enumerate(
            zip(plan.stages, parts, shares(wanted, found), wanted, found, strict=False)
        )
    )
    accuracy = None
    if labels is not None:
        accuracy = float((predictions == labels).mean()), float((own == labels).mean())
    return Drift(layers, inputs.x.shape[1], float((predictions == own).mean()), accuracy)


def _first(wanted: NDArray[Any], found: NDArray[Any]) -> dict[str, Any] | None:
    wrong = np.argwhere(wanted != found)
    if not len(wrong):
        return None
    step, sample, neuron = wrong[0].tolist()
    place = step, sample, neuron
    return {"sample": sample, "step": step, "neuron": neuron, "float": float(wanted[place]),
            "integer": float(found[place])}  # fmt: skip


def _by_cause(
    plan: Plan,
    parts: Sequence[Whole],
    x: Float,
    wanted: Sequence[NDArray[Any]],
    found: Sequence[NDArray[Any]],
) -> dict[str, list[float]]:
    """Return the shares that differ as each cause is switched on; the last is the model itself."""
    changed = plan
    given: dict[str, list[float]] = {}
    for cause in CAUSES[:-1]:
        stages = tuple(
            _with(cause, stage, part) for stage, part in zip(changed.stages, parts, strict=False)
        )
        changed = replace(changed, stages=stages, last=None)
        given[cause] = shares(wanted, signals(changed, changed.run(x)))
    given["rounding"] = shares(wanted, found)
    return given


def _with(cause: str, stage: Stage, part: Whole) -> Stage:
    """Return a layer of real numbers in which one kind of its constants is what the model has."""
    n, unit = stage.neuron, part.unit
    if cause == "leak":
        decay = kept(part.leak, n.decay.size)
        fade = None
        if part.leak_c is not None:
            fade = np.full_like(n.decay, 1 - float(leak_fraction(part.leak_c)))
        return replace(stage, neuron=replace(n, decay=decay, current_decay=fade))
    if cause == "weights":
        links = tuple(
            replace(link, weight=codes * scale)
            for link, codes, scale in zip(stage.links, part.codes, part.scales, strict=True)
        )
        return replace(stage, links=links)
    if cause == "bias":
        rounding = mean_rounding(part.leak, part.leak_c, stage.map.channels)
        return replace(stage, bias=(part.bias + rounding) * unit)
    return replace(
        stage,
        neuron=replace(
            n,
            threshold=part.threshold * unit,
            strict=False,
            reset_by=part.reset_by * unit,
            reset_to=part.reset_to * unit,
        ),
    )
