"""Models for what the choice by costs seldom takes, and for currents wider than their sums."""

from __future__ import annotations

import numpy as np
from calibration.samples import Plan, make

from qat.model import LIF, Analog, Dense, Frames, Latency, Layer, Model, Rate, Spikes


def far_biases() -> dict[str, Model]:
    """Biases that make currents wider than the sum of the inputs, behind its rounding shift."""
    rng = np.random.default_rng(3)
    bias, threshold = rng.integers(-1200, 1200, 160), rng.integers(100, 1500, 160)
    synapse = Dense(rng.integers(-1, 2, (160, 40)), bias=bias, input_shift=3)
    layers = (Layer(synapse, LIF(threshold, (2,))),)
    return {
        "analog, far biases": Model(Analog(40, 0, 15), layers),
        "frames, far biases": Model(Frames(40, 0, 15), layers),
    }


PLANS = (
    Plan(Analog, 0, 255, (100, 160, 20), (2, 4), 5, own=True),
    Plan(Analog, -128, 127, (90, 40, 33), (2, 2), 12, own=True),
    Plan(Analog, 0, 15, (64, 48, 20, 10), (8, 4, 16), 6),
    Plan(Analog, 0, 15, (40, 33, 40), (2, 2), 6, plain=True),
    Plan(Frames, -8, 7, (90, 32, 40, 7), (2, 2, 2, 16), 5, own=True),
    Plan(Frames, 0, 255, (30, 64, 20, 12), (16, 16, 4), 5, own=True),
    Plan(Spikes, 0, 1, (60, 40, 70, 16, 5), (4, 8, 8, 4), None, own=True, plain=True),
    Plan(Rate, 0, 255, (70, 12), (2,), 6, count=True, plain=True),
    Plan(Rate, -128, 127, (30, 10), (2,), 9, count=True, plain=True),
    Plan(Latency, 0, 15, (70, 33), (2,), 4, count=True, plain=True),
    Plan(Latency, -8, 7, (5, 16), (2,), 16, count=True, plain=True),
    Plan(Spikes, 0, 1, (6, 100), (2,), None),
)
"""Kernels that the choice by costs seldom takes, and readouts of all bits."""


def models() -> dict[str, tuple[Model, dict[int, str] | None]]:
    """Return the models of PLANS and the kernels that their plans name."""
    made = [(row, make(row, seed)) for seed, row in enumerate(PLANS)]
    return {f"plan {i}": (model, row.kernels(model)) for i, (row, model) in enumerate(made)}
