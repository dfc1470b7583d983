"""Models of many layers, for every kernel: edges of words, vectors and batches, extreme weights.

One model covers many sizes in one build: layer after layer has edges and weights of its own.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from qat.model import (
    CODE_RANGE,
    LIF,
    Accumulate,
    Analog,
    Count,
    Delta,
    Dense,
    Frames,
    Latency,
    Layer,
    Model,
    Rate,
    Spikes,
)

LARGEST = 2**31 - 1
KINDS = ("random", "plus", "alternating", "zero", "minus")


def codes(kind: str, n_out: int, n_in: int, rng: np.random.Generator) -> Any:
    """Return ternary codes: random, all alike, or alternating along both axes."""
    if kind == "random":
        return rng.integers(-1, 2, (n_out, n_in))
    if kind == "alternating":
        return np.where(np.indices((n_out, n_in)).sum(axis=0) % 2, 1, -1)
    if kind == "zero":  # all but a neuron of 32: where all are, there is nothing to add
        return np.where(np.arange(n_out) % 32, 0, 1)[:, None] * np.ones((1, n_in), np.int64)
    return np.full((n_out, n_in), {"plus": 1, "minus": -1}[kind])


def chain(
    *sizes: int, kinds: tuple[str, ...] = ("random",), fraction_bits: int = 0, **neuron: Any
) -> tuple[Layer, ...]:
    """Return layers of these sizes; a bias of 1 keeps layers firing that nothing excites."""
    rng = np.random.default_rng(sum(sizes))
    neuron = {"threshold": 2, "leak": (1,)} | neuron
    return tuple(
        Layer(
            Dense(codes(kinds[i % len(kinds)], m, n, rng), bias=1, fraction_bits=fraction_bits),
            LIF(**neuron),
        )
        for i, (n, m) in enumerate(pairwise(sizes))
    )


def wide_codes(kind: str, bits: int, n_out: int, n_in: int, rng: np.random.Generator) -> Any:
    """Return codes of 4 or 8 bits: random, or extreme ones, all alike or alternating."""
    low, high = CODE_RANGE[bits]
    if kind == "random":
        return rng.integers(low, high, (n_out, n_in), endpoint=True)
    if kind == "alternating":
        return np.where(np.indices((n_out, n_in)).sum(axis=0) % 2, low, high)
    return np.full((n_out, n_in), {"highest": high, "lowest": low}[kind])


def wide_chain(
    bits: int, *sizes: int, kinds: tuple[str, ...] = ("random",), **neuron: Any
) -> tuple[Layer, ...]:
    """Return layers of these sizes with weights of 4 or 8 bits; a bias keeps them firing."""
    rng = np.random.default_rng(sum(sizes))
    high = CODE_RANGE[bits][1]
    neuron = {"threshold": 2 * high, "leak": (1,)} | neuron
    return tuple(
        Layer(
            Dense(wide_codes(kinds[i % len(kinds)], bits, m, n, rng), bits, bias=high),
            LIF(**neuron),
        )
        for i, (n, m) in enumerate(pairwise(sizes))
    )


def wide_own(bits: int, n: int, m: int, **neuron: Any) -> Layer:
    """Return a layer of wide weights whose neurons all differ, also in their thresholds."""
    layer, rng = own(n, m, **neuron), np.random.default_rng(m)
    codes = wide_codes("random", bits, m, n, rng)
    high = CODE_RANGE[bits][1]
    threshold = np.minimum(layer.neuron.threshold * high, LARGEST)
    synapse = replace(layer.synapse, codes=codes, bits=bits)
    return Layer(synapse, replace(layer.neuron, threshold=threshold))


EDGES = (40, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 10)
WIDE = ("random", "alternating", "random", "highest")


def own(n: int, m: int, **neuron: Any) -> Layer:
    """Return a layer whose neurons all differ, from the least to the largest threshold."""
    rng = np.random.default_rng(n + m)
    threshold = rng.integers(1, 9, m)
    threshold[: max(m // 8, 1)] = LARGEST
    bias = rng.integers(-3, 9, m)
    return Layer(
        Dense(rng.integers(-1, 2, (m, n)), bias=bias, fraction_bits=2),
        LIF(threshold, (2, -4), reset_by=rng.integers(0, 9, m), **neuron),
    )


def own_held(n: int, m: int, shift: int) -> Layer:
    """Return a layer of bytes whose neurons all differ, behind a rounding shift."""
    layer = own(n, m)
    return replace(layer, synapse=replace(layer.synapse, fraction_bits=0, input_shift=shift))


def sparse(n: int, m: int, **neuron: Any) -> Layer:
    """Return a layer with two weights an input, some with none; a bias keeps it firing."""
    rng = np.random.default_rng(n)
    q = np.zeros((m, n), np.int64)
    q[rng.integers(0, m, n), np.arange(n)] = 1
    q[rng.integers(0, m, n), np.arange(n)] = -1
    q[:, ::7] = 0
    return Layer(
        Dense(q, bias=1, fraction_bits=1), LIF(**({"threshold": 3, "leak": (1,)} | neuron))
    )


MODELS = {
    "sizes": Model(
        Spikes(70),
        chain(70, 1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129, 160, 10, kinds=KINDS[:3]),
    ),
    "small": Model(Spikes(64), chain(64, 33, 8, 31, 17, 64, 40, kinds=KINDS[:3])),
    "vectors alone": Model(Spikes(32), chain(32, 128, 256, kinds=KINDS[:3])),
    "wide": Model(Spikes(784), chain(784, 160, 256, 33, leak=(3,), threshold=21)),
    "all +1": Model(Spikes(784), chain(784, 128, kinds=("plus",), leak=(4,), threshold=300)),
    "all -1": Model(Spikes(300), chain(300, 129, kinds=("minus",), leak=(4,))),
    "all 0": Model(Spikes(129), chain(129, 128, 31, kinds=("zero",), leak=(3,))),
    "own constants": Model(
        Spikes(127), (own(127, 256), own(256, 129, floor=-40, ceiling=50), own(129, 128))
    ),
    "to zero": Model(Spikes(64), chain(64, 128, 160, reset="zero", leak=(0,), threshold=3)),
    "long leak": Model(Spikes(40), chain(40, 128, 40, fraction_bits=2, leak=(6, 9), threshold=40)),
    "8 bits": Model(Spikes(40), wide_chain(8, *EDGES, kinds=WIDE)),
    "4 bits": Model(Spikes(40), wide_chain(4, *EDGES, kinds=WIDE)),
    "8 bits, beyond int16": Model(
        Spikes(784), wide_chain(8, 784, 33, 16, kinds=("alternating", "random"))
    ),
    "8 bits, all 127": Model(Spikes(300), wide_chain(8, 300, 20, kinds=("highest",))),
    "8 bits, all -128": Model(Spikes(300), wide_chain(8, 300, 20, kinds=("lowest",))),
    "4 bits, all 7": Model(Spikes(784), wide_chain(4, 784, 20, kinds=("highest",))),
    "4 bits, all -8": Model(Spikes(784), wide_chain(4, 784, 20, kinds=("lowest",))),
    "8 bits, own constants": Model(Spikes(65), (wide_own(8, 65, 40), wide_own(8, 40, 17))),
    "4 bits, own constants": Model(
        Spikes(65), (wide_own(4, 65, 40, floor=-40, ceiling=90), wide_own(4, 40, 17))
    ),
    "sparse": Model(Spikes(500), (sparse(500, 257, floor=-3),)),
    "wide to zero": Model(
        Spikes(64), wide_chain(8, 64, 31, reset="zero") + wide_chain(4, 31, 33, reset="zero")
    ),
    "analog": Model(Analog(33, -8, 7), chain(33, 160, 128, leak=(2,), threshold=5)),
    "analog, own constants": Model(Analog(40, 0, 15), (own_held(40, 160, 2), own(160, 33))),
    "analog, shifted far": Model(Analog(200, 0, 255), (own_held(200, 129, 6),), Count(), 5),
    "ten scores": Model(
        Analog(40, 0, 15),
        chain(40, 129, leak=(3,), threshold=30),
        Accumulate(Dense(np.random.default_rng(7).integers(-128, 128, (10, 129)), 8, bias=3)),
        6,
    ),
    "pixels": Model(Analog(100, 0, 15), chain(100, 128, leak=(3,), threshold=40), Count(), 9),
    "more digits than the list holds": Model(
        Analog(784), chain(784, 160, leak=(3,), threshold=4000), Count(), 5
    ),
    "signed bytes": Model(
        Analog(300, -128, 127), chain(300, 159, 33, leak=(2,), threshold=900)[:1], Count(), 6
    ),
    "frames": Model(Frames(67, 0, 31), chain(67, 129, leak=(1,), threshold=90)),
    "rate": Model(Rate(784, 0, 15), chain(784, 128, leak=(3,), threshold=21), Count(), 9),
    "rate, signed": Model(Rate(93, -128, 127), chain(186, 160, leak=(2,), threshold=9)),
    "rate of few": Model(Rate(6, 0, 16), wide_chain(8, 6, 17, 33), Count(), 9),
    "latency": Model(
        Latency.linear(784, 0, 255, 7), chain(784, 129, leak=(3,), threshold=30), Count(), 9
    ),
    "latency, signed": Model(Latency.linear(33, -8, 7, 5), wide_chain(4, 33, 40)),
    "latency of few": Model(Latency(6, -8, 7, (9, 8, 5, 5, -8)), chain(6, 9), Count(), 6),
    "delta": Model(Delta(784, 0, 15, 5), chain(1568, 128, leak=(3,), threshold=30)),
    "delta, sparse": Model(Delta(300, 0, 255, 255), (sparse(600, 257),)),
    "delta of few": Model(Delta(6, -128, 127, 9), wide_chain(8, 12, 24, 10), Count(), 9),
}


SILENT = ("all -1", "8 bits, all -128", "4 bits, all -8")
"""Models whose last layer may stay silent: nothing excites it."""


def spikes(inputs: int) -> Any:
    """Return (3, steps, inputs) spikes: from none to all of the inputs active, and back."""
    rng = np.random.default_rng(inputs)
    counts = range(inputs + 1) if inputs < 80 else np.linspace(0, inputs, 40).astype(int)
    counts = [*counts, *range(17), inputs, 0, 16, 15, 1]
    x = np.zeros((3, len(counts), inputs), np.bool_)
    for sample in x:
        for step, count in zip(sample, counts, strict=True):
            step[rng.permutation(inputs)[:count]] = True
    return x


def inputs_of(model: Model) -> tuple[Any, int | None]:
    """Return inputs and the number of steps."""
    if isinstance(model.input, Spikes):
        x, steps = spikes(model.input.size), model.steps
        if steps is None:
            return x, None
        each = x.reshape(-1, model.input.size)
        whole = len(each) // steps * steps
        return each[:whole].reshape(-1, steps, model.input.size), steps
    rng, low, high = np.random.default_rng(1), model.input.low, model.input.high
    steps = model.steps or 9
    x = rng.integers(low, high, (7, steps, model.input.size), endpoint=True)
    x[0], x[1], x[2] = low, high, rng.choice([low, 0, high], x.shape[1:])
    x[3] *= rng.random(x.shape[1:]) < 0.1
    return (x[:, 0] if model.input.held else x), steps
