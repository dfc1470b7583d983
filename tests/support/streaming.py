"""Models of a six-axis sensor, one for each thing that becomes of a vector."""

from __future__ import annotations

from dataclasses import replace

from qat.model import EarlyStop, Model
from support.zoo.small import raw

CHANNELS = 6


def model_of(mode: str) -> Model:
    """Return a model of a 6-axis sensor; mode: what becomes of a vector."""
    sizes = {"channels": CHANNELS, "neurons": 64, "steps": 8, "group": 4}
    model = raw(mode, **sizes, hop=3, seed=11, name="motion")
    return replace(model, stop=EarlyStop(40, 2)) if mode == "early" else model


MODES = ("held", "steps", "ring", "free", "early")
