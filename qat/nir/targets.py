"""What frameworks load of the NIR files that this package writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

STILL = 2.0**40
"""Steps of the time constant of a membrane that does not leak, where a framework has no IF."""


@dataclass(frozen=True)
class Target:
    """What a framework loads.

    dt:      seconds of a step, as its loader assumes them
    resets:  that its loader, or an attribute of what it loads, can have
    average: pools are averages, for its loader knows no sums
    cycles, delays: whether its loader knows them
    leaky:   (tau, r) of a neuron by its leak; still: the kind of one without a leak, and its r
    read_as: the dialect by which this package reads what was written
    """

    dt: float
    resets: tuple[str, ...]
    average: bool
    cycles: bool
    delays: bool
    groups: bool
    leaky: Callable[[float, float], tuple[float, float]]
    still: tuple[str, float]
    read_as: str


def _one_over(leak: float, dt: float) -> tuple[float, float]:
    """Return (tau, r) of a membrane whose input counts as it is: r = tau / dt."""
    return dt / leak, 1 / leak


def unit_gain(leak: float, dt: float) -> tuple[float, float]:
    """Return (tau, r) of a membrane whose input is multiplied by the leak: r = 1."""
    return dt / leak, 1.0


TARGETS = {
    "snntorch": Target(
        1e-4,
        ("subtract", "zero", "late"),
        True,
        True,
        False,
        True,
        _one_over,
        ("LIF", STILL),
        "snntorch",
    ),
    "norse": Target(1e-3, ("zero",), False, False, False, True, unit_gain, ("IF", 1e3), "plain"),
    "spikingjelly": Target(
        1e-4, ("zero", "value"), True, False, False, False, _one_over, ("IF", 1e4), "spikingjelly"
    ),
    "plain": Target(
        1e-3,
        ("subtract", "zero", "value"),
        False,
        True,
        True,
        True,
        _one_over,
        ("IF", 1e3),
        "plain",
    ),
}
"""Every framework that a model can be written for; plain is NIR's own equations."""
