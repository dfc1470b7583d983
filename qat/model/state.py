"""The state of a model between steps: what its neurons keep, and the past that edges read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import spread_over
from qat.model.edges import INPUT
from qat.model.signals import Signal

if TYPE_CHECKING:
    from qat.model.model import Model

State = tuple[NDArray[Any], ...]
"""The state arrays of every layer, int32 of shape (batch, neurons): its membranes, and what else
its neurons keep. Behind them, for each source that is read with a delay (the input first, then
layers in order), its signal of the steps before: (batch, steps, values), the last step first."""


def check_state(model: Model, state: State | None, batch: int) -> State:
    """Return the initial state, zeros by default, or raise ValueError."""
    slots = [*_neuron_slots(model), *_past_slots(model)]
    if state is None:
        return tuple(np.zeros((batch, *slot.shape), slot.dtype) for slot in slots)
    if model.steps is not None:
        raise ValueError(f"state: this model starts from zero and runs {model.steps} steps")
    shapes = [np.shape(v) for v in state]
    wanted = [(batch, *slot.shape) for slot in slots]
    if shapes != wanted:
        raise ValueError(f"state: found shapes {shapes}; needs {wanted}")
    for slot, values in zip(slots, state, strict=True):
        if (values < slot.low).any() or (values > slot.high).any():
            raise ValueError(f"state: {slot.what} that no run can reach")
    return tuple(np.array(v, dtype=s.dtype) for v, s in zip(state, slots, strict=True))


@dataclass(frozen=True, eq=False)
class Slot:
    """An array of the state: its shape for one sample, what it may hold."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    low: NDArray[Any] | int
    high: NDArray[Any] | int
    what: str


def _neuron_slots(model: Model) -> Iterator[Slot]:
    """Yield the state arrays of every layer's neurons."""
    for index, (layer, bound) in enumerate(zip(model.layers, model.bounds().layers, strict=True)):
        for reach in bound.state:
            low, high = (spread_over(end, layer.size) for end in (reach.lo, reach.hi))
            kind, what = np.dtype(np.int32), f"layer {index} holds a membrane"
            yield Slot((layer.size,), kind, low, high, what)


def _past_slots(model: Model) -> Iterator[Slot]:
    """Yield the past of every signal that is read with a delay."""
    for source, depth in model.pasts.items():
        low, high = model.sent(source)
        kind = np.dtype(np.bool_) if model.spikes_of(source) else model.input.dtype
        if source != INPUT:
            kind = model.layers[source].dtype
        name = "the input" if source == INPUT else f"layer {source}"
        shape = depth, model.shape_of(source).size
        yield Slot(shape, kind, min(low, 0), high, f"the past of {name} holds a value")


def by_layer(model: Model, state: State) -> list[State]:
    """Return the state arrays of each layer's neurons."""
    rest = iter(state)
    return [tuple(next(rest) for _ in layer.neuron.STATE) for layer in model.layers]


def past_of(model: Model, state: State) -> dict[int, Signal]:
    """Return the past of each signal that is read with a delay, the earliest step first."""
    pasts = state[len(state) - len(model.pasts) :]
    return {source: past[:, ::-1] for source, past in zip(model.pasts, pasts, strict=True)}
