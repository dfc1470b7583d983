"""The fixed models whose generated C and sizes are kept in the repository."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qat.model import (
    LIF,
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
    Sensor,
    Shape,
    Spikes,
)
from support.zoo.made import drawn


def _codes(seed: int, bits: int, *shape: int) -> Any:
    return drawn(np.random.RandomState(seed), bits, *shape)


def analog() -> Model:
    """Two ternary layers on a held input, an 8-bit readout."""
    return Model(
        Analog(20, 0, 16),
        (
            Layer(Dense(_codes(0, 2, 40, 20), input_shift=1, bias=5), LIF(40, (3,))),
            Layer(Dense(_codes(1, 2, 33, 40), fraction_bits=3), LIF(60, (3,))),
        ),
        Accumulate(Dense(_codes(2, 8, 5, 33), 8, bias=_codes(3, 4, 5))),
        steps=6,
        name="analog",
    )


def frames() -> Model:
    """Wider weights on signed frames, spike counts as scores."""
    return Model(
        Frames(6, -128, 127),
        (
            Layer(Dense(_codes(4, 8, 9, 6), 8, input_shift=6), LIF(200, (2, 4), reset_by=150)),
            Layer(Dense(_codes(5, 4, 3, 9), 4, fraction_bits=2), LIF(50, (2,), reset="zero")),
        ),
        Count(),
        steps=12,
        name="frames",
    )


def free() -> Model:
    """A free-running ternary layer with everything of its own, and saturation."""
    thresholds = np.abs(_codes(6, 8, 34)) + 20
    neuron = LIF(thresholds, (3, -5), reset_by=thresholds - 5, floor=-90, ceiling=120)
    synapse = Dense(_codes(7, 2, 34, 33), bias=_codes(8, 4, 34), fraction_bits=2)
    return Model(Spikes(33), (Layer(synapse, neuron),), name="free")


def sensor() -> Model:
    """Raw samples of three channels in windows that overlap."""
    model = frames()
    return replace(
        model,
        input=Frames(3, -127, 127),
        layers=(replace(model.layers[0], synapse=Dense(_codes(11, 8, 9, 3), 8, input_shift=5)),
                model.layers[1]),
        name="sensor",
        metadata={"sample_unit": 0.001, "channels": ["ax", "ay", "az"]},
        sensor=Sensor([120, -4, 39240], [70_000, 71_000, 45_000], shift=21, group=4, hop=6),
    )  # fmt: skip


def example() -> Model:
    """The firmware's example: small enough to read."""
    layer = Layer(Dense(_codes(9, 2, 8, 8), input_shift=2, bias=1), LIF(12, (3,)))
    readout = Accumulate(Dense(_codes(10, 8, 4, 8), 8))
    return Model(Analog(8, 0, 16), (layer,), readout, steps=4, name="example")


def maps() -> Model:
    """A convolution of bytes with a pool, a depthwise one, counts to the scores, in one step."""
    image = Shape(6, 6, 1)
    first = Layer(
        Conv(_codes(12, 2, 5, 3, 3, 1), image),
        Burst(np.array([[4], [11], [19]]) + np.arange(5)),
        pool=Pool(),
    )
    deep = Conv(_codes(13, 4, 5, 2, 2, 1), first.shape, 4, padding="none", groups=5)
    second = Layer(deep, LIF(9, (2,), most=3))
    third = Layer(Dense(_codes(14, 2, 9, second.sends), bias=1), Burst(np.array([2, 5, 8])))
    readout = Accumulate(Dense(_codes(15, 8, 4, 9), 8, fraction_bits=2, bias=_codes(16, 4, 4)))
    given = Analog(36, 0, 15, grid=image)
    return Model(given, (first, second, third), readout, steps=1, name="maps")


GOLDEN = (analog(), frames(), free(), sensor(), maps())
