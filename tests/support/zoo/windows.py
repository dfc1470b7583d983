"""Random convolutions of the windows: every kind of words, neurons, pools, strides, borders."""

from __future__ import annotations

from typing import Any

import numpy as np

from codegen.kernels.windows.plan import fits
from qat.model import LIF, Burst, Conv, Count, Layer, Model, Neuron, Pool, Shape, Spikes

KERNELS = {0: "windows", 1: "windows"}
CHANNELS = (8, 16, 24, 32, 40, 48, 64, 72)
STEPS = (1, 2, None)
LEAKS = ((2,), (3,), (6,), (2, -4), (0,), (1, 3), (3, 5))


def _neuron(rng: np.random.Generator, channels: int) -> Neuron:
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
    return Layer(synapse, _neuron(rng, channels), pool=pool)


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
