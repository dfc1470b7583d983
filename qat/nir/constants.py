"""Neurons as the model has them: in units of their input, constants in its order, by channel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qat.model import Shape
from qat.nir.dynamics import Dynamics
from qat.nir.layout import as_model
from qat.nir.nodes import Extent, Node
from qat.nir.plan import Stage

NOISE = 1e-12
"""Of the largest current of a layer: what lies below may come of the order in which it is added."""

CONSTANTS = ("decay", "gain", "drive", "start", "threshold", "reset_to", "reset_by",
             "current_decay", "current_gain")  # fmt: skip


def by_model(neuron: Dynamics, extent: Extent) -> Dynamics:
    """Return Dynamics whose constants are vectors in the model's order."""
    made: dict[str, Any] = {}
    for name in CONSTANTS:
        value = getattr(neuron, name)
        if value is not None:
            made[name] = as_model(np.broadcast_to(value, extent).astype(np.float64), extent)
    return replace(neuron, **made)


def by_channel(neuron: Dynamics, extent: Extent, shape: Shape) -> Dynamics | None:
    """Return the same with constants by channel of a map; None where positions differ."""
    vectors, made = by_model(neuron, extent), {}
    for name in CONSTANTS:
        value = getattr(vectors, name)
        if value is None:
            continue
        rows = value.reshape(shape.positions, shape.channels)
        if (rows != rows[0]).any():
            return None
        made[name] = rows[0]
    return replace(vectors, **made)


def gain_of(neuron: Dynamics, extent: Extent, shape: Shape) -> Any:
    """Return the gain of the input, by channel."""
    found = by_channel(neuron, extent, shape)
    assert found is not None
    return found.gain * (found.current_gain if found.current_decay is not None else 1.0)


def normalised(neuron: Dynamics, node: Node) -> tuple[Dynamics, Any]:
    """Return (Dynamics in units of the input, resets in the same step; what drives the membrane).

    The gain divides thresholds and resets; a membrane that starts elsewhere than at 0 is shifted. A
    reset to zero that clears what flows in a step later stays as it is.
    """
    n = neuron
    gain = n.gain * (n.current_gain if n.current_decay is not None else 1.0)
    if (gain <= 0).any():
        raise ValueError(f"{node.where}: multiplies its input by {gain.min():g}; must be above 0")
    drive = n.drive - (1 - n.decay) * n.start
    still = np.zeros_like(n.decay)
    plain = dict.fromkeys(("late", "twice", "clears", "behind"), False)
    if n.late and n.clears and n.reset == "value":  # the model has it as it is
        plain = dict.fromkeys(("twice", "behind"), False)
    # mypy takes a dict of flags for values of every field
    made = replace(n, gain=still + 1, drive=still, start=still, **plain)  # type: ignore[arg-type]
    if n.current_decay is not None:
        made = replace(made, current_gain=still + 1)
        if np.any(drive):
            raise ValueError(f"{node.where}: is current-based and rests elsewhere than at 0")
    if n.threshold is None:
        return made, drive
    _refuse(n, node)
    by = n.reset_by / n.decay if n.late and n.reset == "subtract" else n.reset_by
    threshold = (n.threshold - n.start) / gain
    if (threshold <= 0).any():
        raise ValueError(f"{node.where}: starts at {n.start.max():g}, not below its threshold")
    made = replace(made, threshold=threshold, reset_by=by / gain + still,
                   reset_to=(n.reset_to - n.start) / gain + still)  # fmt: skip
    return made, drive


def _refuse(n: Dynamics, node: Node) -> None:
    """Refuse resets that no record of the model has."""
    if n.late and n.clears and n.reset == "value" and np.any(n.start):
        raise ValueError(f"{node.where}: is reset to zero a step later, and does not start there")
    if n.late and n.reset == "subtract" and (n.decay <= 0).any():
        raise ValueError(f"{node.where}: subtracts a step later what it has forgotten by then")
    if n.several and np.any(n.start):
        raise ValueError(f"{node.where}: emits several spikes and does not start at 0")


def check_threshold(stage: Stage, node: Node) -> None:
    """Refuse a threshold that the rounding of a sum of float64 passes."""
    fan = sum(np.abs(x.weight).reshape(len(x.weight), -1).sum(axis=1) for x in stage.links)
    largest = float(np.max(fan + np.abs(stage.bias)))
    least = float(np.min(np.asarray(stage.neuron.threshold)))
    if least < NOISE * largest:
        raise ValueError(
            f"{node.where}: its threshold, {least:g} in units of its input, is lost in the "
            f"rounding of currents of {largest:g}; its r or its weights may be wrong"
        )
