"""What neurons with a leaky membrane have in common: constants, comparison, saturation, reset.

A kind of them says what flows into the membrane, and what else a neuron keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import (
    INT32_MAX,
    IntArray,
    integer,
    must_match,
    per_layer_or_neuron,
    spread_over,
)
from qat.model.digest import line, spread
from qat.model.leak import Leak, LeakClasses, Terms, check_channels, leak_given, leaked, leaks_of
from qat.model.neuron import MAX_SPIKES, Int32, Neuron, Signal

Reset = Literal["subtract", "zero", "value", "late"]

RESETS = ("subtract", "zero", "value", "late")
"""What a spike does to the membrane."""


@dataclass(frozen=True, eq=False)
class Leaky(Neuron):
    """Neurons whose membrane leaks, is compared with a threshold, and is reset.

        u_j = min(max(u_j, floor), ceiling)    only where given, before the comparison
        S_j = u_j >= threshold_j               most = 1
        S_j = min(max(floor(u_j / threshold_j), 0), most)
        v_j = u_j - S_j * reset_by_j           reset = "subtract"
        v_j = 0 where S_j > 0, else u_j        reset = "zero"
        v_j = reset_to_j where S_j > 0, else u_j    reset = "value"
        v_j = u_j                              reset = "late"

    With "late" the reset to zero comes a step later, and clears what flows in as well: before the
    comparison, u_j = 0 where v_j >= threshold_j, which is where the step before had a spike.

    threshold: int32 >= 1, one for the layer or one per channel. A strict `>` of another
               framework is this comparison with threshold + 1.
    leak:      at most four signed shifts: k stands for +(v >> k), -k for -(v >> k). Empty
               means integrate-and-fire. A term -(v >> 0) cannot be written; no leak that
               settles needs one, for v >> 0 is exact and would cancel another term. LeakClasses
               where the neurons do not share one.
    reset:     "subtract", "zero", "value" or "late".
    reset_by:  int32 >= 0, one or one per channel; None means the threshold.
    floor, ceiling: the optional saturation, the only clamp in the model.
    most:      spikes that a step may emit, 1 to 7.
    reset_to:  int32, one or one per channel, of reset "value" alone.
    """

    threshold: IntArray
    leak: Leak = ()
    reset: Reset = "subtract"
    reset_by: IntArray | None = None
    floor: int | None = None
    ceiling: int | None = None
    most: int = field(default=1, kw_only=True)
    reset_to: IntArray | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        set_, kind = object.__setattr__, self.kind
        set_(self, "threshold", per_layer_or_neuron(f"{kind}.threshold", self.threshold, 1))
        set_(self, "most", integer(f"{kind}.most", self.most, 1, MAX_SPIKES))
        set_(self, "leak", leak_given(self.leak, f"{kind}.leak"))
        self._check_reset()
        self._check_saturation()

    def _check_reset(self) -> None:
        set_, kind = object.__setattr__, self.kind
        if not isinstance(self.reset, str) or self.reset not in RESETS:
            raise ValueError(
                f"{kind}.reset: found {self.reset!r}; allowed are 'subtract', 'zero', 'value' and "
                "'late'"
            )
        if self.late and self.most > 1:
            raise ValueError(
                f"{kind}.most: found {self.most}; a neuron whose reset is late has 1 spike a step"
            )
        if self.reset_by is not None:
            if self.reset != "subtract":
                raise ValueError(
                    f"{kind}.reset_by: reset {self.reset!r} has no constant; leave it out"
                )
            set_(self, "reset_by", per_layer_or_neuron(f"{kind}.reset_by", self.reset_by, 0))
        if (self.reset == "value") != (self.reset_to is not None):
            raise ValueError(
                f"{kind}.reset_to: found {self.reset_to} with reset {self.reset!r}; reset 'value' "
                "needs it, and no other has it"
            )
        if self.reset_to is not None:
            low = -INT32_MAX
            set_(self, "reset_to", per_layer_or_neuron(f"{kind}.reset_to", self.reset_to, low))

    def _check_saturation(self) -> None:
        set_, kind = object.__setattr__, self.kind
        if self.floor is not None:
            set_(self, "floor", integer(f"{kind}.floor", self.floor, -INT32_MAX, 0))
        if self.ceiling is not None:
            set_(self, "ceiling", integer(f"{kind}.ceiling", self.ceiling, 1, INT32_MAX))

    @property
    def kind(self) -> str:
        """What it is called."""
        return type(self).__name__

    @property
    def late(self) -> bool:
        """True if a spike clears the step behind it, and leaves its own membrane."""
        return self.reset == "late"

    @property
    def leaks(self) -> tuple[Terms, ...]:
        """Every leak that neurons have: one, or those of the classes."""
        return leaks_of(self.leak)

    @property
    def shared_leak(self) -> Terms:
        """The leak that all neurons share; ValueError where they do not."""
        if isinstance(self.leak, LeakClasses):
            raise ValueError(
                f"{self.kind}.leak: has {len(self.leaks)} classes; needs one leak that all neurons "
                "share"
            )
        return self.leak

    @property
    def subtracted(self) -> IntArray:
        """r, what a spike subtracts from the membrane: `reset_by`, by default the threshold."""
        return self.threshold if self.reset_by is None else self.reset_by

    @property
    def replaced(self) -> IntArray:
        """What a spike leaves in place of the membrane, where the reset is none by subtraction."""
        return np.zeros((), np.int32) if self.reset_to is None else self.reset_to

    @property
    def least(self) -> IntArray:
        """The threshold."""
        return self.threshold

    def check(self, channels: int) -> None:
        """Refuse constants of another number of channels."""
        kind = self.kind
        must_match(f"{kind}.threshold", self.threshold, channels)
        must_match(f"{kind}.reset_by", self.subtracted, channels)
        must_match(f"{kind}.reset_to", self.replaced, channels)
        check_channels(self.leak, channels, f"{kind}.leak")
        largest = self.most * int(max(self.threshold.max(), self.subtracted.max()))
        if self.most > 1 and largest > INT32_MAX:
            raise ValueError(
                f"{kind}.threshold: {self.most} times it reaches {largest}, beyond int32 "
                f"({INT32_MAX})"
            )

    def integrated(self, v: Int32, inflow: Int32) -> Int32:
        """Return u: the membrane less its leak, and what flows in, saturated; 0 after a late reset.

        v, inflow: (batch, neurons)
        """
        u = v - leaked(v, self.leak) + inflow
        if self.floor is not None:
            u = np.maximum(u, np.int32(self.floor))
        if self.ceiling is not None:
            u = np.minimum(u, np.int32(self.ceiling))
        if self.late:
            u = np.where(v >= spread_over(self.threshold, v.shape[-1]), np.int32(0), u)
        return u

    def emitted(self, u: Int32) -> Signal:
        """Return the spikes of u."""
        threshold = spread_over(self.threshold, u.shape[-1])
        if self.most == 1:
            return u >= threshold
        return np.clip(u // threshold, 0, self.most).astype(np.uint8)

    def after(self, u: Int32, spikes: NDArray[Any]) -> Int32:
        """Return the membranes after the reset."""
        if self.late:
            return u
        if self.reset == "subtract":
            return u - spikes * spread_over(self.subtracted, u.shape[-1])
        return np.where(spikes > 0, spread_over(self.replaced, u.shape[-1]), u)

    def chosen(self, channels: Any) -> Self:
        """Return the same with the constants of some channels: a slice or an index of them."""

        def of(values: IntArray) -> IntArray:
            return values[..., channels] if values.ndim else values

        given: dict[str, Any] = {name: of(getattr(self, name)) for name in self.by_channel()}
        if isinstance(self.leak, LeakClasses):
            given["leak"] = self.leak.chosen(channels)
        return replace(self, **given)

    def by_channel(self) -> tuple[str, ...]:
        """Return the names of the constants that may be one for each channel, of those given."""
        names = ("threshold", "reset_by", "reset_to")
        return tuple(name for name in names if getattr(self, name) is not None)

    def narrowed(self, channels: int) -> Self:
        """Return what is left with only the first channels."""
        return self.chosen(slice(channels))

    def describe(self) -> dict[str, Any]:
        """Return leak or leaks, reset, extent of the thresholds, and spikes if several."""
        found = {
            **self._leak_described(),
            "reset": self.reset,
            "threshold": _extent(self.threshold),
        }
        if self.reset_to is not None:
            found["reset_to"] = _extent(self.reset_to)
        return found | ({"most": self.most} if self.most > 1 else {})

    def _leak_described(self) -> dict[str, Any]:
        """Return the leak, or the classes of leaks with how many channels are of each."""
        if not isinstance(self.leak, LeakClasses):
            return {"leak": list(self.leak)}
        sizes = np.bincount(self.leak.of).tolist()
        return {"leaks": [list(terms) for terms in self.leaks], "of_each_leak": sizes}

    def digested(self, channels: int) -> Iterator[bytes]:
        """Yield what the digest hashes of a layer of so many channels."""
        if isinstance(self.leak, LeakClasses):
            yield line(self.kind.lower(), "leaks", self.reset)
            yield from self.leak.digested(channels)
        else:
            yield line(self.kind.lower(), *self.leak, self.reset)
        yield spread("threshold", self.threshold, channels)
        if self.reset == "subtract":
            yield spread("reset_by", self.subtracted, channels)
        for name in ("floor", "ceiling"):
            if getattr(self, name) is not None:
                yield line(name, getattr(self, name))
        if self.most > 1:
            yield line("most", self.most)
        if self.reset_to is not None:
            yield spread("reset_to", self.reset_to, channels)


def _extent(values: IntArray) -> list[int]:
    """Return the smallest and the largest of some constants."""
    return [int(values.min()), int(values.max())]
