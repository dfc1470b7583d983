"""Tasks of a file of one's own: strokes of a wand, and events of a camera, as .npz files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.augment import Affine
from qat.data.dataset import Dataset
from qat.data.formats.events import Binning, Events
from qat.data.formats.nmnist import POLARITIES, SIDE
from qat.data.formats.strokes import last_of_each, resampled
from qat.model import Shape

POINTS = 32
"""Of a stroke, at equal parts of its time."""

VALIDATES = 0.2
"""Of what does not test, the last part of every class."""


def parted(x: NDArray[Any], y: NDArray[Any], tests: NDArray[np.bool_], **about: Any) -> Dataset:
    """Return samples as a data set: the last fifth of every class of what trains validates."""
    labels = y.astype(np.int64)
    validates = np.zeros(len(labels), np.bool_)
    rest = np.flatnonzero(~tests)
    validates[rest] = last_of_each(labels[rest], VALIDATES)
    parts = {"train": ~tests & ~validates, "validation": validates, "test": tests}
    arrays = {f"x_{name}": x[chosen] for name, chosen in parts.items()}
    arrays |= {f"y_{name}": labels[chosen] for name, chosen in parts.items()}
    return Dataset(classes=int(labels.max()) + 1, **arrays, **about)


@cache
def strokes(path: Path) -> Dataset:
    """Return strokes of a wand as POINTS steps of (x, y), int8; the last fifth of a class tests.

    The file holds `xy`, int16, all strokes one behind the other, `length` of each, and `y`.
    """
    with np.load(path) as file:
        xy, length, y = (file[name] for name in ("xy", "length", "y"))
    lines = np.split(xy.astype(np.float64), np.cumsum(length)[:-1])
    x = np.rint(np.stack([resampled(line, POINTS) for line in lines]))
    about = {"name": "wand strokes", "source": "magic_wand_digit_data", "licence": "Apache-2.0"}
    return parted(
        np.clip(x, -64, 63).astype(np.int8), y, last_of_each(y, 0.2), input_range=(-64, 63), **about
    )


@dataclass(frozen=True)
class Drawn:
    """The same stroke larger, turned, elsewhere, or drawn at another pace.

    scale, shear: parts; turn: radians; shift: units; pace: part of the time that points move by
    """

    scale: float = 0.15
    turn: float = 0.25
    shift: float = 6.0
    shear: float = 0.15
    pace: float = 0.06

    def __call__(self, x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Return changed strokes, (batch, points, 2)."""
        count = len(x)
        angle = rng.uniform(-self.turn, self.turn, count)
        cosine, sine = np.cos(angle), np.sin(angle)
        turned = np.array([[cosine, -sine], [sine, cosine]]).transpose(2, 0, 1)
        stretched = np.zeros((count, 2, 2))
        stretched[:, [0, 1], [0, 1]] = 1 + rng.uniform(-self.scale, self.scale, (count, 2))
        stretched[:, 0, 1] = rng.uniform(-self.shear, self.shear, count)
        moved = x @ (stretched @ turned) + rng.uniform(-self.shift, self.shift, (count, 1, 2))
        return np.clip(np.rint(self._paced(moved, rng)), -64, 63).astype(x.dtype)

    def _paced(self, x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Return the same lines with points that lie a little earlier or later in time."""
        count, points = x.shape[:2]
        time = np.linspace(0, 1, points)
        waves = rng.uniform(-self.pace, self.pace, (3, count, 1))
        late = sum(waves[k - 1] * np.sin(k * np.pi * time) for k in (1, 2, 3))
        at = np.clip(time + late, 0, 1) * (points - 1)
        low = np.minimum(at.astype(np.intp), points - 2)
        part, rows = (at - low)[..., None], np.arange(count)[:, None]
        return x[rows, low] * (1 - part) + x[rows, low + 1] * part


MERGE, MOST = 2, 15
"""Places of the camera that are one, in both directions; the largest count of a place."""


@cache
def events(path: Path, bins: int) -> Dataset:
    """Return samples of N-MNIST as counts of their places in `bins` parts of their time, held.

    The file holds `ev_x`, `ev_y`, `ev_p` (polarity) and `ev_t` (microseconds since the event
    before) of all samples, `count` and `id` of each, `y`, and the ids that train and that test. The
    counts of a place in all bins and polarities are channels of a map of 17 x 17.
    """
    with np.load(path) as file:
        found = {name: file[name] for name in file.files}
    side = -(-SIDE // MERGE)
    ends = np.cumsum(found["count"])[:-1]
    places = (found["ev_y"].astype(np.int64) // MERGE * side + found["ev_x"] // MERGE) * POLARITIES
    samples = [
        Events(np.cumsum(times), inputs)
        for times, inputs in zip(
            np.split(found["ev_t"].astype(np.int64), ends), np.split(places + found["ev_p"], ends),
            strict=True,
        )
    ]  # fmt: skip
    longest = max(int(one.times[-1]) for one in samples)
    binning = Binning(bins, longest + 1, MOST)
    size = side * side * POLARITIES
    x = binning.steps(samples, len(samples), size).reshape(-1, bins, side * side, POLARITIES)
    x = np.ascontiguousarray(x.transpose(0, 2, 1, 3).reshape(len(x), -1))
    grid = Shape(side, side, bins * POLARITIES)
    about = {"name": "N-MNIST small", "source": "slayerPytorch", "licence": "CC BY-SA 4.0"}
    tests = np.isin(found["id"], found["test100"])
    return parted(x, found["y"], tests, input_range=(0, MOST), grid=grid, **about)


CHANGE = Affine(shift=1.2, rotation=8, scale=0.1, shear=0.1)
"""Of maps of 17 x 17."""


@dataclass(frozen=True)
class Seen:
    """Maps moved, turned and stretched as pictures are: all channels of one in the same way.

    side, channels: of the maps
    """

    side: int
    channels: int
    change: Affine = CHANGE

    def __call__(self, x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Return changed maps, (batch, side * side * channels) uint8."""
        maps = x.reshape(len(x), -1, self.channels).transpose(2, 0, 1)
        seed = int(rng.integers(2**31))
        changed = [
            self.change(np.ascontiguousarray(one), np.random.default_rng(seed)) for one in maps
        ]
        return np.ascontiguousarray(np.stack(changed, axis=-1)).reshape(x.shape)


def with_bits(data: Dataset, bits: int) -> Dataset:
    """Return the data with the upper bits of their inputs."""
    return replace(data.with_input_bits(bits), name=data.name)
