"""Random depthwise convolutions of whole words of channels: every neuron, pool, stride, border."""

from __future__ import annotations

from typing import Any

import numpy as np

from codegen.kernels.channel_words.plan import fits
from qat.model import Burst, Conv, Count, Layer, Model, Pool, Shape, Spikes
from support.zoo.windows import neuron_of

KERNELS = {0: "channel_words", 1: "channel_words"}
STEPS = (1, 2, None)


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


def random_words(seed: int, usual: bool = False) -> Model:
    """Return two depthwise layers of which the second reads what the first sends.

    usual: of 3x3 weights, on maps that are larger
    """
    for turn in range(200):
        rng = np.random.default_rng([3, seed, turn])
        least = 6 if usual else 1
        sides = int(rng.integers(least, 10)), int(rng.integers(least, 12))
        given = Shape(*sides, int(rng.choice([32, 32, 64, 96])))
        first = _layer(rng, given, int(rng.choice([3, 3, 5])), usual)
        steps = STEPS[seed % len(STEPS)]
        model = Model(
            Spikes(given.size, grid=given),
            (first, _layer(rng, first.shape, usual=usual)),
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
