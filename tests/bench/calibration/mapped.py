"""Random models on maps: what users make of images and recordings, and any mix of what there is.

A kind is a row of MAPS. The wildest mixes, of tiny maps and odd kernels, are those that the tests
of equality have (tests/support); the networks here are as large as what is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from support.maps import map_model
from support.zoo.byte_maps import random_byte_map
from support.zoo.depthwise import random_words
from support.zoo.windows import random_together, random_windows

from calibration.samples import codes
from codegen.kernels.bytes.plan import fits
from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Burst,
    Conv,
    Count,
    Dense,
    Frames,
    Input,
    Layer,
    Model,
    Neuron,
    Pool,
    Rate,
    Shape,
    Spikes,
)
from qat.model.readouts import Readout

Rng = np.random.Generator

GRIDS = ((8, 8, 1), (8, 8, 1), (8, 8, 2), (12, 12, 1), (16, 16, 1), (16, 16, 1), (16, 16, 3),
         (28, 28, 1), (1, 30, 6), (1, 60, 3), (1, 100, 6), (1, 32, 9))  # fmt: skip
"""Maps of images and recordings."""

RANGES = ((0, 15), (0, 15), (0, 255), (0, 255), (0, 1), (0, 3), (-8, 7), (-128, 127))
"""Values of an input of bytes."""

WORK = 12_000_000
"""Products of an inference at most, over its steps: a count of it then takes seconds."""

SMALLEST, LARGEST = 8, 40_000
"""Weights of a layer."""


@dataclass(frozen=True)
class Read:
    """What a layer reads: the largest value; whether they are bytes, not a signal."""

    high: int
    analog: bool = False


def images(rng: Rng) -> Model:
    """Return a network for images or recordings: convolutions, pools, dense layers, a readout."""
    grid = Shape(*GRIDS[rng.integers(len(GRIDS))])
    steps = [1, 1, 1, 2, 4, 4, 8, None][rng.integers(8)]
    given, bits = _given(rng, grid), int(rng.choice([2, 2, 2, 4, 8]))
    shape, levels, layers, work = given.reads_shape, given.reads[1], [], 0
    for index in range(int(rng.choice([1, 2, 2, 3]))):
        analog = index == 0 and not given.spiking
        layer = _mapped(rng, shape, bits, Read(max(-given.low, levels, 1), analog), steps)
        layers.append(layer)
        work += layer.synapse.values_at_once * layer.channels * (steps or 6)
        shape, levels = layer.shape, layer.levels
    if rng.random() < 0.3:
        weights = codes(rng, bits, (int(rng.choice([10, 24, 32, 64])), shape.size), 0.3)
        synapse = Dense(weights, bits)
        level = _level(rng, synapse, levels)
        layers.append(Layer(synapse, _neuron(rng, level, synapse.n_out, steps)))
        shape = layers[-1].shape
    if work > WORK or shape.size > 4096:
        raise ValueError("too much work")
    readout = None if steps is None else _readout(rng, shape)
    return Model(given, tuple(layers), readout, steps, "cal")


def _given(rng: Rng, grid: Shape) -> Input:
    kind: Any = (Analog, Analog, Analog, Frames, Spikes, Rate)[rng.integers(6)]
    if kind is Spikes:
        return Spikes(grid.size, grid=grid)
    record: Input = kind(grid.size, *RANGES[rng.integers(len(RANGES))], grid=grid)
    return record


def _mapped(rng: Rng, shape: Shape, bits: int, read: Read, steps: int | None) -> Layer:
    """Return a convolution, its neurons and its pool."""
    deep = shape.channels >= 8 and rng.random() < 0.15
    channels = shape.channels if deep else int(rng.choice([4, 8, 8, 12, 16, 16, 24, 32, 32, 48]))
    side = int(rng.choice([1, 3, 3, 3, 5]))
    kernel = (min(side, shape.height), min(side, shape.width))
    flat = (channels, kernel[0] * kernel[1] * (1 if deep else shape.channels))
    weights = codes(rng, bits, flat, float(rng.choice([0.1, 0.3, 0.5])))
    if not SMALLEST <= weights.size <= LARGEST:
        raise ValueError("too many weights")
    weights = weights.reshape(channels, *kernel, -1)
    own = {"input_shift": int(rng.choice([0, 0, 2, 4]))} if read.analog else {}
    bias = rng.integers(-9, 10, channels) if rng.random() < 0.6 else np.array(0)
    conv = Conv(
        weights, shape, bits, bias, **own, stride=int(rng.choice([1, 1, 1, 2])),
        padding=str(rng.choice(["same", "same", "none"])), groups=channels if deep else 1,
    )  # fmt: skip
    neuron = _neuron(rng, _level(rng, conv, read.high), channels, steps)
    return Layer(conv, neuron, pool=_pool(rng, conv))


def _level(rng: Rng, synapse: Conv | Dense, high: int) -> int:
    """Return a threshold that values now and then reach."""
    rows = synapse.codes.reshape(synapse.channels, -1).astype(float)
    spread = float(np.sqrt((rows**2).sum(axis=1)).mean()) * max(high, 1) / 3
    spread *= 2.0 ** (synapse.fraction_bits - synapse.input_shift)
    return max(1, round(spread * float(np.exp(rng.uniform(np.log(0.3), np.log(2))))))


def _neuron(rng: Rng, level: int, channels: int, steps: int | None) -> Neuron:
    """Return neurons that count, if there is one step, as training makes them; else leaky ones."""
    most = int(rng.choice([1, 1, 2, 3, 3, 7]))
    if steps == 1 or rng.random() < 0.15:
        each = np.arange(1, most + 1)[:, None] * np.full(channels, level)
        return Burst(each if rng.random() < 0.5 else each[:, 0])
    leak = ((1,), (2,), (2,), (3,), (3,), (2, 4))[rng.integers(6)]
    threshold = np.full(channels, level) if rng.random() < 0.4 else np.array(level)
    if threshold.ndim:
        threshold = threshold + rng.integers(0, level + 1, channels)
    return LIF(threshold, leak, "zero" if rng.random() < 0.2 else "subtract", most=most)


def _pool(rng: Rng, conv: Conv) -> Pool | None:
    shape = conv.shape
    if rng.random() < 0.5 or shape.width % 2:
        return None
    sides = (2, 2) if shape.height % 2 == 0 else (1, 2)
    return Pool("sum" if rng.random() < 0.2 else "max", sides)


def _readout(rng: Rng, shape: Shape) -> Readout:
    if shape.size <= 64 and rng.random() < 0.3:
        return Count()
    bits, outputs = int(rng.choice([2, 4, 8, 8, 8, 16])), int(rng.choice([2, 3, 6, 10, 10, 10]))
    return Accumulate(Dense(codes(rng, bits, (outputs, shape.size)), bits))


def byte_maps(rng: Rng) -> Model:
    """Return a first layer that the kernel `bytes` serves: any size, stride, padding and pool."""
    model = random_byte_map(rng)
    if not fits(0, model):
        raise ValueError("the kernel does not serve it")
    return model


def of_words(rng: Rng) -> Model:
    """Return a model of ternary convolutions: in windows, some of one function, or depthwise."""
    seed, share = int(rng.integers(2**31)), rng.random()
    if share < 0.25:
        return random_words(seed, usual=rng.random() < 0.75)
    return random_together(seed) if share < 0.5 else random_windows(seed)


MAPS: Mapping[str, Callable[[Rng], Model]] = {
    "images": images,
    "bytes": byte_maps,
    "windows": of_words,
    "mixed maps": lambda rng: map_model(int(rng.integers(2**31))),
}
"""Kinds of models on maps, and what makes one; ValueError: draw another."""
