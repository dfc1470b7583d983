"""Models on maps, and of counts, whose instructions are counted to fit the cost model.

Random ones of every kind have few parts of each kernel for maps: these here have each feature of
them. A few are as networks for images are; the others are wild (tests/support). What a first layer
in the kernel `bytes` takes does not depend on its input, so that one input is counted of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.maps import map_model
from support.models import inputs_for, steps_for
from support.zoo.byte_maps import byte_map
from support.zoo.depthwise import random_words
from support.zoo.readouts import random_readout
from support.zoo.windows import keeping_more, random_together, random_windows

from calibration.mapped import byte_maps
from calibration.samples import codes
from codegen.checks.equivalence import made_inputs
from codegen.kernels import KERNELS, encoders, readout_candidates
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
    Shape,
    Spikes,
)

INTEGERS, WINDOWS, BYTES = ("conv_plain", "plain_counts"), ("windows",), ("bytes",)
WORDS, PACKED, PAIRS = ("channel_words",), "packed", "pairs"
"""Kernels that compute a model of these, wherever they can; and those of their readouts."""

WILD, HELD, WINDOWED, TOGETHER, DEPTHWISE, WHOLE = 60, 20, 50, 30, 50, 60
READ, OF_BYTES = 60, 70
"""Random models: of any maps, of held ones, in windows, of which layers share a function, in
channel words and in whole vectors of these, of packed readouts, on bytes."""

KEEPING_MORE = 24
"""Random models in windows of current-based and of adaptive neurons, by turns."""

LARGE = 7
"""Models that come first: networks, too large to be traced."""

SAMPLES = 6
"""Inputs of a model."""

FIRST_SEED = 10_000
"""Seeds of the models that are counted: tests have smaller ones."""

NARROW: tuple[tuple[Input, int | None], ...] = (
    (Analog(96, 0, 15, grid=Shape(4, 4, 6)), 1),
    (Analog(96, 0, 15, grid=Shape(4, 4, 6)), 3),
    (Spikes(192, grid=Shape(4, 4, 12)), None),
    (Frames(60, 0, 255), None),
    (Spikes(100), None),
)
"""Inputs, and steps, of the narrowest layers."""

IMAGE = Analog(256, 0, 15, grid=Shape(16, 16, 1))


IMAGES: tuple[dict[str, Any], ...] = (
    {"grid": (16, 16, 1), "channels": 32, "pool": True, "middle": 0.6},
    {"grid": (16, 16, 1), "channels": 16, "middle": 0.6},
    {"grid": (16, 16, 1), "channels": 32, "stride": 2, "middle": 0.6},
    {"grid": (16, 8, 1), "channels": 24, "stride": 2, "middle": 0.6},
    {"grid": (16, 16, 1), "channels": 32, "kernel": (5, 5), "stride": 2},
    {"grid": (16, 16, 1), "channels": 32, "kernel": (5, 5), "stride": 2, "middle": 0.3},
    {"grid": (16, 16, 1), "channels": 16, "kernel": (5, 5), "middle": 0.3},
    {"grid": (16, 12, 1), "channels": 24, "kernel": (5, 5), "middle": 0.3, "zeros": 0.4},
    {"grid": (28, 28, 1), "channels": 16, "pool": True, "middle": 0.6},
    {"grid": (16, 16, 1), "channels": 16, "bits": 8, "middle": 0.5},
    {"grid": (12, 16, 1), "channels": 24, "bits": 4, "pool": True, "middle": 0.5},
    {"grid": (16, 16, 1), "channels": 32, "kernel": (5, 5), "stride": 2, "bits": 8, "middle": 0.5},
    {"grid": (8, 8, 2), "channels": 8, "bits": 8, "high": 3, "zeros": 0.1, "middle": 0.5},
    {"grid": (20, 20, 1), "channels": 16, "bits": 4, "stride": 2, "pool": True, "middle": 0.5},
    {"grid": (1, 60, 6), "channels": 32, "kernel": (1, 5), "low": -7, "high": 7, "zeros": 0.8},
)
"""First layers on bytes, of networks for images and recordings."""


@dataclass(frozen=True, eq=False)
class Mapped:
    """A model, the kernels of its stages, inputs, and the steps where it runs free.

    narrow: of a few channels
    """

    model: Model
    kernels: dict[int, str]
    x: NDArray[Any]
    steps: int | None
    narrow: bool = False


Row = tuple[int, int, int, int, int]


def network(seed: int, given: Input, rows: Sequence[Row], steps: int | None) -> Model:
    """Return a network for images: rows of (channels, kernel, pool, bits, most), then a readout."""
    rng, shape, layers = np.random.default_rng(seed), given.reads_shape, []
    high = max(given.reads[1], 1)
    for channels, kernel, pool, bits, most in rows:
        flat = (channels, kernel * kernel * shape.channels)
        weights = codes(rng, bits, flat).reshape(channels, kernel, kernel, -1)
        level = max(1, round(float(np.abs(weights).sum(axis=(1, 2, 3)).mean()) ** 0.5 * high / 2))
        neuron: Neuron = Burst(np.arange(1, most + 1)[:, None] * np.full(channels, level))
        if steps != 1:
            neuron = LIF(np.array(level), (2,), most=most)
        pooled = Pool("max", (pool, pool)) if pool > 1 else None
        layers.append(Layer(Conv(weights, shape, bits), neuron, pool=pooled))
        shape, high = layers[-1].shape, 2
    readout = None
    if steps is not None:
        readout = Accumulate(Dense(codes(rng, 8, (10, shape.size)), 8))
    return Model(given, tuple(layers), readout, steps, name="images")


def networks() -> Iterator[Model]:
    """Yield networks for images."""
    yield network(1, IMAGE, ((16, 3, 2, 2, 3), (32, 3, 2, 2, 3), (32, 3, 1, 2, 3)), 1)
    yield network(2, IMAGE, ((32, 3, 2, 4, 3), (24, 3, 2, 4, 7)), 1)
    yield network(3, IMAGE, ((8, 5, 2, 8, 1), (16, 3, 2, 8, 1)), 1)
    yield network(4, IMAGE, ((16, 3, 2, 2, 1), (16, 3, 2, 2, 1)), 4)
    frames = Frames(64, 0, 255, grid=Shape(8, 8, 1))
    yield network(5, frames, ((16, 3, 2, 8, 3), (32, 3, 1, 4, 2)), 3)
    spikes = Spikes(512, grid=Shape(8, 8, 8))
    yield network(6, spikes, ((16, 3, 2, 2, 3), (48, 3, 1, 2, 1)), None)
    yield network(7, IMAGE, ((16, 5, 2, 16, 3), (8, 3, 2, 16, 3)), 1)


def held(number: int = HELD) -> Iterator[Model]:
    """Yield so many convolutions of held bytes over several steps, and two more.

    Their currents are cached.
    """
    for seed, channels, sides in ((20, 8, (8, 8, 1)), (21, 16, (6, 6, 2))):  # columns of 2^k codes
        given = Analog(int(np.prod(sides)), 0, 15, grid=Shape(*sides))
        yield network(seed, given, ((channels, 3, 1, 4, 1),), 3)
    rng = np.random.default_rng(FIRST_SEED)
    for turn in range(number):
        drawn = [int(rng.choice(each)) for each in ((1, 3, 5, 6), (5, 6, 8), (1, 1, 2, 3))]
        low, high = ((0, 15), (0, 255), (-8, 7), (-128, 127))[turn % 4]
        given = Analog(int(np.prod(drawn)), low, high, grid=Shape(*drawn))
        yield map_model(2 * FIRST_SEED + turn, given=given, steps=2 + turn % 4)


def narrow() -> Iterator[Model]:
    """Yield maps and dense layers of one to four channels, whose columns are written out, or not.

    They read bytes that are held for one step and for several, spikes, and counts; so do a few of
    more channels, of all bits.
    """
    rng = np.random.default_rng(FIRST_SEED)
    widths = (2, 4, 8, 16)
    for bits, channels in chain(product(widths, (1, 2, 3, 4)), product(widths, (12, 33))):
        for given, steps in NARROW:
            first = _narrow(rng, given.reads_shape, bits, channels, given.reads[1])
            second = _narrow(rng, first.shape, bits, channels, 1)
            readout = None if steps is None else Count()
            yield Model(given, (first, second), readout, steps, name="narrow")


def _narrow(rng: np.random.Generator, reads: Shape, bits: int, channels: int, high: int) -> Layer:
    """Return a layer of a few channels: on a map a convolution."""
    synapse: Conv | Dense
    if reads.positions > 1:
        weights = codes(rng, bits, (channels, 9 * reads.channels))
        synapse = Conv(weights.reshape(channels, 3, 3, -1), reads, bits)
    else:
        synapse = Dense(codes(rng, bits, (channels, reads.size)), bits)
    level = 2 * float((synapse.codes.astype(float) ** 2).mean()) ** 0.5 * high**0.5
    return Layer(synapse, LIF(np.array(max(2, round(level))), (2,), most=3))


def far() -> Iterator[tuple[Model, dict[int, str]]]:
    """Yield models whose lists are too long for entries of 16 bits, and kernels that list.

    The smallest machine that is counted on has room for them.
    """
    rng, size = np.random.default_rng(FIRST_SEED), 9_000
    for bits, n in ((2, 40), (4, 12), (8, 20)):
        first = Layer(Dense(codes(rng, bits, (n, size)), bits), LIF(np.array(9 * bits), (2,)))
        yield Model(Spikes(size), (first,), None, None, name="lists"), {}
    many = Layer(Dense(codes(rng, 2, (8_300, 8)), 2, input_shift=1), Burst(np.array([9])))
    few = Layer(Dense(codes(rng, 2, (20, 8_300)), 2), LIF(np.array(40), (2,)))
    yield Model(Analog(8, 0, 15), (many, few), Count(), 1, name="lists"), {}
    shape, high, maps = IMAGE.reads_shape, 15, list[Layer]()
    for channels in (32, 40):
        weights = codes(rng, 2, (channels, 9 * shape.channels)).reshape(channels, 3, 3, -1)
        maps.append(Layer(Conv(weights, shape, 2), Burst(np.array([2 * high]))))
        shape, high = maps[-1].shape, 2
    few = Layer(Dense(codes(rng, 2, (20, shape.size)), 2), Burst(np.array([9, 40])))
    kernels = {0: "bytes", 1: "windows", 2: "bitsliced"}
    yield Model(IMAGE, (*maps, few), Count(), 1, name="lists"), kernels
    read = Accumulate(Dense(codes(rng, 2, (20, shape.size)), 2))
    yield Model(IMAGE, tuple(maps), read, 1, name="lists"), kernels


def rare() -> Iterator[Mapped]:
    """Yield models of features that few others have, which are counted for every set.

    Wide layers that lower what is compared by an own first threshold, a packed readout beside long
    lists.
    """
    rng = np.random.default_rng(FIRST_SEED)
    for number, given in enumerate((Spikes(60), Spikes(200), Analog(60, 0, 15))):
        first = rng.integers(2, 40, 160) * max(given.high, 1)
        counting = Burst(first + np.arange(3)[:, None] * 7)
        layer = Layer(Dense(codes(rng, 2, (160, given.size)), 2), counting)
        yield _with_inputs(Model(given, (layer, layer_of(rng, 160, 130)), None, None), (), number)
    long = Layer(Dense(codes(rng, 2, (64, 9_000)), 2), LIF(np.array(60), (2,)))
    read = Accumulate(Dense(codes(rng, 2, (10, 64)), 2))
    one = _with_inputs(Model(Spikes(9_000), (long,), read, 2), (), 1)
    yield replace(one, kernels={1: PACKED})


def layer_of(rng: np.random.Generator, inputs: int, n: int) -> Layer:
    """Return a ternary layer whose leaky neurons emit up to three spikes, with own thresholds."""
    threshold = rng.integers(inputs // 20 + 1, inputs // 10 + 9, n)
    return Layer(Dense(codes(rng, 2, (n, inputs)), 2), LIF(threshold, (2,), most=3))


def on_bytes() -> Iterator[Model]:
    """Yield first layers on bytes: of networks for images, and random ones."""
    for row in IMAGES:
        yield byte_map(**row)
    number, seed = 0, FIRST_SEED
    while number < OF_BYTES:
        seed += 1
        try:
            yield byte_maps(np.random.default_rng(seed))
        except ValueError:
            continue
        number += 1


def models() -> Iterator[Mapped]:
    """Yield every model with its inputs."""
    wild = (map_model(FIRST_SEED + number) for number in range(WILD))
    for number, model in enumerate(chain(networks(), held(), wild, narrow())):
        yield _with_inputs(model, INTEGERS, number)
    windowed = (random_windows(FIRST_SEED + number) for number in range(WINDOWED))
    shared = (random_together(FIRST_SEED + number) for number in range(TOGETHER))
    for number, model in enumerate(chain(networks(), windowed, shared)):
        yield _with_inputs(model, WINDOWS, number)
    for number in range(KEEPING_MORE):
        model = keeping_more(random_windows(FIRST_SEED + number), number % 2)
        yield _with_inputs(model, WINDOWS, number)
    for number, (model, kernels) in enumerate(far()):
        yield replace(_with_inputs(model, (), number), kernels=kernels)
    for number in range(DEPTHWISE):
        yield _with_inputs(random_words(FIRST_SEED + number, number % 4 > 0), WORDS, number)
    for number in range(WHOLE):
        model = random_words(FIRST_SEED + number, number % 4 > 0, whole=True)
        yield _with_inputs(model, WORDS, number)
    for number in range(READ):
        model = random_readout(FIRST_SEED + number)
        one = _with_inputs(model, (), number)
        yield replace(one, kernels={len(model.layers): PACKED})
    for number in range(READ):
        model = random_readout(FIRST_SEED + number, 4)
        if PAIRS in {row.name for row in readout_candidates(model)}:
            one = _with_inputs(model, (), number)
            yield replace(one, kernels={len(model.layers): PAIRS})
    for model in on_bytes():
        yield Mapped(model, kernels_of(model, BYTES), made_inputs(model, 1, seed=1), None)


def _with_inputs(model: Model, kernels: tuple[str, ...], seed: int) -> Mapped:
    x = inputs_for(model, SAMPLES, seed).astype(model.input.dtype)
    narrow = model.name == "narrow"
    return Mapped(model, kernels_of(model, kernels), x, steps_for(model), narrow)


def kernels_of(model: Model, names: tuple[str, ...]) -> dict[int, str]:
    """Return {layer: kernel}: these wherever they can compute a layer, the last of them first."""
    behind = encoders.behind(model, encoders.encoder_of(model))
    rows = [row for row in KERNELS if row.name in names]
    return {
        index: row.name
        for index in range(len(model.layers))
        for row in rows
        if row.computes(index, behind)
    }
