"""Random depthwise convolutions of whole words of channels: every neuron, pool, stride, border."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from codegen.kernels.channel_words.plan import fits
from qat.model import LIF, Burst, Conv, Count, Layer, Model, Pool, Shape, Spikes
from support.zoo.windows import neuron_of

KERNELS = {0: "channel_words", 1: "channel_words"}
STEPS = (1, 2, None)
WHOLE = (20, 28, 29, 63, 69)
"""Seeds of usual ones of which vectors serve both layers: one word a position and four, both kinds
of neurons and of pools, constants of their own, stride 2."""


def _layer(rng: np.random.Generator, grid: Shape, most: int = 3, usual: bool = False) -> Layer:
    sides = (grid.height, grid.width)
    kernel = [int(rng.integers(1, min(side, most) + 1)) for side in sides]
    if usual:
        kernel = [min(side, 3) for side in sides]
    codes = rng.integers(-1, 2, (grid.channels, *kernel, 1))
    codes[rng.random(codes.shape) < rng.random()] = 0
    synapse = Conv(
        codes, grid, groups=grid.channels, fraction_bits=int(rng.integers(0, 3)),
        bias=np.asarray(rng.integers(-3, 4, grid.channels if rng.random() < 0.5 else ())),
        stride=int(rng.integers(1, 3)), padding="none" if rng.random() < 0.4 else "same",
    )  # fmt: skip
    pool, shape = None, synapse.shape
    if rng.random() < 0.6:
        sides = [
            int(rng.choice([n for n in (1, 2, 3) if side % n == 0])) for side in shape.sides[:2]
        ]
        pool = Pool("sum" if rng.random() < 0.4 else "max", (sides[0], sides[1]))
    return Layer(synapse, neuron_of(rng, grid.channels), pool=pool)


def _limited(layer: Layer) -> Layer:
    """Return a layer whose membranes, if it has such, have limits."""
    if not isinstance(layer.neuron, LIF):
        return layer
    return replace(layer, neuron=replace(layer.neuron, floor=-11, ceiling=40))


def random_words(seed: int, usual: bool = False, whole: bool = False) -> Model:
    """Return two depthwise layers of which the second reads what the first sends.

    usual: of 3x3 weights, on maps that are larger
    whole: rows of the map are whole vectors of four words; membranes of every third have limits
    """
    for turn in range(200):
        rng = np.random.default_rng([3, seed, turn])
        least = 6 if usual else 1
        sides = int(rng.integers(least, 10)), int(rng.integers(least, 12))
        given = Shape(*sides, int(rng.choice([32, 32, 64, 128 if whole else 96])))
        if whole:
            given = replace(given, width=-(-given.width // 4) * 4)
        first = _layer(rng, given, int(rng.choice([3, 3, 5])), usual)
        steps = STEPS[seed % len(STEPS)]
        layers = (first, _layer(rng, first.shape, usual=usual))
        if whole and seed % 3 == 0:
            layers = (_limited(layers[0]), _limited(layers[1]))
        model = Model(
            Spikes(given.size, grid=given),
            layers,
            Count() if steps else None,
            steps,
            name="depthwise",
        )
        if fits(0, model) and fits(1, model):
            return model
    raise AssertionError("no model of this seed is served")


def of_size(height: int, width: int, channels: int, thresholds: Any = (1, 2, 3)) -> Model:
    """Return one layer of 3x3 weights with thresholds that all share."""
    given = Shape(height, width, channels)
    codes = np.random.default_rng(channels).integers(-1, 2, (channels, 3, 3, 1))
    layer = Layer(Conv(codes, given, groups=channels), Burst(list(thresholds)))
    return Model(Spikes(given.size, grid=given), (layer,), Count(), 1, name="depthwise")
