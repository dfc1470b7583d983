"""Inputs for the verbs that run a model: a data set's test part, a file, or made ones."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.benchmark import STREAM_SAMPLES
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
    samples: raw samples of the data, for a model with a sensor
    made:   True if there are no data, and the inputs were made for the model
    """

    x: NDArray[Any]
    origin: str
    steps: int | None
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    samples: NDArray[Any] | None = None
    made: bool = False


FILE = ("label", "by", "ignore", "window", "hop", "group", "unit")
"""Arguments that say how a file is read."""


def load_data(name: str, arguments: Namespace, seed: int = 0, **known: Any) -> Dataset:
    """Return a data set as the arguments say; `known` stands where they say nothing."""
    asked = {key: getattr(arguments, key, None) for key in FILE}
    ignore = {"ignore": asked["ignore"] or ()}
    return load(name, seed, **{key: asked[key] or known.get(key) for key in FILE} | ignore)


def _of_sensor(model: Model, name: str) -> dict[str, Any]:
    """Return how data must be read for a model with a sensor, as far as the model knows."""
    sensor = model.sensor
    if sensor is None:
        return {}
    unit = {"unit": model.metadata.get("sample_unit")}
    if model.input.held or model.steps is None or name in DATASETS:
        return unit
    hop = (sensor.hop or model.steps) * sensor.group
    return {**unit, "window": model.steps * sensor.group, "hop": hop, "group": sensor.group}


def _fitting(model: Model, data: Dataset) -> Dataset:
    """Return the data with the inputs that the model's own sensor makes, or as many bits."""
    if isinstance(model.input, Spikes):
        return data
    low, high = model.input.low, model.input.high
    if model.sensor is not None and data.raw is not None:
        return data.with_sensor(model.sensor, low, high)
    if data.input_range != (low, high):
        bits = high.bit_length() + (low < 0)
        data = data.with_input_bits(bits)
    return data


def _trained_on(model: Model) -> str | None:
    """Return the named data set that a model was trained on, if any."""
    training = model.metadata.get("training")
    name = training.get("data") if isinstance(training, dict) else None
    return name if isinstance(name, str) and name in DATASETS else None


def _data_here(model: Model) -> str | None:
    """Return the data set that a model was trained on, if nothing has to be downloaded."""
    name = _trained_on(model)
    return name if name is not None and DATASETS[name].ready else None


def _hint(model: Model) -> str:
    name = _trained_on(model)
    return "" if name is None else f"; --data {name} fetches what it was trained on"


def data_of(
    model: Model, arguments: Namespace, *, divided: bool | None = None, labelled: bool = True
) -> tuple[Dataset, bool]:
    """Return (the data that --data names, read as the model's own were, are they what trained it).

    arguments: data, and the options of `file_options`
    divided:   None: what trained the model is divided as it was then; other data lie in the test
               part, all of them, in the order of the file. True: divided by the rule of training
               in any case. False: all in the test part in any case
    labelled:  False takes data without labels, which then are -1

    Raises ValueError if there are no data, or they do not fit the model.
    """
    name = arguments.data or _data_here(model)
    if name is None or model.readout is None:
        data = f"data with labels, --data NAME|FILE{_hint(model)}"
        raise ValueError(f"{model.name}: needs {data if name is None else 'a readout'}")
    data = _fitting(model, load_data(name, arguments, **_of_sensor(model, name)))
    return data, name == _trained_on(model)


def labelled(model: Model, arguments: Namespace) -> tuple[Model, Dataset]:
    """Return the model and all parts of the data set that --data names, or that trained it.

    Raises ValueError if there is none, or it does not fit the model.
    """
    return model, data_of(model, arguments, divided=True)[0]


def inputs_of(model: Model, arguments: Namespace) -> Inputs:
    """Return the inputs that --data and --limit ask for.

    Raises ValueError if they do not fit the model.
    """
    steps = FREE_STEPS if model.steps is None and model.input.held else None
    name = arguments.data or _data_here(model)
    if name is None:
        x = made_inputs(model, arguments.limit or MADE)
        origin = f"{len(x):,} made inputs (extremes, then random){_hint(model)}"
        return Inputs(x, origin, steps, made=True)
    data = _fitting(model, load_data(name, arguments, **_of_sensor(model, name)))
    x, labels = data.x_test[: arguments.limit], data.y_test[: arguments.limit]
    origin = f"{len(x):,} test samples of {data.name}"
    samples = _one_stream(model, data, arguments.limit)
    return Inputs(x, origin, steps, labels, data.class_names, samples)


def _one_stream(model: Model, data: Dataset, limit: int | None) -> NDArray[Any] | None:
    """Return samples of test windows, one behind the other, as many as are sent in a stream."""
    if model.sensor is None or data.raw is None:
        return None
    raw = data.raw.test[:limit]
    return raw.reshape(-1, raw.shape[-1])[:STREAM_SAMPLES]
