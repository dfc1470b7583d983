"""Models whose neurons count, and layers that read counts, all of ternary dense weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Burst,
    Count,
    Dense,
    Frames,
    Layer,
    Model,
    Neuron,
    Spikes,
)


def layer(n: int, m: int, neuron: Neuron, seed: int = 0, **synapse: Any) -> Layer:
    """Return a layer of m neurons with random weights and a bias of its own for each."""
    rng = np.random.default_rng(1000 * n + m + seed)
    given = {"bias": rng.integers(-5, 9, m)} | synapse
    return Layer(Dense(rng.integers(-1, 2, (m, n)), **given), neuron)


def own(most: int, m: int, low: int, high: int, seed: int = 0) -> Burst:
    """Return neurons with thresholds of their own, some equal and some out of reach."""
    rng = np.random.default_rng(m + most + seed)
    found = np.sort(rng.integers(low, high, (most, m)), axis=0)
    found[:, 0], found[-1, 1] = 2**31 - 1, 2**31 - 1
    return Burst(found)


def readout(n: int, bits: int = 8) -> Accumulate:
    """Return ten scores of n counts."""
    rng = np.random.default_rng(n)
    high = {2: 1, 8: 127}[bits]
    return Accumulate(Dense(rng.integers(-high, high + 1, (10, n)), bits, bias=3))


MODELS = {
    "bursts": Model(
        Analog(40, 0, 15),
        (
            layer(40, 129, own(3, 129, 0, 90)),
            layer(129, 160, Burst([3, 9, 21]), fraction_bits=2),
            layer(160, 33, own(1, 33, -5, 9)),
        ),
        readout(33),
        1,
    ),
    "bursts alone": Model(
        Analog(100, 0, 15), (layer(100, 128, own(3, 128, 0, 160)),), readout(128, 2), 1
    ),
    "bursts of bytes": Model(
        Frames(60, 0, 255),
        (
            layer(60, 130, own(7, 130, -9, 90), input_shift=3),
            layer(130, 31, Burst([-4, 0, 5, 16, 16, 40]), bias=2),
        ),
        Count(),
        5,
    ),
    "equal steps of thresholds": Model(
        Analog(90, -8, 7),
        (
            layer(90, 160, Burst(np.arange(1, 4)[:, None] * np.arange(5, 165))),
            layer(160, 65, Burst([-(2**31) + 1, 4]), bias=0),
        ),
        Count(),
        1,
    ),
    "several spikes": Model(
        Spikes(70),
        (
            layer(70, 160, LIF(np.arange(3, 163) % 9 + 2, (1,), most=3)),
            layer(160, 129, LIF(7, (2,), "zero", most=7), bias=1, fraction_bits=1),
            layer(129, 128, LIF(9, (1, 3), most=5, reset_by=4, floor=-30, ceiling=60)),
            layer(128, 33, LIF(8, (), most=2, reset_by=np.arange(33) % 5, floor=-90, ceiling=99)),
        ),
    ),
    "several spikes of a held input": Model(
        Analog(33, -8, 7), (layer(33, 40, LIF(20, (1,), most=3)),), Count(), 7
    ),
    "spikes of a held input without memory": Model(
        Analog(33, 0, 15), (layer(33, 140, Burst([9])),), Count(), 3
    ),
    "counts in rounds": Model(
        Spikes(64),
        (
            layer(64, 520, own(7, 520, -5, 6)),
            layer(520, 129, own(3, 129, 5, 60), bias=0),
            layer(129, 64, Burst([1, 3, 8]), bias=1),
        ),
    ),
}
