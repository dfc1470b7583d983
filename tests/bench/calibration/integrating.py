"""Random models whose readouts are leaky integrators, of every feature of these."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from calibration.samples import codes
from qat.model import (
    LI,
    LIF,
    Analog,
    Dense,
    EarlyStop,
    Frames,
    Layer,
    Model,
    Spikes,
)
from qat.model.integrator import SCORES

Rng = np.random.Generator

MODELS, FIRST_SEED = 50, 10_000
"""Models that are counted, and where their seeds begin."""

INPUTS = (Spikes, Spikes, Analog, Frames)


def given_of(rng: Rng, size: int) -> Any:
    """Return an input of so many values."""
    kind: Any = INPUTS[rng.integers(len(INPUTS))]
    return kind(size) if kind is Spikes else kind(size, 0, int(rng.choice([1, 15, 255])))


def hidden(rng: Rng, given: Any, n: int, most: int = 1) -> Layer:
    """Return a ternary layer that spikes at any rate."""
    weights = codes(rng, 2, (n, given.lines), 0.3)
    spread = float(np.sqrt((weights.astype(float) ** 2).sum(axis=1)).mean()) * max(given.high, 1)
    level = max(1, round(spread * float(np.exp(rng.uniform(np.log(0.05), np.log(1.5))))))
    return Layer(Dense(weights), LIF(np.array(level), (3,), most=most))


def integrators(rng: Rng) -> Model:
    """Return a hidden layer before leaky integrators of any kind."""
    given = given_of(rng, int(rng.choice([8, 20, 33, 64])))
    n, most = int(rng.choice([8, 20, 32, 33, 64, 100, 128, 200])), int(rng.choice([1, 1, 1, 3, 7]))
    layer, outputs = (
        hidden(rng, given, n, most),
        int(rng.choice([1, 2, 3, 4, 5, 8, 10, 12, 20, 33])),
    )
    bits, steps = int(rng.choice([2, 4, 8, 8, 16])), int(rng.choice([2, 4, 6, 8, 12]))
    bias = rng.integers(-9, 9, outputs) if rng.random() < 0.5 else np.array(0)
    synapse = Dense(codes(rng, bits, (outputs, n)), bits, bias, int(rng.choice([0, 0, 2])))
    leak = ((), (1,), (2,), (3,), (5,), (2, -4), (1, 3), (2, 3, 5))[rng.integers(8)]
    score = SCORES[rng.integers(4)]
    high, never = 2 ** (bits - 1) * max(1, n // 8), 2**31 - 1  # where it rests nothing is counted
    readout = LI(synapse, leak, score, never if score == "first" else None)
    stop = None
    if outputs > 1 and rng.random() < 0.4:
        stop = EarlyStop(int(rng.choice([high, 2**30])), int(rng.integers(1, steps + 1)))
    return Model(given, (layer,), readout, steps, "cal", stop=stop)


def few() -> Iterator[Model]:
    """Yield models of one to three integrators, with weights of all bits."""
    for bits, outputs in product((2, 4, 8, 16), (1, 2, 3)):
        rng = np.random.default_rng((FIRST_SEED, bits, outputs))
        given = Spikes(20)
        synapse = Dense(codes(rng, bits, (outputs, 40)), bits)
        yield Model(given, (hidden(rng, given, 40),), LI(synapse, (2,)), 6, name="cal")


def models(number: int = MODELS) -> Iterator[Model]:
    """Yield so many models."""
    made = seed = 0
    while made < number:
        seed += 1
        try:
            model = integrators(np.random.default_rng((FIRST_SEED, seed)))
        except ValueError:  # a value could leave int32, or has no bound
            continue
        yield model
        made += 1
