"""The accuracy of a model that is stopped early, and the rule that stops it.

`choose_stop` looks for the rule on one part of the data, validation by custom; what the rule is
worth is reported on another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model import Activity, EarlyStop, Model

CANDIDATES = 200
"""Margins that are tried for each first step: quantiles of the leads that were seen."""


@dataclass(frozen=True)
class Stopped:
    """What a rule makes of a part of the data.

    accuracy: of the scores when the rule ends an inference
    steps:    that an inference then makes, mean
    """

    accuracy: float
    steps: float


def _labels_of(y: ArrayLike, samples: int) -> NDArray[Any]:
    """Return the labels of so many samples; ValueError if they do not fit, or there are none."""
    labels = np.asarray(y)
    if labels.shape != (samples,) or not samples:
        raise ValueError(f"y: found shape {labels.shape}; x has {samples} samples")
    return labels


def accuracy_by_step(model: Model, x: ArrayLike, y: ArrayLike) -> tuple[float, ...]:
    """Return the accuracy when every inference is stopped after 1, 2, ... T steps.

    x: as for Model.run; y: (batch,) whole numbers. Raises ValueError as Model.scores_by_step does,
    and without samples.
    """
    predictions = model.scores_by_step(x).argmax(axis=-1)
    hits = (predictions == _labels_of(y, len(predictions))[:, None]).mean(axis=0)
    return tuple(float(value) for value in hits)


def stopped(model: Model, x: ArrayLike, y: ArrayLike) -> Stopped:
    """Return accuracy and mean steps of a model, under its own rule if it has one.

    Raises ValueError without samples.
    """
    result = model.run(x)
    assert model.steps is not None
    assert result.predictions is not None
    labels = _labels_of(y, len(result.predictions))
    made = float(model.steps) if result.steps is None else float(result.steps.mean())
    return Stopped(float((result.predictions == labels).mean()), made)


def choose_stop(model: Model, x: ArrayLike, y: ArrayLike, lose: float = 0.001) -> EarlyStop | None:
    """Return the rule that saves the most steps and loses at most `lose` of the accuracy.

    x, y: samples to choose on, as for `accuracy_by_step`
    lose: fraction, 0.001 for a tenth of a point

    Returns None where no rule saves a step. Raises ValueError for a model without scores, or
    of one output, and without samples.
    """
    if model.outputs < 2:
        raise ValueError("choose_stop: a margin needs at least two outputs")
    scores = model.scores_by_step(x)
    right = scores.argmax(axis=-1) == _labels_of(y, len(scores))[:, None]
    second, best = np.moveaxis(np.partition(scores, -2)[..., -2:].astype(np.int64), -1, 0)
    leads, total = best - second, scores.shape[1]
    least = right[:, -1].mean() - lose - 1e-9
    found: tuple[float, float, EarlyStop] | None = None
    for rule in _candidates(leads):
        made = _made(leads, rule)
        accuracy = right[np.arange(len(right)), made - 1].mean()
        steps = made.mean()
        better = found is None or (steps, -accuracy) < found[:2]
        if accuracy >= least and steps < total and better:
            found = (float(steps), -float(accuracy), rule)
    return None if found is None else found[2]


def _candidates(leads: NDArray[np.int64]) -> Iterator[EarlyStop]:
    """Yield rules of every first step before the last."""
    for first in range(1, leads.shape[1]):
        seen = np.quantile(leads[:, first - 1 : -1], np.linspace(0, 1, CANDIDATES), method="lower")
        for margin in np.unique(np.maximum(seen, 1)):
            yield EarlyStop(int(margin), first)


def _made(leads: NDArray[np.int64], rule: EarlyStop) -> NDArray[np.intp]:
    """Return the steps that inferences make under a rule."""
    reached = leads >= rule.margin
    reached[:, : rule.first - 1] = False
    reached[:, -1] = True
    return reached.argmax(axis=1) + 1


def with_stop(model: Model, rule: EarlyStop | None, x: ArrayLike) -> Model:
    """Return the model with a rule, its activity measured anew on x."""
    ruled = replace(model, stop=rule)
    metadata: dict[str, Any] = {**model.metadata, "activity": Activity.measure(ruled, x).to_json()}
    return replace(ruled, metadata=metadata)
