"""Neurons: how currents become spikes.

A neuron answers for itself: the names of its state arrays, its step, the ranges that its values
can reach, what the digest hashes. Whoever runs or bounds a model asks it and knows no kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import (
    INT32_MAX,
    IntArray,
    first_channels,
    integer,
    integers,
    must_match,
    per_layer_or_neuron,
    spread_over,
)
from qat.model.digest import line, spread
from qat.model.intervals import Interval, refuse_beyond_int32
from qat.model.leak import leak, leak_terms, partial_sums
from qat.model.membrane import Membrane

Int32 = NDArray[np.int32]
Signal = NDArray[Any]
"""Spikes, bool; or counts of spikes, uint8 or uint16."""

MAX_SPIKES = 7
"""Spikes that a neuron may emit in a step."""


class Step(NamedTuple):
    """What a step gives, all of shape (batch, neurons): u, spikes, the state arrays after it.

    spikes: bool, or uint8 of a neuron that may emit several
    """

    u: Int32
    spikes: Signal
    state: tuple[Int32, ...]


class Reach(NamedTuple):
    """Proved ranges by channel: u before and after a saturation, the state arrays between steps."""

    u_raw: Interval
    u: Interval
    state: tuple[Interval, ...]


class Neuron(ABC):
    """What every kind of neuron answers.

    Its constants are one for the layer or one for each channel: for each neuron of a layer without
    positions.

    STATE: the names of its state arrays, the membrane first; each starts at 0; () without memory
    """

    STATE: ClassVar[tuple[str, ...]] = ("v",)

    @property
    @abstractmethod
    def most(self) -> int:
        """Spikes that it emits in a step at most."""

    @property
    @abstractmethod
    def least(self) -> IntArray:
        """What u must reach for a spike, one for the layer or one for each channel."""

    @abstractmethod
    def check(self, channels: int) -> None:
        """Raise ValueError where a constant does not fit a layer of so many channels."""

    @abstractmethod
    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return one step; `state` has an array (batch, neurons) for each name in STATE."""

    @abstractmethod
    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return what `steps` steps (None: any number) can reach, for any currents in a range.

        current: by channel. Raises ValueError where a value can leave int32 or has no bound.
        """

    @abstractmethod
    def narrowed(self, channels: int) -> Neuron:
        """Return what is left with only the first channels."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return its constants as plain JSON values, for people."""

    @abstractmethod
    def digested(self, channels: int) -> Iterator[bytes]:
        """Yield what the digest hashes of a layer of so many channels, in order."""


@dataclass(frozen=True, eq=False)
class LIF(Neuron):
    """Leaky integrate-and-fire neurons. One step, with the current I and v(0) = 0.

        u_j = v_j - leak(v_j) + I_j            leak(v) = sum over the terms of +-(v >> k)
        u_j = min(max(u_j, floor), ceiling)    only where given, before the comparison
        S_j = u_j >= threshold_j               most = 1
        S_j = min(max(floor(u_j / threshold_j), 0), most)
        v_j = u_j - S_j * reset_by_j           reset = "subtract"
        v_j = 0 where S_j > 0, else u_j        reset = "zero"

    threshold: int32 >= 1, one for the layer or one per channel. A strict `>` of another
               framework is this comparison with threshold + 1.
    leak:      at most four signed shifts: k stands for +(v >> k), -k for -(v >> k). Empty
               means integrate-and-fire. A term -(v >> 0) cannot be written; no leak that
               settles needs one, for v >> 0 is exact and would cancel another term.
    reset:     "subtract" or "zero".
    reset_by:  int32 >= 0, one or one per channel; None means the threshold.
    floor, ceiling: the optional saturation, the only clamp in the model.
    most:      spikes that a step may emit, 1 to 7.
    """

    threshold: IntArray
    leak: tuple[int, ...] = ()
    reset: Literal["subtract", "zero"] = "subtract"
    reset_by: IntArray | None = None
    floor: int | None = None
    ceiling: int | None = None
    most: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "threshold", per_layer_or_neuron("LIF.threshold", self.threshold, 1))
        set_(self, "most", integer("LIF.most", self.most, 1, MAX_SPIKES))
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

    @property
    def least(self) -> IntArray:
        """The threshold."""
        return self.threshold

    def check(self, channels: int) -> None:
        """Refuse constants of another number of channels."""
        must_match("LIF.threshold", self.threshold, channels)
        must_match("LIF.reset_by", self.subtracted, channels)
        largest = self.most * int(max(self.threshold.max(), self.subtracted.max()))
        if self.most > 1 and largest > INT32_MAX:
            raise ValueError(
                f"LIF.threshold: {self.most} times it reaches {largest}, beyond int32 ({INT32_MAX})"
            )

    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return u, the spikes, and the membranes after the reset."""
        (v,) = state
        u = v - leak(v, self.leak) + current
        if self.floor is not None:
            u = np.maximum(u, np.int32(self.floor))
        if self.ceiling is not None:
            u = np.minimum(u, np.int32(self.ceiling))
        spikes = self._spikes(u)
        if self.reset == "zero":
            return Step(u, spikes, (np.where(spikes > 0, np.int32(0), u),))
        return Step(u, spikes, (u - spikes * spread_over(self.subtracted, u.shape[-1]),))

    def _spikes(self, u: Int32) -> Signal:
        threshold = spread_over(self.threshold, u.shape[-1])
        if self.most == 1:
            return u >= threshold
        return np.clip(u // threshold, 0, self.most).astype(np.uint8)

    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return the proved ranges; qat/model/bounds.py says why they hold."""
        membrane = Membrane(self, current, steps)
        before, v = membrane.reach()
        u_raw = membrane.integrate(before)
        refuse_beyond_int32("membrane", before.hull(v), partial_sums(self.leak))
        refuse_beyond_int32("membrane", u_raw)
        return Reach(u_raw, membrane.saturate(u_raw), (v,))

    def narrowed(self, channels: int) -> LIF:
        """Return what is left with only the first channels."""
        kept: dict[str, Any] = {"threshold": first_channels(self.threshold, channels)}
        if self.reset_by is not None:
            kept["reset_by"] = first_channels(self.reset_by, channels)
        return replace(self, **kept)

    def describe(self) -> dict[str, Any]:
        """Return leak, reset, the smallest and largest threshold, and spikes if several."""
        extent = [int(self.threshold.min()), int(self.threshold.max())]
        several = {"most": self.most} if self.most > 1 else {}
        return {"leak": list(self.leak), "reset": self.reset, "threshold": extent, **several}

    def digested(self, channels: int) -> Iterator[bytes]:
        """Yield what the digest hashes of a layer of so many channels."""
        yield line("lif", *self.leak, self.reset)
        yield spread("threshold", self.threshold, channels)
        if self.reset == "subtract":
            yield spread("reset_by", self.subtracted, channels)
        for name in ("floor", "ceiling"):
            if getattr(self, name) is not None:
                yield line(name, getattr(self, name))
        if self.most > 1:
            yield line("most", self.most)


@dataclass(frozen=True, eq=False)
class Burst(Neuron):
    """Neurons that integrate once and emit a count: no memory from step to step.

        u_j = I_j
        S_j = number of thresholds d with u_j >= thresholds[d, j]

    In a network of one step (T = 1) every layer then runs once, and the next one adds the count's
    binary digits.

    thresholds: int32, (D,) for all or (D, channels), D = 1 to 7 spikes at most; those of a channel
                do not decrease
    """

    thresholds: IntArray

    STATE: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        found = integers("Burst.thresholds", self.thresholds, -INT32_MAX, INT32_MAX, np.int32)
        object.__setattr__(self, "thresholds", found)
        if found.ndim not in (1, 2) or 0 in found.shape:
            raise ValueError(
                f"Burst.thresholds: found shape {found.shape}; must be (counts,) or "
                "(counts, channels)"
            )
        integer("Burst.thresholds: counts", len(found), 1, MAX_SPIKES)
        if (np.diff(found.astype(np.int64), axis=0) < 0).any():
            raise ValueError("Burst.thresholds: those of a channel must not decrease")

    @property
    def most(self) -> int:
        """D, the number of thresholds."""
        return len(self.thresholds)

    @property
    def by_channel(self) -> IntArray:
        """The thresholds with an axis of channels: (D, channels), or (D, 1) where all share."""
        return self.thresholds.reshape(self.most, -1)

    @property
    def least(self) -> IntArray:
        """The first threshold of each channel."""
        return self.thresholds[0]

    def check(self, channels: int) -> None:
        """Refuse thresholds of another number of channels."""
        must_match("Burst.thresholds", self.thresholds[0], channels)

    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return the currents, and how many thresholds each has reached."""
        size = current.shape[-1]
        reached = [current >= spread_over(row, size) for row in self.thresholds]
        spikes: Signal = reached[0]
        if self.most > 1:
            spikes = np.add.reduce(reached, axis=0, dtype=np.uint8)
        return Step(current, spikes, ())

    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return the range of the currents."""
        return Reach(current, current, ())

    def narrowed(self, channels: int) -> Burst:
        """Return what is left with only the first channels."""
        several = self.thresholds.ndim > 1
        return Burst(self.thresholds[:, :channels]) if several else self

    def describe(self) -> dict[str, Any]:
        """Return the most spikes, the smallest and largest threshold."""
        extent = [int(self.thresholds.min()), int(self.thresholds.max())]
        return {"most": self.most, "threshold": extent}

    def digested(self, channels: int) -> Iterator[bytes]:
        """Yield what the digest hashes of a layer of so many channels."""
        yield line("burst", self.most)
        for row in self.thresholds:
            yield spread("threshold", row, channels)


NEURONS: tuple[type[Neuron], ...] = (LIF, Burst)
"""Every kind of neuron; a new one is a record here, its trainable twin and its template."""
