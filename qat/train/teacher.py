"""Teachers: models whose scores a network learns from, besides the labels (distillation).

Where several models disagree about a sample, their mean says so, and a label does not. Hinton,
Vinyals, Dean 2015, Distilling the Knowledge in a Neural Network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.dataset import Dataset
from qat.data.labelling import listed
from qat.model import Model
from qat.train.loss import cross_entropy, log_softmax

Float = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]

Scorer = Callable[[NDArray[Any]], NDArray[Any]]
"""Inputs of a model, (batch, ...) -> its scores, (batch, classes)."""

PART, TEMPERATURE = 0.7, 2.0

SCALES = np.geomspace(2.0**-24, 2.0**4, 57)
"""What integer scores may be multiplied by, before `_scale_of` looks closer."""


def in_numpy(model: Model) -> Scorer:
    """Return what runs a model by `Model.run`."""

    def scores(x: NDArray[Any]) -> NDArray[Any]:
        found = model.run(x).scores
        assert found is not None, "a teacher has classes"
        return found

    return scores


@dataclass(frozen=True)
class Teacher:
    """Models to learn from.

    models:      integer models of the same task; what they say is the mean of their probabilities
    part:        of the loss that is theirs, above 0, at most 1; the rest is that of the labels
    temperature: by which scores are divided before the softmax, above 0: more tells more of the
                 classes that are not the likeliest
    run:         Model -> what computes its scores; anything that gives the integers of Model.run

    Raises ValueError without a model, and for settings out of range.
    """

    models: Sequence[Model]
    part: float = PART
    temperature: float = TEMPERATURE
    run: Callable[[Model], Scorer] = in_numpy

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("teacher: found no model; give at least one")
        if not 0 < self.part <= 1:
            raise ValueError(f"teaching: found {self.part}; must be above 0, at most 1")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature: found {self.temperature}; must be above 0, finite")

    def settings(self) -> dict[str, Any]:
        """Return what a training depends on as plain JSON values: the digests of the models."""
        return {
            "teacher": [model.digest() for model in self.models],
            "teaching": self.part,
            "temperature": self.temperature,
        }

    def of(self, data: Dataset) -> Teaching:
        """Return the teacher with scores that became probabilities on validation data.

        Raises ValueError for a model that does not read these data, has other classes, or knows no
        more of them than which class is the commonest.
        """
        labels, scorers = data.y_validation, []
        for model in self.models:
            read, run = _reading(model, data), self.run(model)
            scores = run(read(data.x_validation))
            _require_knowledge(model, scores, data)
            scale = _scale_of(scores, labels)
            scorers.append(_probabilities(read, run, scale / self.temperature))
        return Teaching(tuple(scorers), self.part, self.temperature)


@dataclass(frozen=True)
class Teaching:
    """A Teacher of some data: inputs as the network reads them -> probabilities of the classes."""

    probabilities: tuple[Scorer, ...]
    part: float
    temperature: float

    def loss(self, x: NDArray[Any], logits: Float, labels: Labels) -> tuple[float, Float]:
        """Return the loss and dL/d logits, both the mean over the batch.

        x: the inputs, as the network reads them; logits: (batch, classes); labels: (batch,)

            p = mean over models of softmax(scale * scores / temperature)
            L = (1 - part) * cross entropy with the labels
                - part * temperature**2 * sum of p * log softmax(logits / temperature)

        The square keeps both gradients of one size whatever the temperature (Hinton, section 2).
        """
        loss, gradient = cross_entropy(logits, labels)
        wanted = np.mean([each(x) for each in self.probabilities], axis=0).astype(logits.dtype)
        said = log_softmax(logits / self.temperature)
        taught = -float((wanted * said).sum(axis=1).mean()) * self.temperature**2
        pull = (np.exp(said) - wanted) * (self.temperature / len(labels))
        mixed = (1 - self.part) * gradient + self.part * pull
        return (1 - self.part) * loss + self.part * taught, mixed.astype(logits.dtype)


def _probabilities(read: Scorer, run: Scorer, scale: float) -> Scorer:
    return lambda x: np.exp(log_softmax(run(read(x)) * scale))


def _reading(model: Model, data: Dataset) -> Scorer:
    """Return what makes a model's inputs of those of the data; ValueError if nothing does.

    A model that looks at a whole window in one step reads steps as a map (Dataset.as_maps).
    """
    who = f"teacher {model.name}"
    if model.readout is None or model.steps is None:
        raise ValueError(f"{who}: runs free and gives no classes; use a model with a readout")
    if model.outputs != data.classes:
        raise ValueError(f"{who}: has {model.outputs} classes; {data.name} has {data.classes}")
    if model.class_names and data.class_names and model.class_names != data.class_names:
        raise ValueError(
            f"{who}: has the classes {listed(model.class_names)}; those of {data.name} are "
            f"{listed(data.class_names)}; use a model of the same classes in the same order"
        )
    framed = data.x_train.ndim == 3
    seen = data.as_maps() if framed and model.input.held else data
    wanted, found = _reads(model), (seen.x_train.shape[1:], seen.input_range)
    if wanted != found:
        raise ValueError(
            f"{who}: reads inputs of shape {wanted[0]}, {wanted[1][0]} to {wanted[1][1]}; those of "
            f"{data.name} are {found[0]}, {found[1][0]} to {found[1][1]}; use a model trained on "
            "the same inputs"
        )
    units = {"x_scale": seen.x_scale, "x_offset": seen.x_offset}
    for name, value in units.items():
        told = model.metadata.get(name)
        if told is not None and told != np.asarray(value).tolist():
            raise ValueError(
                f"{who}: its inputs have the {name} {told}; those of {data.name} {value}; use a "
                "model trained on the same inputs"
            )
    if seen is data:
        return lambda x: x
    above, size = data.input_range[0] - seen.input_range[0], seen.inputs
    return lambda x: (x.astype(np.int16) - above).reshape(len(x), size)


def _require_knowledge(model: Model, scores: NDArray[Any], data: Dataset) -> None:
    """Raise ValueError for scores on validation data that are no better than one class for all."""
    labels = data.y_validation
    right, least = (scores.argmax(axis=1) == labels).mean(), np.bincount(labels).max() / len(labels)
    if right <= least:
        raise ValueError(
            f"teacher {model.name}: is right on {100 * right:.1f} % of {data.name}'s validation "
            f"data, of which {100 * least:.1f} % are of one class; use a model trained on these "
            "data"
        )


def _reads(model: Model) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Return the shape of a sample that a model reads, and the range of its values."""
    size = (model.input.size,)
    shape = size if model.input.held else (model.steps or 0, *size)
    return shape, (model.input.low, model.input.high)


def _scale_of(scores: NDArray[Any], labels: Labels) -> float:
    """Return what makes logits of scores: the factor with the least cross entropy on the labels."""
    values = scores.astype(np.float64)

    def loss(scale: float) -> float:
        return cross_entropy(values * scale, labels)[0]

    near = min(SCALES, key=loss)
    return float(min(np.geomspace(near / 1.5, near * 1.5, 41), key=loss))
