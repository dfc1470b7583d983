"""Random dense models that read earlier steps, themselves and layers further back."""

from __future__ import annotations

from typing import Any

import numpy as np

from qat.model import (
    INPUT,
    LIF,
    Accumulate,
    Analog,
    Burst,
    Conv,
    Count,
    Delta,
    Dense,
    EarlyStop,
    Edge,
    Frames,
    Input,
    Layer,
    Model,
    Neuron,
    Rate,
    Shape,
    Spikes,
)
from qat.model.synapses import CODE_RANGE

Rng = np.random.Generator
SIZES = (1, 3, 20, 31, 32, 33, 64, 70, 140)


def _dense(rng: Rng, n: int, m: int, bits: int, **fields: Any) -> Dense:
    low, high = CODE_RANGE[bits]
    most = 300 if bits == 16 else min(high, 40)
    codes = np.clip(rng.integers(-most, most + 1, (m, n)), low, high)
    codes[rng.random(codes.shape) < rng.random() * 0.9] = 0
    return Dense(codes, bits, **fields)


def _input(rng: Rng) -> Input:
    size = int(rng.choice(SIZES))
    kinds: list[Input] = [
        Spikes(size), Spikes(size), Frames(size, 0, 15), Frames(size, -128, 127),
        Analog(size, 0, 255), Rate(size, 0, 15), Delta(size, -100, 100, threshold=9),
    ]  # fmt: skip
    return kinds[rng.integers(len(kinds))]


def _delay(rng: Rng, n: int, least: int) -> Any:
    most = int(rng.choice([1, 1, 2, 5, 16, 31]))
    if rng.random() < 0.5:
        return int(rng.integers(least, most + 1))
    return rng.integers(least, most + 1, n)


def _neuron(rng: Rng, n: int) -> Neuron:
    if rng.random() < 0.15:
        return Burst(np.sort(rng.integers(-5, 40, (int(rng.integers(1, 4)), n)), axis=0))
    threshold = rng.integers(1, 60, n if rng.random() < 0.5 else ())
    reset: Any = "zero" if rng.random() < 0.3 else "subtract"
    most = int(rng.choice([1, 1, 1, 3]))
    leak = [(1,), (2,), (3,), (2, -4)][rng.integers(4)]
    limits: dict[str, int] = {"floor": -200, "ceiling": 900} if rng.random() < 0.2 else {}
    return LIF(np.asarray(threshold), leak, reset, most=most, **limits)


def _layer(rng: Rng, model_input: Input, before: list[Layer]) -> Layer:
    index = len(before)
    sizes = [model_input.lines, *(y.sends for y in before)]
    m, n = int(rng.choice(SIZES)), sizes[-1]
    bits = int(rng.choice([2, 2, 2, 4, 8, 16]))
    values = index == 0 and not model_input.spiking
    scale = int(rng.integers(0, 3))
    fields = {"input_shift": scale + 2} if values else {"fraction_bits": scale}
    first = _dense(rng, n, m, bits, bias=rng.integers(-9, 10, m), **fields)
    delay = 0 if values or rng.random() < 0.4 else _delay(rng, n, 0)
    more = []
    for _ in range(int(rng.choice([0, 1, 1, 2, 3]))):
        source = int(rng.integers(INPUT + (not model_input.spiking), index + 1))
        own = source == index
        size = m if own else sizes[source + 1]
        near = scale + int(rng.integers(0, 2)) if rng.random() < 0.3 else scale
        synapse = _dense(rng, size, m, int(rng.choice([bits, bits, 2])), fraction_bits=near)
        named: Any = {INPUT: "input", index: "self"}.get(source, source)
        more.append(Edge(synapse, named, _delay(rng, size, int(own))))
    return Layer(first, _neuron(rng, m), delay=delay, more=tuple(more))


def random_echoes(seed: int) -> Model:
    """Return a model of one to three layers with a delay or a further edge somewhere."""
    for turn in range(200):
        rng = np.random.default_rng([seed, turn, 8])
        given, layers = _input(rng), list[Layer]()
        for _ in range(int(rng.integers(1, 4))):
            layers.append(_layer(rng, given, layers))
        if not any(y.more or y.edges[0].longest for y in layers):
            continue
        steps = [None, int(rng.integers(2, 12)), int(rng.integers(12, 40))][rng.integers(3)]
        stop = EarlyStop(20, 2) if steps is not None and rng.random() < 0.2 else None
        readout: Any = None if steps is None else Count()
        if steps is not None and rng.random() < 0.6:
            readout = Accumulate(_dense(rng, layers[-1].sends, 5, 8))
        try:
            return Model(given, tuple(layers), readout, steps, "echoes", stop=stop)
        except ValueError:  # a sum beyond int32, one output to stop for
            continue
    raise AssertionError(f"seed {seed}: no model in 200 tries")


def delayed_map() -> Model:
    """Return a convolution that reads each channel of a map some steps later."""
    rng = np.random.default_rng(4)
    given = Shape(5, 6, 8)
    synapse = Conv(rng.integers(-1, 2, (16, 3, 3, 8)), given)
    first = Layer(synapse, LIF(np.array(3), (1,)), delay=rng.integers(0, 5, 8))
    second = Layer(Conv(rng.integers(-1, 2, (8, 3, 3, 16)), synapse.shape), LIF(np.array(4), (2,)),
                   delay=2)  # fmt: skip
    return Model(Spikes(given.size, grid=given), (first, second), None, None, "late")


def _ternary(n: int, m: int, **fields: Any) -> Dense:
    rng = np.random.default_rng(1000 * n + m)
    return Dense(rng.integers(-1, 2, (m, n)), **fields)


def _late(n: int, least: int, most: int) -> Any:
    return least + np.arange(n) % (most - least + 1)


FEW = LIF(np.array(3), (2,))

MODELS = {
    "late": delayed_map(),
    "echoes in registers": Model(
        Spikes(40),
        (
            Layer(
                _ternary(40, 20),
                FEW,
                delay=_late(40, 0, 5),
                more=(Edge(_ternary(20, 20), "self", _late(20, 1, 3)),),
            ),
            Layer(_ternary(20, 9), FEW, delay=2, more=(Edge(_ternary(9, 9), "self", 1),)),
        ),
        None,
        None,
        "echoing",
    ),
    "echoes in a vector": Model(
        Spikes(128),
        (Layer(_ternary(128, 128), FEW, delay=_late(128, 0, 16)),),
        None,
        None,
        "vector",
    ),
    "counts that echo": Model(
        Spikes(33),
        (
            Layer(_ternary(33, 12), Burst(np.array([1, 3, 5])), delay=1),
            Layer(
                _ternary(12, 10),
                FEW,
                more=(Edge(_ternary(33, 10), "input", 3), Edge(_ternary(10, 10), "self", 2)),
            ),
        ),
        None,
        None,
        "counting",
    ),
    "late counts": Model(
        Spikes(33),
        (
            Layer(_ternary(33, 140), Burst(np.array([1, 3, 5]))),
            Layer(_ternary(140, 12), Burst(np.array([1, 4, 9])), delay=_late(140, 0, 6)),
            Layer(
                _ternary(12, 10),
                FEW,
                delay=_late(12, 0, 3),
                more=(
                    Edge(_ternary(33, 10), "input", 3),
                    Edge(_ternary(140, 10), 0, _late(140, 1, 4)),
                ),
            ),
        ),
        None,
        None,
        "late_counts",
    ),
    "frames that echo": Model(
        Frames(6, 0, 15),
        (
            Layer(
                _ternary(6, 20, input_shift=2),
                FEW,
                more=(Edge(_ternary(20, 20, fraction_bits=1), "self", 1),),
            ),
        ),
        Accumulate(_dense(np.random.default_rng(5), 20, 4, 8)),
        6,
        "frames",
    ),
}
"""Small ones, fixed: lines of delay in loops, in registers and in a vector, rings, a signal that is
still there, counts, and a layer that reads bytes and itself."""


def inputs_for(model: Model, samples: int) -> tuple[Any, int | None]:
    """Return inputs from quiet to busy, and the steps of a free model."""
    rng, steps = np.random.default_rng(samples), model.steps or 40
    shape = (samples, model.input.size) if model.input.held else (samples, steps, model.input.size)
    x = rng.integers(model.input.low, model.input.high + 1, shape)
    quiet = rng.random(shape) < np.resize([0.95, 0.5, 0.0], samples).reshape(
        -1, *[1] * (x.ndim - 1)
    )
    return np.where(quiet, max(model.input.low, 0), x), None if model.steps else steps
