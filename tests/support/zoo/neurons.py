"""Models of neurons that keep or leave more than a leaky membrane does."""

from __future__ import annotations

from typing import Any

import numpy as np

from qat.model import LI, LIF, Dense, EarlyStop, Frames, Layer, Model, Neuron, Spikes


def layer(n: int, m: int, neuron: Neuron, bits: int = 2, **synapse: Any) -> Layer:
    """Return a layer of m neurons with random weights; a bias keeps them firing."""
    rng, high = np.random.default_rng(1000 * n + m), {2: 1, 4: 7, 8: 127}[bits]
    given = {"bias": high} | synapse
    return Layer(Dense(rng.integers(-high, high + 1, (m, n)), bits, **given), neuron)


def spread(m: int, low: int, high: int) -> Any:
    """Return a constant of each of m neurons."""
    return np.random.default_rng(m).integers(low, high, m)


def integrators(bits: int, score: str, most: int = 1, **more: Any) -> Model:
    """Return a layer on frames before leaky integrators."""
    rng, high = np.random.default_rng(bits), {2: 1, 4: 7, 8: 127, 16: 900}[bits]
    synapse = Dense(rng.integers(-high, high + 1, (11, 40)), bits, bias=rng.integers(-4, 5, 11))
    least = 30 * high if score == "first" else None
    hidden = layer(20, 40, LIF(60, (2,), most=most), bias=9)
    return Model(
        Frames(20, 0, 15), (hidden,), LI(synapse, (2, -5), score, least), 9, name="net", **more
    )


MODELS = {
    "to a value": Model(
        Spikes(64),
        (
            layer(64, 128, LIF(5, (2,), "value", reset_to=-11)),
            layer(128, 160, LIF(spread(160, 1, 9), (1, -4), "value", reset_to=spread(160, -9, 6))),
            layer(160, 33, LIF(4, (3,), "value", reset_to=6, most=3, ceiling=40)),
            layer(33, 40, LIF(4, (2,), "value", reset_to=spread(40, -40, 3), most=7)),
            layer(40, 20, LIF(90, (3,), "value", reset_to=-300), 8),
            layer(20, 12, LIF(9, (), "value", reset_to=spread(12, -20, 9), floor=-60), 4),
        ),
    ),
    "integrators": integrators(2, "last"),
    "integrators, largest": integrators(4, "max", 3, stop=EarlyStop(60, 2)),
    "integrators, sum": integrators(16, "sum"),
    "integrators, first": integrators(8, "first", stop=EarlyStop(2**31 - 1)),
}
