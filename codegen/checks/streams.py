"""Raw samples through a model with a sensor: what must come out, made samples, the comparison."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.checks.comparison import Comparison, Quantity, compare_quantities
from qat.model import FrontEnd, Model, Spectrum

INT16_LOW, INT16_HIGH = -(2**15), 2**15 - 1
MADE_VALUES = 2**18
"""Values of made samples, about: windows may be long and channels many."""

MOST_VALUES = 2**22
"""Values of made samples where one window takes more than MADE_VALUES."""

MADE_WINDOWS = 40

STREAM_SAMPLES = 2000
"""Raw samples that are enough to check or to count by, unless one window is longer."""


@dataclass(frozen=True, eq=False)
class Stream:
    """What raw samples gave.

    when:        (results,) int64, the index of the sample with which each result came
    predictions: (results,) int64; None for a model that runs free
    scores:      (results, outputs) int32; None for a model that runs free
    output:      (results, outputs) the last signal at every step, of a model that runs free
    detections:  (results,) int64, what its detector says with each; None for a model without one
    """

    when: NDArray[np.int64]
    predictions: NDArray[np.int64] | None = None
    scores: NDArray[np.int32] | None = None
    output: NDArray[Any] | None = None
    detections: NDArray[np.int64] | None = None


def sensor_of(model: Model) -> FrontEnd:
    """Return what makes inputs of samples; ValueError if it has none."""
    if model.sensor is None:
        raise ValueError("samples: this model has no sensor; it takes inputs as they are")
    return model.sensor


def check_samples(model: Model, samples: ArrayLike) -> NDArray[np.int16]:
    """Return samples as int16 (samples, channels); ValueError if they do not fit the model."""
    array, sensor = np.asarray(samples), sensor_of(model)
    if array.ndim != 2:
        raise ValueError(
            f"samples: found shape {array.shape}; needs (samples, {sensor.channels} channels)"
        )
    sensor.scale(array, 0, 0)  # refuses another number of channels and values beyond int16
    return np.ascontiguousarray(array, np.int16)


def ends_of(model: Model, samples: int) -> NDArray[np.int64]:
    """Return the index of the sample with which each result comes, of so many samples."""
    sensor = sensor_of(model)
    first = every = 1
    if model.window is not None:
        first, every = model.window, sensor.hop or model.window
    vectors = np.arange(first, sensor.vectors_in(samples) + 1, every)
    return _ends(sensor, vectors.astype(np.int64))


def _ends(sensor: FrontEnd, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of the sample with which each of these vectors comes, counted from 1."""
    return sensor.samples_of(0) + sensor.group * vectors - 1


def one_result(model: Model) -> int:
    """Return after how many samples the first result comes: a window, or a vector."""
    return sensor_of(model).samples_of(model.window or 1)


def expected(model: Model, samples: ArrayLike) -> Stream:
    """Return what raw samples give by the specification: model.run(model.inputs_of(samples)).

    A held input of a model that runs free is held for one step a vector.
    """
    raw = check_samples(model, samples)
    when, inputs = ends_of(model, len(raw)), model.inputs_of(raw)
    if model.steps is None:
        return Stream(when, output=_free(model, inputs))
    if decides_early(model):
        return _detected(model, _early(model, raw))
    result = model.run(inputs)
    return _detected(model, Stream(when, result.predictions, result.scores))


def _detected(model: Model, stream: Stream) -> Stream:
    """Return results with what the model's detector makes of their scores."""
    if model.detector is None or stream.scores is None:
        return stream
    return replace(stream, detections=model.detector.run(stream.scores))


def decides_early(model: Model) -> bool:
    """Return True if a class may come before its window ends: no windows that overlap."""
    hop, steps = sensor_of(model).hop, model.steps or 1
    return model.stop is not None and not model.input.held and (hop or steps) >= steps


def _early(model: Model, raw: NDArray[np.int16]) -> Stream:
    """Return the results of windows, each when it is decided; the last may not be whole by then."""
    sensor, steps = sensor_of(model), model.steps or 1
    vectors = sensor.scale(raw, model.input.low, model.input.high)
    starts = np.arange(0, len(vectors), sensor.hop or steps)
    padded = np.concatenate([vectors, np.repeat(vectors[-1:], steps, axis=0)])
    windows = padded[starts[:, None] + np.arange(steps)].reshape(-1, steps, model.input.size)
    result = model.run(windows)
    assert result.steps is not None
    assert result.predictions is not None
    assert result.scores is not None
    there = starts + result.steps <= len(vectors)
    when = _ends(sensor, (starts + result.steps)[there])
    return Stream(when, result.predictions[there], result.scores[there])


def _free(model: Model, inputs: NDArray[Any]) -> NDArray[Any]:
    if not model.input.held:
        output = model.run(inputs).output
        assert output is not None
        return output[0]
    state, steps = None, [np.empty((0, model.outputs), model.layers[-1].dtype)]
    for vector in inputs:
        result = model.run(vector[None], state, steps=1)
        assert result.output is not None
        state = result.state
        steps.append(result.output[0])
    return np.concatenate(steps)


# -------------------------------------------------------------------- made samples


def made_samples(model: Model, seed: int = 0) -> NDArray[np.int16]:
    """Return samples for a model without data: extremes, constants, then what moves its inputs.

    They come to several windows, the last one cut short; to one whole window at least, unless
    that has more than MOST_VALUES.
    """
    sensor = sensor_of(model)
    whole = min(one_result(model), MOST_VALUES // sensor.channels)
    most = max(1, MADE_VALUES // sensor.channels, whole)
    ends = ends_of(model, most)
    count = min(most, int(ends[:MADE_WINDOWS][-1]) + 1 + sensor.group // 2) if len(ends) else most
    return _stretches(sensor, count, np.random.default_rng(seed))


def _stretches(sensor: FrontEnd, count: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Return (count, channels) samples in stretches of equal length, of a kind each."""
    shape = (count, sensor.channels)
    zero, span = _scale_of(sensor)
    slow = np.sin(np.arange(count)[:, None] * rng.uniform(0.001, 1.5, sensor.channels))
    kinds = (
        np.full(shape, INT16_LOW),
        np.full(shape, INT16_HIGH),
        zero + span * slow / sensor.group,
        zero + span * rng.uniform(-1, 1, shape) / sensor.group,
        rng.choice([INT16_LOW, INT16_HIGH], shape),
        rng.integers(INT16_LOW, INT16_HIGH, shape, endpoint=True),
        np.broadcast_to(zero, shape),
        zero + span * rng.normal(0, 0.2, shape) / sensor.group,
    )
    which = np.arange(count) * len(kinds) // max(count, 1)
    mixed = np.choose(which[:, None], kinds)
    return np.clip(np.rint(mixed), INT16_LOW, INT16_HIGH).astype(np.int16)


def _scale_of(sensor: FrontEnd) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sample that is 0 in the input, and how far sums go until it has its limits."""
    if isinstance(sensor, Spectrum):
        return np.zeros(1), np.full(1, 3000.0 * sensor.group)
    return sensor.offset / sensor.group, 300 * 2.0**sensor.shift / np.abs(sensor.gain)


# --------------------------------------------------------------------- comparison

QUANTITIES = (
    ("when", "sample of a raw result", "scores"),
    ("output", "spike of raw samples", "spikes"),
    ("scores", "score of raw samples", "scores"),
    ("predictions", "class of raw samples", "scores"),
    ("detections", "detection of raw samples", "scores"),
)
"""Fields of a Stream, what one value is called, and under what it is counted."""


def compare_streams(wanted: Stream, found: Stream) -> Comparison:
    """Compare two streams in every value; a result too many or too few is a difference.

    A target says no more of a result than fits into a frame: so much is compared.
    """
    counted = {quantity: heading for _, quantity, heading in QUANTITIES}
    return compare_quantities(list(_quantities(wanted, found)), counted)


def _quantities(wanted: Stream, found: Stream) -> Iterator[Quantity]:
    """Yield what both streams tell, as rows of results."""
    for name, quantity, _ in QUANTITIES:
        ours, theirs = getattr(wanted, name), getattr(found, name)
        if ours is None:
            continue
        ours, theirs = (np.atleast_2d(a.T).T.astype(np.int64) for a in (ours, theirs))
        known = min(ours.shape[1], theirs.shape[1]) if len(theirs) else ours.shape[1]
        if not len(theirs):
            theirs = theirs.reshape(0, known)
        yield Quantity(quantity, None, ours[:, :known], theirs[:, :known])
