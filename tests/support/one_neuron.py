"""The equations of every kind of neuron, one Python integer at a time."""

from __future__ import annotations

from typing import Any

from qat.model import ALIF, LIF, Burst, CuBa, LeakClasses, Leaky, Neuron


def value(constant: Any, j: int) -> int:
    """Return neuron j's constant, of one for all or one for each channel, channels fastest."""
    return int(constant if constant.ndim == 0 else constant[j % len(constant)])


def leaked(v: int, terms: tuple[int, ...]) -> int:
    """Return v - leak(v)."""
    return v - sum(-(v >> -k) if k < 0 else v >> k for k in terms)


def leak_of(neuron: Leaky, j: int) -> tuple[int, ...]:
    """Return the terms of neuron j's leak."""
    if not isinstance(neuron.leak, LeakClasses):
        return neuron.leak
    return neuron.leak.terms[value(neuron.leak.of, j)]


def step(neuron: Neuron, state: list[int], current: int, j: int) -> tuple[int, int, list[int]]:
    """Return u, how often neuron j spikes, and its state after the step."""
    if isinstance(neuron, Burst):
        rows = neuron.by_channel
        return current, sum(current >= value(row, j) for row in rows), []
    assert isinstance(neuron, LIF | CuBa | ALIF)
    further: list[int] = []
    if isinstance(neuron, CuBa):
        current = leaked(state[1], neuron.leak_c) + current
        further = [current]
    u = leaked(state[0], leak_of(neuron, j)) + current
    if neuron.floor is not None:
        u = max(u, neuron.floor)
    if neuron.ceiling is not None:
        u = min(u, neuron.ceiling)
    if neuron.reset == "late" and state[0] >= value(neuron.threshold, j):
        u = 0
    if isinstance(neuron, ALIF):
        spikes = int(u >= value(neuron.threshold, j) + state[1])
        further = [leaked(state[1], (neuron.leak_b,)) + spikes * value(neuron.raise_by, j)]
    else:
        spikes = min(max(u // value(neuron.threshold, j), 0), neuron.most)
    return u, spikes, [after(neuron, u, spikes, j), *further]


def after(neuron: Leaky, u: int, spikes: int, j: int) -> int:
    """Return the membrane after the reset."""
    if neuron.reset == "subtract":
        constant = neuron.threshold if neuron.reset_by is None else neuron.reset_by
        return u - spikes * value(constant, j)
    if neuron.reset == "late":
        return u
    left = 0 if neuron.reset == "zero" else value(neuron.reset_to, j)
    return left if spikes else u
