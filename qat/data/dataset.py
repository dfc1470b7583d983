"""A data set: whole numbers in training, validation and test parts, and how to make one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.division import Division
from qat.data.encode import drop_bits
from qat.data.reading import Reading
from qat.data.sensing import Raw
from qat.model.shape import Shape
from qat.model.spectrum import FrontEnd, Spectrum

UNKNOWN = "unknown"
"""The licence of data that came with none."""


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
    sensor: FrontEnd | None = None
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
        steps * inputs). Data of one vector a sample stay as they are. Bands of sound become 0 and
        above, the least of them 0: that is what lies beyond the edges of a map, and first layers
        on maps are quick for.
        """
        if self.x_train.ndim == 2:
            return self
        if isinstance(self.sensor, Spectrum) and self.input_range[0] < 0:
            return self._raised(self.sensor).as_maps()
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

    def _raised(self, spectrum: Spectrum) -> Dataset:
        """Return frames of sound whose least value is 0, and the Spectrum that makes such."""
        low, high = self.input_range
        scale, offset = np.asarray(self.x_scale), np.asarray(self.x_offset)
        parts = ("x_train", "x_validation", "x_test")
        return replace(
            self,
            **{
                name: (getattr(self, name).astype(np.int16) - low).astype(np.uint8)
                for name in parts
            },
            input_range=(0, high - low),
            x_offset=scalar_or_each(offset + low * scale),
            sensor=raised(spectrum, low),
        )

    def with_input_bits(self, bits: int) -> Dataset:
        """Return the data with inputs of at most `bits` bits: the upper ones are kept.

        What comes from a sensor is scaled anew, from its samples.

        Raises ValueError for less than one bit (two for signed data).
        """
        if self.raw is not None:
            scaled = self.raw.inputs(bits)
            originals = None if self.originals is None else _frames(scaled.x_train, self.grid)
            return replace(self, **vars(scaled), originals=originals)
        low, high = self.input_range
        least = 2 if low < 0 else 1
        if bits < least:
            raise ValueError(f"input bits: found {bits}; must be at least {least}")
        has = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)
        shift = max(0, has - bits)
        return self.through(
            partial(drop_bits, shift=shift),
            input_range=(low >> shift, high >> shift),
            x_scale=scalar_or_each(np.multiply(self.x_scale, 2**shift)),
            dropped=self.dropped + shift,
        )

    def with_sensor(self, sensor: FrontEnd, low: int, high: int) -> Dataset:
        """Return the data with the inputs, low to high, that another sensor makes of the samples.

        Raises ValueError for data without samples.
        """
        raw = self.raw
        if raw is None:
            raise ValueError(f"{self.name}: is not made of the samples of a sensor")
        train = raw.through(sensor, raw.train, low, high)
        return replace(
            self,
            x_train=train,
            originals=None if self.originals is None else _frames(train, self.grid),
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


def raised(spectrum: Spectrum, low: int) -> Spectrum:
    """Return a Spectrum whose values, of `low` and above, are 0 and above."""
    return replace(spectrum, mean=spectrum.mean.astype(np.int64) + (low << spectrum.shift))


def _frames(maps: NDArray[Any], grid: Shape | None) -> NDArray[Any]:
    """Return maps of height 1 as (samples, steps, inputs); other samples as they are."""
    return maps if grid is None else maps.reshape(len(maps), grid.width, grid.channels)


def scalar_or_each(values: NDArray[Any]) -> float | tuple[float, ...]:
    """Return one number as a float, one for every feature as floats."""
    return float(values) if values.ndim == 0 else tuple(map(float, values))


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
