"""Another file of data, read in the way in which a model's training data were read.

Nothing is fitted here: samples become inputs through the model's own sensor and scale.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from qat.data.dataset import UNKNOWN, Dataset
from qat.data.division import TEST, VALIDATION, Division, stratified
from qat.data.encode import drop_bits
from qat.data.formats import EVENTS
from qat.data.heard import raw_of
from qat.data.hearing import Hearing
from qat.data.origin import DataOrigin
from qat.data.reading import Progress, Reading
from qat.data.recordings import (
    TESTS,
    TRAIN,
    VALIDATE,
    Windowing,
    by_recordings,
    divide_by,
    divide_in_time,
)
from qat.data.samples import SampleFile, Samples, unit_of
from qat.data.sensing import Raw, given_unit
from qat.model import Model, Sensor, Spectrum, Spikes

PARTS = (TRAIN, VALIDATE, TESTS)

NOTABLE = 0.1
"""Share of samples that trained the model above which that is said."""


def load_like(
    path: Path,
    model: Model,
    how: Reading,
    *,
    divided: bool | None = None,
    progress: Progress | None = None,
) -> tuple[Dataset, bool]:
    """Return (the data of a file as `model` takes them, whether they are what trained it).

    how:     what is to be read otherwise than in training; None and () where it says nothing
    divided: None: what trained the model is divided as it was then, other data are in the test
             part, all of them. True: divided by the rule of training in any case; False: all in
             the test part in any case

    Raises ValueError for a model that does not know its data, and for data that do not fit it.
    """
    origin = DataOrigin.of(model)
    if origin is None:
        raise ValueError("the model file does not say how its data were read")
    try:
        file = SampleFile(path, model, origin, how_of(model, origin, how), progress)
        samples, reading, notes = file.samples()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error})") from None
    return _divided(samples, model, origin, divided, name=path.name.split(".")[0],
                    source=path.name, reading=reading, notes=tuple(notes))  # fmt: skip


# ------------------------------------------------------------------- how it is read


def how_of(model: Model, origin: DataOrigin, how: Reading) -> Reading:
    """Return how the file is read: as in training, but for what `how` says.

    Raises ValueError for windows that the model does not take.
    """
    timed = _timed(model)
    if how.spectrum is not None:
        raise ValueError("spectrum: the model has its own, or takes no sound; leave it out")
    for name in ("window", "hop", "group"):
        own, asked = timed.get(name), getattr(how, name)
        if asked is not None and asked != own:
            takes = f"the model has {own}" if own else "the model takes no windows"
            raise ValueError(f"{name}: found {asked}; {takes}; leave it out")
    names = ("label", "by", "separator", "decimal", "encoding", "rate", "unit", "pattern", *EVENTS)
    known: dict[str, Any] = {
        name: getattr(origin, name) if getattr(how, name) is None else getattr(how, name)
        for name in names
    }
    if how.by is None and known["by"] in how.ignore:
        known["by"] = None
    # channels are found by their names; where they have none, the others have to be left out
    known["ignore"] = how.ignore or (() if origin.channels else origin.ignored)
    known |= {"channels": origin.channels, "labelled": how.labelled, "training": False}
    if isinstance(model.sensor, Spectrum):
        known["spectrum"] = Hearing(rate=model.sensor.rate)
    return Reading(**known, **timed)


def _timed(model: Model) -> dict[str, Any]:
    """Return window, hop and group of a model, in samples; nothing where it takes no windows."""
    sensor = model.sensor
    if isinstance(sensor, Spectrum):
        every = (sensor.hop or model.window or 1) * sensor.group
        return {
            "window": sensor.samples_of(model.window or 1), "hop": every, "group": sensor.group
        }  # fmt: skip
    timing = timing_of(model)
    return {} if timing is None else asdict(timing)


def timing_of(model: Model) -> Windowing | None:
    """Return the windows that a model classifies, None for one that takes no recordings."""
    sensor = model.sensor
    if not isinstance(sensor, Sensor) or model.window is None:
        return None
    hop = (sensor.hop or model.window) * sensor.group
    return Windowing(model.window * sensor.group, hop, sensor.group)


# ------------------------------------------------------------------------- its parts


def _parts_of(
    samples: Samples, origin: DataOrigin, timing: Windowing | None
) -> tuple[Any, Division]:
    """Return the part of every sample by the rule of training, and what was done.

    Raises ValueError where that cannot be done with these.
    """
    labels, seed = samples.labels, origin.division.seed
    if samples.by is not None and (timing is not None or samples.given is None):
        parts = divide_by(samples.by, labels, seed)
        return parts, by_recordings(samples.by, parts, seed)
    if timing is not None and samples.starts is not None:
        return divide_in_time(samples.starts, labels, timing.window), Division("time")
    tests = stratified(labels, TEST, seed) if samples.given is None else samples.given
    parts = np.where(tests, TESTS, TRAIN)
    chosen = samples.validates
    if chosen is not None and samples.given is None:
        tests &= ~chosen
        chosen = chosen[~tests]
    if chosen is None:
        chosen = stratified(labels[~tests], VALIDATION, seed + 1)
    parts[np.flatnonzero(~tests)[chosen]] = VALIDATE
    return parts, Division("classes" if samples.given is None else "given", seed)


def fitted(model: Model, data: Dataset) -> Dataset:
    """Return other data with the inputs that the model's own sensor makes, or as many bits."""
    if isinstance(model.input, Spikes):
        return data
    low, high = model.input.low, model.input.high
    if model.input.held:
        data = data.as_maps()
    if model.sensor is not None and data.raw is not None:
        return data.with_sensor(model.sensor, low, high)
    if data.input_range == (low, high):
        return data
    return data.with_input_bits(high.bit_length() + (low < 0))


def _divided(
    samples: Samples, model: Model, origin: DataOrigin, divided: bool | None, **about: Any
) -> tuple[Dataset, bool]:
    """Return the data in parts, and whether they are what trained the model."""
    whole = np.full(len(samples.labels), TESTS), Division("unknown")
    try:
        parts, rule = _parts_of(samples, origin, timing_of(model))
    except ValueError:  # too few recordings to divide: others than those that trained
        if divided:
            raise
        parts, rule = whole
    rule = rule.of(*((samples.x[parts == p], samples.labels[parts == p]) for p in PARTS))
    trained = rule.digest == origin.division.digest
    if not trained:
        about["warnings"] = _overlap(samples, origin)
    if divided is False or (divided is None and not trained):
        parts, rule = whole
    return _dataset(samples, parts, model, origin, division=rule, **about), trained


def _overlap(samples: Samples, origin: DataOrigin) -> tuple[str, ...]:
    share = origin.division.known_share(samples.x, samples.labels)
    if share < NOTABLE:
        return ()
    return (
        f"about {100 * share:.0f} % of these samples trained the model: what is judged by them "
        "says too much of it",
    )


def _dataset(
    samples: Samples, parts: Any, model: Model, origin: DataOrigin, **about: Any
) -> Dataset:
    """Return the Dataset of divided samples, with the inputs that the model takes."""
    x, y = ([of[parts == part] for part in PARTS] for of in (samples.x, samples.labels))
    low, high, sensor = model.input.low, model.input.high, model.sensor
    raw: Raw | None = None
    if sensor is None:
        inputs = [drop_bits(part, shift=origin.dropped) for part in x]
        if model.input.held:
            inputs = [part.reshape(len(part), model.input.size) for part in inputs]
    else:
        mapped = sensor.vectors is not None
    if isinstance(sensor, Spectrum):
        raw = raw_of((x[0], x[1], x[2]), sensor, sensor.hop, mapped)
    elif sensor is not None:
        unit = given_unit(unit_of(about["reading"]), sensor.channels)
        framed = mapped or not model.input.held
        raw = Raw(x[0], x[1], x[2], unit, True, framed, sensor.group, sensor.hop, mapped)
    if sensor is not None and raw is not None:
        inputs = [raw.through(sensor, part, low, high) for part in x]
    return Dataset(
        inputs[0],
        y[0],
        inputs[1],
        y[1],
        inputs[2],
        y[2],
        classes=model.outputs,
        licence=UNKNOWN,
        input_range=(low, high),
        class_names=model.class_names,
        channel_names=origin.channels,
        raw=raw,
        sensor=sensor,
        dropped=origin.dropped,
        grid=model.input.grid,
        starts=None if samples.starts is None else samples.starts[parts == TESTS],
        **about,
    )
