"""Mel bands over the bins of a power spectrum: triangles, in whole numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import IntArray

WEIGHT = 256
"""The weight of a bin at the peak of a band."""

MOST_BINS = 256
"""Bins of a band at most: its sums of 16-bit halves, times WEIGHT, then fit uint32."""


class Triangles(NamedTuple):
    """Triangles that overlap by half: stretch j rises into band j and falls from band j - 1.

    edges: (bands + 2,) int16, the first bin of every stretch, then the one behind the last
    rise:  (edges[-1] - edges[0],) int16, the weight of each bin in the band that it rises into,
           0 to 255; the band that it falls from has WEIGHT less that
    """

    edges: IntArray
    rise: IntArray


def mel(hz: float) -> float:
    """Return 2595 log10(1 + hz / 700) (D. O'Shaughnessy, Speech Communication, 1987)."""
    return float(2595 * np.log10(1 + hz / 700))


def corners(bands: int, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Return (bands + 2,) frequencies: band j begins at j, peaks at j + 1 and ends at j + 2."""
    even = np.linspace(mel(low_hz), mel(high_hz), bands + 2)
    return np.asarray(700 * (10 ** (even / 2595) - 1))


def triangles(rate: int, length: int, bands: int, low_hz: float, high_hz: float) -> Triangles:
    """Return the triangles of `bands` bands, evenly on the scale of mel.

    rate: samples a second; length: samples of a frame, so that a bin is rate / length wide

    Raises ValueError for frequencies out of order or beyond half the rate, and for bands so
    narrow that one of them has no bin.
    """
    if not 0 <= low_hz < high_hz <= rate / 2:
        raise ValueError(
            f"low_hz, high_hz: found {low_hz:g} and {high_hz:g}; must rise from 0 to {rate / 2:g}, "
            f"half the rate of {rate}"
        )
    places = corners(bands, low_hz, high_hz) * length / rate
    bins = np.arange(length // 2 + 1)
    edges = np.searchsorted(bins, places)
    edges[-1] = np.searchsorted(bins, places[-1], "right")
    stretch = np.repeat(np.arange(bands + 1), np.diff(edges))
    start, width = places[stretch], np.diff(places)[stretch]
    rise = np.rint(WEIGHT * (bins[edges[0] : edges[-1]] - start) / width)
    found = Triangles(edges.astype(np.int16), np.clip(rise, 0, WEIGHT - 1).astype(np.int16))
    empty = np.flatnonzero(weights(found, length).sum(axis=1) == 0)
    if len(empty):
        raise ValueError(
            f"bands: found {bands}; band {empty[0]} ({places[empty[0]] * rate / length:.0f} to "
            f"{places[empty[0] + 2] * rate / length:.0f} Hz) lies between two bins of "
            f"{rate / length:g} Hz; use fewer bands, or longer frames"
        )
    return found


def weights(found: Triangles, length: int) -> NDArray[np.int64]:
    """Return (bands, length / 2 + 1), the weight of every bin in every band."""
    edges, rise = (values.astype(np.int64) for values in found)
    table = np.zeros((len(edges), length // 2 + 1), np.int64)  # a row too many: above the last one
    stretch = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    bins = np.arange(edges[0], edges[-1])
    table[stretch, bins] = rise
    table[stretch - 1, bins] += WEIGHT - rise  # row -1 is the one too many
    return table[: len(edges) - 2]
