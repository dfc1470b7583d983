"""From real values of a sensor to int16 samples, and from samples to the inputs of a model.

Training takes that way: real values become samples, samples become inputs through the Sensor
that goes into the model file, so that training and device see the same integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import finite
from qat.model.sensor import Sensor
from qat.model.spectrum import FrontEnd

LOW, HIGH = -(2**15), 2**15 - 1
"""What a sample may be."""

HEADROOM = 2.0
"""A device may measure this many times what training has seen."""

SPREAD = 3.0
"""Standard deviations that a byte spans, either way, for channels with scales of their own."""

FINE = 2
"""Samples that a step of a byte should be at least; else every channel has a unit of its own."""

LITTLE = 2
"""Samples of deviation below which a channel's unit is as fine as may be, not a power of ten."""

PIECE = 2**20
"""Values that are scaled at a time."""

Real = NDArray[np.float64]


def shown(name: int, names: Sequence[str]) -> str:
    """Return what an error calls a feature: its name, else its number."""
    return names[name] if names else str(name)


# ----------------------------------------------------------------------- units


def power_of_ten(most: float) -> float:
    """Return the finest power of ten of which `most`, with headroom, is an int16."""
    return float(f"1e{ceil(log10(HEADROOM * most / HIGH))}") if most > 0 else 1.0


def one_two_five(most: float) -> float:
    """Return the finest 1, 2 or 5 times a power of ten of which `most`, with headroom, is int16."""
    ten = power_of_ten(most)
    finer = (float(f"{ten / share:.1g}") for share in (5, 2))
    return next((unit for unit in finer if HEADROOM * most <= HIGH * unit), ten)


def own_unit(values: NDArray[Any], each: bool) -> Real:
    """Return the unit of every channel of training values, (..., channels): real values of 1.

    1 if all are whole and fit int16. Else a power of ten: one for all channels, or, where that
    is too coarse for a channel that is scaled on its own (`each`), one for every channel, twice
    or five times that where the channel changes little on a large offset.
    """
    flat = values.reshape(-1, values.shape[-1])
    least, greatest = (end.astype(np.float64) for end in (flat.min(axis=0), flat.max(axis=0)))
    most, whole = np.maximum(greatest, -least), (flat == np.rint(flat)).all(axis=0)
    fits = whole & (least >= LOW) & (greatest <= HIGH)
    if fits.all():
        return np.ones(len(most))
    common = power_of_ten(float(most.max()))
    if not each or (FINE * common <= SPREAD * flat.std(axis=0, dtype=np.float64) / 127).all():
        return np.full(len(most), common)
    coarse = np.array([power_of_ten(value) for value in most.tolist()])
    finer = np.array([one_two_five(value) for value in most.tolist()])
    little = flat.std(axis=0, dtype=np.float64) < LITTLE * coarse
    return np.where(fits, 1.0, np.where(little, finer, coarse))


def given_unit(unit: ArrayLike, channels: int) -> Real:
    """Return a unit that the user gave, (channels,); ValueError if it makes no sense."""
    array = np.atleast_1d(finite("unit", unit)).astype(np.float64)
    if array.ndim != 1 or len(array) not in (1, channels) or (array <= 0).any():
        raise ValueError(
            f"unit: found {np.asarray(unit).tolist()}; must be one number above 0, or one for "
            f"each of {channels} channels"
        )
    return np.array(np.broadcast_to(array, channels))


def check_fit(values: NDArray[Any], unit: Real, names: Sequence[str] = ()) -> None:
    """Raise ValueError for values, (..., channels), that are no int16 in this unit."""
    flat = values.reshape(-1, values.shape[-1])
    low, high = flat.min(axis=0), flat.max(axis=0)
    wrong = np.flatnonzero((np.rint(low / unit) < LOW) | (np.rint(high / unit) > HIGH))
    if not len(wrong):
        return
    least, channel = np.maximum(low / LOW, high / HIGH), wrong[0]
    needed = least.max() if (unit == unit[0]).all() else least[channel]
    worst = low[channel] if np.rint(low[channel] / unit[channel]) < LOW else high[channel]
    raise ValueError(
        f"unit: {unit[channel]:g} makes feature {shown(channel, names)} = {worst:g} a sample of "
        f"{worst / unit[channel]:.0f}; int16 holds {LOW} to {HIGH}; use a unit of at least "
        f"{_rounded_up(float(needed))}"
    )


def _rounded_up(value: float) -> str:
    """Return a number above 0 in two digits, not below it."""
    size = 10.0 ** (ceil(log10(value)) - 2)
    return f"{ceil(value / size) * size:.2g}"


def to_samples(values: NDArray[Any], unit: Real) -> NDArray[np.int16]:
    """Return clip(rint(values / unit)) as int16, of any shape (..., channels)."""
    found = np.empty(values.shape, np.int16)
    for piece in _pieces(values):
        found[piece] = np.clip(np.rint(values[piece] / unit), LOW, HIGH)
    return found


def _pieces(array: NDArray[Any]) -> list[slice]:
    """Return slices of the first axis, of about PIECE values each."""
    rows = max(1, PIECE // max(1, array[:1].size))
    return [slice(i, i + rows) for i in range(0, len(array), rows)]


# ---------------------------------------------------------------------- inputs


@dataclass(frozen=True, eq=False)
class Scaled:
    """Inputs of three parts, and how they came about; fields are those of a Dataset."""

    x_train: NDArray[Any]
    x_validation: NDArray[Any]
    x_test: NDArray[Any]
    input_range: tuple[int, int]
    x_scale: float | tuple[float, ...]
    x_offset: float | tuple[float, ...]
    sensor: FrontEnd


@dataclass(frozen=True, eq=False)
class Raw:
    """Samples of a sensor in three parts, as a device measures them.

    train, validation, test: int16 (windows, samples, channels); a window of 1 sample is a vector
             that is held
    unit:    (channels,) real values of 1
    each:    every channel has a scale of its own, from its mean and deviation in training; else
             all share one, and a group is one sample
    framed:  windows are frames, also those of one step
    group:   samples of a step
    hop:     steps from one window to the next, None for T
    mapped:  the steps of a window lie in one vector, a map of height 1
    """

    train: NDArray[np.int16]
    validation: NDArray[np.int16]
    test: NDArray[np.int16]
    unit: Real
    each: bool
    framed: bool
    group: int = 1
    hop: int | None = None
    mapped: bool = False

    @property
    def plain_unit(self) -> float | list[float]:
        """The unit as a JSON value: one number where all channels share it."""
        units: list[float] = self.unit.tolist()
        return units[0] if len(set(units)) == 1 else units

    def inputs(self, bits: int = 8) -> Scaled:
        """Return the inputs, of `bits` bits each, and the sensor that makes them of samples.

        The sensor is fitted to the training part (where all channels share a scale, to that and
        the validation part). Raises ValueError for less than one bit, two where values may be
        negative.
        """
        scale, offset, low, high = self._scaling()
        least = 2 if low < 0 else 1
        if bits < least:
            raise ValueError(f"input bits: found {bits}; must be at least {least}")
        shift = max(0, 8 - bits)
        low, high, scale = low >> shift, high >> shift, scale * 2.0**shift
        channels = self.train.shape[-1]
        timing: dict[str, Any] = {"group": self.group, "hop": self.hop}
        if self.mapped:
            timing["vectors"] = self.train.shape[1] // self.group
        sensor = Sensor.fit(scale, offset, channels, self.unit, **timing)
        return Scaled(
            self.through(sensor, self.train, low, high),
            self.through(sensor, self.validation, low, high),
            self.through(sensor, self.test, low, high),
            (low, high),
            _plain(scale),
            _plain(offset),
            sensor,
        )

    def through(
        self, sensor: FrontEnd, part: NDArray[np.int16], low: int, high: int
    ) -> NDArray[Any]:
        """Return what a sensor makes of samples: (windows, channels), frames, or maps of these."""
        shape = (len(part), sensor.vectors_in(part.shape[1]), sensor.width)
        found = np.empty(shape, np.int8 if low < 0 else np.uint8)
        for piece in _pieces(part):
            found[piece] = sensor.scale(part[piece], low, high)
        if self.mapped:
            return found.reshape(len(found), -1)
        return found if self.framed else found[:, 0]

    def _means(self, part: NDArray[np.int16]) -> Real:
        """Return the real values of groups, (groups, channels)."""
        grouped = part.reshape(-1, self.group, part.shape[-1])
        return np.asarray(grouped.mean(axis=1, dtype=np.float64) * self.unit)

    def _scaling(self) -> tuple[Real, Real, int, int]:
        """Return (scale, offset, low, high) of inputs of 8 bits."""
        if self.each:
            means = self._means(self.train)
            return SPREAD * means.std(axis=0) / 127, means.mean(axis=0), -127, 127
        known = (self.train, self.validation)
        least = min(float((part.min(axis=(0, 1)) * self.unit).min()) for part in known)
        most = max(float((part.max(axis=(0, 1)) * self.unit).max()) for part in known)
        low, high = (-127, 127) if least < 0 else (0, 255)
        return np.array(max(most, -least) / high), np.array(0.0), low, high


def _plain(values: Real) -> float | tuple[float, ...]:
    return float(values) if values.ndim == 0 else tuple(map(float, values))
