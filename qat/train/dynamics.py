"""What a neuron with a leaky membrane does from step to step: its leak, its reset, its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import spread_over
from qat.model.leak import Leak, LeakClasses, leak_fraction, leaks_of
from qat.model.leaky import Reset
from qat.train.arrays import as_of, namespace

Float = NDArray[np.floating[Any]]
Spike = Callable[[Float], Float]


@dataclass(frozen=True)
class Dynamics:
    """What a neuron does with its membrane; see qat.model.LIF, CuBa and ALIF for the equations.

    leak:    signed shifts, as in LIF; LeakClasses where each channel has those of its class
    reset:   "subtract", "zero", "value" or "late"
    limits:  (floor, ceiling) of u in integer units, or None
    rounded: True for shifts that round down, False for the exact fraction (float networks)
    most:    spikes of a neuron in one step, at most: one for each threshold that u holds
    reset_to: what a reset leaves that does not subtract, () or (neurons,)
    leak_c:  the leak of a synaptic current before the membrane, signed shifts; None without one
    leak_b:  k, the leak b >> k of what adds to the threshold; 0 for a threshold that stays
    raised:  q, by which a spike raises the threshold, () or (neurons,)
    """

    leak: Leak = ()
    reset: Reset = "subtract"
    limits: tuple[int, int] | None = None
    rounded: bool = True
    most: int = 1
    reset_to: Any = 0.0
    leak_c: tuple[int, ...] | None = None
    leak_b: int = 0
    raised: Any = 0.0

    @cached_property
    def synaptic(self) -> Dynamics | None:
        """What a synaptic current loses in a step; None without one."""
        return None if self.leak_c is None else Dynamics(self.leak_c, rounded=self.rounded)

    @cached_property
    def adaptation(self) -> Dynamics | None:
        """What a raised threshold loses in a step; None where it stays."""
        return Dynamics((self.leak_b,), rounded=self.rounded) if self.leak_b else None

    @property
    def subtracts(self) -> bool:
        """True if a spike subtracts the threshold."""
        return self.reset == "subtract"

    @property
    def late(self) -> bool:
        """True if a spike clears the step behind it, and leaves its own membrane."""
        return self.reset == "late"

    @property
    def replaces(self) -> bool:
        """True if a spike leaves a value in place of the membrane."""
        return not (self.subtracts or self.late)

    @cached_property
    def kept(self) -> Any:
        """1 - lambda: the part of a membrane that one step keeps; (channels,) of classes."""
        found = np.array([1.0 - float(leak_fraction(terms)) for terms in leaks_of(self.leak)])
        return found[self.leak.of] if isinstance(self.leak, LeakClasses) else float(found[0])

    @cached_property
    def by_term(self) -> tuple[tuple[Any, Any], ...]:
        """(2**-|k|, what it does to x: -1 takes away, 1 adds) of every term, floats.

        Of classes (channels,) each, 0 where one has fewer terms than another.
        """
        found = np.zeros((2, max(map(len, leaks_of(self.leak))), len(leaks_of(self.leak))))
        for number, terms in enumerate(leaks_of(self.leak)):
            found[0, : len(terms), number] = [2.0 ** -abs(k) for k in terms]
            found[1, : len(terms), number] = [1.0 if k < 0 else -1.0 for k in terms]
        if isinstance(self.leak, LeakClasses):
            return tuple(zip(*found[:, :, self.leak.of], strict=True))
        return tuple(
            (float(scale), float(sign)) for scale, sign in zip(*found[..., 0], strict=True)
        )


def decay(v: Float, dynamics: Dynamics) -> Float:
    """Return v - leak(v), of the shape and dtype of v."""
    if not dynamics.rounded:
        return v * of_each(dynamics.kept, v)
    u, floor = v, namespace(v).floor
    for scale, sign in dynamics.by_term:
        u = u + of_each(sign, v) * floor(v * of_each(scale, v))
    return u


def of_each(value: Any, v: Float) -> Any:
    """Return a number as it is, one of each channel for every neuron of v, in the dtype of v."""
    return value if isinstance(value, float) else as_of(spread_over(value, v.shape[-1]), v)
