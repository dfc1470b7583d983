"""Sound as the input of a model: frames of samples as the logarithms of their mel bands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import IntArray, integer, integers
from qat.model.digest import line, spread
from qat.model.fourier import LENGTHS, first_shift, power
from qat.model.mel import MOST_BINS, WEIGHT, Triangles, triangles, weights
from qat.model.sensor import Sensor

THRESHOLDS = (34219, 37316, 40694, 44377, 48393, 52773, 57549, 62758)
"""ceil(2^15 * 2^((2 j - 1) / 16)) for j = 1..8: from there on log2 rounds to j eighths."""

MOST_BANDS = 128
MOST_MEAN = 2**11
"""No level lies as far from 0; see Spectrum."""

MAX_SHIFT = 7
PIECE = 2**21
"""Samples of frames that are laid out at a time."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """How sound becomes input vectors, on the device as here: log mel bands in eighths of octaves.

    A sample is one int16. A frame is `length` samples, N, and a new one begins every `group`
    samples. With P_k and e of `qat.model.fourier.power`, the power of each bin and its exponent,
    and the triangles of `qat.model.mel`,

        E_b = sum_k weight_bk * P_k                         b = 0..bands-1, weights up to 256
        l_b = 8 * a + #{t in THRESHOLDS: t <= m}            E_b = 2^a * m / 2^15, m = 2^15..2^16-1
                                                            without its fraction; 0 for E_b = 0
        L_b = l_b - 16 * e                                  log2 of energy in steps of 1/8
        x_b = min(max((L_b - mean_b + 2**(shift-1)) >> shift, low), high)

    with the arithmetic shift and no rounding term at shift = 0, [low, high] the range of the
    model's input. L_b is round(8 * log2(256 * energy)) of the frame behind a Hann window, within
    what 16 bits leave. E_b < 2^47, so l_b <= 376; e is -10 to 13, so -208 <= L_b <= 536.

    Where the input is held, every x is classified, or with `vectors` every window of so many, one
    behind the other: a map of height 1. Elsewhere x is a step, and T of them are a window. A new
    window begins every `hop` vectors. The first vector comes with sample N, then one every `group`
    samples: a window of T takes N + (T - 1) * group samples, and nothing before it counts.

    length: 64, 128, 256, 512 or 1024
    group:  1 to length
    edges, rise: of Triangles
    mean:   int16 (bands,), what is taken from every level, within +-2**11
    shift:  0 to 7: x is in steps of 2**shift eighths of an octave
    rate:   samples a second that the bands were made for; no result depends on it
    hop, vectors: as of a Sensor
    """

    length: int
    group: int
    edges: IntArray
    rise: IntArray
    mean: IntArray
    shift: int = 0
    rate: int = 8000
    hop: int | None = None
    vectors: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        if self.length not in LENGTHS:
            known = ", ".join(map(str, LENGTHS))
            raise ValueError(f"Spectrum.length: found {self.length!r}; must be one of {known}")
        set_(self, "length", int(self.length))
        bins = self.length // 2 + 1
        limits = {"edges": (0, bins), "rise": (0, WEIGHT - 1), "mean": (-MOST_MEAN, MOST_MEAN)}
        for name, (low, high) in limits.items():
            array = integers(f"Spectrum.{name}", getattr(self, name), low, high, np.int16)
            if array.ndim != 1:
                raise ValueError(f"Spectrum.{name}: found shape {array.shape}; must be a list")
            set_(self, name, array)
        most = {"group": self.length, "shift": MAX_SHIFT, "rate": 2**20}
        for name, high in most.items():
            least = 0 if name == "shift" else 1
            set_(self, name, integer(f"Spectrum.{name}", getattr(self, name), least, high))
        for name in ("hop", "vectors"):
            if getattr(self, name) is not None:
                set_(self, name, integer(f"Spectrum.{name}", getattr(self, name), 1, 2**24))
        self._check_bands()

    def _check_bands(self) -> None:
        bands, edges = len(self.mean), self.edges.astype(np.int64)
        if not 1 <= bands <= MOST_BANDS or len(edges) != bands + 2:
            raise ValueError(
                f"Spectrum.edges: found {len(edges)} for {bands} means; needs bands + 2, and 1 to "
                f"{MOST_BANDS} bands"
            )
        if (np.diff(edges) < 0).any() or len(self.rise) != edges[-1] - edges[0]:
            raise ValueError(
                f"Spectrum.edges: must not fall, and hold a weight for each bin: found "
                f"{len(self.rise)} weights of {edges[-1] - edges[0]} bins"
            )
        widest = int((edges[2:] - edges[:-2]).max())
        if widest > MOST_BINS:
            raise ValueError(
                f"Spectrum.edges: found a band of {widest} bins; at most {MOST_BINS} fit its sums: "
                "use more bands, or shorter frames"
            )
        if not self.weights.any(axis=1).all():
            raise ValueError("Spectrum.rise: found a band without weight; every band needs a bin")

    @property
    def channels(self) -> int:
        """Values of a sample: sound is one."""
        return 1

    @property
    def width(self) -> int:
        """Values of a vector: the bands."""
        return len(self.mean)

    @property
    def least(self) -> int:
        """The level of every band of a frame of zeros: no lower one is."""
        return -16 * (15 - first_shift(self.length))

    @property
    def weights(self) -> NDArray[np.int64]:
        """The weight of every bin in every band, (bands, N / 2 + 1)."""
        return weights(Triangles(self.edges, self.rise), self.length)

    def vectors_in(self, samples: int) -> int:
        """Return how many vectors so many samples give."""
        return max(0, (samples - self.length) // self.group + 1)

    def samples_of(self, vectors: int) -> int:
        """Return after how many samples so many vectors have come."""
        return self.length + (vectors - 1) * self.group

    def of_maps(self, vectors: int) -> Spectrum:
        """Return the same where so many vectors are one held input: a map of height 1."""
        return replace(self, vectors=vectors)

    @classmethod
    def mel(
        cls,
        bands: int = 20,
        rate: int = 8000,
        length: int = 256,
        group: int = 128,
        *,
        low_hz: float = 60.0,
        high_hz: float | None = None,
        **more: int | None,
    ) -> Spectrum:
        """Return the bands evenly on the scale of mel, with a mean of 0 each.

        low_hz, high_hz: where the first band begins and the last one ends; None: at half the rate
        more: shift, hop and vectors

        Raises ValueError for bands that have no bin.
        """
        bands = integer("bands", bands, 1, MOST_BANDS)
        if length not in LENGTHS:
            raise ValueError(f"length: found {length}; must be one of {LENGTHS}")
        found = triangles(rate, length, bands, low_hz, rate / 2 if high_hz is None else high_hz)
        return cls(length, group, *found, np.zeros(bands, np.int16), rate=rate, **more)  # type: ignore[arg-type]  # shift is no None

    def fit(self, samples: ArrayLike, bits: int = 8) -> Spectrum:
        """Return the same with the means of sound that trains, and steps for inputs of `bits`.

        samples: (..., samples, 1) int16. An input of 8 bits is in eighths of an octave, one of
        b bits in 2**(8 - b) eighths. Frames of zeros alone do not count. Raises ValueError for bits
        that are not 1 to 8, and for sound shorter than a frame or of zeros alone.
        """
        bits = integer("input bits", bits, 1, 8)
        levels = self.levels(samples).reshape(-1, self.width)
        levels = levels[(levels > self.least).any(axis=1)]
        if not len(levels):
            raise ValueError(f"samples: hold no frame of {self.length} but silence")
        mean = np.rint(levels.mean(axis=0)).astype(np.int16)
        return replace(self, mean=mean, shift=8 - bits)

    def levels(self, samples: ArrayLike) -> NDArray[np.int64]:
        """Return L of every frame, (..., vectors, bands), of (..., samples, 1) int16 values.

        Raises ValueError for more than one channel or values that int16 does not hold.
        """
        raw = np.asarray(samples)
        if raw.ndim < 2 or raw.shape[-1] != 1:
            raise ValueError(f"samples: found shape {raw.shape}; needs (samples, 1): sound is mono")
        raw = integers("samples", raw, -(2**15), 2**15 - 1, np.int16)[..., 0]
        count = self.vectors_in(raw.shape[-1])
        found = np.empty((*raw.shape[:-1], count, self.width), np.int64)
        if not count:
            return found
        flat, into = raw.reshape(-1, raw.shape[-1]), found.reshape(-1, count, self.width)
        rows = max(1, PIECE // (count * self.length))
        for start in range(0, len(flat), rows):
            piece = flat[start : start + rows]
            frames = sliding_window_view(piece, self.length, axis=1)[:, :: self.group]
            into[start : start + rows] = self._levels(frames.reshape(-1, self.length)).reshape(
                len(piece), count, self.width
            )
        return found

    def _levels(self, frames: IntArray) -> NDArray[np.int64]:
        """Return L of frames, (frames, bands)."""
        powers, exponents = power(frames)
        energy = powers.astype(np.float64) @ self.weights.T.astype(np.float64)  # exact: < 2^53
        return eighths(energy) - 16 * exponents[:, None]

    def scale(self, samples: ArrayLike, low: int, high: int) -> NDArray[np.int64]:
        """Return the vectors x of sound; samples behind the last whole frame are left out.

        samples: (..., samples, 1) int16 values. Returns (..., vectors, bands).
        Raises ValueError for more than one channel or values that int16 does not hold.
        """
        return self.vectors_of(self.levels(samples), low, high)

    def vectors_of(self, levels: IntArray, low: int, high: int) -> NDArray[np.int64]:
        """Return the vectors x of levels L, (..., vectors, bands)."""
        less = levels.astype(np.int64) - self.mean
        return np.clip((less + ((1 << self.shift) >> 1)) >> self.shift, low, high)

    def windows(self, vectors: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
        """Return the windows of a stream of vectors: (windows, steps, bands)."""
        starts = range(0, len(vectors) - steps + 1, self.hop or steps or 1)
        picked = np.arange(steps) + np.array(starts, np.intp).reshape(-1, 1)
        return vectors[picked]

    def digested(self, steps: int | None) -> Iterator[bytes]:
        """Yield what the digest hashes, in order; without a hop it is a window of `steps`."""
        hop = self.hop or self.vectors or steps
        yield line("spectrum", self.length, self.group, self.shift, hop)
        if self.vectors is not None:
            yield line("vectors", self.vectors)
        for name in ("edges", "rise", "mean"):
            values = getattr(self, name)
            yield spread(name, values, len(values))


FrontEnd = Sensor | Spectrum
"""What makes input vectors of raw samples."""


def eighths(energy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return l of whole energies below 2^53: log2 in eighths, rounded; 0 for 0."""
    mantissa, exponent = np.frexp(energy)
    leading = np.floor(mantissa * 2**16).astype(np.int64)
    found = 8 * (exponent.astype(np.int64) - 1)
    found += np.searchsorted(np.array(THRESHOLDS), leading, "right")
    return np.where(energy > 0, found, 0)
