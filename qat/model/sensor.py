"""Raw samples of a sensor as the input of a model: sums of groups, scaled, in windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import IntArray, integer, integers
from qat.model.digest import line, spread

MAX_OFFSET = 2**30
MAX_GAIN = 2**20
MAX_GROUP = 2**14
MAX_SHIFT = 22
"""With these limits int32 holds every value on the way, once s_i - offset_i is clamped to where
its product with the gain fits: beyond that x_i has long reached its limit."""


@dataclass(frozen=True, eq=False)
class Sensor:
    """How raw samples become input vectors, on the device as here.

    A sample is a vector of int16, a value a channel, as many channels as the model has inputs, or
    as each of the `vectors` has that are an input together.
    With s_i the sum of channel i over `group` samples in a row, and [low, high] the range of the
    model's input,

        x_i = min(max(((s_i - offset_i) * gain_i + 2**(shift-1)) >> shift, low), high)

    with the arithmetic shift, and no rounding term at shift = 0. Where the input is held, every
    x is classified, or with `vectors` every window of so many, one behind the other: a map of
    height 1. Elsewhere x is a step, and T of them are a window. A new window begins every `hop`
    vectors.

    offset: int32 (channels,), within +-2**30
    gain:   int32 (channels,), within +-2**20 and not 0
    shift:  0 to 22
    group:  samples that are summed, 1 to 2**14
    hop:    vectors from the start of one window to that of the next; None for as many as a window
            has, and where there are no windows
    vectors: that are one held input together; None where each is one, or a step
    """

    offset: IntArray
    gain: IntArray
    shift: int = 0
    group: int = 1
    hop: int | None = None
    vectors: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        for name, most in (("offset", MAX_OFFSET), ("gain", MAX_GAIN)):
            array = integers(f"Sensor.{name}", getattr(self, name), -most, most, np.int32)
            if array.ndim != 1 or not len(array):
                raise ValueError(f"Sensor.{name}: found shape {array.shape}; one per channel")
            set_(self, name, array)
        if len(self.gain) != len(self.offset) or not self.gain.all():
            raise ValueError(
                f"Sensor.gain: found {len(self.gain)} values for {len(self.offset)} channels, the "
                f"smallest {np.abs(self.gain).min()}; needs one per channel, none of them 0"
            )
        set_(self, "shift", integer("Sensor.shift", self.shift, 0, MAX_SHIFT))
        set_(self, "group", integer("Sensor.group", self.group, 1, MAX_GROUP))
        if self.hop is not None:
            set_(self, "hop", integer("Sensor.hop", self.hop, 1, 2**24))
        if self.vectors is not None:
            set_(self, "vectors", integer("Sensor.vectors", self.vectors, 1, 2**24))

    @property
    def channels(self) -> int:
        """Values of a sample."""
        return len(self.offset)

    @property
    def width(self) -> int:
        """Values of a vector: one a channel."""
        return len(self.offset)

    def vectors_in(self, samples: int) -> int:
        """Return how many vectors so many samples give."""
        return samples // self.group

    def samples_of(self, vectors: int) -> int:
        """Return after how many samples so many vectors have come."""
        return vectors * self.group

    def of_maps(self, vectors: int) -> Sensor:
        """Return the same sensor where so many vectors are one held input: a map of height 1."""
        return replace(self, vectors=vectors)

    @classmethod
    def fit(
        cls,
        scale: ArrayLike,
        offset: ArrayLike,
        channels: int,
        unit: ArrayLike = 1.0,
        **timing: Any,
    ) -> Sensor:
        """Return the sensor for x = (value - offset) / scale, a value being `unit` times a sample.

        scale, offset: real values of 1 and of 0 in the input, one or one per channel
        unit:          the real value of 1 in a sample, one or one per channel
        timing:        group, hop and vectors; the input then stands for the mean of a group

        The gains are as fine as int32 allows. Raises ValueError for a scale out of reach.
        """
        group = timing.get("group", 1)
        unit = np.asarray(unit, np.float64)
        factor = unit / (group * np.broadcast_to(np.asarray(scale, np.float64), channels))
        largest = float(np.abs(factor).max())
        shift = MAX_SHIFT
        while shift > 0 and largest * 2**shift > MAX_GAIN:
            shift -= 1
        gain = np.rint(factor * 2**shift).astype(np.int64)
        zero = np.rint(np.broadcast_to(offset, channels) * (group / unit)).astype(np.int64)
        return cls(zero, gain, shift, **timing)

    def scale(self, samples: ArrayLike, low: int, high: int) -> NDArray[np.int64]:
        """Return the vectors x of consecutive groups of samples; a group not filled is left out.

        samples: (..., samples, channels) int16 values. Returns (..., samples // group, channels).
        Raises ValueError for another number of channels or values that int16 does not hold.
        """
        raw = np.asarray(samples)
        if raw.ndim < 2 or raw.shape[-1] != self.channels:
            raise ValueError(
                f"samples: found shape {raw.shape}; needs (samples, {self.channels} channels)"
            )
        raw = integers("samples", raw, -(2**15), 2**15 - 1, np.int64)
        groups = self.vectors_in(raw.shape[-2])
        whole = raw[..., : groups * self.group, :]
        sums = whole.reshape(*raw.shape[:-2], groups, self.group, self.channels).sum(axis=-2)
        half = (1 << self.shift) >> 1
        scaled = ((sums - self.offset) * self.gain.astype(np.int64) + half) >> self.shift
        return np.clip(scaled, low, high)

    def windows(self, vectors: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
        """Return the windows of a stream of vectors: (windows, steps, channels)."""
        starts = range(0, len(vectors) - steps + 1, self.hop or steps or 1)
        picked = np.arange(steps) + np.array(starts, np.intp).reshape(-1, 1)
        return vectors[picked]

    def digested(self, steps: int | None) -> Iterator[bytes]:
        """Yield what the digest hashes, in order; without a hop it is a window of `steps`."""
        yield line("sensor", self.shift, self.group, self.hop or self.vectors or steps)
        if self.vectors is not None:
            yield line("vectors", self.vectors)
        yield spread("offset", self.offset, self.channels)
        yield spread("gain", self.gain, self.channels)
