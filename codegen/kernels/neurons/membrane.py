"""The membrane of bit-sliced neurons: how many planes, which constants, what is added in each.

All arithmetic is modulo 2**planes in two's complement, so only the results need to fit: the
widths follow from the model's bounds.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.common import effective_threshold, saturation, uniform, width_of
from codegen.kernels.dense import DenseLIF
from codegen.kernels.neurons.adaptation import Adaptation
from codegen.kernels.neurons.constants import Constants, common_digits
from codegen.kernels.neurons.counting import Counting, counting
from codegen.kernels.neurons.integration import Given, Integration, Own
from codegen.kernels.neurons.leaks import picked_of
from codegen.kernels.neurons.plan import Digit
from qat.model import ALIF, CuBa, LayerBounds

PROBES = frozenset({"lane", "signed"})
"""Functions that only the probes of planes call."""


class Bias:
    """What is added to the current of every neuron, and what u is lowered by.

    threshold: no higher than what u can exceed
    direct:    the current flows into the membrane itself: what is added to one is to the other
    """

    def __init__(self, layer: DenseLIF, bounds: LayerBounds, direct: bool = True) -> None:
        self.layer, self.bounds, self.direct = layer, bounds, direct
        self.threshold = effective_threshold(layer.neuron, bounds)

    @cached_property
    def lowered(self) -> int:
        """The threshold if u less the threshold is what should be computed, else 0.

        Then u is compared with 0, which costs nothing, and the threshold goes into the bias. It
        must be one for all, be what the reset subtracts, and leave the planes of u as they are.
        """
        theta, neuron, u = uniform(self.threshold), self.layer.neuron, self.bounds.u_raw
        free = self.direct and saturation(self.layer.neuron, self.bounds) == (None, None)
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


class Membrane:
    """The planes of u and v, and the digits of what they are compared with and reset by.

    flow: a synaptic current between the current and the membrane, if there is one
    """

    def __init__(self, layer: DenseLIF, bounds: LayerBounds, bias: Bias, given: Given) -> None:
        self.layer, self.bounds, self.bias, self.given = layer, bounds, bias, given
        self.constants = Constants()
        word = None if given.folded else self.constants.add(bias.values, bias.width)
        self.bias_words = bias.width if word is not None and given.cached else 0
        self.own = None if given.cached or word is None else Own(word, bias.width)
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
    def flow(self) -> Integration | None:
        """How the current flows into the synaptic one; None where there is none."""
        neuron = self.layer.neuron
        if not isinstance(neuron, CuBa):
            return None
        width = self.bounds.state[1].width
        return replace(self._current, leak=neuron.leak_c, kept=width, width=width)

    @cached_property
    def integration(self) -> Integration:
        """What flows into the membrane: the current, or the synaptic one."""
        found = self._current
        if self.flow is not None:
            given = Given(self.flow.width, cached=True, folded=True)
            found = Integration((), 0, 0, given, extends=True)
        leak, picks = picked_of(self.layer.neuron.leak, self.layer.size, self.constants)
        return replace(found, leak=leak, picks=picks, kept=self.v_width, width=self.u_width)

    @cached_property
    def adaptation(self) -> Adaptation | None:
        """How the threshold follows the spikes; None where it stays."""
        neuron = self.layer.neuron
        if not isinstance(neuron, ALIF):
            return None
        width = self.bounds.state[1].width - 1
        raised = np.broadcast_to(neuron.raise_by, self.layer.size).astype(np.int64)
        digits = self.constants.digits(raised, width)[0]
        return Adaptation(neuron.leak_b, width, digits, self.u_width)

    @property
    def _current(self) -> Integration:
        """The current and the bias, whatever they flow into."""
        common = self.bias.common
        low = 0 if common is None or self.own is not None or self.given.cached else common
        fraction = self.layer.synapse.fraction_bits
        return Integration((), 0, 0, self.given, fraction, self.own, low, not self.bias.direct)

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
        if neuron.reset == "subtract" or neuron.late:
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
        used = set(self.integration.operations)
        if self.flow is not None:
            used |= self.flow.operations
        if self.bias_words:
            used.add("add")
        if any(digit.word is not None for digit in self.reset_by):
            used.add("subtract")
        if self.counting is not None:
            used |= self.counting.operations
        if self.adaptation is not None:
            used |= {"add", "subtract"}
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
            "into_v": self.integration,
            "into_c": self.flow,
            "adapts": self.adaptation,
            "bias_words": self.bias_words,
            "floor": floor,
            "ceiling": ceiling,
            "threshold": self.threshold,
            "reset_by": self.reset_by,
            "reset_to": self.reset_to,
        }


def without_memory(found: Counting, own: Constants, width: int) -> dict[str, Any]:
    """Return the same fields of neurons without a membrane; width: planes of the sum compared."""
    nothing = ("floor", "ceiling", "threshold", "reset_by", "reset_to")
    return {
        "own": own,
        "probes": PROBES,
        "counting": found,
        "lowered": 0,
        "u_width": width,
        "v_width": 0,
        "into_v": None,
        "into_c": None,
        "adapts": None,
        "bias_words": 0,
        **dict.fromkeys(nothing, ()),
    }
