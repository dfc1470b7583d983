"""Spoken digits of a copy of FSDD of one's own, as the record Spectrum makes frames of them.

The file holds `audio` (int16 at 8 kHz, one recording behind the other), `length`, `y`, `speaker`
and `index`, the number of a recording of its speaker and digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.dataset import Dataset
from qat.data.speech import Speech
from qat.model import Spectrum

FRAMES, BANDS = 40, 24
"""Of a recording, silence behind it included; 20 ms each."""

LOW, HIGH = -8, 7
"""Bands are 4 bits: steps of an octave around their means."""


@dataclass(frozen=True)
class Spoken:
    """Later, louder or softer by a level, two bands not heard: another way to say the same.

    later: frames, at most; bands: that are not heard
    """

    later: int = 3
    bands: int = 2

    def __call__(self, x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Return changed frames, (batch, frames, bands)."""
        shift = int(rng.integers(0, self.later + 1))
        if shift:
            quiet = np.full_like(x[:, :shift], LOW)
            x = np.concatenate([quiet, x[:, :-shift]], axis=1)
        louder = rng.integers(-1, 2, (len(x), 1, 1))
        x = np.where(x > LOW, np.clip(x + louder, LOW, HIGH), x).astype(np.int8)
        first = int(rng.integers(0, x.shape[2] - self.bands + 1))
        x[:, :, first : first + self.bands] = 0
        return x


AGAIN = Speech(LOW, HIGH, blank=True)
"""Another try of the same speaker: an octave of energy is one level."""

OTHERS = replace(AGAIN, louder=3.0, pace=0.1, throat=0.1, tilt=1.0)
"""Another speaker."""


@dataclass(frozen=True)
class Raised:
    """What changes recordings, of levels that begin at 0."""

    change: Speech

    def __call__(self, x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Return changed frames, (batch, frames, bands) uint8."""
        return (self.change(x.astype(np.int8) + LOW, rng) - LOW).astype(np.uint8)


def official(path: Path) -> Dataset:
    """Return recordings 0 to 4 as the test, 5 to 9 as what validates, the rest to train with."""
    index = _file(path)["index"]
    return _parted(path, index < 5, (index >= 5) & (index < 10))


def unheard(path: Path, speakers: Sequence[int]) -> Dataset:
    """Return all recordings of some speakers as the test, one speaker behind the other.

    Of those who are left recordings 0 to 9 validate, and the rest trains.
    """
    file = _file(path)
    tests = np.isin(file["speaker"], speakers)
    data = _parted(path, tests, (file["index"] < 10) & ~tests)
    by = np.argsort(file["speaker"][tests], kind="stable")
    return replace(data, x_test=data.x_test[by], y_test=data.y_test[by])


@cache
def _file(path: Path) -> Mapping[str, NDArray[Any]]:
    with np.load(path) as file:
        return {name: file[name] for name in ("audio", "length", "y", "index", "speaker")}


SPECTRUM = Spectrum.mel(BANDS, 8000, 256, 160)


def _parted(path: Path, tests: NDArray[Any], validates: NDArray[Any]) -> Dataset:
    """Return frames whose bands are those of recordings that train, less their means."""
    file = _file(path)
    parts = {"test": tests, "validation": validates, "train": ~tests & ~validates}
    spectrum = replace(SPECTRUM, mean=_means(path, parts["train"]), shift=3)
    x = spectrum.vectors_of(_levels(path), LOW, HIGH).astype(np.int8)
    y = file["y"].astype(np.int64)
    arrays = {f"x_{name}": x[chosen] for name, chosen in parts.items()}
    arrays |= {f"y_{name}": y[chosen] for name, chosen in parts.items()}
    about = {"name": "spoken digits", "source": "FSDD", "licence": "CC BY-SA 4.0"}
    return Dataset(input_range=(LOW, HIGH), classes=10, sensor=spectrum, **about, **arrays)


@cache
def _levels(path: Path) -> NDArray[np.int16]:
    """Return the levels of FRAMES frames: what is longer is cut, behind what is shorter silence."""
    file, size = _file(path), SPECTRUM.samples_of(FRAMES)
    sound = np.zeros((len(file["y"]), size, 1), np.int16)
    ends = np.cumsum(file["length"])
    for row, (end, samples) in enumerate(zip(ends, file["length"], strict=True)):
        kept = min(int(samples), size)
        sound[row, :kept, 0] = file["audio"][end - samples : end - samples + kept]
    return SPECTRUM.levels(sound).astype(np.int16)


def _means(path: Path, chosen: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return the whole-number mean of each band over the frames of some recordings."""
    length = _file(path)["length"][chosen][:, None]
    frames = np.arange(FRAMES) * SPECTRUM.group + SPECTRUM.length <= length
    return np.rint(_levels(path)[chosen][frames].mean(axis=0)).astype(np.int16)
