"""Random models of maps and counts: every record that makes or reads them, in any mix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import (
    LI,
    LIF,
    Accumulate,
    Analog,
    Burst,
    Conv,
    Count,
    Delta,
    Dense,
    EarlyStop,
    Frames,
    Input,
    Latency,
    Layer,
    Model,
    Neuron,
    Pool,
    Rate,
    Shape,
    Spikes,
)
from qat.model.integrator import SCORES

Rng = np.random.Generator

CHANNELS = (1, 2, 3, 7, 8, 16, 24, 31, 32, 33, 48, 64, 65)
RANGES = ((0, 15), (0, 255), (0, 1), (-8, 7), (-128, 127), (0, 3), (3, 200))
LEAKS = ((), (1,), (2,), (3,), (2, 4), (1, -3), (0,))
HIGH = {2: 1, 4: 7, 8: 127, 16: 900}
MOST_VALUES, MOST_WEIGHTS = 1200, 12000
"""Of a map, and of a layer: every model is compiled."""
MOST_WORK = 300_000
"""Products of a whole inference, summed over its layers."""


def codes(rng: Rng, bits: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return random codes, of which any share is 0."""
    zeros = float(rng.choice([0.0, 0.3, 0.6, 0.95]))
    found = rng.integers(-HIGH[bits], HIGH[bits], shape, endpoint=True)
    return np.where(rng.random(shape) < zeros, 0, found)


def map_model(seed: int, tries: int = 200, **fixed: Any) -> Model:
    """Return a random model with a map or counts somewhere.

    fixed: steps, or given: an Input record, where these are not to be drawn
    """
    for attempt in range(tries):
        rng = np.random.default_rng((seed, attempt))
        try:
            return _model(rng, **fixed)
        except ValueError:  # a sum beyond int32, a kernel larger than its map, a membrane unbounded
            continue
    raise AssertionError(f"seed {seed}: no model in {tries} tries")


def _model(rng: Rng, steps: Any = "any", given: Input | None = None) -> Model:
    given = given or _input(rng)
    if steps == "any":
        steps = [1, 1, 1, None, int(rng.integers(2, 7))][rng.integers(5)]
    shape, layers, levels, work = given.reads_shape, [], 1, 0
    for index in range(int(rng.integers(1, 4))):
        low, high = given.reads if index == 0 else (0, levels)
        analog = index == 0 and not given.spiking
        layer = _layer(rng, shape, max(-low, high), analog, steps)
        work += layer.synapse.values_at_once * layer.channels
        shape, levels = layer.shape, layer.levels
        layers.append(layer)
    if work * (steps or 7) > MOST_WORK * 10 or not _is_new(layers):
        raise ValueError("too much work, or none of what is asked for")
    readout: Any = None
    if steps is not None:
        readout = Count()
        if rng.random() < 0.7:
            bits, outputs = int(rng.choice([2, 4, 8, 8, 16])), int(rng.choice([1, 3, 10, 33]))
            own = rng.integers(-60, 60, outputs) if rng.random() < 0.5 else np.array(0)
            weights = codes(rng, bits, (outputs, shape.size))
            readout = Accumulate(Dense(weights, bits, own, int(rng.integers(0, 5))))
            if bits == 4:
                readout = LI(readout.synapse, (2,), SCORES[outputs % 3])
    stop = None
    if steps is not None and rng.random() < 0.2:
        stop = EarlyStop(int(rng.choice([1, 20, 500])), int(rng.integers(1, steps + 1)))
    return Model(given, tuple(layers), readout, steps, name="maps", stop=stop)


def _is_new(layers: list[Layer]) -> bool:
    return any(
        isinstance(y.synapse, Conv) or isinstance(y.neuron, Burst) or y.levels > 1 for y in layers
    )


def _input(rng: Rng) -> Input:
    kind: Any = (Analog, Analog, Frames, Spikes, Rate, Latency, Delta)[rng.integers(7)]
    height = int(rng.choice([1, 1, 2, 3, 5, 6, 8]))
    width = int(rng.choice([1, 4, 5, 6, 8, 9, 12]))
    channels = int(rng.choice([1, 1, 2, 3, 5, 16, 32, 33]))
    size = height * width * channels
    if size > MOST_VALUES // 2:
        raise ValueError("too many values")
    grid = Shape(height, width, channels) if rng.random() < 0.9 else None
    if kind is Spikes:
        return Spikes(size, grid=grid)
    low, high = RANGES[rng.integers(len(RANGES))]
    if kind is Latency:
        levels = sorted(rng.integers(low, high + 2, 5).tolist(), reverse=True)
        return Latency(size, low, high, tuple(levels), grid=grid)
    if kind is Delta:
        return Delta(size, low, high, int(rng.integers(1, max(2, (high - low) // 3))), grid=grid)
    return kind(size, low, high, grid=grid)


def _synapse(rng: Rng, shape: Shape, analog: bool) -> Conv | Dense:
    bits = int(rng.choice([2, 2, 2, 4, 8, 16]))
    shift = int(rng.integers(0, 5))
    own = {"input_shift": shift} if analog else {"fraction_bits": shift // 2}
    if (shape.positions == 1 and rng.random() < 0.7) or rng.random() < 0.25:
        outputs = int(rng.choice([1, 5, 31, 32, 33, 64, 65, 128]))
        if outputs * shape.size > MOST_WEIGHTS:
            raise ValueError("too many weights")
        weights = codes(rng, bits, (outputs, shape.size))
        return Dense(weights, bits, _bias(rng, outputs), **own)
    deep = shape.channels > 1 and rng.random() < 0.25
    channels = shape.channels if deep else int(rng.choice(CHANNELS))
    kernel = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    if rng.random() < 0.4:
        kernel = (3, 3)
    kernel = (min(kernel[0], shape.height), min(kernel[1], shape.width))
    weights = codes(rng, bits, (channels, *kernel, 1 if deep else shape.channels))
    if weights.size > MOST_WEIGHTS:
        raise ValueError("too many weights")
    return Conv(
        weights,
        shape,
        bits,
        _bias(rng, channels),
        **own,
        stride=int(rng.choice([1, 1, 2])),
        padding=str(rng.choice(["same", "same", "none"])),
        groups=shape.channels if deep else 1,
    )


def _bias(rng: Rng, channels: int) -> NDArray[Any]:
    return rng.integers(-20, 21, channels) if rng.random() < 0.5 else np.array(rng.integers(-3, 4))


def _layer(rng: Rng, shape: Shape, reach: int, analog: bool, steps: int | None) -> Layer:
    synapse = _synapse(rng, shape, analog)
    taps = synapse.codes.reshape(synapse.channels, -1).astype(float)
    spread = float(np.sqrt((taps**2).sum(axis=1)).mean()) * max(reach, 1) / 3
    spread *= 2.0 ** (synapse.fraction_bits - synapse.input_shift)
    level = max(1, round(spread * float(np.exp(rng.uniform(np.log(0.2), np.log(2))))))
    neuron = _neuron(rng, level, synapse.channels, steps)
    layer = Layer(synapse, neuron, pool=_pool(rng, synapse.shape))
    if layer.size > MOST_VALUES:
        raise ValueError("too many neurons")
    return layer


def _neuron(rng: Rng, level: int, channels: int, steps: int | None) -> Neuron:
    most = int(rng.choice([1, 1, 2, 3, 3, 7]))
    if rng.random() < (0.7 if steps == 1 else 0.3):
        several = rng.random() < 0.6
        shape = (most, channels) if several else (most,)
        rows = np.cumsum(rng.integers(0, level + 2, shape), axis=0) - rng.integers(0, 3)
        return Burst(rows)
    each = rng.random() < 0.4
    thresholds = rng.integers(level, 2 * level + 1, channels) if each else np.array(level)
    zero = rng.random() < 0.3
    leak = LEAKS[rng.integers(len(LEAKS))]
    bounded = leak == () or rng.random() < 0.2
    reset_by = None
    if not zero and rng.random() < 0.3:
        reset_by = np.array(max(1, level * 3 // 4))
    return LIF(
        thresholds,
        leak,
        ("value" if each else "zero") if zero else "subtract",
        reset_by,
        reset_to=-thresholds // 3 if zero and each else None,
        floor=-4 * level if bounded else None,
        ceiling=6 * level if bounded else None,
        most=most,
    )


def _pool(rng: Rng, shape: Shape) -> Pool | None:
    if rng.random() < 0.4:
        return None
    mode: Any = rng.choice(["max", "max", "sum"])
    if rng.random() < 0.2:
        return Pool(mode, (shape.height, shape.width))
    fits = [k for k in (2, 3) if shape.height % k == 0 and shape.width % k == 0]
    wide = [k for k in (2, 3) if shape.width % k == 0]
    if fits:
        return Pool(mode, (fits[0], fits[0]))
    return Pool(mode, (1, wide[0])) if wide else None
