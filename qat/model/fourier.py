"""The power spectrum of frames of sound, in whole numbers: a Fourier transform of 16 bits.

A frame of N real samples x_n, N a power of two, is a complex one of M = N / 2, z_n = x_2n + i
x_2n+1, transformed in place by decimation in time: a first pass of radix 2 (M = 2 * 4^p) or 4
(M = 4 * 4^p), then p passes of radix 4, all in block floating point. With class(v) the least c for
which all values lie in [-2^c, 2^c), real and imaginary parts alike:

    s = 15 - class(x),  t = 2 for a first pass of radix 2, 3 for radix 4
    u_n = (x_n * 2^s + 2^(t-1)) >> t                            |u| <= 2^(15-t)
    first pass: sums of 2 or 4 of u, exact                      |re|, |im| <= 2^14

    each pass from sub-transforms a_0..a_3 of n points to one of 4n:
    d = min(max(class - 12, 0), 2)                              of all values before the pass
    w = c - i s = rint(2^13 exp(-2 pi i j m / 4n)),  for j < n, m = 0..3
    y_m = (a_m[j] * w + 2^(12+d)) >> (13 + d)                   rounding both parts
    z[j + q n] = y_0 + (-i)^q y_1 + (-1)^q y_2 + i^q y_3        q = 0..3, exact

and e = s - t - sum of all d says what a unit is worth: Z_k = 2^e * sum_n z_n exp(-2 pi i k n / M).
Then the spectrum of x, twice as large and seen through a Hann window, which in frequency are three
taps, and its power, for k = 0..M with Z_M = Z_0, X_-1 = conj(X_1), X_M+1 = conj(X_M-1):

    E = Z_k + conj(Z_M-k),  O = -i (Z_k - conj(Z_M-k))
    T = (O * rint(2^14 exp(-2 pi i k / N)) + 2^13) >> 14        for k <= M / 2
    X_k = E + T,  X_M-k = conj(E - T)
    h_k = (2 X_k - X_k-1 - X_k+1 + 4) >> 3                      both parts
    P_k = re(h_k)^2 + im(h_k)^2

so that P_k is about 4^e |F_k|^2, F the transform of x_n (1 - cos(2 pi n / N)) / 2.

Bounds. Where |re|, |im| <= 2^c is |z| <= 2^(c + 1/2), so 2^14.5 after the first pass. A pass takes
d = 0 with c <= 12, d = 1 with c = 13, else 2: four terms of at most 2^14.5 / 4 each, a twiddle that
is too long by a factor of 2^-13.4 at most, and a rounding of 0.71: after a pass |z| has grown by no
more than a factor of 1.0001 and then 2.83. After four passes |z| <= m = 23,190 fits int16, and so
does every sum of two of the four terms. Products: |z| * 2^13 < 2^28; |E|, |O| <= 2 m, so that
|O| * 2^14 < 2^30. |E|^2 + |O|^2 = 2 (|Z_k|^2 + |Z_M-k|^2) <= 4 m^2, so |X| <= sqrt(2) * 2 m + 4
< 65,600, the three taps are at most 4 times that, |h| < 32,802, and P < 1.08e9 < 2^31.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import IntArray

LENGTHS = (64, 128, 256, 512, 1024)
"""Samples that a frame may have."""

MOST_POWER = 32_802**2
"""What no P exceeds; see above."""

WAVE_BITS, TURN_BITS = 13, 14

PIECE = 2**20
"""Samples that are transformed at a time: memory is bounded."""

Int32 = NDArray[np.int32]
Complex = tuple[Int32, Int32]
"""Real and imaginary parts."""


def _circle(n: int, k: NDArray[np.int64], bits: int) -> NDArray[np.int16]:
    """Return (len(k), 2) of (c, s), where c - i s = rint(2^bits exp(-2 pi i k / n))."""
    angle = 2 * np.pi * k / n
    both = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.rint(2**bits * both).astype(np.int16)


@cache
def waves(length: int) -> NDArray[np.int16]:
    """Return (3 M / 4, 2): c and s of the twiddles of the passes, for every multiple of 1 / M.

    The pass to 4n points takes those of k = j * m * M / 4n.
    """
    m = length // 2
    return _circle(m, np.arange(3 * m // 4), WAVE_BITS)


@cache
def turns(length: int) -> NDArray[np.int16]:
    """Return (M / 2 + 1, 2): c and s of the twiddles that part two real transforms."""
    return _circle(length, np.arange(length // 4 + 1), TURN_BITS)


def first_radix(length: int) -> int:
    """Return the radix of the first pass: 2, or 4 where M is a power of four."""
    return 4 if (length // 2).bit_length() % 2 else 2


def first_shift(length: int) -> int:
    """Return t, the bits that the first pass takes off."""
    return 2 if first_radix(length) == 2 else 3


@cache
def order(length: int) -> NDArray[np.int64]:
    """Return (M,): which complex sample the first pass takes for each of its places."""

    def of(m: int) -> NDArray[np.int64]:
        if m <= 4:
            return np.arange(m)
        return np.concatenate([4 * of(m // 4) + part for part in range(4)])

    return of(length // 2)


def power(frames: IntArray) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return (P, e) of frames of sound.

    frames: (frames, N) int16, N one of LENGTHS. Returns (frames, N / 2 + 1) int32 and (frames,).
    """
    length = frames.shape[1]
    found = np.empty((len(frames), length // 2 + 1), np.int32)
    exponents = np.empty(len(frames), np.int64)
    rows = max(1, PIECE // length)
    for start in range(0, len(frames), rows):
        piece = slice(start, start + rows)
        z, exponents[piece] = _transformed(frames[piece].astype(np.int32))
        found[piece] = _power_of(z)
    return found, exponents


def class_of(*parts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the class of each row: the bits of its values without sign."""
    seen = [np.bitwise_or.reduce(v ^ (v >> 31), axis=tuple(range(1, v.ndim))) for v in parts]
    return np.frexp(np.bitwise_or.reduce(seen).astype(np.float64))[1].astype(np.int64)


def _transformed(x: Int32) -> tuple[Complex, NDArray[np.int64]]:
    """Return Z, (frames, M) each part, and e."""
    length = x.shape[1]
    m, radix, t = length // 2, first_radix(length), first_shift(length)
    s = 15 - class_of(x)
    u = ((x << s[:, None].astype(np.int32)) + (1 << t >> 1)) >> t
    places = order(length).reshape(-1, radix)
    terms = [(u[:, 2 * places[:, i]], u[:, 2 * places[:, i] + 1]) for i in range(radix)]
    z, n, exponent = _joined(terms), radix, s - t
    while n < m:
        down = np.clip(class_of(*z) - 12, 0, 2)
        exponent -= down
        z = _passed(z, n, down.astype(np.int32))
        n *= 4
    return z, exponent


def _joined(terms: list[Complex]) -> Complex:
    """Return the sums of 2 or 4 terms of (frames, blocks, ...), laid out block after block."""
    a, b = terms[0], terms[1]
    if len(terms) == 2:
        sums = [(a[0] + b[0], a[1] + b[1]), (a[0] - b[0], a[1] - b[1])]
    else:
        c, d = terms[2], terms[3]
        even = (a[0] + c[0], a[1] + c[1]), (a[0] - c[0], a[1] - c[1])
        odd = (b[0] + d[0], b[1] + d[1]), (b[0] - d[0], b[1] - d[1])
        sums = [
            (even[0][0] + odd[0][0], even[0][1] + odd[0][1]),
            (even[1][0] + odd[1][1], even[1][1] - odd[1][0]),
            (even[0][0] - odd[0][0], even[0][1] - odd[0][1]),
            (even[1][0] - odd[1][1], even[1][1] + odd[1][0]),
        ]
    re, im = (np.stack([one[part] for one in sums], axis=2) for part in (0, 1))
    return re.reshape(len(re), -1), im.reshape(len(im), -1)


def _passed(z: Complex, n: int, down: Int32) -> Complex:
    """Return z after the pass from n to 4n points, `down` bits taken off each frame."""
    re, im = (part.reshape(len(part), -1, 4, n) for part in z)
    m = z[0].shape[1]
    table = waves(2 * m).astype(np.int32)
    bits = (WAVE_BITS + down)[:, None, None]
    half = np.int32(1) << bits >> 1
    terms = []
    for which in range(4):
        c, s = table[np.arange(n) * which * (m // (4 * n))].T
        a, b = re[:, :, which], im[:, :, which]
        terms.append(((a * c + b * s + half) >> bits, (b * c - a * s + half) >> bits))
    return _joined(terms)


def _power_of(z: Complex) -> NDArray[np.int32]:
    """Return P of Z, (frames, M + 1)."""
    m = z[0].shape[1]
    k = np.arange(m // 2 + 1)
    ar, ai, br, bi = (part[:, at] for at in (k, -k % m) for part in z)
    even, odd = (ar + br, ai - bi), (ai + bi, br - ar)
    c, s = turns(2 * m).astype(np.int32).T
    half = 1 << TURN_BITS >> 1
    turned = (
        (odd[0] * c + odd[1] * s + half) >> TURN_BITS,
        (odd[1] * c - odd[0] * s + half) >> TURN_BITS,
    )
    low = even[0] + turned[0], even[1] + turned[1]
    high = even[0] - turned[0], turned[1] - even[1]  # of M - k, the conjugate
    x = [np.concatenate([a, b[:, -2::-1]], axis=1) for a, b in zip(low, high, strict=True)]
    re, im = (_windowed(part, sign) for part, sign in zip(x, (1, -1), strict=True))
    return re * re + im * im


def _windowed(x: Int32, sign: int) -> Int32:
    """Return h of one part of X, whose neighbours beyond the ends have this sign."""
    wide = np.concatenate([sign * x[:, 1:2], x, sign * x[:, -2:-1]], axis=1)
    return (2 * x - wide[:, :-2] - wide[:, 2:] + 4) >> 3
