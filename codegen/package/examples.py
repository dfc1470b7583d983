"""The data of a package's examples: test vectors, recordings, and what the model says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.checks.equivalence import FREE_STEPS, made_inputs
from codegen.checks.streams import check_samples, ends_of, expected, made_samples
from codegen.kernels.memory import Table
from codegen.kernels.pack import pack_bits, pack_signal
from qat.model import Model, Spikes, check_input

MADE = 8
"""Made inputs of which the last, a random one, is the vector where there are no data; and the
answers of a made recording."""


# --------------------------------------------------------------------- vectors


@dataclass(frozen=True, eq=False)
class Vectors:
    """Test vectors as C prints them.

    steps:  of a model that runs free
    stride: elements of one step's input
    """

    count: int
    origin: str
    held: bool
    steps: int
    stride: int
    tables: tuple[Table, ...]


def vectors_of(model: Model, x: ArrayLike | None = None, origin: str = "given") -> Vectors:
    """Return test vectors, with what the model says of them.

    x: inputs as Model.run takes them; one made input by default

    Raises ValueError for inputs that do not fit the model.
    """
    if x is None:
        x, origin = made_inputs(model, MADE)[-1:], "made at random"
    steps = FREE_STEPS if model.steps is None and model.input.held else None
    array, steps = check_input(model, x, steps)
    data = pack_bits(array) if isinstance(model.input, Spikes) else array
    rows = np.ascontiguousarray(data).reshape(len(data), -1)
    inputs = Table("vector_inputs", "all steps of each, one behind the other", rows)
    stride = rows.shape[1] // (1 if model.input.held else steps)
    tables = (inputs, *_answers(model, array, steps))
    return Vectors(len(rows), origin, model.input.held, steps, stride, tables)


def _answers(model: Model, x: NDArray[Any], steps: int) -> tuple[Table, ...]:
    """Return what the model says: classes and scores, or the spikes of every step."""
    result = model.run(x, steps=steps)
    if result.output is not None:
        spikes = pack_signal(result.output, model.layers[-1].levels).reshape(len(x), -1)
        return (Table("vector_spikes", "of the last layer, step by step", spikes),)
    assert result.scores is not None
    assert result.predictions is not None
    classes = result.predictions.astype(np.int32)[:, None]
    return (
        Table("vector_classes", "the class of each", classes),
        Table("vector_scores", "the scores of each", result.scores),
    )


# ------------------------------------------------------------------- recording


@dataclass(frozen=True, eq=False)
class Recording:
    """Raw samples as C prints them, and the answers that the model gives to them."""

    samples: int
    answers: int
    origin: str
    tables: tuple[Table, ...]


def recording_of(
    model: Model, samples: ArrayLike | None = None, origin: str = "given"
) -> Recording:
    """Return a recording for the streaming example of a model with a sensor.

    samples: (samples, channels), values that int16 holds; by default made ones, a few windows

    Raises ValueError for samples that do not fit the model, or so few that no answer comes.
    """
    if samples is None:
        made = made_samples(model)
        samples, origin = made[: _samples_of(model, MADE, len(made))], "made"
    raw = check_samples(model, samples)
    says = expected(model, raw)
    if not len(says.when):
        raise ValueError(f"samples: found {len(raw)}; no answer comes of so few")
    tables = [
        Table("recording", "a sample a row", raw),
        Table("answer_when", "the sample with which each answer comes", _column(says.when)),
    ]
    if says.output is not None:
        tables.append(
            Table(
                "answer_spikes", "of each step", pack_signal(says.output, model.layers[-1].levels)
            )
        )
    if says.predictions is not None:
        classes = says.predictions.astype(np.int32)
        tables.append(Table("answer_classes", "the class of each", classes[:, None]))
    if says.detections is not None:
        detected = says.detections.astype(np.int32)
        tables.append(Table("answer_detected", "what is detected with each", detected[:, None]))
    return Recording(len(raw), len(says.when), origin, tuple(tables))


def _column(values: NDArray[Any]) -> NDArray[np.uint32]:
    return values.astype(np.uint32)[:, None]


def _samples_of(model: Model, answers: int, most: int) -> int:
    """Return how many samples give so many answers, and half a group more; at most `most`."""
    ends = ends_of(model, most)
    group = 1 if model.sensor is None else model.sensor.group
    if not len(ends):
        return most
    return min(most, int(ends[min(answers, len(ends)) - 1]) + 1 + group // 2)
