"""Neurons: how a membrane becomes spikes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from qat.model.checks import (
    INT32_MAX,
    MAX_SHIFT,
    IntArray,
    integer,
    per_layer_or_neuron,
)

MAX_LEAK_TERMS = 3


def leak_fraction(leak: tuple[int, ...]) -> Fraction:
    """Return lambda, the fraction of the membrane that leaks per step: sum of +-2**-k."""
    return sum((Fraction(-1 if k < 0 else 1, 2 ** abs(k)) for k in leak), Fraction(0))


def _leak_terms(leak: Any) -> tuple[int, ...]:
    if not isinstance(leak, Iterable):
        raise ValueError(f"LIF.leak: found {leak!r}; must be shifts, such as (3,), or none: ()")
    terms = tuple(integer("LIF.leak", k, -MAX_SHIFT, MAX_SHIFT) for k in leak)
    if len(terms) > MAX_LEAK_TERMS:
        raise ValueError(f"LIF.leak: found {len(terms)} terms; at most {MAX_LEAK_TERMS}")
    fraction = leak_fraction(terms)
    if terms and not 0 < fraction <= 1:
        raise ValueError(
            f"LIF.leak: {terms} leaks {fraction} of the membrane per step and never settles; "
            "the sum of its terms must be above 0 and at most 1, or give no term at all"
        )
    return tuple(sorted(terms, key=lambda k: (abs(k), k < 0)))


@dataclass(frozen=True, eq=False)
class LIF:
    """Leaky integrate-and-fire neurons. One step, with the current I and v(0) = 0.

        u_j = v_j - leak(v_j) + I_j            leak(v) = sum over the terms of +-(v >> k)
        u_j = min(max(u_j, floor), ceiling)    only where given, before the comparison
        S_j = u_j >= threshold_j
        v_j = u_j - S_j * reset_by_j           reset = "subtract"
        v_j = 0 where S_j, else u_j            reset = "zero"

    threshold: int32 >= 1, one for the layer or one per neuron. A strict `>` of another
               framework is this comparison with threshold + 1.
    leak:      at most three signed shifts: k stands for +(v >> k), -k for -(v >> k). Empty
               means integrate-and-fire. A term -(v >> 0) cannot be written; no leak that
               settles needs one, for v >> 0 is exact and would cancel another term.
    reset:     "subtract" or "zero".
    reset_by:  int32 >= 0, one or one per neuron; None means the threshold.
    floor, ceiling: the optional saturation, the only clamp in the model.
    """

    threshold: IntArray
    leak: tuple[int, ...] = ()
    reset: Literal["subtract", "zero"] = "subtract"
    reset_by: IntArray | None = None
    floor: int | None = None
    ceiling: int | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "threshold", per_layer_or_neuron("LIF.threshold", self.threshold, 1))
        set_(self, "leak", _leak_terms(self.leak))
        if not isinstance(self.reset, str) or self.reset not in ("subtract", "zero"):
            raise ValueError(f"LIF.reset: found {self.reset!r}; allowed are 'subtract' and 'zero'")
        if self.reset_by is not None:
            if self.reset == "zero":
                raise ValueError("LIF.reset_by: a reset to zero has no constant; leave it out")
            set_(self, "reset_by", per_layer_or_neuron("LIF.reset_by", self.reset_by, 0))
        self._check_saturation()

    def _check_saturation(self) -> None:
        set_ = object.__setattr__
        if self.floor is not None:
            set_(self, "floor", integer("LIF.floor", self.floor, -INT32_MAX, 0))
        if self.ceiling is not None:
            set_(self, "ceiling", integer("LIF.ceiling", self.ceiling, 1, INT32_MAX))

    @property
    def subtracted(self) -> IntArray:
        """r, what a spike subtracts from the membrane: `reset_by`, by default the threshold."""
        return self.threshold if self.reset_by is None else self.reset_by
