"""Neurons: how currents become spikes.

A neuron answers for itself: the names of its state arrays, its step, the ranges that its values
can reach, what the digest hashes. Whoever runs or bounds a model asks it and knows no kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import (
    INT32_MAX,
    IntArray,
    integer,
    must_match,
    per_layer_or_neuron,
)
from qat.model.digest import line, spread
from qat.model.intervals import Interval, refuse_beyond_int32
from qat.model.leak import leak, leak_terms, partial_sums
from qat.model.membrane import Membrane

Int32 = NDArray[np.int32]
Bool = NDArray[np.bool_]


class Step(NamedTuple):
    """What a step gives, all of shape (batch, neurons): u, spikes, the state arrays after it."""

    u: Int32
    spikes: Bool
    state: tuple[Int32, ...]


class Reach(NamedTuple):
    """Proved ranges per neuron: u before and after a saturation, the state arrays between steps."""

    u_raw: Interval
    u: Interval
    state: tuple[Interval, ...]


class Neuron(ABC):
    """What every kind of neuron answers.

    STATE:     the names of its state arrays, the membrane first; each starts at 0
    threshold: one for the layer or one per neuron: what u must reach for a spike
    """

    STATE: ClassVar[tuple[str, ...]] = ("v",)

    threshold: IntArray

    @abstractmethod
    def check(self, size: int) -> None:
        """Raise ValueError where a constant does not fit `size` neurons."""

    @abstractmethod
    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return one step; `state` has an array (batch, neurons) for each name in STATE."""

    @abstractmethod
    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return what `steps` steps (None: any number) can reach, for any currents in a range.

        Raises ValueError where a value can leave int32 or has no bound.
        """

    @abstractmethod
    def narrowed(self, size: int) -> Neuron:
        """Return what is left with only the first `size` neurons."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return its constants as plain JSON values, for people."""

    @abstractmethod
    def digested(self, size: int) -> Iterator[bytes]:
        """Yield what the digest hashes of `size` neurons, in order."""


@dataclass(frozen=True, eq=False)
class LIF(Neuron):
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
        set_(self, "leak", leak_terms(self.leak))
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

    def check(self, size: int) -> None:
        """Refuse constants of another number of neurons."""
        must_match("LIF.threshold", self.threshold, size)
        must_match("LIF.reset_by", self.subtracted, size)

    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return u, the spikes, and the membranes after the reset."""
        (v,) = state
        u = v - leak(v, self.leak) + current
        if self.floor is not None:
            u = np.maximum(u, np.int32(self.floor))
        if self.ceiling is not None:
            u = np.minimum(u, np.int32(self.ceiling))
        spikes = u >= self.threshold
        if self.reset == "zero":
            return Step(u, spikes, (np.where(spikes, np.int32(0), u),))
        return Step(u, spikes, (u - spikes * self.subtracted,))

    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return the proved ranges; qat/model/bounds.py says why they hold."""
        membrane = Membrane(self, current, steps)
        before, v = membrane.reach()
        u_raw = membrane.integrate(before)
        refuse_beyond_int32("membrane", before.hull(v), partial_sums(self.leak))
        refuse_beyond_int32("membrane", u_raw)
        return Reach(u_raw, membrane.saturate(u_raw), (v,))

    def narrowed(self, size: int) -> LIF:
        """Return what is left with only the first `size` neurons."""
        threshold = self.threshold[:size] if self.threshold.ndim else self.threshold
        reset_by = self.reset_by
        if reset_by is not None and reset_by.ndim:
            reset_by = reset_by[:size]
        return replace(self, threshold=threshold, reset_by=reset_by)

    def describe(self) -> dict[str, Any]:
        """Return leak, reset, and the smallest and largest threshold."""
        extent = [int(self.threshold.min()), int(self.threshold.max())]
        return {"leak": list(self.leak), "reset": self.reset, "threshold": extent}

    def digested(self, size: int) -> Iterator[bytes]:
        """Yield what the digest hashes of `size` neurons."""
        yield line("lif", *self.leak, self.reset)
        yield spread("threshold", self.threshold, size)
        if self.reset == "subtract":
            yield spread("reset_by", self.subtracted, size)
        for name in ("floor", "ceiling"):
            if getattr(self, name) is not None:
                yield line(name, getattr(self, name))


NEURONS: tuple[type[Neuron], ...] = (LIF,)
"""Every kind of neuron; a new one is a record here, its trainable twin and its template."""
