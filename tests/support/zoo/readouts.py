"""Models with a ternary readout of few outputs: sizes on the edges of words, one step and more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qat.model import LIF, Accumulate, Analog, Burst, Dense, Layer, Model, Neuron

LINES = 24
"""Inputs in front of the neurons that are read: their weights spread the rates."""


def read_by(
    outputs: int, neurons: int, steps: int = 1, seed: int = 0, *, lines: int = LINES, bits: int = 2,
    **more: Any,
) -> Model:  # fmt: skip
    """Return a model whose neurons are read by weights of 2 bits, or more.

    They send spikes in several steps, counts of 0 to 3 in one.

    lines: inputs; more: of the model, such as stop
    """
    rng = np.random.default_rng([seed, outputs, neurons, steps])
    weights = rng.integers(-1, 2, (neurons, lines))
    own = np.sort(rng.integers(-6, 15, (3, neurons)), axis=0)
    neuron: Neuron = Burst(own) if steps == 1 else LIF(rng.integers(1, 30, neurons), (2,))
    bias = rng.integers(-30, 31, outputs) if seed % 2 else 3
    high = 2 ** (bits - 1) - 1
    codes = rng.integers(-high, high + 1, (outputs, neurons))
    synapse = Dense(codes, bits, bias=bias, fraction_bits=seed % 3)
    layer, given = Layer(Dense(weights), neuron), Analog(lines, 0, 3)
    return Model(given, (layer,), Accumulate(synapse), steps, name="readout", **more)


def random_readout(seed: int, bits: int = 2) -> Model:
    """Return such a model of any size."""
    rng = np.random.default_rng([99, seed])
    neurons = int(rng.choice([33, 64, 96, 100, 127, 128, 130, 200, 256, 288, 300, 400, 520, 700]))
    outputs, steps = int(rng.integers(1, 17)), int(rng.choice([1, 1, 1, 2, 4, 8]))
    if seed % 6 or bits > 2:
        return read_by(outputs, neurons, steps, seed, bits=bits)
    return behind(read_by(outputs, neurons, steps, seed), 300, seed)


def behind(model: Model, neurons: int, seed: int) -> Model:
    """Return a model with a layer before, so wide that Helium lists spikes by a table of bytes."""
    rng, (last,) = np.random.default_rng(seed), model.layers
    first = Layer(Dense(rng.integers(-1, 2, (neurons, model.input.size))), Burst([2]))
    if model.steps != 1:
        first = replace(first, neuron=LIF(9, (2,)))
    codes = rng.integers(-1, 2, (last.synapse.n_out, neurons))
    return replace(model, layers=(first, replace(last, synapse=replace(last.synapse, codes=codes))))


EDGES = {
    f"{outputs} of {neurons}": read_by(outputs, neurons, 1 + neurons % 3, seed)
    for seed, (outputs, neurons) in enumerate(
        [(1, 33), (2, 65), (10, 128), (10, 289), (11, 64), (16, 95), (9, 1025), (5, 200), (3, 31)]
    )
}
"""Readouts of each number of parts; the last one's inputs are a word or less."""
PAIRS = {
    f"{outputs} of {neurons}": read_by(outputs, neurons, steps, seed, bits=4)
    for seed, (outputs, neurons, steps) in enumerate(
        [(1, 33, 1), (2, 65, 2), (10, 128, 1), (9, 31, 4), (16, 95, 1), (7, 1456, 1), (5, 200, 8)]
    )
}
"""Readouts of 4 bits: of odd and even numbers of outputs, counts of one plane and more."""
PAIRED = ("1 of 33", "2 of 65", "9 of 31")
"""Those that hunt planted faults."""
CHOSEN = read_by(10, 288, lines=60 * LINES)
"""What its layer takes leaves room for the instructions of a packed readout."""
HUNTERS = ("1 of 33", "10 of 128", "16 of 95")
"""Those that hunt planted faults: small, of 2 parts and 3, the last one short or not."""
