"""Random models on which the cost model is fitted: none of a trained model is among them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Count,
    Dense,
    Frames,
    Input,
    Layer,
    Model,
    Spikes,
)

DENSITIES = (0.0, 0.01, 0.03, 0.07, 0.12, 0.2, 0.35, 0.6, 1.0)
"""Active inputs of the samples of a model."""


@dataclass(frozen=True)
class Plan:
    """A random model: sizes from the input to the readout, and what its layers are like.

    bits:    of the weights of each synapse, the readout's included; the last one repeats
    own:     leak, constants, reset and saturation of each layer are random, else as training
             leaves them: leak v >> 3, one threshold, a bias of the first layer alone
    """

    input: type
    low: int
    high: int
    sizes: tuple[int, ...]
    bits: tuple[int, ...] = (2,)
    steps: int | None = 8
    count: bool = False
    own: bool = False


PLANS = (
    Plan(Analog, 0, 15, (784, 128, 10), (2, 8)),
    Plan(Analog, 0, 15, (196, 64, 10), (2, 8), own=True),
    Plan(Analog, 0, 255, (100, 160, 20), (2, 4), 5, own=True),
    Plan(Analog, -128, 127, (50, 40, 33), (2, 2), 12, own=True),
    Plan(Analog, 0, 1, (400, 96, 4), (2, 8), 6),
    Plan(Analog, 0, 15, (36, 20, 5), (2, 8), 4, own=True),
    Plan(Analog, 0, 15, (300, 100, 10), (2, 8), 8, own=True),
    Plan(Analog, 0, 3, (500, 64, 10), (2, 8), 6),
    Plan(Analog, 0, 16, (64, 128, 256, 40, 10), (2, 2, 2, 2, 8), 6),
    Plan(Analog, 0, 255, (30, 300, 130, 64, 64), (2,), 7, count=True, own=True),
    Plan(Analog, 0, 16, (30, 40, 33, 65, 31, 5), (2, 2, 2, 2, 8), 6, own=True),
    Plan(Analog, -8, 7, (50, 70, 96, 20), (2, 2, 4), 5, own=True),
    Plan(Frames, 0, 15, (120, 256, 128, 10), (2,), 5, own=True),
    Plan(Frames, -8, 7, (90, 32, 200, 7), (2, 2, 2, 16), 5, own=True),
    Plan(Frames, 0, 3, (20, 33, 10), (2, 2), 12, count=True),
    Plan(Frames, -128, 127, (12, 40, 9, 5), (8, 2, 4), 3, count=True, own=True),
    Plan(Spikes, 0, 1, (784, 128, 64), (2,), None),
    Plan(Spikes, 0, 1, (512, 256, 20), (2,), None, own=True),
    Plan(Spikes, 0, 1, (64, 96, 130, 40, 33, 65), (2,), None, own=True),
    Plan(Spikes, 0, 1, (200, 40, 33, 20, 34, 50, 31), (2,), None, own=True),
    Plan(Spikes, 0, 1, (33, 34, 64, 64, 31, 40), (2,), None, own=True),
    Plan(Spikes, 0, 1, (40, 33, 128, 20, 32, 90), (2,), None, own=True),
    Plan(Analog, 0, 15, (100, 32, 50, 10), (8, 4, 16), 6),
    Plan(Analog, -128, 127, (40, 20, 10, 20), (4, 8), 5, count=True, own=True),
    Plan(Analog, 0, 15, (64, 48, 10), (4, 16), 8, own=True),
    Plan(Analog, 0, 255, (20, 12, 30), (8, 4), 5),
    Plan(Analog, 0, 255, (25, 70), (8,), 9, count=True),
    Plan(Frames, 0, 255, (30, 64, 20, 12), (16, 16, 4), 5, own=True),
    Plan(Spikes, 0, 1, (128, 64, 33, 100, 40), (8, 4, 16), None, own=True),
    Plan(Spikes, 0, 1, (60, 40, 20, 10, 33), (4, 8, 16, 4), None, own=True),
    Plan(Frames, 0, 7, (10, 3), (8,), 13, count=True),
    Plan(Analog, 0, 7, (12, 33, 5), (2, 8), 6, own=True),
    Plan(Analog, -8, 7, (20, 128, 6), (2, 4), 5, own=True),
    Plan(Analog, 0, 31, (16, 90, 4), (2, 8), 7, own=True),
    Plan(Analog, 0, 7, (12, 140, 40, 5), (2, 2, 8), 6, own=True),
    Plan(Analog, 0, 15, (240, 128, 12), (2, 8)),
    Plan(Analog, 0, 15, (150, 256, 10), (2, 8)),
    Plan(Analog, 0, 7, (10, 20, 2), (2, 8), 20, count=True),
)

LEAKS = ((3,), (3,), (2, 4), (3, -5), (4,), (1,), (2, 3, 5), (6,))


def _codes(rng: np.random.Generator, bits: int, shape: tuple[int, int]) -> Any:
    high = {2: 1, 4: 7, 8: 127, 16: 900}[bits]
    codes = rng.integers(-high, high + 1, shape)
    return np.where(rng.random(shape) < 0.1, 0, codes)


def _layer(rng: np.random.Generator, row: Plan, index: int, n_in: int, n_out: int) -> Layer:
    """Return a random layer that spikes now and then."""
    bits = row.bits[min(index, len(row.bits) - 1)]
    analog = index == 0 and row.input is not Spikes
    codes = _codes(rng, bits, (n_out, n_in))
    fraction = 0 if analog or not row.own else int(rng.integers(0, 3))
    spread = float(np.sqrt((codes.astype(float) ** 2).sum(axis=1)).mean()) * 2**fraction
    if analog:
        spread *= max(abs(row.low), row.high) / 3
    shift = max(0, round(np.log2(max(spread, 1) / 40))) if analog else 0
    often = rng.choice([0.35, 0.9, 1.6])
    threshold = max(2, round(spread / 2**shift * often))
    bias = rng.integers(-9, 10, n_out) if index == 0 and analog else np.array(0)
    if not row.own:
        return Layer(Dense(codes, bits, bias, fraction, shift), LIF(np.array(threshold), (3,)))
    bias = (np.array(0), np.array(1), rng.integers(-3, 4, n_out), bias)[rng.integers(4)]
    return Layer(Dense(codes, bits, bias, fraction, shift), _neuron(rng, threshold, n_out))


def _neuron(rng: np.random.Generator, threshold: int, n: int) -> LIF:
    """Return neurons of which each option has its chance."""
    own, own_reset, zero, low, high = rng.random(5) < (0.4, 0.3, 0.25, 0.3, 0.3)
    thresholds = rng.integers(threshold, 2 * threshold + 1, n) if own else np.array(threshold)
    reset_by = thresholds - rng.integers(0, 2, n) if own_reset and not zero else None
    return LIF(
        thresholds,
        LEAKS[rng.integers(len(LEAKS))],
        "zero" if zero else "subtract",
        reset_by=reset_by,
        floor=-5 * threshold if low else None,
        ceiling=6 * threshold if high else None,
    )


def make(row: Plan, seed: int) -> Model:
    """Return the model of a row."""
    rng = np.random.default_rng(seed)
    record: Input = Spikes(row.sizes[0]) if row.input is Spikes else row.input(
        row.sizes[0], row.low, row.high)  # fmt: skip
    pairs = list(pairwise(row.sizes))
    hidden = pairs if row.count or row.steps is None else pairs[:-1]
    layers = tuple(_layer(rng, row, i, *pair) for i, pair in enumerate(hidden))
    if row.steps is None:
        return Model(record, layers, name="cal")
    if row.count:
        return Model(record, layers, Count(), row.steps, "cal")
    bits, (n_in, n_out) = row.bits[min(len(pairs), len(row.bits)) - 1], pairs[-1]
    bias: NDArray[Any] = rng.integers(-9, 9, n_out) if row.own else np.array(0)
    readout = Accumulate(Dense(_codes(rng, bits, (n_out, n_in)), bits, bias))
    return Model(record, layers, readout, row.steps, "cal")


def inputs(model: Model, seed: int) -> Any:
    """Return inputs of every density: values of all sizes, and the largest alone."""
    rng = np.random.default_rng(seed)
    shape: tuple[int, ...] = (model.input.size,)
    if not isinstance(model.input, Analog):
        shape = (model.steps or 6, model.input.size)
    rows = []
    for density in DENSITIES:
        for low in {model.input.low, model.input.high}:
            x = rng.integers(low, model.input.high, shape, endpoint=True)
            rows.append(np.where(rng.random(shape) < density, x, 0))
    return np.array(rows)
