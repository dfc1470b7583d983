"""Models whose first layer is a convolution of a map of bytes: the edges of the kernel `bytes`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qat.model import (
    Accumulate,
    Analog,
    Burst,
    Conv,
    Count,
    Dense,
    Frames,
    Layer,
    Model,
    Pool,
    Shape,
)

BYTES = {0: "bytes"}
"""The kernel of the first layer, for whatever plans or renders."""


def ternary(shape: tuple[int, ...], zeros: float, rng: np.random.Generator) -> Any:
    """Return random ternary codes."""
    rest = (1 - zeros) / 2
    return rng.choice([-1, 0, 1], shape, p=[rest, zeros, rest])


def burst(conv: Conv, low: int, high: int, most: int, rng: np.random.Generator) -> Burst:
    """Return thresholds spread over what the currents of each channel reach, some beyond it."""
    reach = conv.current_range(conv.sums(low, high))
    span = (reach.hi - reach.lo)[None, :]
    values = reach.lo + np.floor(rng.uniform(-0.1, 1.1, (most, conv.channels)) * span)
    return Burst(np.sort(values, axis=0).astype(np.int32))


def byte_map(
    grid: tuple[int, int, int], channels: int, kernel: tuple[int, int] = (3, 3), *, stride: int = 1,
    padding: str = "same", pool: bool = False, most: int = 3, low: int = 0, high: int = 15,
    zeros: float = 0.45, shift: int = 0, bias: int = 0, middle: float = 0.0, steps: int = 1,
    frames: bool = False, bits: int = 2, seed: int = 0,
) -> Model:  # fmt: skip
    """Return a model of one convolution and a readout of 3 classes.

    middle: thresholds keep to this part of the range in its middle; 0: they are all over it
    """
    rng = np.random.default_rng([seed, *grid, channels, *kernel])
    given = Shape(*grid)
    codes = ternary((channels, *kernel, given.channels), zeros, rng).astype(np.int8)
    if bits > 2:
        codes *= rng.integers(1, 2 ** (bits - 1), codes.shape).astype(np.int8)
    conv = Conv(
        codes, given, bits=bits,
        stride=stride, padding=padding, input_shift=shift,
        bias=rng.integers(-bias, bias + 1, channels) if bias else 0,
    )  # fmt: skip
    neuron = burst(conv, low, high, most, rng)
    if middle:
        reach = conv.current_range(conv.sums(low, high))
        centre, half = (reach.lo + reach.hi) // 2, (reach.hi - reach.lo) * middle / 2
        inside = np.clip(neuron.thresholds, np.ceil(centre - half), np.floor(centre + half))
        neuron = Burst(inside.astype(np.int32))
    layer = Layer(conv, neuron, pool=Pool("max") if pool else None)
    read = Dense(ternary((3, layer.sends), 0.3, rng).astype(np.int8))
    kind = Frames if frames else Analog
    return Model(
        name="byte_map", layers=(layer,), readout=Accumulate(read), steps=steps,
        input=kind(given.size, low, high, grid=given),
    )  # fmt: skip


def far_over(minus: int, thresholds: tuple[int, ...]) -> Model:
    """Return a model of 5x7 taps, so many of them minus, whose sums reach far beyond a byte."""
    model = byte_map((8, 8, 1), 16, (5, 7), zeros=0.0)
    (layer,) = model.layers
    codes = np.ones((16, 5, 7, 1), np.int8)
    codes.reshape(16, -1)[:, :minus] = -1
    codes.reshape(16, -1)[:, 31:] = 0  # 31 taps, of which a byte holds 17
    neuron = Burst(np.array(thresholds)[:, None] + np.zeros((1, 16), np.int64))
    made = replace(layer, synapse=replace(layer.synapse, codes=codes), neuron=neuron)
    return replace(model, layers=(made,))


def alone(model: Model) -> Model:
    """Return a model whose readout needs no memory: what its layer sums lies at the state's end."""
    return replace(model, readout=Count())


MODELS = {
    "5x7, far over a byte": far_over(20, (-30, 10, 60)),
    "16 channels": byte_map((8, 16, 1), 16, middle=0.6),
    "32 channels, pooled": byte_map((16, 16, 1), 32, pool=True, middle=0.6),
    "64 channels, far": byte_map((4, 8, 1), 64, zeros=0.1, high=14),
    "48 channels": byte_map((8, 8, 1), 48, pool=True, most=2, bias=9),
    "stride 2, 16 bits": byte_map((16, 16, 1), 32, (5, 5), stride=2),
    "stride 2, far": byte_map((15, 13, 1), 16, (5, 5), stride=2, zeros=0.7, high=7),
    "5x5, over a byte": byte_map((8, 16, 1), 32, (5, 5), middle=0.3, zeros=0.4),
    "stride 2, over a byte": byte_map((9, 11, 1), 24, (5, 5), stride=2, middle=0.2, zeros=0.3),
    "8 bits": byte_map((8, 16, 1), 16, bits=8, middle=0.5),
    "8 bits, alone": alone(byte_map((8, 8, 1), 32, bits=8)),
    "8 bits, pooled": byte_map((12, 12, 1), 24, bits=8, pool=True, shift=4, bias=9, middle=0.5),
    "4 bits, signed": byte_map((9, 7, 2), 5, (5, 3), stride=2, bits=4, low=-8, high=7, most=2),
    "28 columns, pooled": byte_map((4, 28, 1), 32, pool=True, seed=1),
    "pooled, 16 bits": byte_map((12, 20, 1), 16, (7, 7), pool=True, most=1, shift=3, bias=4),
    "seven spikes": byte_map((8, 8, 1), 16, pool=True, most=7, high=3),
    "colours": byte_map((10, 6, 3), 5, pool=True, high=255, shift=2, padding="none", kernel=(3, 3)),
    "a recording": byte_map((1, 30, 6), 24, (1, 5), low=-7, high=7, bias=3, zeros=0.8),
    "stride 2, pooled": byte_map((12, 12, 2), 16, (3, 3), stride=2, pool=True, low=-3, high=3),
    "signed, 16 channels": byte_map((8, 8, 1), 16, low=-8, high=7, middle=0.6),
    "one position": byte_map((3, 3, 1), 4, padding="none", most=2),
    "several steps": byte_map((8, 8, 1), 16, steps=3),
    "frames": byte_map((8, 8, 1), 32, steps=2, frames=True, pool=True, high=1),
}

HUNTERS = (
    "16 channels", "32 channels, pooled", "48 channels", "stride 2, far", "pooled, 16 bits",
    "seven spikes", "a recording", "signed, 16 channels", "stride 2, over a byte",
    "5x7, far over a byte",
    "8 bits, pooled", "8 bits, alone", "4 bits, signed",
)  # fmt: skip
"""Those that hunt planted faults: every layout, and every way from digits to the signal."""


def random_byte_map(rng: np.random.Generator, seed: int | None = None) -> Model:
    """Return a model of any size, stride, padding and pool; the kernel may not serve it.

    seed: of its weights, by default drawn as well
    """
    pool, stride = bool(rng.integers(2)), int(rng.choice([1, 1, 2]))
    kernel = (int(rng.choice([1, 3, 3, 5, 7])), int(rng.choice([1, 2, 3, 3, 5, 7])))
    unit = stride * (2 if pool else 1)
    sides = tuple(unit * int(rng.integers(-(-k // unit), 22 // unit + 1)) for k in kernel)
    low, high = [(0, 15), (0, 3), (0, 255), (-8, 7)][rng.integers(4)]
    return byte_map(
        (*sides, int(rng.choice([1, 1, 2, 3]))), int(rng.choice([8, 16, 16, 24, 32, 32, 64])),
        kernel, stride=stride, pool=pool, most=int(rng.choice([1, 2, 3, 3, 5, 7])), low=low,
        high=high, zeros=float(rng.choice([0.2, 0.45, 0.7])),
        seed=int(rng.integers(2**31)) if seed is None else seed,
        middle=float(rng.choice([0.0, 0.3, 0.5])), steps=int(rng.choice([1, 1, 2])),
        bits=int(rng.choice([2, 2, 2, 4, 8])),
    )  # fmt: skip
