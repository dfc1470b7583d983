"""Inputs for the verbs that run a model: a data set's test part, a file, or made ones."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.equivalence import FREE_STEPS, made_inputs
from qat.datasets import DATASETS, Dataset, load
from qat.model import Model, Spikes

MADE = 64
"""Inputs that are made where there are no data, unless --limit says otherwise."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Inputs of a model, and where they come from.

    steps:  the argument of Model.run, which only free-running models of a held input need
    labels: of a data set's samples, and the names of its classes if they have any
    """

    x: NDArray[Any]
    origin: str
    steps: int | None
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()


def _fitting(model: Model, data: Dataset) -> Dataset:
    """Return the data with as many input bits as the model takes."""
    if isinstance(model.input, Spikes):
        return data
    low, high = model.input.low, model.input.high
    if data.input_range != (low, high):
        bits = high.bit_length() + (low < 0)
        data = data.with_input_bits(bits)
    return data


def _trained_on(model: Model) -> str | None:
    """Return the named data set that a model was trained on, if any."""
    training = model.metadata.get("training")
    name = training.get("data") if isinstance(training, dict) else None
    return name if name in DATASETS else None


def _data_here(model: Model) -> str | None:
    """Return the data set that a model was trained on, if nothing has to be downloaded."""
    name = _trained_on(model)
    return name if name is not None and DATASETS[name].ready else None


def _hint(model: Model) -> str:
    name = _trained_on(model)
    return "" if name is None else f"; --data {name} fetches what it was trained on"


def inputs_of(model: Model, arguments: Namespace) -> Inputs:
    """Return the inputs that --data and --limit ask for.

    Raises ValueError if they do not fit the model.
    """
    steps = FREE_STEPS if model.steps is None and model.input.held else None
    name = arguments.data or _data_here(model)
    if name is None:
        x = made_inputs(model, arguments.limit or MADE)
        return Inputs(x, f"{len(x)} made inputs (extremes, then random){_hint(model)}", steps)
    data = _fitting(model, load(name, label=arguments.label))
    x, labels = data.x_test[: arguments.limit], data.y_test[: arguments.limit]
    return Inputs(x, f"{len(x)} test samples of {data.name}", steps, labels, data.class_names)
