"""From measured values to the whole numbers that a network receives."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import finite


def integer_range(bits: int, signed: bool) -> tuple[int, int]:
    """Return (low, high) of a two's complement or unsigned number of `bits` bits, 1 to 8."""
    if not 1 <= bits <= 8:
        raise ValueError(f"input bits: found {bits}; allowed are 1 to 8")
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def to_integers(x: ArrayLike, scale: ArrayLike, low: int, high: int) -> NDArray[Any]:
    """Return clip(rint(x / scale), low, high) as int8 (low < 0) or uint8.

    x: real values of any shape; scale: one, or one per feature; ValueError for NaN.
    """
    codes = finite("x", x) / np.asarray(scale)
    np.clip(np.rint(codes, out=codes), low, high, out=codes)
    return codes.astype(np.int8 if low < 0 else np.uint8)


def drop_bits(x: NDArray[Any], shift: int) -> NDArray[Any]:
    """Return x >> shift: what a device does to keep the upper bits of a sensor's value."""
    return x >> shift


def resample(x: NDArray[Any], to: int, margin: int = 0) -> NDArray[Any]:
    """Return square images at `to` x `to` pixels: the mean over the area of each new pixel.

    x: (batch, whole * whole) uint8, of which the middle is taken, side = whole - 2 * margin;
    returns (batch, to * to) uint8

    With r_ij the length that new pixel i and old pixel j share, in units of 1/to of an old one,

        y_ij = floor((sum_kl r_ik x_kl r_jl + side**2 / 2) / side**2)

    All of it are whole numbers below 2**24, so that float32 is exact and a device can do the same.
    """
    whole = isqrt(x.shape[-1])
    side = whole - 2 * margin
    middle = x.reshape(-1, whole, whole)[:, margin : margin + side, margin : margin + side]
    new, old = np.arange(to)[:, None] * side, np.arange(side) * to
    shared = np.minimum(new + side, old + to) - np.maximum(new, old)
    weights = np.maximum(shared, 0).astype(np.float32).T
    across = (middle.reshape(-1, side).astype(np.float32) @ weights).reshape(-1, side, to)
    summed = across.transpose(0, 2, 1).reshape(-1, side) @ weights
    summed = summed.reshape(-1, to, to).transpose(0, 2, 1).astype(np.int32)
    return ((summed + side**2 // 2) // side**2).astype(np.uint8).reshape(-1, to * to)


def windows(
    signal: ArrayLike, length: int, hop: int | None = None, group: int = 1
) -> NDArray[np.float64]:
    """Return windows of a recording, as frames: (windows, length / group, channels).

    signal: (samples, channels), finite
    length: samples of a window
    hop:    samples from one window to the next; None for windows that do not overlap
    group:  samples of one step, which is their mean

    Raises ValueError for a window longer than the signal, or numbers that make no sense.
    """
    array = finite("signal", signal).astype(np.float64)
    if array.ndim != 2:
        raise ValueError(f"signal: found shape {array.shape}; must be (samples, channels)")
    hop = length if hop is None else hop
    if min(length, hop, group) < 1 or length % group:
        raise ValueError(
            f"windows: found length {length}, hop {hop}, group {group}; each must be 1 or more, "
            "and the length a multiple of the group"
        )
    if length > len(array):
        raise ValueError(
            f"windows: found a length of {length}; the signal has {len(array)} samples; use "
            "shorter windows or leave this recording out"
        )
    starts = range(0, len(array) - length + 1, hop)
    cut = np.array([array[i : i + length] for i in starts])
    return np.asarray(cut.reshape(len(cut), -1, group, array.shape[1]).mean(axis=2))
