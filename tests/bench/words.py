"""Spoken digits: what layers, delays and recurrent edges are worth, on a copy of FSDD of one's own.

    python tests/bench/words.py fsdd.npz --seeds 5

The file holds `audio` (int16 at 8 kHz, one recording behind the other), `length`, `y` and `index`, the
number of a recording of its speaker and digit. Recordings 0 to 4 are the official test, 5 to 9 choose
the epoch, the rest trains. Sound becomes 24 mel bands of 4 bits every 20 ms by the record Spectrum, 40
frames of it, silence behind a recording included: the integers that a device would compute.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import qat  # found by the line above
from qat.data.dataset import Dataset
from qat.model.spectrum import Spectrum
from qat.train.recipes import Recipe, for_recurrent

FRAMES, BANDS, BITS = 40, 24, 4
LOW, HIGH = -8, 7

NETWORKS: Mapping[str, dict[str, Any]] = {
    "64": {"layers": "64"},
    "64 recurrent": {"layers": "64r"},
    "64-64": {"layers": "64-64"},
    "64-64 delays": {"layers": "64-64", "delays": 15},
    "96-96 delays": {"layers": "96-96", "delays": 15},
}


@dataclass(frozen=True)
class Spoken:
    """Later, louder or softer by a level, two bands not heard: another way to say the same."""

    later: int = 3
    bands: int = 2

    def __call__(self, x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Return changed frames, (batch, frames, bands)."""
        shift = rng.integers(0, self.later + 1)
        if shift:
            quiet = np.full_like(x[:, :shift], LOW)
            x = np.concatenate([quiet, x[:, :-shift]], axis=1)
        louder = rng.integers(-1, 2, (len(x), 1, 1))
        x = np.where(x > LOW, np.clip(x + louder, LOW, HIGH), x).astype(np.int8)
        first = rng.integers(0, x.shape[2] - self.bands + 1)
        x[:, :, first : first + self.bands] = 0
        return x


RECIPE = Recipe(
    40, 64, 6e-3, weight_decay=0.0, rate_penalty=0.05, rate_target=0.05, averaging=0.99,
    even_penalty=True, augment=Spoken(),
)  # fmt: skip


@cache
def spoken_digits(path: Path) -> Dataset:
    """Return the recordings as a data set of (samples, FRAMES, BANDS) frames."""
    with np.load(path) as file:
        audio, length, y, index = (file[name] for name in ("audio", "length", "y", "index"))
    spectrum = Spectrum.mel(BANDS, 8000, 256, 160)
    size = spectrum.samples_of(FRAMES)
    sound = np.zeros((len(y), size, 1), np.int16)
    for row, (end, samples) in enumerate(zip(np.cumsum(length), length, strict=True)):
        kept = min(int(samples), size)
        sound[row, :kept, 0] = audio[end - samples : end - samples + kept]
    parts = {"test": index < 5, "validation": (index >= 5) & (index < 10), "train": index >= 10}
    spectrum = replace(spectrum, mean=_means(spectrum, sound, length, parts["train"]), shift=3)
    x = spectrum.scale(sound, LOW, HIGH).astype(np.int8)
    arrays = {f"x_{name}": x[chosen] for name, chosen in parts.items()}
    arrays |= {f"y_{name}": y[chosen].astype(np.int64) for name, chosen in parts.items()}
    about = {"name": "spoken digits", "source": "FSDD", "licence": "CC BY-SA 4.0"}
    return Dataset(input_range=(LOW, HIGH), classes=10, sensor=spectrum, **about, **arrays)


def _means(spectrum: Spectrum, sound: Any, length: Any, chosen: Any) -> NDArray[np.int16]:
    """Return the whole-number mean of each band over the frames of recordings that train."""
    levels = spectrum.levels(sound[chosen])
    frames = np.arange(FRAMES) * spectrum.group + spectrum.length <= length[chosen][:, None]
    return np.rint(levels[frames].mean(axis=0)).astype(np.int16)


def trained(
    name: str,
    data: Dataset,
    seed: int,
    bits: int | None = 2,
    epochs: int | None = None,
    **more: Any,
) -> tuple[float, qat.Network]:
    """Return (accuracy on the official test, network); that of the integer model, if it is one."""
    layers = NETWORKS[name]["layers"].count("-") + 1
    settings = {"norm": True, **NETWORKS[name], **more}
    net = qat.Network(
        [BANDS, 10],
        None if bits is None else [bits] * layers + [8],
        FRAMES,
        input="frames",
        input_range=(LOW, HIGH),
        seed=seed,
        **settings,
    )
    recipe = for_recurrent(RECIPE) if net.recurrent else RECIPE
    qat.fit(net, data, seed, recipe=replace(recipe, epochs=epochs or recipe.epochs))
    model = net if bits is None else qat.export(net)
    return qat.evaluate(model, data.x_test, data.y_test), net
