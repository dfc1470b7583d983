"""Models of neurons that keep or leave more than a leaky membrane does."""

from __future__ import annotations

from typing import Any

import numpy as np

from qat.model import (
    ALIF,
    LI,
    LIF,
    Analog,
    Conv,
    Count,
    CuBa,
    Dense,
    EarlyStop,
    Frames,
    Layer,
    LeakClasses,
    Model,
    Neuron,
    Pool,
    Shape,
    Spikes,
)


def layer(n: int, m: int, neuron: Neuron, bits: int = 2, **synapse: Any) -> Layer:
    """Return a layer of m neurons with random weights; a bias keeps them firing."""
    rng, high = np.random.default_rng(1000 * n + m), {2: 1, 4: 7, 8: 127}[bits]
    given = {"bias": high} | synapse
    return Layer(Dense(rng.integers(-high, high + 1, (m, n)), bits, **given), neuron)


def spread(m: int, low: int, high: int) -> Any:
    """Return a constant of each of m neurons."""
    return np.random.default_rng(m).integers(low, high, m)


def kernels_of(side: int, given: int, channels: int, bits: int, **more: Any) -> Conv:
    """Return a random convolution of 3x3 on a square map."""
    rng, high = np.random.default_rng(side), {2: 1, 8: 127}[bits]
    weights = rng.integers(-high, high + 1, (channels, 3, 3, given))
    return Conv(weights, Shape(side, side, given), bits, **more)


def classes(m: int, *terms: tuple[int, ...]) -> LeakClasses:
    """Return leaks of which m neurons have one each, at random, but the first all of them."""
    of = np.random.default_rng(m).integers(0, len(terms), m)
    of[: len(terms)] = np.arange(len(terms))
    return LeakClasses(terms, of)


def integrators(bits: int, score: str, most: int = 1, **more: Any) -> Model:
    """Return a layer on frames before leaky integrators."""
    rng, high = np.random.default_rng(bits), {2: 1, 4: 7, 8: 127, 16: 900}[bits]
    synapse = Dense(rng.integers(-high, high + 1, (11, 40)), bits, bias=rng.integers(-4, 5, 11))
    least = 30 * high if score == "first" else None
    hidden = layer(20, 40, LIF(60, (2,), most=most), bias=9)
    return Model(
        Frames(20, 0, 15), (hidden,), LI(synapse, (2, -5), score, least), 9, name="net", **more
    )


MODELS = {
    "to a value": Model(
        Spikes(64),
        (
            layer(64, 128, LIF(5, (2,), "value", reset_to=-11)),
            layer(128, 160, LIF(spread(160, 1, 9), (1, -4), "value", reset_to=spread(160, -9, 6))),
            layer(160, 33, LIF(4, (3,), "value", reset_to=6, most=3, ceiling=40)),
            layer(33, 40, LIF(4, (2,), "value", reset_to=spread(40, -40, 3), most=7)),
            layer(40, 20, LIF(90, (3,), "value", reset_to=-300), 8),
            layer(20, 12, LIF(9, (), "value", reset_to=spread(12, -20, 9), floor=-60), 4),
        ),
    ),
    "a step later": Model(
        Spikes(64),
        (
            layer(64, 128, LIF(5, (2,), "late")),
            layer(
                128,
                160,
                LIF(spread(160, 1, 9), (1, -4), "late", floor=-9, ceiling=30),
                fraction_bits=1,
            ),
            layer(160, 140, LIF(90, (0,), "late"), 8, bias=20),
            layer(140, 12, LIF(spread(12, 5, 30), (), "late", floor=-60), 4),
        ),
    ),
    "a step later, current-based": Model(
        Spikes(64),
        (
            layer(64, 133, CuBa(spread(133, 5, 40), (3,), "late", leak_c=(2, -4)), bias=2),
            layer(133, 20, CuBa(900, (3,), "late", leak_c=(2,)), 8),
        ),
    ),
    "a step later, held": Model(
        Analog(40, 0, 15),
        (layer(40, 160, CuBa(300, (2,), "late", leak_c=(2,)), bias=spread(160, -9, 60)),),
        Count(),
        9,
    ),
    "a step later, on maps": Model(
        Spikes(8 * 8 * 3, grid=Shape(8, 8, 3)),
        (
            Layer(kernels_of(8, 3, 32, 2, bias=1), LIF(4, (2,), "late"), pool=Pool("max", (2, 2))),
            Layer(kernels_of(4, 32, 5, 8, bias=99), LIF(spread(5, 90, 300), (1,), "late")),
        ),
    ),
    "current-based": Model(
        Spikes(64),
        (
            layer(64, 128, CuBa(9, (2,), leak_c=(1,)), bias=2),
            layer(
                128,
                160,
                CuBa(spread(160, 9, 40), (3,), leak_c=(2, -4), floor=-50, ceiling=90),
                bias=spread(160, -2, 6),
                fraction_bits=2,
            ),
            layer(160, 33, CuBa(30, (1,), "zero", leak_c=(5,), most=3)),
            layer(33, 140, CuBa(12, (6,), leak_c=(3,), reset_by=spread(140, 3, 20))),
            layer(140, 20, CuBa(900, (3,), leak_c=(2,)), 8),
            layer(20, 12, CuBa(30, (2,), "value", leak_c=(1, -3), reset_to=-20, most=2), 4),
        ),
    ),
    "current-based, held": Model(
        Analog(40, 0, 15),
        (layer(40, 160, CuBa(300, (2,), leak_c=(2,)), bias=spread(160, -9, 60), input_shift=1),),
        Count(),
        9,
    ),
    "current-based frames": Model(
        Frames(33, -8, 7), (layer(33, 129, CuBa(90, (2,), leak_c=(1, -3)), bias=20),), Count(), 7
    ),
    "classes of leaks": Model(
        Spikes(64),
        (
            layer(64, 128, LIF(9, classes(128, (2,), (4,), (6,))), bias=2),
            layer(128, 160, ALIF(7, classes(160, (1,), (1, 3), (1, -4)), leak_b=3, raise_by=2)),
            layer(160, 33, CuBa(30, classes(33, (3, -6), (2,), (2, 4, -7)), "zero", leak_c=(2,))),
            layer(33, 40, LIF(4, classes(40, (5,), (1,), (0,)), most=3, floor=-30)),
            layer(40, 20, LIF(90, classes(20, (1,), (3,), (5,))), 8),
            layer(20, 12, LIF(9, classes(12, (1,), (3, -5)), "value", reset_to=-4), 4),
        ),
    ),
    "classes of leaks, held": Model(
        Analog(40, 0, 15),
        (layer(40, 150, LIF(300, classes(150, (2,), (3, -5))), bias=spread(150, -9, 60)),),
        Count(),
        9,
    ),
    "adaptive": Model(
        Spikes(64),
        (
            layer(64, 128, ALIF(9, (3,), leak_b=3, raise_by=4), bias=2),
            layer(
                128,
                160,
                ALIF(
                    spread(160, 9, 40),
                    (2, -4),
                    leak_b=2,
                    raise_by=spread(160, 1, 30),
                    floor=-50,
                    ceiling=90,
                ),
                bias=spread(160, -2, 6),
                fraction_bits=2,
            ),
            layer(160, 33, ALIF(12, (1,), "zero", leak_b=1, raise_by=7)),
            layer(33, 140, ALIF(12, (6,), leak_b=4, raise_by=900, reset_by=spread(140, 3, 20))),
            layer(140, 20, ALIF(300, (3,), leak_b=5, raise_by=60), 8),
            layer(
                20, 12, ALIF(9, (2,), "value", leak_b=2, raise_by=spread(12, 1, 9), reset_to=-20), 4
            ),
        ),
    ),
    "adaptive, held": Model(
        Analog(40, 0, 15),
        (
            layer(
                40,
                160,
                ALIF(300, (2,), leak_b=4, raise_by=32),
                bias=spread(160, -9, 60),
                input_shift=1,
            ),
        ),
        Count(),
        9,
    ),
    "adaptive frames": Model(
        Frames(33, -8, 7),
        (layer(33, 129, ALIF(60, (2,), leak_b=6, raise_by=9), bias=20),),
        Count(),
        7,
    ),
    "integrators": integrators(2, "last"),
    "integrators, largest": integrators(4, "max", 3, stop=EarlyStop(60, 2)),
    "integrators, sum": integrators(16, "sum"),
    "integrators, first": integrators(8, "first", stop=EarlyStop(2**31 - 1)),
}
