"""Random convolutions of the windows: every kind of words, neurons, pools, strides, borders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from codegen.kernels.windows.plan import fits
from qat.model import (
    ALIF,
    LIF,
    Burst,
    Conv,
    Count,
    CuBa,
    Layer,
    Model,
    Neuron,
    Pool,
    Shape,
    Spikes,
)

KERNELS = {0: "windows", 1: "windows"}
CHANNELS = (8, 16, 24, 32, 40, 48, 64, 72)
STEPS = (1, 2, None)
TOGETHER = (2, 4, 5, 7, 12, 13, 14, 17, 21, 22, 23, 25, 27, 33, 39, 42, 47, 50, 51, 59)
"""Seeds of `random_together` of which one function computes several layers: of maps that are listed
at once, and counts of one or two digits."""

WIDE = (32, 40, 48, 56, 64, 72, 96)
"""Channels of the last of layers together, from seed 24 on: whole words, or padded ones."""

LEAKS = ((2,), (3,), (6,), (2, -4), (0,), (1, 3), (3, 5))


def neuron_of(rng: np.random.Generator, channels: int) -> Neuron:
    """Return neurons of any kind that windows and words serve."""
    shared = rng.random() < 0.5
    if rng.random() < 0.5:
        most = int(rng.integers(1, 8))
        shape = (most,) if shared else (most, channels)
        return Burst(np.sort(rng.integers(-8, 30, shape), axis=0))
    threshold = np.asarray(rng.integers(1, 9, () if shared else channels))
    leak = (1,) if rng.random() < 0.5 else LEAKS[(int(rng.integers(1, 4)) + channels) % len(LEAKS)]
    limits: dict[str, int] = {"floor": -11, "ceiling": 40} if channels % 3 == 0 else {}
    reset: Any = "zero" if rng.random() < 0.3 else "subtract"
    return LIF(threshold, leak, reset, most=int(rng.integers(1, 4)), **limits)


def keeping_more(model: Model, which: int) -> Model:
    """Return the same with other neurons in place of leaky ones: 0 current-based, 1 adaptive ones.

    A layer whose neurons have no membrane keeps them.
    """

    def other(layer: Layer) -> Layer:
        neuron = layer.neuron
        if not isinstance(neuron, LIF):
            return layer
        given = (neuron.threshold, neuron.leak, neuron.reset, neuron.reset_by)
        limits = (neuron.floor, neuron.ceiling)
        if which == 0:
            made: Neuron = CuBa(*given, *limits, most=neuron.most, leak_c=(2, -4))
        else:
            rises = np.arange(layer.synapse.channels) % 5 + 1
            made = ALIF(*given, *limits, leak_b=3, raise_by=rises)
        return replace(layer, neuron=made)

    return replace(model, layers=tuple(map(other, model.layers)))


def _divisor(rng: np.random.Generator, side: int) -> int:
    return int(rng.choice([n for n in range(1, side + 1) if side % n == 0]))


def _layer(rng: np.random.Generator, grid: Shape) -> Layer:
    channels = int(rng.choice(CHANNELS))
    kernel = [int(rng.integers(1, min(side, 7) + 1)) for side in (grid.height, grid.width)]
    codes = rng.integers(-1, 2, (channels, *kernel, grid.channels))
    codes[rng.random(codes.shape) < rng.random()] = 0
    synapse = Conv(
        codes,
        grid,
        bias=np.asarray(rng.integers(-3, 4, channels if rng.random() < 0.5 else ())),
        fraction_bits=int(rng.integers(0, 3)),
        stride=int(rng.integers(1, 3)),
        padding="none" if rng.random() < 0.4 else "same",
    )
    pool, shape = None, synapse.shape
    if rng.random() < 0.6:
        sides = _divisor(rng, shape.height), _divisor(rng, shape.width)
        pool = Pool("sum" if rng.random() < 0.4 else "max", sides)
    return Layer(synapse, neuron_of(rng, channels), pool=pool)


def random_windows(seed: int) -> Model:
    """Return two layers of which the second reads what the first sends; both are served."""
    for turn in range(100):
        rng = np.random.default_rng([seed, turn])
        given = Shape(int(rng.integers(1, 10)), int(rng.integers(1, 12)), int(rng.choice(CHANNELS)))
        first = _layer(rng, given)
        steps = STEPS[seed % len(STEPS)]
        model = Model(
            Spikes(given.size, grid=given),
            (first, _layer(rng, first.shape)),
            Count() if steps else None,
            steps,
            name="mapped",
        )
        if fits(0, model) and fits(1, model):
            return model
    raise AssertionError("no model of this seed is served")


def random_together(seed: int) -> Model:
    """Return two or three layers that one function computes, behind another layer.

    They differ in their maps, padding and pools, and read spikes or counts. All have 32 channels,
    but for the last one of seeds from 24 on.
    """
    rng = np.random.default_rng([7, seed])
    kernel, most = int(rng.choice([1, 3, 3, 3, 5])), int(rng.choice([1, 2, 3, 3, 5]))
    shape = Shape(2 * int(rng.integers(3, 5)), 2 * int(rng.integers(3, 6)), 8)
    given, layers = Spikes(shape.size, grid=shape), []
    last = int(rng.choice(WIDE)) if seed >= 24 else 32
    further = 1 + seed % 2
    for k, channels in ((1, 32), *[(kernel, 32)] * further, (kernel, last)):
        codes = rng.integers(-1, 2, (channels, k, k, shape.channels))
        codes[rng.random(codes.shape) < 0.4] = 0
        reach = int(np.abs(codes).sum(axis=(1, 2, 3)).mean() ** 0.5) + 2
        levels = np.sort(rng.integers(-reach // 2, 3 * reach, (most, channels)), axis=0)
        sides = shape.height, shape.width
        padding: Any = "none" if rng.random() < 0.3 and min(sides) >= 2 * k else "same"
        synapse = Conv(codes, shape, bias=rng.integers(-3, 4, channels), padding=padding)
        sides = synapse.shape.height, synapse.shape.width
        even = all(side % 2 == 0 and side >= 2 * kernel for side in sides)
        pool = Pool("max", (2, 2)) if even and layers and rng.random() < 0.7 else None
        layers.append(Layer(synapse, Burst(levels), pool=pool))
        shape = layers[-1].shape
    return Model(given, tuple(layers), Count(), 1, name="together")


def inputs_for(model: Model, samples: int, seed: int = 0) -> tuple[Any, int | None]:
    """Return maps from silent to full, (samples, steps, inputs), and the steps of a free model."""
    rng, steps = np.random.default_rng(seed), model.steps or 3
    densities = np.resize([0.0, 1.0, 0.1, 0.3, 0.03, 0.6], samples)
    x = rng.random((samples, steps, model.input.size)) < densities[:, None, None]
    return x, None if model.steps else steps


def extreme_windows() -> Model:
    """Return a layer whose weights are all 1 in every other channel, all -1 in the rest."""
    given = Shape(5, 5, 32)
    codes = (
        np.ones((32, 3, 3, 32), np.int64) * np.where(np.arange(32) % 2, -1, 1)[:, None, None, None]
    )
    signs = np.where(np.arange(32) % 2, -1, 1)
    thresholds = np.sort(signs * np.array([[120], [200], [280]]), axis=0)
    layer = Layer(Conv(codes, given), Burst(thresholds))
    return Model(Spikes(given.size, grid=given), (layer,), Count(), 1, name="extreme")


def extreme_bytes() -> Model:
    """Return leaky neurons whose membranes reach both ends of a byte, and are held there."""
    given = Shape(4, 5, 32)
    signs = np.where(np.arange(32) % 2, -1, 1)
    codes = np.ones((32, 1, 1, 32), np.int64) * signs[:, None, None, None]
    threshold = np.where(np.arange(32) % 4, 127, 1 + np.arange(32))
    neuron = LIF(threshold, (), floor=-128, ceiling=127, reset_by=np.arange(32))
    layer = Layer(Conv(codes, given, bias=3 * signs), neuron)
    return Model(Spikes(given.size, grid=given), (layer,), Count(), 9, name="ends")
