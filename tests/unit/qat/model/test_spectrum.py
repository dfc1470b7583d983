"""Sound as log mel bands: the equations, how near they come to real numbers, what is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from qat.model import Spectrum
from qat.model.fourier import power
from qat.model.mel import corners
from qat.model.spectrum import THRESHOLDS, eighths


def speech(seconds: float, rate: int = 8000, seed: int = 0) -> NDArray[np.int16]:
    """Return sound that is built like speech, (samples, 1).

    Syllables of a gliding pitch with harmonics that fall by 12 dB an octave under two formants, or
    of noise, some loud and some faint, over a noise of a few units.
    """
    rng, n = np.random.default_rng(seed), round(seconds * rate)
    t, sound = np.arange(n) / rate, rng.normal(0, 4, n)
    for start in np.arange(0, seconds, 0.25):
        at = (t >= start) & (t < start + 0.2)
        here = t[at] - start
        loud = 10 ** rng.uniform(1.5, 4.2) * np.sin(np.pi * here / 0.2)
        if rng.random() < 0.3:
            sound[at] += loud * 0.1 * np.diff(rng.normal(0, 1, at.sum() + 1))
            continue
        phase = 2 * np.pi * np.cumsum(rng.uniform(90, 220) * (1 + 0.3 * here)) / rate
        formants = rng.uniform(300, 800), rng.uniform(900, 2400)
        for harmonic in range(1, 30):
            hz = harmonic * 150
            peak = sum(1 / (1 + ((hz - f) / 120) ** 2) for f in formants)
            sound[at] += loud * (0.02 + peak) / harmonic * np.sin(harmonic * phase)
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)[:, None]


def real_levels(spectrum: Spectrum, sound: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return 8 log2 of 256 times the energies of the same bands, in float64."""
    n, rate = spectrum.length, spectrum.rate
    starts = np.arange(spectrum.vectors_in(len(sound)))[:, None] * spectrum.group
    frames = sound[:, 0].astype(np.float64)[starts + np.arange(n)]
    power_ = np.abs(np.fft.rfft(frames * (1 - np.cos(2 * np.pi * np.arange(n) / n)) / 2)) ** 2
    at = corners(spectrum.width, 60, rate / 2) * n / rate
    k = np.arange(n // 2 + 1)
    rows = [
        np.clip(np.minimum((k - a) / (b - a), (c - k) / (c - b)), 0, None)
        for a, b, c in zip(at, at[1:], at[2:], strict=False)
    ]
    return 8 * np.log2(256 * power_ @ np.array(rows).T)


@pytest.mark.parametrize(
    ("rate", "length", "bands"), [(8000, 256, 20), (8000, 128, 12), (16000, 512, 40)]
)
def test_levels_are_those_of_real_numbers(rate: int, length: int, bands: int) -> None:
    spectrum = Spectrum.mel(bands, rate, length, length // 2)
    sound = speech(20, rate)
    found, real = spectrum.levels(sound), np.rint(real_levels(spectrum, sound))
    assert (np.abs(found - real) <= 1).mean() >= 0.99
    assert (found == real).mean() >= 0.9


def test_a_vector_is_the_equations() -> None:
    """From the powers on, one integer at a time."""
    sound = speech(2)
    spectrum = replace(Spectrum.mel(13, group=100), shift=3).fit(sound, bits=5)
    starts = range(0, len(sound) - 255, 100)
    powers, exponents = power(np.array([sound[i : i + 256, 0] for i in starts]))
    wanted = []
    for row, e in zip(powers.tolist(), exponents.tolist(), strict=True):
        for band, weights in enumerate(spectrum.weights.tolist()):
            energy = sum(w * p for w, p in zip(weights, row, strict=True))
            a = max(energy, 1).bit_length() - 1
            m = (energy << 15) >> a
            level = 8 * a + sum(t <= m for t in THRESHOLDS) - 16 * e
            wanted.append(min(max((level - int(spectrum.mean[band]) + 4) >> 3, -16), 15))
    assert spectrum.shift == 3
    assert spectrum.scale(sound, -16, 15).ravel().tolist() == wanted


def test_eighths_round_the_logarithm() -> None:
    energy = np.unique(np.rint(2 ** np.linspace(0, 46.9, 5000)))
    assert np.abs(eighths(energy) - 8 * np.log2(energy)).max() <= 0.5 + 1e-3
    assert eighths(np.array([0.0, 1.0, 2.0**46])).tolist() == [0, 0, 368]


def test_silence_is_the_least_level() -> None:
    spectrum = Spectrum.mel()
    assert set(spectrum.levels(np.zeros((400, 1), int)).ravel().tolist()) == {spectrum.least}
    assert spectrum.least == -16 * 13
    both = np.concatenate([speech(1), np.zeros((999, 1), np.int16)])
    assert np.abs(spectrum.fit(both).mean - spectrum.fit(speech(1)).mean).max() <= 4


def test_vectors_come_when_a_frame_is_whole() -> None:
    spectrum, sound = Spectrum.mel(length=128, group=50, bands=8), speech(0.2)
    assert [spectrum.vectors_in(n) for n in (0, 127, 128, 177, 178)] == [0, 0, 1, 1, 2]
    assert [spectrum.samples_of(n) for n in (1, 2, 9)] == [128, 178, 528]
    whole = spectrum.scale(sound, -128, 127)
    alone = [spectrum.scale(sound[i * 50 : i * 50 + 128], -128, 127) for i in range(len(whole))]
    assert np.array_equal(whole, np.concatenate(alone))
    both = spectrum.scale(np.stack([sound, sound[::-1]]), -128, 127)
    assert both.shape == (2, *whole.shape)
    assert np.array_equal(both[0], whole)


def test_the_mean_of_what_trains_becomes_zero() -> None:
    sound = speech(4)
    fitted = Spectrum.mel().fit(sound)
    assert np.abs(fitted.scale(sound, -128, 127).mean(axis=0)).max() < 2
    assert fitted.fit(sound).mean.tolist() == fitted.mean.tolist(), "it is fitted to levels"


def test_weights_of_neighbours_add_up() -> None:
    spectrum = Spectrum.mel(20, 8000, 256)
    sums = spectrum.weights.sum(axis=0)
    inner = slice(spectrum.edges[1], spectrum.edges[-2])
    assert set(sums[inner].tolist()) == {256}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Spectrum.mel(length=200), "length: found 200; must be one of"),
        (lambda: Spectrum.mel(bands=128), "lies between two bins of 31.25 Hz; use fewer bands"),
        (lambda: Spectrum.mel(high_hz=5000), "must rise from 0 to 4000, half the rate of 8000"),
        (lambda: Spectrum.mel(group=257), "Spectrum.group: found 257; allowed are 1 to 256"),
        (lambda: Spectrum.mel(1, 16000, 1024), "a band of 509 bins; at most 256"),
        (lambda: replace(Spectrum.mel(), shift=8), "Spectrum.shift: found 8"),
        (lambda: replace(Spectrum.mel(), mean=[3000] * 20), "Spectrum.mean: holds 3000"),
        (lambda: replace(Spectrum.mel(), mean=[0] * 19), "needs bands + 2"),
        (lambda: replace(Spectrum.mel(), rise=[0] * 5), "found 5 weights of 126 bins"),
        (lambda: Spectrum(64, 64, [1, 2, 2], [0], [0]), "a band without weight"),
        (lambda: Spectrum(64, 64, [3, 2, 4], [9], [0]), "must not fall"),
        (lambda: Spectrum.mel().levels([[1, 2]]), "sound is mono"),
        (lambda: Spectrum.mel().levels([[40000]]), "samples: holds 40000"),
        (lambda: Spectrum.mel().fit(np.zeros((255, 1), int)), "no frame of 256 but silence"),
        (lambda: Spectrum.mel().fit(np.zeros((900, 1), int)), "no frame of 256 but silence"),
        (lambda: Spectrum.mel().fit(np.zeros((256, 1), int), bits=9), "input bits: found 9"),
    ],
)
def test_what_does_not_fit_is_one_line(make, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        make()
