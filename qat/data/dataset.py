"""A data set: whole numbers in training, validation and test parts, and how to make one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
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
from qat.data.division import Division
from qat.data.encode import drop_bits, to_integers
from qat.data.reading import Reading
from qat.data.sensing import SPREAD, Raw, check_fit, given_unit, own_unit, to_samples
from qat.machine.memory import require
from qat.model.sensor import Sensor
from qat.model.shape import Shape

BYTES_PER_VALUE = 14
"""Memory that a value takes while it is checked, scaled and divided, besides the arrays given."""

UNKNOWN = "unknown"
"""The licence of data that came with none."""

VALIDATION, TEST = 0.1, 0.2
"""Parts of the samples that are set aside where a data set does not come divided."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs and labels in three parts.

    x_train, x_validation, x_test: int8 or uint8 of (samples, inputs), or of (samples, steps,
                 inputs) for a vector per step; every value lies in `input_range`
    y_train, y_validation, y_test: (samples,) int64 in [0, classes)
    classes:     number of classes
    name, source, licence: where it comes from
    input_range: (low, high)
    x_scale:     the real value of 1 in x; 1.0 where the data were whole numbers; one number, or
                 one for every feature (channel) where each has its own
    x_offset:    the real value of 0 in x, likewise
    class_names: words for the classes, or none
    originals:   the training inputs as they were before the `steps` that made x_train of them,
                 None without such; augmentation changes originals
    steps:       functions of a batch, applied in order, from originals to x_train
    notes:       what was found or guessed while a file was read, a line each
    warnings:    what is probably not meant, a line each
    reading:     how the file was read, with everything settled: the same again reads another
                 file in the same way; None where the data are no file
    division:    the rule that divided it into parts; None where that is not known
    dropped:     lower bits that `with_input_bits` took off whole numbers
    starts:      (samples,) int64: where the windows of the test part begin, counted from 0 among
                 the samples of the file; None where every line stands alone
    grid:        where the values of an input vector lie on a map: pictures have one; None for none
    """

    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_validation: NDArray[Any]
    y_validation: NDArray[np.int64]
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]
    classes: int
    name: str
    source: str
    licence: str
    input_range: tuple[int, int]
    x_scale: float | tuple[float, ...] = 1.0
    x_offset: float | tuple[float, ...] = 0.0
    class_names: tuple[str, ...] = ()
    channel_names: tuple[str, ...] = ()
    raw: Raw | None = None
    sensor: Sensor | None = None
    originals: NDArray[Any] | None = None
    steps: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    reading: Reading | None = None
    division: Division | None = None
    dropped: int = 0
    starts: NDArray[np.int64] | None = None
    grid: Shape | None = None

    def __post_init__(self) -> None:
        if self.grid is not None and self.grid.size != self.inputs:
            raise ValueError(
                f"{self.name}: has {self.inputs} inputs; its map of {self.grid} has "
                f"{self.grid.size}"
            )

    def training_batch(
        self, chosen: NDArray[np.int64], change: Callable[[NDArray[Any]], NDArray[Any]] | None
    ) -> NDArray[Any]:
        """Return training inputs, made anew from originals that `change` has changed."""
        if change is None:
            return self.x_train[chosen]
        x = change((self.x_train if self.originals is None else self.originals)[chosen])
        for step in self.steps:
            x = step(x)
        return x

    def through(self, step: Callable[[NDArray[Any]], NDArray[Any]], **changed: Any) -> Dataset:
        """Return the data with every input put through `step`; other fields may change as well."""
        return replace(
            self,
            x_train=step(self.x_train),
            x_validation=step(self.x_validation),
            x_test=step(self.x_test),
            originals=self.x_train if self.originals is None else self.originals,
            steps=(*self.steps, step),
            raw=None,
            sensor=None,
            **changed,
        )

    @property
    def inputs(self) -> int:
        """Number of inputs, the first entry of a network's sizes."""
        return int(self.x_train.shape[-1])

    @property
    def vectors(self) -> int:
        """Vectors of a sample: its steps, 1 where it has none."""
        return int(self.x_train.shape[1]) if self.x_train.ndim == 3 else 1

    def as_maps(self) -> Dataset:
        """Return samples of a vector a step as one vector each: maps of height 1, a column a step.

        They are read as a whole, in one step: (samples, steps, inputs) become (samples,
        steps * inputs). Data of one vector a sample stay as they are.
        """
        if self.x_train.ndim == 2:
            return self
        steps, channels = self.x_train.shape[1:]
        sensor = None if self.sensor is None else self.sensor.of_maps(steps)

        def flat(x: NDArray[Any]) -> NDArray[Any]:
            return x.reshape(len(x), steps * channels)

        return replace(
            self,
            x_train=flat(self.x_train),
            x_validation=flat(self.x_validation),
            x_test=flat(self.x_test),
            originals=self.x_train if self.originals is None else self.originals,
            steps=(*self.steps, flat),
            raw=None if self.raw is None else replace(self.raw, mapped=True),
            sensor=sensor,
            grid=Shape(1, steps, channels),
        )

    def with_input_bits(self, bits: int) -> Dataset:
        """Return the data with inputs of at most `bits` bits: the upper ones are kept.

        What comes from a sensor is scaled anew, from its samples.

        Raises ValueError for less than one bit (two for signed data).
        """
        if self.raw is not None:
            return replace(self, **vars(self.raw.inputs(bits)))
        low, high = self.input_range
        least = 2 if low < 0 else 1
        if bits < least:
            raise ValueError(f"input bits: found {bits}; must be at least {least}")
        has = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)
        shift = max(0, has - bits)
        return self.through(
            partial(drop_bits, shift=shift),
            input_range=(low >> shift, high >> shift),
            x_scale=_scalar_or_each(np.multiply(self.x_scale, 2**shift)),
            dropped=self.dropped + shift,
        )

    def with_sensor(self, sensor: Sensor, low: int, high: int) -> Dataset:
        """Return the data with the inputs, low to high, that another sensor makes of the samples.

        Raises ValueError for data without samples.
        """
        raw = self.raw
        if raw is None:
            raise ValueError(f"{self.name}: is not made of the samples of a sensor")
        return replace(
            self,
            x_train=raw.through(sensor, raw.train, low, high),
            x_validation=raw.through(sensor, raw.validation, low, high),
            x_test=raw.through(sensor, raw.test, low, high),
            input_range=(low, high),
            sensor=sensor,
        )

    def divided_by(self, division: Division) -> Dataset:
        """Return the data with the rule that divided them, and what tells them from others.

        Of a sensor these are its samples, else the inputs, before any bits are taken off.
        """
        return replace(self, division=division.of(*self.samples_and_labels()))

    def samples_and_labels(self) -> tuple[tuple[NDArray[Any], NDArray[np.int64]], ...]:
        """Return (samples of the sensor, else inputs; labels) of the three parts."""
        parts = ("train", "validation", "test")
        return tuple(
            (getattr(self.raw, p) if self.raw else getattr(self, f"x_{p}"), getattr(self, f"y_{p}"))
            for p in parts
        )


def _scalar_or_each(values: NDArray[Any]) -> float | tuple[float, ...]:
    return float(values) if values.ndim == 0 else tuple(map(float, values))


# ------------------------------------------------------------------ splitting


def stratified(y: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Return a mask that picks about `fraction` of every class, at least one where it has two."""
    random = np.random.RandomState(seed)  # its numbers never change with the version of NumPy
    picked = np.zeros(len(y), np.bool_)
    for label in np.unique(y):
        members = random.permutation(np.flatnonzero(y == label))
        count = max(round(fraction * len(members)), int(len(members) > 1))
        picked[members[:count]] = True
    return picked


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

    x: (samples, inputs), or (samples, steps, inputs) for a vector per step. Whole numbers that
       fit a byte stay as they are; others are what a sensor measures: they become int16 samples
       of `unit`, and these the inputs, by the Sensor that goes into the model file. All share one
       scale, `x_scale`.
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
        return replace(data, warnings=(*lost, *vanished)).divided_by(rule)
    return _encoded(parts, trained, each_feature, about).divided_by(rule)


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
        x_scale=_scalar_or_each(scale),
        x_offset=_scalar_or_each(offset),
        **about,
    )


def from_raw(
    raw: Raw,
    y_train: NDArray[np.int64],
    y_validation: NDArray[np.int64],
    y_test: NDArray[np.int64],
    **about: Any,
) -> Dataset:
    """Return the Dataset that samples of a sensor are; about: names, source and licence."""
    return Dataset(
        **vars(raw.inputs()),
        y_train=y_train,
        y_validation=y_validation,
        y_test=y_test,
        classes=int(y_train.max()) + 1,
        raw=raw,
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
