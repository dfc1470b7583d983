"""The models that hunt a planted fault: every kernel, encoder, sensor and rule, the small first."""

from __future__ import annotations

from dataclasses import replace

from codegen.render import render
from qat.model import Analog, Count, EarlyStop, Frames, Model, Sensor
from support.golden import GOLDEN
from support.kernel_models import MODELS
from support.models import small_model


def _sensed() -> dict[str, Model]:
    small = small_model()
    sensor = Sensor(offset=[9] * 20, gain=[3] * 20, shift=2, group=2)
    frames = replace(small, input=Frames(20, 0, 16), sensor=sensor)
    return {
        "sensor, held": replace(small, sensor=sensor),
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


def _size(model: Model) -> int:
    return sum(len(text) for text in render(model).values())


HUNTERS: dict[str, Model] = dict(
    sorted(
        {**{model.name: model for model in GOLDEN}, **MODELS, **_sensed(), **_rules()}.items(),
        key=lambda item: _size(item[1]),
    )
)
