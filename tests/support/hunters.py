"""The models that hunt a planted fault: every kernel, encoder, sensor and rule, the small first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from calibration.samples import Plan, make

from codegen.render import render
from qat.model import (
    LIF,
    Analog,
    Count,
    Dense,
    EarlyStop,
    Frames,
    Latency,
    Layer,
    Model,
    Rate,
    Sensor,
    Spikes,
)
from support.golden import GOLDEN
from support.kernel_models import MODELS
from support.models import small_model


def _sensed() -> dict[str, Model]:
    small = small_model()
    sensor = Sensor(offset=[9] * 20, gain=[3] * 20, shift=2, group=2)
    frames = replace(small, input=Frames(20, 0, 16), sensor=sensor)
    return {
        "sensor, held": replace(small, sensor=sensor),
        "sensor, held, every sample": replace(small, sensor=replace(sensor, group=1)),
        "sensor, windows, every sample": replace(frames, sensor=replace(sensor, group=1)),
        "sensor, windows": frames,
        "sensor, overlapping": replace(frames, sensor=replace(sensor, hop=2)),
        "sensor, gaps": replace(frames, sensor=replace(sensor, hop=9)),
        "sensor, free": replace(frames, readout=None, steps=None),
    }


def _rules() -> dict[str, Model]:
    small, sensed = small_model(), _sensed()
    counts = replace(small, readout=Count(), input=Analog(20, -8, 7))
    return {
        "stop": replace(small, stop=EarlyStop(30, 2)),
        "stop by counts": replace(counts, stop=EarlyStop(2, 1)),
        **{
            f"{name}, stop": replace(sensed[name], stop=EarlyStop(30, 2))
            for name in ("sensor, held", "sensor, windows", "sensor, overlapping")
        },
    }


def _far() -> dict[str, Model]:
    """Biases that make currents wider than the sum of the inputs, behind its rounding shift."""
    rng = np.random.default_rng(3)
    bias, threshold = rng.integers(-1200, 1200, 160), rng.integers(100, 1500, 160)
    synapse = Dense(rng.integers(-1, 2, (160, 40)), bias=bias, input_shift=3)
    layers = (Layer(synapse, LIF(threshold, (2,))),)
    return {
        "analog, far biases": Model(Analog(40, 0, 15), layers),
        "frames, far biases": Model(Frames(40, 0, 15), layers),
    }


PLANS = (
    Plan(Analog, 0, 255, (100, 160, 20), (2, 4), 5, own=True),
    Plan(Analog, -128, 127, (90, 40, 33), (2, 2), 12, own=True),
    Plan(Analog, 0, 15, (64, 48, 20, 10), (8, 4, 16), 6),
    Plan(Analog, 0, 15, (40, 33, 40), (2, 2), 6, plain=True),
    Plan(Frames, -8, 7, (90, 32, 40, 7), (2, 2, 2, 16), 5, own=True),
    Plan(Frames, 0, 255, (30, 64, 20, 12), (16, 16, 4), 5, own=True),
    Plan(Spikes, 0, 1, (60, 40, 70, 16, 5), (4, 8, 8, 4), None, own=True, plain=True),
    Plan(Rate, 0, 255, (70, 12), (2,), 6, count=True, plain=True),
    Plan(Rate, -128, 127, (30, 10), (2,), 9, count=True, plain=True),
    Plan(Latency, 0, 15, (70, 33), (2,), 4, count=True, plain=True),
    Plan(Latency, -8, 7, (5, 16), (2,), 16, count=True, plain=True),
    Plan(Spikes, 0, 1, (6, 100), (2,), None),
)
"""Kernels that the choice by costs seldom takes, and readouts of all bits."""


@dataclass(frozen=True, eq=False)
class Hunter:
    """A model and, where they are not chosen by costs, its kernels."""

    model: Model
    kernels: dict[int, str] | None = None

    def files(self) -> dict[str, str]:
        """Return its C."""
        return render(self.model, kernels=self.kernels)


def _planned() -> dict[str, Hunter]:
    found = {}
    for seed, row in enumerate(PLANS):
        model = make(row, seed)
        found[f"plan {seed}"] = Hunter(model, row.kernels(model))
    return found


def _all() -> dict[str, Hunter]:
    models = {
        **{model.name: model for model in GOLDEN},
        **MODELS,
        **_sensed(),
        **_rules(),
        **_far(),
    }
    return {name: Hunter(model) for name, model in models.items()} | _planned()


def _size(item: tuple[str, Hunter]) -> int:
    """Return about how many characters of C a model takes beside what all have in common.

    Rendering all models to know it takes every process of the suite a second.
    """
    model = item[1].model
    weights = sum(synapse.codes.size * synapse.bits // 3 for _, synapse in model.synapses())
    return 4000 * len(model.layers) + weights


HUNTERS: dict[str, Hunter] = dict(sorted(_all().items(), key=_size))
