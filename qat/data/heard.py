"""Windows of sound as a data set: divided, their Spectrum fitted to those that train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.checks import check_classes
from qat.data.dataset import Dataset, from_raw, raised
from qat.data.division import TEST, VALIDATION, Division, stratified
from qat.data.hearing import Hearing
from qat.data.reading import Reading
from qat.data.recordings import TESTS, TRAIN, VALIDATE, by_recordings, divide_by
from qat.data.sensing import Raw, Scaled
from qat.model.spectrum import Spectrum


@dataclass(frozen=True, eq=False)
class Heard(Raw):
    """Windows of sound in three parts, int16 (windows, samples, 1), and the Spectrum for them.

    group: samples from one frame to the next; hop: frames from one window to the next
    """

    spectrum: Spectrum | None = None

    def inputs(self, bits: int = 8) -> Scaled:
        """Return the inputs, of `bits` bits each, and the Spectrum with the means of training.

        An input is the logarithm of a band's energy, 1 stands for `x_scale` octaves of it, and 0
        for `x_offset`; those of maps are 0 and above. Raises ValueError for less than two bits.
        """
        assert self.spectrum is not None
        if bits < 2:
            raise ValueError(f"input bits: found {bits}; must be at least 2")
        bits = min(bits, 8)
        fitted = replace(self.spectrum.fit(self.train, bits), hop=self.hop)
        low = -(1 << bits - 1)
        if self.mapped:
            fitted = raised(fitted, low).of_maps(fitted.vectors_in(self.train.shape[1]))
            low = 0
        high = low + (1 << bits) - 1
        return Scaled(
            self.through(fitted, self.train, low, high),
            self.through(fitted, self.validation, low, high),
            self.through(fitted, self.test, low, high),
            (low, high),
            2.0**fitted.shift / 8,
            tuple((fitted.mean / 8).tolist()),
            fitted,
        )


def spectrum_of(hearing: Hearing, rate: int) -> Spectrum:
    """Return the Spectrum for sound of this rate, its means 0; ValueError for no such bands."""
    known = hearing.at(rate)
    assert known.frame is not None
    assert known.hop is not None
    return Spectrum.mel(
        known.bands, rate, known.frame, known.hop, low_hz=known.low, high_hz=known.high
    )


def raw_of(
    parts: Sequence[NDArray[np.int16]], spectrum: Spectrum, hop: int | None, mapped: bool = False
) -> Heard:
    """Return windows of sound in three parts."""
    train, validation, test = parts
    timing: dict[str, Any] = {"group": spectrum.group, "hop": hop, "mapped": mapped}
    return Heard(train, validation, test, np.ones(1), True, True, **timing, spectrum=spectrum)


def from_sound(
    arrays: Mapping[str, Any], spectrum: Spectrum, how: Reading, seed: int, **about: Any
) -> Dataset:
    """Return windows of sound, as qat.data.formats.sounds finds them, as a Dataset of frames.

    Whole recordings of `by` are held out where the arrays have it; else what they give to test and
    to validate; else a fifth and a tenth of every class, drawn by the seed.

    Raises ValueError for too few recordings, and for a hop that is no whole number of frames.
    """
    x, y, rule, parts = _divided(arrays, seed)
    check_classes(y[parts == TRAIN], y[parts != TRAIN])
    hop = None
    if how.hop is not None:
        hop, rest = divmod(how.hop, spectrum.group)
        if rest or not hop:
            raise ValueError(
                f"hop: found {how.hop} samples; must be a multiple of {spectrum.group}, the "
                "samples from one frame to the next"
            )
    raw = raw_of([x[parts == part] for part in (TRAIN, VALIDATE, TESTS)], spectrum, hop)
    each = (y[parts == part] for part in (TRAIN, VALIDATE, TESTS))
    return from_raw(raw, *each, **about).divided_by(rule)


def _divided(
    arrays: Mapping[str, Any], seed: int
) -> tuple[NDArray[np.int16], NDArray[np.int64], Division, NDArray[np.int64]]:
    """Return all windows and labels, the rule, and the part of each."""
    x, y = arrays["x"], arrays["y"]
    if "by" in arrays:
        parts = divide_by(arrays["by"], y, seed)
        return x, y, by_recordings(arrays["by"], parts, seed), parts
    given = "x_test" in arrays
    tests = np.zeros(len(y), np.bool_) if given else stratified(y, TEST, seed)
    validates = arrays.get("validates")
    if validates is None:
        validates = np.zeros(len(y), np.bool_)
        validates[np.flatnonzero(~tests)[stratified(y[~tests], VALIDATION, seed + 1)]] = True
    parts = np.where(validates, VALIDATE, np.where(tests, TESTS, TRAIN))
    if given:
        x, y = np.concatenate([x, arrays["x_test"]]), np.concatenate([y, arrays["y_test"]])
        parts = np.concatenate([parts, np.full(len(y) - len(parts), TESTS)])
    for part, name in ((TRAIN, "train"), (VALIDATE, "validate"), (TESTS, "test")):
        if not (parts == part).any():
            raise ValueError(f"holds {len(y)} recordings; too few to divide: none would {name}")
    return x, y, Division("given" if given else "classes", seed), parts
