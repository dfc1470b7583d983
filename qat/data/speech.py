"""Training recordings said otherwise: log mel bands changed as another try or speaker would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.dataset import Dataset
from qat.model import Spectrum

Values = NDArray[Any]
Real = NDArray[np.float32]


@dataclass(frozen=True)
class Speech:
    """Frames of log bands of sound, as a Spectrum makes them, each recording changed by itself.

    With the row t and the band b of a changed recording, and x read linearly between its places,

        x'[t, b] = x[t / pace - later, b * throat] + louder + tilt * (2 b / (bands - 1) - 1)

    where x was not `low`, within low and high. A run of bands is then not heard: `mean`, what a
    band has on the whole.

    low, high: of the values; low is silence, which stays, and what comes in at an end if `blank`
    octave:    values of an octave of energy
    later:     frames, at most
    pace:      part by which it is quicker or slower, at most; throat: by which bands lie higher
    louder:    octaves of energy that are added or taken off, at most; tilt: of the highest band,
               taken off the lowest one
    bands:     not heard, at most
    mean:      of every band
    blank:     silence comes in at an end; else the first or last frame again, as noise goes on

    Call it with (batch, frames, bands) whole numbers and a random generator; it returns the same
    shape and dtype. Raises ValueError for another shape.
    """

    low: int
    high: int
    octave: float = 1.0
    later: float = 4.0
    pace: float = 0.08
    throat: float = 0.0
    louder: float = 1.5
    tilt: float = 0.0
    bands: int = 3
    mean: int = 0
    blank: bool = False

    def __call__(self, x: Values, rng: np.random.Generator) -> Values:
        """Return changed recordings."""
        if x.ndim != 3:
            raise ValueError(
                f"speech: found samples of shape {x.shape}; needs frames of bands, "
                "(batch, frames, bands)"
            )
        found = self._in_time(x.astype(np.float32), rng)
        if self.throat:
            found = self._in_bands(found, rng)
        found = np.where(found > self.low, found + self._added(found, rng), found)
        found = np.clip(np.rint(found), self.low, self.high)
        return self._hidden(found, rng).astype(x.dtype)

    def _in_time(self, x: Real, rng: np.random.Generator) -> Real:
        """Return recordings that begin later and go quicker or slower."""
        batch, frames, bands = x.shape
        pace = 1 + rng.uniform(-self.pace, self.pace, (batch, 1))
        at = np.arange(frames) / pace - rng.uniform(0, self.later, (batch, 1))
        first, last = (np.full((batch, 1, bands), self.low, np.float32),) * 2
        if not self.blank:
            first, last = x[:, :1], x[:, -1:]
        at = np.clip(at + 1, 0, frames + 1)
        near, part = _between(at, frames + 2)
        return _read(np.concatenate([first, x, last], axis=1), near, part)

    def _in_bands(self, x: Real, rng: np.random.Generator) -> Real:
        """Return recordings whose bands lie higher or lower."""
        batch, _, bands = x.shape
        throat = 1 + rng.uniform(-self.throat, self.throat, (batch, 1))
        near, part = _between(np.clip(np.arange(bands) * throat, 0, bands - 1), bands)
        across, rows = x.transpose(0, 2, 1), np.arange(batch)[:, None]
        found = (
            across[rows, near] * (1 - part[..., None]) + across[rows, near + 1] * part[..., None]
        )
        return found.transpose(0, 2, 1)

    def _added(self, x: Real, rng: np.random.Generator) -> Real:
        """Return what is added to each recording, (batch, 1, bands)."""
        batch, _, bands = x.shape
        louder = rng.uniform(-self.louder, self.louder, (batch, 1, 1))
        tilt = rng.uniform(-self.tilt, self.tilt, (batch, 1, 1))
        return (self.octave * (louder + tilt * np.linspace(-1, 1, bands))).astype(np.float32)

    def _hidden(self, x: Real, rng: np.random.Generator) -> Real:
        """Return recordings of which some bands are not heard."""
        batch, _, bands = x.shape
        count, first = (
            rng.integers(0, self.bands + 1, (batch, 1)),
            rng.integers(0, bands, (batch, 1)),
        )
        band = np.arange(bands)
        hidden = (band >= first) & (band < first + count)
        return np.where(hidden[:, None], self.mean, x)


def _between(at: NDArray[np.float64], places: int) -> tuple[NDArray[np.intp], Real]:
    """Return the place before each, and how far it lies from there to the next one."""
    near = np.minimum(np.floor(at).astype(np.intp), places - 2)
    return near, (at - near).astype(np.float32)


def _read(x: Real, near: NDArray[np.intp], part: Real) -> Real:
    """Return rows of (batch, places, values), a `part` of the way from `near` to the next one."""
    rows, part = np.arange(len(x))[:, None], part[..., None]
    return x[rows, near] * (1 - part) + x[rows, near + 1] * part


def speech_of(data: Dataset) -> Speech:
    """Return what changes the training recordings of a data set, by tries and by speakers.

    Raises ValueError for data that are no bands of sound.
    """
    x = data.x_train if data.originals is None else data.originals
    if not isinstance(data.sensor, Spectrum) or x.ndim != 3:
        raise ValueError(
            f"speech: {data.name} is no sound of a spectrum; use --spectrum, or leave it out"
        )
    low, high = data.input_range
    mean = 0 if low < 0 else (high + 1) // 2
    return Speech(low, high, 8 / 2**data.sensor.shift, throat=0.08, tilt=1.0, mean=mean)
