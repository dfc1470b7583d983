"""Inputs for the verbs that run a model: a data set's test part, a file, or made ones."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checks.equivalence import FREE_STEPS, made_inputs
from codegen.checks.streams import STREAM_SAMPLES
from codegen.cli.output import Output
from qat.data.alike import fitted, timing_of
from qat.data.dataset import UNKNOWN, Dataset
from qat.data.labelling import UNLABELLED, listed
from qat.data.named import DATASETS, load, load_for, trained_on
from qat.data.origin import DataOrigin
from qat.model import Model, check_input
from qat.model.checks import plain

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

    @property
    def text(self) -> str:
        """Where they come from, and how many raw samples of them are sent in a stream."""
        sent = "" if self.samples is None else f", {len(self.samples):,} raw samples of them"
        return f"{self.origin}{sent}"


FILE = (
    *("label", "by", "ignore", "window", "hop", "group", "unit", "rate"),
    *("bins", "span", "merge", "most"),
    *("spectrum", "pattern"),
    *("separator", "decimal", "encoding"),
)
"""Arguments that say how a file is read."""


def load_data(name: str, arguments: Namespace, seed: int = 0, **known: Any) -> Dataset:
    """Return a data set as the arguments say; `known` stands where they say nothing.

    Warnings go to stderr; what was found or guessed is in the data's notes, see `say_notes`.
    """
    out = Output(arguments)
    data = load(name, seed, progress=out.progress, **{**known, **_said(arguments)})
    _warn(out, data)
    return data


def source_of(data: Dataset) -> str:
    """Return where data come from, and their licence where it is known."""
    return data.source if data.licence == UNKNOWN else f"{data.source}; {data.licence}"


def say_notes(out: Output, data: Dataset) -> None:
    """Print what was found or guessed while a file was read."""
    for line in data.notes:
        out.say(f"  {line}")


def _warn(out: Output, data: Dataset) -> None:
    for line in data.warnings:
        out.warn(f"warning: {line}")


def _said(arguments: Namespace) -> dict[str, Any]:
    """Return what the arguments say of a file."""
    said = {key: getattr(arguments, key, None) for key in FILE}
    return {key: value for key, value in said.items() if value not in (None, ())}


def tell(out: Output, data: Dataset) -> None:
    """Print what was found or guessed while data were read, and what is probably not meant."""
    say_notes(out, data)
    _warn(out, data)


# ------------------------------------------------------------ for a model


def data_of(
    model: Model, arguments: Namespace, *, divided: bool | None = None, labelled: bool = True
) -> tuple[Dataset, bool]:
    """Return (the data that --data names, read as the model's own were, are they what trained it).

    arguments: data, and the options of `file_options`
    divided:   None: what trained the model is divided as it was then; another file lies in the
               test part, all of it, in its order. True: divided by the rule of training in any
               case. False: all in the test part in any case
    labelled:  False takes a file without labels, which then are -1

    A model file of an older version does not know its data: they are read by the arguments alone
    and divided by the seed of its training, which a warning says. Named sets keep their division.

    Raises ValueError if there are no data, or they do not fit the model.
    """
    name = arguments.data or _data_here(model)
    if name is None:
        raise ValueError(f"{model.name}: needs data, --data NAME|FILE{_hint(model)}")
    said = _said(arguments)
    origin, why = _origin(model)
    if origin is not None or name in DATASETS:
        more: dict[str, Any] = {} if labelled else {"labelled": False}
        return load_for(model, name, divided=divided, **said, **more)
    seed = _seed(model)
    data = fitted(model, load(name, seed, **{**_of_sensor(model), **said}))
    return replace(data, warnings=(*data.warnings, _assumed(model, data, seed, why))), True


def _origin(model: Model) -> tuple[DataOrigin | None, str]:
    """Return what the model knows of its data, and why it knows nothing."""
    try:
        origin = DataOrigin.of(model)
    except ValueError as error:
        return None, f"what the model file says of its data cannot be used ({plain(error)})"
    return origin, "the model file does not say how its data were read"


def _of_sensor(model: Model) -> dict[str, Any]:
    """Return how a file must be read for a model with a sensor that knows no more of its data."""
    timing = timing_of(model)
    unit = model.metadata.get("sample_unit")
    return {"unit": unit} | ({} if timing is None else asdict(timing))


def _seed(model: Model) -> int:
    """Return the seed of the training, 0 where the model file does not say it."""
    training = model.metadata.get("training")
    seed = training.get("seed") if isinstance(training, dict) else None
    return seed if isinstance(seed, int) and 0 <= seed < 2**32 - 1 else 0


def _assumed(model: Model, data: Dataset, seed: int, why: str) -> str:
    """Return what was assumed of data that the model does not know.

    Raises ValueError for labels that cannot be told to be the model's.
    """
    if data.class_names and data.classes != model.outputs:
        raise ValueError(
            f"{data.name}: has the classes {listed(data.class_names)}; the model has "
            f"{model.outputs} outputs, and {why}; train it again"
        )
    names = f", the classes {listed(data.class_names)} in this order" if data.class_names else ""
    return f"{why}; assumed: its own file{names}, divided by seed {seed}"


def _data_here(model: Model) -> str | None:
    """Return the data set that a model was trained on, if nothing has to be downloaded."""
    name = trained_on(model)
    return name if name is not None and DATASETS[name].ready else None


def _hint(model: Model) -> str:
    name = trained_on(model)
    return "" if name is None else f"; --data {name} fetches what it was trained on"


def labelled(model: Model, arguments: Namespace) -> Dataset:
    """Return all parts of the data set that --data names, or that trained the model.

    Raises ValueError if there is none, or it does not fit the model.
    """
    if (arguments.data or _data_here(model)) is None or model.readout is None:
        data = f"data with labels, --data NAME|FILE{_hint(model)}"
        wants = data if model.readout is not None else "a readout"
        raise ValueError(f"{model.name}: needs {wants}")
    return data_of(model, arguments, divided=True)[0]


def inputs_of(
    model: Model, arguments: Namespace, out: Output, stream: int | None = STREAM_SAMPLES
) -> Inputs:
    """Return the inputs that --data and --limit ask for; what is to be said of them is printed.

    stream: raw samples that are sent behind one another, one whole window at least; None for all

    Raises ValueError if they do not fit the model.
    """
    steps = FREE_STEPS if model.steps is None and model.input.held else None
    name = arguments.data or _data_here(model)
    if name is None:
        x = made_inputs(model, arguments.limit or MADE)
        origin = f"{len(x):,} made inputs (extremes, then random){_hint(model)}"
        return Inputs(x, origin, steps, class_names=model.class_names, made=True)
    data, trained = data_of(model, arguments, labelled=Path(name).suffix.lower() != ".wav")
    check_input(model, data.x_test[:1], steps)
    tell(out, data)
    x, labels = data.x_test[: arguments.limit], data.y_test[: arguments.limit]
    known = None if (labels == UNLABELLED).all() else labels
    kind = "test samples" if trained or name in DATASETS else "samples"
    other = "" if trained or name in DATASETS else ", which is not the file that trained the model"
    origin = f"{len(x):,} {kind} of {data.name}{other}"
    samples = _one_stream(model, data, arguments.limit, stream)
    return Inputs(x, origin, steps, known, model.class_names or data.class_names, samples)


def _one_stream(
    model: Model, data: Dataset, limit: int | None, most: int | None
) -> NDArray[Any] | None:
    """Return samples of test windows, one behind the other: at most so many, but one window."""
    if model.sensor is None or data.raw is None:
        return None
    raw = data.raw.test[:limit]
    whole = raw.reshape(-1, raw.shape[-1])
    return whole if most is None else whole[: max(most, raw.shape[1])]
