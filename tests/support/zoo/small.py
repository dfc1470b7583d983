"""One small model, and what becomes of a model with another input, sensor, end or rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Count,
    Dense,
    EarlyStop,
    Frames,
    Input,
    Layer,
    Model,
    Sensor,
    Spikes,
)
from support.zoo.made import alike


def small_model(**neuron: Any) -> Model:
    """Return a fixed model of two ternary layers and an 8-bit readout."""
    rng = np.random.default_rng(7)
    neuron = {"threshold": 40, "leak": (3,)} | neuron
    return Model(
        Analog(20, 0, 16),
        (
            Layer(Dense(rng.integers(-1, 2, (40, 20)), input_shift=1), LIF(**neuron)),
            Layer(Dense(rng.integers(-1, 2, (33, 40)), fraction_bits=3), LIF(**neuron)),
        ),
        Accumulate(Dense(rng.integers(-128, 128, (5, 33)), 8, bias=rng.integers(-9, 9, 5))),
        steps=6,
        name="small",
    )


def sensed(model: Model | None = None, offset: Any = 9, **more: Any) -> Model:
    """Return the model, small_model() if none is given, behind a sensor; more: as of `alike`."""
    base = small_model() if model is None else model
    return replace(base, sensor=alike(base.input.size, offset, **more))


def windows(offset: Any = 9, **more: Any) -> Model:
    """Return the small model for windows of a sensor's vectors, one a step."""
    small = small_model()
    return sensed(replace(small, input=Frames(20, 0, 16)), offset, **more)


def endless(model: Model) -> Model:
    """Return the model without readout, end and rule, and without gaps of its sensor."""
    return replace(model, readout=None, steps=None, stop=None)


def raw(
    mode: str,
    *,
    channels: int,
    neurons: int,
    steps: int,
    group: int,
    hop: int,
    seed: int,
    name: str,
) -> Model:
    """Return a model of raw samples.

    mode: what becomes of a vector: it is "held", one of the "steps" of a window, one of a "ring"
        of windows that overlap by their `hop`, or "free"
    """
    rng = np.random.default_rng(seed)
    input_ = (Analog if mode == "held" else Frames)(channels, -127, 127)
    ends: dict[str, Any] = {}
    if mode != "free":
        readout = Accumulate(Dense(rng.integers(-9, 9, (4, neurons)), 8))
        ends = {"readout": readout, "steps": steps}
    layers = (Layer(Dense(rng.integers(-1, 2, (neurons, channels))), LIF(150, (2,))),)
    offset, gain = rng.integers(-90, 90, channels), rng.integers(2000, 7000, channels)
    sensor = Sensor(offset, gain, 14, group, hop if mode == "ring" else None)
    return Model(input_, layers, name=name, sensor=sensor, **ends)


def with_synapse(model: Model, input_: Input | None = None, **fields: Any) -> Model:
    """Return the model with other fields of its first synapse, and with the input if given."""
    first = replace(model.layers[0], synapse=replace(model.layers[0].synapse, **fields))
    return replace(model, input=input_ or model.input, layers=(first, *model.layers[1:]))


SENSED = {
    "sensor, held": sensed(),
    "sensor, held, every sample": sensed(group=1),
    "sensor, windows, every sample": windows(group=1),
    "sensor, windows": windows(),
    "sensor, overlapping": windows(hop=2),
    "sensor, gaps": windows(hop=9),
    "sensor, free": endless(windows()),
}

STOPPED = {
    "stop": replace(small_model(), stop=EarlyStop(30, 2)),
    "stop by counts": replace(
        small_model(), readout=Count(), input=Analog(20, -8, 7), stop=EarlyStop(2, 1)
    ),
    **{
        f"{name}, stop": replace(SENSED[name], stop=EarlyStop(30, 2))
        for name in ("sensor, held", "sensor, windows", "sensor, overlapping")
    },
}


def spiking(free: bool) -> Model:
    """Return a ternary layer that runs free, on spikes or on frames."""
    codes = np.random.default_rng(3).integers(-1, 2, (40, 33))
    layer = Layer(Dense(codes), LIF(5, (2,)))
    return Model(Spikes(33) if free else Frames(33, -8, 7), (layer,), name="free")
