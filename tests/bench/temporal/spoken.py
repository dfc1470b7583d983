"""Spoken digits of a copy of FSDD of one's own, as the record Spectrum makes frames of them.

The file holds `audio` (int16 at 8 kHz, one recording behind the other), `length`, `y`, `speaker`
and `index`, the number of a recording of its speaker and digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.dataset import Dataset
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


def official(path: Path) -> Dataset:
    """Return recordings 0 to 4 as the test, 5 to 9 as what validates, the rest to train with."""
    index = _file(path)["index"]
    return _parted(path, index < 5, (index >= 5) & (index < 10))


@cache
def _file(path: Path) -> Mapping[str, NDArray[Any]]:
    with np.load(path) as file:
        return {name: file[name] for name in ("audio", "length", "y", "index", "speaker")}


def _parted(path: Path, tests: NDArray[Any], validates: NDArray[Any]) -> Dataset:
    """Return frames whose bands are those of recordings that train, less their means."""
    file, spectrum = _file(path), Spectrum.mel(BANDS, 8000, 256, 160)
    parts = {"test": tests, "validation": validates, "train": ~tests & ~validates}
    sound, length = _sound(path, spectrum.samples_of(FRAMES)), file["length"]
    mean = _means(spectrum, sound, length, parts["train"])
    spectrum = replace(spectrum, mean=mean, shift=3)
    x, y = spectrum.scale(sound, LOW, HIGH).astype(np.int8), file["y"].astype(np.int64)
    arrays = {f"x_{name}": x[chosen] for name, chosen in parts.items()}
    arrays |= {f"y_{name}": y[chosen] for name, chosen in parts.items()}
    about = {"name": "spoken digits", "source": "FSDD", "licence": "CC BY-SA 4.0"}
    return Dataset(input_range=(LOW, HIGH), classes=10, sensor=spectrum, **about, **arrays)


@cache
def _sound(path: Path, size: int) -> NDArray[np.int16]:
    """Return (recordings, size, 1): what is longer is cut, behind what is shorter is silence."""
    file = _file(path)
    sound = np.zeros((len(file["y"]), size, 1), np.int16)
    ends = np.cumsum(file["length"])
    for row, (end, samples) in enumerate(zip(ends, file["length"], strict=True)):
        kept = min(int(samples), size)
        sound[row, :kept, 0] = file["audio"][end - samples : end - samples + kept]
    return sound


def _means(spectrum: Spectrum, sound: Any, length: Any, chosen: Any) -> NDArray[np.int16]:
    """Return the whole-number mean of each band over the frames of some recordings."""
    levels = spectrum.levels(sound[chosen])
    frames = np.arange(FRAMES) * spectrum.group + spectrum.length <= length[chosen][:, None]
    return np.rint(levels[frames].mean(axis=0)).astype(np.int16)
