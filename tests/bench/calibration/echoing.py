"""Random models that hear earlier steps: recurrent layers, delays, layers that read further back.

A kind is a row of ECHOES. The wildest mixes are those that the tests of equality have
(tests/support); the networks here are as large as what is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from support.zoo.echoes import random_echoes

from calibration.samples import codes
from qat.model import (
    LIF,
    Accumulate,
    Count,
    CuBa,
    Delta,
    Dense,
    Edge,
    Frames,
    Input,
    Layer,
    Model,
    Neuron,
    Rate,
    Spikes,
)
from qat.model.readouts import Readout

Rng = np.random.Generator

MODELS, FIRST_SEED = 40, 10_000
"""Models of any echoes that are counted, and where their seeds begin: tests have smaller ones."""

SIZES = (16, 24, 32, 33, 48, 64, 64, 100, 128, 128, 200)
"""Neurons of a layer."""


def recurrent(rng: Rng) -> Model:
    """Return a network for sequences: one or two layers, of which one reads itself or later."""
    size, steps = int(rng.choice([3, 9, 16, 40, 64, 100, 140])), [8, 16, 25, None][rng.integers(4)]
    given, layers, bits = _given(rng, size), list[Layer](), int(rng.choice([2, 2, 2, 4, 8]))
    for _ in range(int(rng.choice([1, 1, 2]))):
        layers.append(_layer(rng, given, layers, bits))
    if not any(layer.more or layer.edges[0].longest for layer in layers):
        raise ValueError("no echo")
    readout: Readout | None = None
    if steps is not None:
        weights = codes(rng, 8, (int(rng.choice([2, 4, 10, 12])), layers[-1].sends))
        readout = Accumulate(Dense(weights, 8)) if rng.random() < 0.8 else Count()
    return Model(given, tuple(layers), readout, steps, "cal")


def _given(rng: Rng, size: int) -> Input:
    kinds: tuple[Input, ...] = (
        Spikes(size), Spikes(size), Frames(size, 0, 15), Frames(size, -128, 127),
        Rate(size, 0, 15), Delta(size, 0, 255, 9),
    )  # fmt: skip
    return kinds[rng.integers(len(kinds))]


def _layer(rng: Rng, given: Input, before: list[Layer], bits: int) -> Layer:
    inputs, n = (before[-1].sends if before else given.lines), int(rng.choice(SIZES))
    analog = not before and not given.spiking
    synapse = Dense(codes(rng, bits, (n, inputs), 0.3), bits, input_shift=2 if analog else 0)
    delay: Any = 0
    if not analog and rng.random() < 0.3:
        delay = rng.integers(0, 6, inputs) if rng.random() < 0.5 else int(rng.integers(1, 6))
    more = []
    if rng.random() < 0.7:
        more.append(Edge(Dense(codes(rng, bits, (n, n), 0.5), bits), "self", 1))
    if given.spiking and before and rng.random() < 0.3:
        back = Dense(codes(rng, bits, (n, given.lines), 0.3), bits)
        more.append(Edge(back, "input", int(rng.integers(0, 3))))
    level = _level(rng, synapse, max(given.high, 1) if analog else 1)
    return Layer(synapse, _neuron(rng, level), delay=delay, more=tuple(more))


def _level(rng: Rng, synapse: Dense, high: int) -> int:
    """Return a threshold that sums now and then reach."""
    spread = float(np.sqrt((synapse.codes.astype(float) ** 2).sum(axis=1)).mean())
    spread *= high / 2**synapse.input_shift
    return max(1, round(spread * float(np.exp(rng.uniform(np.log(0.3), np.log(1.5))))))


def _neuron(rng: Rng, level: int) -> Neuron:
    leak, reset = ((2,), (3,), (3,), (4,))[rng.integers(4)], str(rng.choice(["subtract", "zero"]))
    if rng.random() < 0.25:
        return CuBa(np.array(level), leak, reset, leak_c=(int(rng.integers(1, 4)),))
    return LIF(np.array(level), leak, reset, most=int(rng.choice([1, 1, 1, 1, 3])))


ECHOES: Mapping[str, Callable[[Rng], Model]] = {
    "recurrent": recurrent,
    "mixed echoes": lambda rng: random_echoes(int(rng.integers(2**31))),
}
"""Kinds of models with echoes, and what makes one; ValueError: draw another."""


def models(number: int = MODELS) -> Iterator[Model]:
    """Yield so many models of any echoes, of every feature of what brings signals together."""
    yield from (random_echoes(FIRST_SEED + seed) for seed in range(number))
