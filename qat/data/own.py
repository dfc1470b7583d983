"""A data set of your own arrays: checked, divided, then whole numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.data.checks import (
    check_classes,
    check_features,
    check_samples,
    checked_labels,
    checked_samples,
    hidden,
    lost_values,
)
from qat.data.dataset import UNKNOWN, Dataset, from_raw, scalar_or_each
from qat.data.division import TEST, VALIDATION, Division, stratified
from qat.data.encode import to_integers
from qat.data.pictures import flat_parts
from qat.data.sensing import SPREAD, Raw, check_fit, given_unit, own_unit, to_samples
from qat.machine.memory import require

BYTES_PER_VALUE = 14
"""Memory that a value takes while it is checked, scaled and divided, besides the arrays given."""


def _is_bytes(x: NDArray[Any]) -> bool:
    """Return True for whole numbers of one byte."""
    least, most = float(x.min()), float(x.max())
    whole = bool((x == np.rint(x)).all())
    return whole and ((least >= 0 and most <= 255) or (least >= -128 and most <= 127))


Encoding = tuple[NDArray[np.float64], NDArray[np.float64], int, int]


def _encoding(x: NDArray[Any], each: bool) -> Encoding:
    """Return (scale, offset, low, high): bytes as they are, anything else scaled to a byte."""
    least, most = float(x.min()), float(x.max())
    if _is_bytes(x):
        magnitude = int(max(most, -least - 1))
        top = 2 ** max(magnitude.bit_length(), 1)
        return np.array(1.0), np.array(0.0), (-top if least < 0 else 0), top - 1
    if each:
        flat = x.reshape(-1, x.shape[-1]).astype(np.float64)
        return SPREAD * flat.std(axis=0) / 127, flat.mean(axis=0), -127, 127
    low, high = (-127, 127) if least < 0 else (0, 255)
    return np.array(max(most, -least) / high), np.array(0.0), low, high


class _Parts(NamedTuple):
    """Checked samples and labels, divided."""

    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_validation: NDArray[Any]
    y_validation: NDArray[np.int64]
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]


def _divided(
    x: ArrayLike,
    y: ArrayLike,
    x_test: ArrayLike | None,
    y_test: ArrayLike | None,
    *,
    seed: int,
    validates: NDArray[np.bool_] | None,
) -> _Parts:
    """Return the three parts; ValueError for samples and labels that do not fit."""
    array = checked_samples("x", x)
    require("x", BYTES_PER_VALUE * array.size, "give fewer samples")
    labels = checked_labels("y", y, len(array))
    if (x_test is None) != (y_test is None):
        raise ValueError("x_test, y_test: found one of them; give both or none")
    if x_test is None or y_test is None:
        held_out = stratified(labels, TEST, seed)
        if validates is not None:
            held_out &= ~validates
            validates = validates[~held_out]
        test, test_labels = array[held_out], labels[held_out]
        array, labels = array[~held_out], labels[~held_out]
    else:
        test = checked_samples("x_test", x_test, array.shape[1:])
        test_labels = checked_labels("y_test", y_test, len(test))
    chosen = stratified(labels, VALIDATION, seed + 1) if validates is None else validates
    if chosen.all() or not chosen.any() or not len(test):
        raise ValueError(f"x: found {len(array) + len(test)} samples; too few to divide")
    check_classes(labels[~chosen], np.concatenate([labels[chosen], test_labels]))
    kept = ~chosen
    return _Parts(array[kept], labels[kept], array[chosen], labels[chosen], test, test_labels)


def from_arrays(
    x: ArrayLike,
    y: ArrayLike,
    x_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
    *,
    seed: int = 0,
    each_feature: bool = False,
    validates: NDArray[np.bool_] | None = None,
    unit: ArrayLike | None = None,
    sensor: bool = True,
    class_names: tuple[str, ...] = (),
    channel_names: tuple[str, ...] = (),
    name: str = "data",
    source: str = "given by the user",
    licence: str = UNKNOWN,
) -> Dataset:
    """Return a Dataset of your own arrays.

    x: (samples, inputs), or (samples, steps, inputs) for a vector per step; pictures are (samples,
       height, width, channels), with steps before the height, and become vectors with a map, the
       data's `grid`. Whole numbers that fit a byte stay as they are; others are what a sensor
       measures: they become int16 samples of `unit`, and these the inputs, by the Sensor that
       goes into the model file. All share one scale, `x_scale`.
    y: (samples,) whole numbers from 0
    x_test, y_test: both or none; without them a fifth of every class is set aside
    seed: of the split; a tenth of every class validates
    each_feature: numbers that are no bytes are scaled for every feature (channel) on its own, from
       its mean and standard deviation in the training part
    validates: (samples,) bool, the samples of x that validate, in place of that tenth
    unit: the real value of 1 in a sample, one or one per feature; bytes are samples as well then.
       By default 1 for whole numbers that fit int16, else a power of ten with room for twice what
       training holds
    sensor: False for real numbers that are scaled and rounded at once, so that no Sensor can
       make the same inputs

    Raises ValueError for NaN, shapes that do not fit, labels that are no whole numbers from 0
    without gaps, one class only, features that never change, and values that are no int16 in the
    unit that was given.
    """
    x, x_test, grid = flat_parts(x, x_test)
    parts = _divided(x, y, x_test, y_test, seed=seed, validates=validates)
    rule = Division("classes" if x_test is None else "given", int(seed))
    trained = parts.x_train if each_feature else np.concatenate([parts.x_train, parts.x_validation])
    check_features(parts.x_train, each_feature, channel_names)
    about: dict[str, Any] = {
        "class_names": class_names,
        "channel_names": channel_names,
        "name": name,
        "source": source,
        "licence": licence,
    }
    if unit is not None or (sensor and not _is_bytes(trained)):
        raw = _raw(parts, trained, unit, each_feature, channel_names)
        lost = _lost(parts.x_train, raw, unit is not None, channel_names)
        data = from_raw(raw, parts.y_train, parts.y_validation, parts.y_test, **about)
        vanished = () if each_feature else hidden(parts.x_train, data.x_train, channel_names)
        return replace(data, warnings=(*lost, *vanished), grid=grid).divided_by(rule)
    data = _encoded(parts, trained, each_feature, about)
    return replace(data, grid=grid).divided_by(rule)


def _encoded(
    parts: _Parts, trained: NDArray[Any], each_feature: bool, about: dict[str, Any]
) -> Dataset:
    """Return the data set whose inputs are the values themselves, scaled and rounded at once."""
    scale, offset, low, high = _encoding(trained, each_feature)

    def integers(values: NDArray[Any]) -> NDArray[Any]:
        return to_integers(values - offset if offset.any() else values, scale, low, high)

    return Dataset(
        integers(parts.x_train),
        parts.y_train,
        integers(parts.x_validation),
        parts.y_validation,
        integers(parts.x_test),
        parts.y_test,
        int(parts.y_train.max()) + 1,
        input_range=(low, high),
        x_scale=scalar_or_each(scale),
        x_offset=scalar_or_each(offset),
        **about,
    )


def _lost(values: NDArray[Any], raw: Raw, given: bool, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return a warning if a channel keeps few of its values; ValueError if the unit is our own."""
    samples = raw.train if raw.framed else raw.train[:, 0]
    lost = lost_values(values, samples, raw.unit, names) if raw.each else None
    if lost is not None and not given:
        raise ValueError(lost)
    return () if lost is None else (lost,)


def _raw(
    parts: _Parts,
    trained: NDArray[Any],
    unit: ArrayLike | None,
    each: bool,
    names: tuple[str, ...],
) -> Raw:
    """Return the samples that real values are; each sample of 2-d data is a window of one."""
    values = (parts.x_train, parts.x_validation, parts.x_test)
    if unit is None:
        units = own_unit(trained, each)
    else:
        units = given_unit(unit, trained.shape[-1])
        for part in values:
            check_fit(part, units, names)
    framed = trained.ndim == 3
    samples = (to_samples(part if framed else part[:, None], units) for part in values)
    train, validation, test = samples
    if each:
        check_samples(train, units, names)
    elif train.min() == train.max():
        raise ValueError(f"unit: no value changes in samples of {units.max():g}; use a finer unit")
    return Raw(train, validation, test, units, each, framed)
