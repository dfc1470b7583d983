"""Models of a six-axis sensor, one for each thing that becomes of a vector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qat.model import LIF, Accumulate, Analog, Dense, EarlyStop, Frames, Layer, Model, Sensor

CHANNELS = 6


def model_of(mode: str) -> Model:
    """Return a model of a 6-axis sensor; mode: what becomes of a vector."""
    rng = np.random.default_rng(11)
    input_ = (Analog if mode == "held" else Frames)(CHANNELS, -127, 127)
    steps = None if mode == "free" else 8
    readout = None if steps is None else Accumulate(Dense(rng.integers(-9, 9, (4, 64)), 8))
    layers = (Layer(Dense(rng.integers(-1, 2, (64, CHANNELS))), LIF(150, (2,))),)
    sensor = Sensor(rng.integers(-90, 90, CHANNELS), rng.integers(2000, 7000, CHANNELS), 14,
                    group=4, hop={"ring": 3}.get(mode))  # fmt: skip
    model = Model(input_, layers, readout, steps, "motion", sensor=sensor)
    return replace(model, stop=EarlyStop(40, 2)) if mode == "early" else model


MODES = ("held", "steps", "ring", "free", "early")
