"""The membrane of bit-sliced neurons: how many planes, which constants, what is added in each.

All arithmetic is modulo 2**planes in two's complement, so only the results need to fit: the
widths follow from the model's bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.common import effective_threshold, saturation, uniform, width_of
from codegen.kernels.dense import DenseLIF
from codegen.kernels.neurons.constants import Constants, common_digits
from codegen.kernels.neurons.counting import Counting, counting
from codegen.kernels.neurons.plan import Digit, Plane
from qat.model import LayerBounds

PROBES = frozenset({"lane", "signed"})
"""Functions that only the probes of planes call."""


class Bias:
    """What is added to the current of every neuron, and what u is lowered by.

    threshold: no higher than what u can exceed
    """

    def __init__(self, layer: DenseLIF, bounds: LayerBounds) -> None:
        self.layer, self.bounds = layer, bounds
        self.threshold = effective_threshold(layer.neuron, bounds)

    @cached_property
    def lowered(self) -> int:
        """The threshold if u less the threshold is what should be computed, else 0.

        Then u is compared with 0, which costs nothing, and the threshold goes into the bias. It
        must be one for all, be what the reset subtracts, and leave the planes of u as they are.
        """
        theta, neuron, u = uniform(self.threshold), self.layer.neuron, self.bounds.u_raw
        free = saturation(self.layer.neuron, self.bounds) == (None, None)
        if theta is None or neuron.reset != "subtract" or not free or neuron.most > 1:
            return 0
        fires = self.bounds.u.hi >= self.threshold
        if (np.broadcast_to(neuron.subtracted, self.layer.size)[fires] != theta).any():
            return 0
        wide = width_of(u.low - theta, u.high - theta)
        return theta if wide <= max(u.width, width_of(0, theta)) else 0

    @cached_property
    def values(self) -> NDArray[np.int64]:
        """One for each neuron."""
        bias = np.broadcast_to(self.layer.synapse.bias, self.layer.size).astype(np.int64)
        return bias - self.lowered

    @cached_property
    def common(self) -> int | None:
        """The one that all neurons share; None if they differ."""
        return uniform(self.values)

    @cached_property
    def width(self) -> int:
        """Planes of the values."""
        return width_of(int(self.values.min()), int(self.values.max()))


@dataclass(frozen=True)
class Given:
    """What the synapse hands to the membrane.

    width:  planes of the current, for bytes of the cached one
    cached: the current is that of a byte input, without fraction bits of its own here
    folded: the bias is in it, as far as its whole bits go
    """

    width: int
    cached: bool
    folded: bool


class Membrane:
    """The planes of u and v, and the digits of what they are compared with and reset by."""

    def __init__(self, layer: DenseLIF, bounds: LayerBounds, bias: Bias, given: Given) -> None:
        self.layer, self.bounds, self.bias, self.given = layer, bounds, bias, given
        self.constants = Constants()
        word = None if given.folded else self.constants.add(bias.values, bias.width)
        self.bias_words = bias.width if word is not None and given.cached else 0
        self.bias_word = None if given.cached else word
        several = layer.neuron.most > 1
        self.threshold, self.reset_by = self._several() if several else self._compared()

    @cached_property
    def u_width(self) -> int:
        """Planes of u."""
        u, less, largest = self.bounds.u_raw, self.bias.lowered, int(self.bias.threshold.max())
        largest *= self.layer.neuron.most
        reached = width_of(u.low - less, u.high - less)
        return max(reached, self.v_width, 0 if less else width_of(0, largest))

    @property
    def v_width(self) -> int:
        """Planes of the stored membrane."""
        assert self.bounds.v is not None
        return self.bounds.v.width

    @cached_property
    def halved(self) -> bool:
        """True if v - (v >> 1) is (v >> 1) + (v & 1): no term, but a carry to begin with.

        The sum with the current takes that carry, so there must be one.
        """
        return 1 in self.layer.neuron.leak and self._flows

    @cached_property
    def _flows(self) -> bool:
        """True if some plane of u has a bit of the current, or of a common bias below it."""
        fraction = self.layer.synapse.fraction_bits
        return self.u_width > fraction or any(self._low_bits >> b & 1 for b in range(self.u_width))

    @cached_property
    def _low_bits(self) -> int:
        """The common bias, where its bits below the current are added plane by plane; else 0."""
        common, own = self.bias.common, self.bias_word is not None
        return 0 if common is None or own or self.given.cached else common

    @cached_property
    def terms(self) -> tuple[int, ...]:
        """The terms of the leak that are added or subtracted."""
        terms = list(self.layer.neuron.leak)
        if self.halved:
            terms.remove(1)
        return tuple(terms)

    @cached_property
    def planes(self) -> tuple[Plane, ...]:
        """The planes of u, each with what is added to the membrane there."""
        fraction, low_bits = self.layer.synapse.fraction_bits, self._low_bits
        v_top, current_top = self.v_width - 1, self.given.width - 1
        return tuple(
            Plane(
                index=b,
                v=min(b + self.halved, v_top),
                leak=self._leak(b),
                current=min(b - fraction, current_top) if b >= fraction else None,
                bias=None
                if self.bias_word is None
                else self.bias_word + min(b, self.bias.width - 1),
                one=b < fraction and bool(low_bits >> b & 1),
            )
            for b in range(self.u_width)
        )

    def _leak(self, plane: int) -> tuple[tuple[str, int], ...]:
        """Return what a plane loses or gains: (operation, plane of v) for every term."""
        return tuple(
            ("add" if k < 0 else "subtract", min(plane + abs(k), self.v_width - 1))
            for k in self.terms
        )

    @cached_property
    def chains(self) -> tuple[str, ...]:
        """The names of the carries that ripple through the planes of u."""
        names = [f"leak{term}" for term in range(len(self.planes[0].leak))]
        if self._flows:
            names.append("inflow")
        if any(p.bias is not None for p in self.planes):
            names.append("bias")
        return tuple(names)

    @cached_property
    def saturation(self) -> tuple[tuple[Digit, ...], tuple[Digit, ...]]:
        """The digits of floor and ceiling; none where the membrane never gets there."""
        floor, ceiling = saturation(self.layer.neuron, self.bounds)
        return common_digits(floor, self.u_width), common_digits(ceiling, self.u_width)

    def _compared(self) -> tuple[tuple[Digit, ...], tuple[Digit, ...]]:
        """Return the digits of the threshold and of what the reset subtracts."""
        neuron, width, theta = self.layer.neuron, self.u_width, self.bias.threshold
        if self.bias.lowered:
            return (), self.constants.digits(theta, width)[0]
        threshold, start = self.constants.digits(theta, width - 1)
        if neuron.reset != "subtract":
            return threshold, ()
        fires = self.bounds.u.hi >= theta
        subtracted = np.broadcast_to(neuron.subtracted, self.layer.size).astype(np.int64)
        if start is not None and np.array_equal(subtracted[fires], theta[fires]):
            return threshold, (*threshold, Digit(width - 1, bit=0))
        if fires.any():
            subtracted = np.where(fires, subtracted, subtracted[fires][0])
        return threshold, self.constants.digits(subtracted, width)[0]

    def _several(self) -> tuple[tuple[Digit, ...], tuple[Digit, ...]]:
        """Return no digits of a threshold, for `counting` has all, and those of the reset."""
        neuron, size = self.layer.neuron, self.layer.size
        if neuron.reset != "subtract":
            return (), ()
        fires = self.bounds.u.hi >= self.bias.threshold
        subtracted = np.broadcast_to(neuron.subtracted, size).astype(np.int64)
        if not fires.any():
            return (), ()
        subtracted = np.where(fires, subtracted, subtracted[fires][0])
        return (), self.constants.digits(subtracted, self.v_width)[0]

    @cached_property
    def reset_to(self) -> tuple[Digit, ...]:
        """Return the digits of what a spike leaves in place of v; none where it subtracts."""
        neuron, fires = self.layer.neuron, self.bounds.u.hi >= self.bias.threshold
        if neuron.reset == "subtract":
            return ()
        values = np.broadcast_to(neuron.replaced, self.layer.size).astype(np.int64)
        if fires.any():  # what never fires may be given what others have
            values = np.where(fires, values, values[fires][0])
        return self.constants.signed_digits(values, self.v_width)

    @cached_property
    def counting(self) -> Counting | None:
        """The thresholds of several spikes a step; None where there is one at most."""
        most, u = self.layer.neuron.most, self.bounds.u
        if most == 1:
            return None
        times = np.arange(1, most + 1, dtype=np.int64)[:, None]
        return counting(self.constants, times * self.bias.threshold, u.lo, u.hi, self.u_width)

    @property
    def operations(self) -> frozenset[str]:
        """Functions that add and subtract planes, as far as it calls them."""
        used = {operation for p in self.planes for operation, _ in p.leak}
        if self.bias_words or {"inflow", "bias"} & set(self.chains):
            used.add("add")
        if any(digit.word is not None for digit in self.reset_by):
            used.add("subtract")
        if self.counting is not None:
            used |= self.counting.operations
        return frozenset(used)

    def printed(self) -> dict[str, Any]:
        """Return the fields of a stage that the template of its neurons prints."""
        floor, ceiling = self.saturation
        return {
            "own": self.constants,
            "probes": PROBES,
            "counting": self.counting,
            "lowered": self.bias.lowered,
            "u_width": self.u_width,
            "v_width": self.v_width,
            "halved": self.halved,
            "terms": self.terms,
            "bias_words": self.bias_words,
            "planes": self.planes,
            "floor": floor,
            "ceiling": ceiling,
            "threshold": self.threshold,
            "reset_by": self.reset_by,
            "reset_to": self.reset_to,
            "chains": self.chains,
        }


def without_memory(found: Counting, own: Constants, width: int) -> dict[str, Any]:
    """Return the same fields of neurons without a membrane; width: planes of the sum compared."""
    nothing = ("terms", "planes", "floor", "ceiling", "threshold", "reset_by", "reset_to",
               "chains")  # fmt: skip
    return {
        "own": own,
        "probes": PROBES,
        "counting": found,
        "lowered": 0,
        "u_width": width,
        "v_width": 0,
        "halved": False,
        "bias_words": 0,
        **dict.fromkeys(nothing, ()),
    }
