"""The transform of sound in whole numbers: its equations, its bounds, its tables."""

from __future__ import annotations

import cmath

import numpy as np
import pytest
from numpy.typing import NDArray

from qat.model import fourier
from qat.model.fourier import LENGTHS, MOST_POWER, first_radix, power, turns, waves

INT16 = 2**15


def frames_of(length: int) -> NDArray[np.int16]:
    """Return frames that reach far: silence, extremes, impulses, tones of all strengths, noise."""
    rng, n = np.random.default_rng(length), np.arange(length)
    rows = [np.full(length, v) for v in (0, -1, 1, -INT16, INT16 - 1)]
    rows += [np.where(n == at, -INT16, 0) for at in (0, length // 2, length // 2 + 1)]
    for bin_ in (1, 2, length // 4, length // 4 + 0.5, length // 2 - 1):
        tone = np.cos(2 * np.pi * bin_ * n / length + rng.uniform(0, 6))
        rows += [np.where(tone < 0, -INT16, INT16 - 1), np.rint(tone * 2 ** rng.uniform(0, 15))]
    rows += [rng.normal(0, 2.0**scale, length) for scale in (0, 4, 9, 13)]
    rows += [rng.choice([-INT16, INT16 - 1], length)]
    return np.clip(np.rint(rows), -INT16, INT16 - 1).astype(np.int16)


# ------------------------------------------------- the equations, one integer at a time


def circle(n: int, k: int, bits: int) -> tuple[int, int]:
    w = 2**bits * cmath.exp(-2j * cmath.pi * k / n)
    return round(w.real), -round(w.imag)


def class_of(values: list[int]) -> int:
    c = 0
    while not all(-(2**c) <= v < 2**c for v in values):
        c += 1
    return c


def joined(terms: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return sum_m (-i)^(q m) y_m for every q, of two or four terms."""
    powers = [(1, 0), (0, -1), (-1, 0), (0, 1)] if len(terms) == 4 else [(1, 0), (-1, 0)]
    found = []
    for q in range(len(terms)):
        re = im = 0
        for m, (a, b) in enumerate(terms):
            c, s = powers[q * m % len(powers)]
            re, im = re + c * a - s * b, im + c * b + s * a
        found.append((re, im))
    return found


def places(m: int) -> list[int]:
    if m <= 4:
        return list(range(m))
    return [4 * p + part for part in range(4) for p in places(m // 4)]


def transformed(x: list[int]) -> tuple[list[tuple[int, int]], int]:
    m = len(x) // 2
    radix = 2 if m.bit_length() % 2 == 0 else 4
    t, s = (2 if radix == 2 else 3), 15 - class_of(x)
    u = [(v * 2**s + 2 ** (t - 1)) >> t for v in x]
    at, z = places(m), []
    for i in range(0, m, radix):
        z += joined([(u[2 * at[i + q]], u[2 * at[i + q] + 1]) for q in range(radix)])
    n, e = radix, s - t
    while n < m:
        d = min(max(class_of([v for pair in z for v in pair]) - 12, 0), 2)
        e -= d
        for block in range(0, m, 4 * n):
            for j in range(n):
                terms = []
                for q in range(4):
                    c, s_ = circle(4 * n, j * q, 13)
                    a, b = z[block + q * n + j]
                    half = 1 << (12 + d)
                    terms.append(
                        ((a * c + b * s_ + half) >> (13 + d), (b * c - a * s_ + half) >> (13 + d))
                    )
                for q, value in enumerate(joined(terms)):
                    z[block + q * n + j] = value
        n *= 4
    return z, e


def powers_of(z: list[tuple[int, int]]) -> list[int]:
    m = len(z)
    x: list[tuple[int, int]] = [(0, 0)] * (m + 1)
    for k in range(m // 2 + 1):
        (a, b), (c, d) = z[k], z[-k % m]
        er, ei, o_r, oi = a + c, b - d, b + d, c - a
        w, s = circle(2 * m, k, 14)
        tr, ti = (o_r * w + oi * s + 2**13) >> 14, (oi * w - o_r * s + 2**13) >> 14
        x[k], x[m - k] = (er + tr, ei + ti), (er - tr, ti - ei)
        if k == m // 2:
            x[k] = er + tr, ei + ti
    wide = [(x[1][0], -x[1][1]), *x, (x[m - 1][0], -x[m - 1][1])]
    found = []
    for k in range(m + 1):
        h = [(2 * wide[k + 1][i] - wide[k][i] - wide[k + 2][i] + 4) >> 3 for i in (0, 1)]
        found.append(h[0] ** 2 + h[1] ** 2)
    return found


@pytest.mark.parametrize("length", LENGTHS)
def test_it_is_the_equations(length: int) -> None:
    frames = frames_of(length)
    found, exponents = power(frames)
    for frame, row, exponent in zip(frames, found, exponents, strict=True):
        z, e = transformed(frame.tolist())
        assert exponent == e
        assert row.tolist() == powers_of(z)


# ------------------------------------------------------------------------ what it is worth


@pytest.mark.parametrize("length", LENGTHS)
def test_it_is_the_power_of_a_hann_window(length: int) -> None:
    rng = np.random.default_rng(1)
    frames = np.rint(rng.normal(0, 3000, (20, length))).astype(np.int16)
    found, exponents = power(frames)
    window = (1 - np.cos(2 * np.pi * np.arange(length) / length)) / 2
    real = np.abs(np.fft.rfft(frames * window)) ** 2 * 4.0 ** exponents[:, None]
    assert np.median(np.abs(found - real) / real) < 0.002


@pytest.mark.parametrize("length", LENGTHS)
def test_values_stay_within_what_is_proved(length: int) -> None:
    frames = np.concatenate([frames_of(length), np.diag([-INT16] * length).astype(np.int16)])
    z, exponents = fourier._transformed(frames.astype(np.int32))
    assert max(int((part.astype(np.int64) ** 2).max()) for part in z) <= 23_190**2
    assert power(frames)[0].max() <= MOST_POWER
    assert exponents.min() >= -10
    assert exponents.max() <= 13


def test_no_entry_of_a_table_lies_near_a_half() -> None:
    """So every machine's cosine rounds to the same whole numbers."""
    for length in LENGTHS:
        for n, bits, table in ((length // 2, 13, waves(length)), (length, 14, turns(length))):
            exact = 2**bits * np.exp(-2j * np.pi * np.arange(len(table)) / n)
            for real, whole in ((exact.real, table[:, 0]), (-exact.imag, table[:, 1])):
                assert np.abs(real - whole).max() < 0.5 - 1e-6
    assert [first_radix(length) for length in LENGTHS] == [2, 4, 2, 4, 2]
