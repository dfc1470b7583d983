"""Sound on the device: the sizes, tables and working memory of a model's Spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from codegen.kernels.memory import Field, Table
from qat.model import Spectrum
from qat.model.fourier import first_radix, first_shift, order, turns, waves
from qat.model.spectrum import THRESHOLDS

LOOPS = ("sound_class", "sound_first", "sound_pass", "sound_powers")
"""Its loops: folders of kernels/loops. They stand in its own part of the C."""

FUNCTIONS = (
    *LOOPS, "unsigned", "kept", "width", "turned", "windowed", "windowed4", "power",
    "sound_eighths", "sound_bands", "sound_vector", "complete", "push",
)  # fmt: skip
"""Functions of its C, without the model's prefix; those of any stream besides."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sound:
    """What the C of a model with a Spectrum prints.

    length, points: samples of a frame, N, and its complex points, M = N / 2
    radix, taken:   of the first pass, and the bits that it takes off
    bands, shift:   values of a vector, and the bits that a level loses
    half:           2^(shift - 1), the rounding term; 0 without a shift
    rate:           samples a second that it is made for
    kept:           samples that the next frame begins with
    weighed:        bins that have a weight in bands
    tables:         of constants; fields: its members of the stream
    """

    length: int
    points: int
    radix: int
    taken: int
    bands: int
    shift: int
    half: int
    rate: int
    kept: int
    weighed: int
    low_hz: float
    high_hz: float
    tables: tuple[Table, ...]
    fields: tuple[Field, ...]

    def describe(self) -> dict[str, Any]:
        """Return what a vector is made of, as JSON values."""
        return {
            "rate": self.rate,
            "frame": self.length,
            "bands": self.bands,
            "low_hz": self.low_hz,
            "high_hz": self.high_hz,
            "eighths_of_an_octave": 2**self.shift,
        }

    @property
    def half_taken(self) -> int:
        """The rounding term of the first pass."""
        return 1 << self.taken >> 1


def sound_of(spectrum: Spectrum) -> Sound:
    """Return the numbers of a Spectrum."""
    length, points, radix = spectrum.length, spectrum.length // 2, first_radix(spectrum.length)
    width = spectrum.rate / length
    return Sound(
        length=length,
        points=points,
        radix=radix,
        taken=first_shift(length),
        bands=spectrum.width,
        shift=spectrum.shift,
        half=(1 << spectrum.shift) >> 1,
        rate=spectrum.rate,
        kept=length - spectrum.group,
        weighed=len(spectrum.rise),
        low_hz=int(spectrum.edges[0]) * width,
        high_hz=(int(spectrum.edges[-1]) - 1) * width,
        tables=_tables(spectrum, radix),
        fields=(
            Field("samples", "of the next frame so far", "uint32_t", ()),
            Field("z", "the transform, {re, im} in turn", "int16_t", (2 * points,), group="bins"),
            Field("power", "of each bin", "uint32_t", (points + 1,), group="bins"),
            Field("sound", "the samples of the next frame", "int16_t", (length,)),
        ),
    )


def _tables(spectrum: Spectrum, radix: int) -> tuple[Table, ...]:
    length = spectrum.length
    edges = spectrum.edges.astype(np.uint8 if spectrum.edges.max() < 256 else np.uint16)
    return (
        Table("waves", "2^13 exp(-2 pi i k / M), as {c, s}: c - i s", waves(length), words=True),
        Table("turns", "2^14 exp(-2 pi i k / N), as {c, s}", turns(length), words=True),
        Table(
            "places",
            "complex sample that each sum of the first pass begins with",
            order(length)[::radix].astype(np.uint8),
        ),
        Table("edges", "bin where a band begins to rise, and the one before to fall", edges),
        Table("rise", "weight of each bin in the band that rises", spectrum.rise.astype(np.uint8)),
        Table(
            "eighths",
            "mantissas of 16 bits at which log2 rounds up to the next eighth",
            np.array(THRESHOLDS, np.uint16),
        ),
        Table("mean", "level that is 0 in the input, of each band", spectrum.mean),
    )
