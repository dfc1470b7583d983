"""Trainable neurons with a leaky membrane: LIF, current-based ones, and such that adapt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from qat.model import ALIF, LIF, CuBa, LeakClasses
from qat.model.checks import integer
from qat.model.leak import Leak, Terms, leaks_of
from qat.model.leaky import Leaky, Reset
from qat.train import lif
from qat.train.arrays import as_of, namespace
from qat.train.dynamics import Dynamics, Spike
from qat.train.feedback import Feedback
from qat.train.fold import RESOLUTION, Constants, Float, fold, whole
from qat.train.neuron import Backward, Granularity, Incoming, NeuronTwin, Parameters
from qat.train.surrogate import SLOPE, heaviside, surrogate

THRESHOLD_RANGE = (0.05, 20.0)
"""Real thresholds are kept in this range, so that neurons neither fall silent nor spin."""


@dataclass(frozen=True)
class LIFTwin(NeuronTwin):
    """Twin of `LIF`: leaky integrate-and-fire neurons.

    steps:        T
    rounded:      False for a float network
    thresholds:   one learned threshold for the "layer" or one per "neuron" (channel); behind a
                  batch norm, whose gain says as much, it is 1
    dynamics:     leak, reset and limits of the membrane, and how many spikes a step may have
    leaks:        classes of leaks in place of that one, over which the channels are spread evenly,
                  in order: of 64 and 4 classes the first 16 have the first
    surrogate:    a row of qat.train.surrogate.SURROGATES
    detach_reset: whether the reset's spike counts as a constant in the backward pass
    reset_to:     real value that a spike leaves, where the reset is "value"
    resolution:   least threshold in units of the membrane; None for RESOLUTION, or what lets
                  every term of the leak act if that is more
    damping:      amplitude and slope of the surrogate
    truncate:     steps after which memory passes no gradient on, as in lif.backward; 0 for none
    """

    steps: int
    rounded: bool = True
    thresholds: Granularity = "layer"
    dynamics: Dynamics = field(default_factory=Dynamics)
    surrogate: str = "atan"
    detach_reset: bool = True
    resolution: int | None = None
    reset_to: float = 0.0
    damping: tuple[float, float] = (1.0, SLOPE)
    truncate: int = 0
    leaks: tuple[Terms, ...] = ()

    def __post_init__(self) -> None:
        if self.dynamics.late and not self.detach_reset:
            raise ValueError(
                "Network.detach_reset: found False with reset 'late', whose spikes count as "
                "constants always; leave it True"
            )

    @property
    def most(self) -> int:  # type: ignore[override]  # a field there
        """Spikes in one step, at most."""
        return self.dynamics.most

    def initial(self, channels: int, normalised: bool) -> Parameters:
        """Return thresholds of 1, none behind a batch norm."""
        size = (channels,) if self.thresholds == "neuron" else ()
        return {} if normalised else {"threshold": np.ones(size, np.float32)}

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters with the thresholds in THRESHOLD_RANGE."""
        if "threshold" not in parameters:
            return parameters
        return {**parameters, "threshold": np.clip(parameters["threshold"], *THRESHOLD_RANGE)}

    def fold(self, incoming: Incoming, parameters: Parameters) -> Constants:
        """Return the constants of the integer model."""
        return fold(
            incoming.weights,
            incoming.inflow,
            incoming.bits,
            bias=incoming.bias,
            threshold=parameters.get("threshold", np.float32(1)),
            most=self.highest,
            resolution=self.resolution or max(RESOLUTION, 2 ** (self._finest + 1)),
            leak_bound=self.growth,
            reset_to=self.reset_to if self.dynamics.reset == "value" else None,
            dtype=incoming.dtype,
        )

    @property
    def _finest(self) -> int:
        """The largest shift of a leak."""
        return max((abs(k) for terms in self._leaks for k in terms), default=0)

    @property
    def _leaks(self) -> tuple[Terms, ...]:
        """Every leak that a neuron may have."""
        return self.leaks or leaks_of(self.dynamics.leak)

    def _leak(self, channels: int) -> Leak:
        """Return the leak of so many channels."""
        if not self.leaks:
            return self.dynamics.leak
        return spread_leaks(self.leaks, channels)

    @property
    def growth(self) -> float:
        """How many times its largest current a membrane and its partial sums can reach.

        |u| <= steps * I without a leak; with n terms, |u| <= (I + n) / lambda <= (n + 1) I / lambda
        for I >= 1. A spike only moves u towards 0. The terms of v - leak(v) are added one by one.
        """
        return max(map(self._growth, self._leaks))

    def _growth(self, leak: Terms) -> float:
        terms, kept = len(leak), Dynamics(leak).kept
        if not terms:
            return float(self.steps)
        grown = min((terms + 1) / (1 - kept), float(self.steps) * (terms + 1))
        return float(grown * (1 if terms == 1 else terms + 1))

    def _dynamics(self, constants: Constants, size: int) -> Dynamics:
        """Return what a layer of so many neurons does, in units of its membrane."""
        found = self.dynamics
        if self.leaks:
            found = replace(found, leak=self._leak(len(constants.codes)))
        if not self.rounded:
            found = replace(found, limits=None, rounded=False)
        if constants.reset_to is not None:
            found = replace(found, reset_to=_spread(constants.reset_to, size))
        return found

    def forward(
        self,
        constants: Constants,
        current: Float,
        spike: Spike = heaviside,
        feedback: Feedback | None = None,
    ) -> tuple[Float, Float]:
        """Return u and spikes of every step."""
        size = current.shape[-1]
        theta, dynamics = _spread(constants.threshold, size), self._dynamics(constants, size)
        return lif.forward(current, theta, dynamics, self.steps, spike, feedback=feedback)

    def backward(
        self,
        constants: Constants,
        u: Float,
        spikes: Float,
        d_spikes: Float,
        held: bool,
        *,
        feedback: Feedback | None = None,
    ) -> Backward:
        """Return the gradients by backpropagation through time."""
        gradients = lif.backward(
            d_spikes,
            as_of(u, d_spikes),
            as_of(spikes, d_spikes),
            as_of(_spread(constants.threshold, u.shape[-1]), d_spikes),
            self._dynamics(constants, u.shape[-1]),
            surrogate=surrogate(self.surrogate, *self.damping),
            detach_reset=self.detach_reset,
            held=held,
            feedback=feedback,
            truncate=self.truncate,
        )
        channels, per_unit = len(constants.codes), 1 / constants.unit
        of_neurons = gradients.threshold
        if len(of_neurons) > channels:
            of_neurons = of_neurons.reshape(-1, channels).sum(axis=0)
        own = as_of(of_neurons / constants.unit, d_spikes)
        threshold = own if self.thresholds == "neuron" else own.sum()
        return Backward({"threshold": threshold}, gradients.current, per_unit)

    def record(self, constants: Constants) -> LIF:
        """Return the neuron of the integer model."""
        assert constants.threshold is not None
        dynamics = self.dynamics
        low, high = dynamics.limits or (None, None)
        return LIF(
            whole(constants.threshold),
            self._leak(len(constants.codes)),
            dynamics.reset,
            floor=low,
            ceiling=high,
            most=dynamics.most,
            reset_to=None if constants.reset_to is None else whole(constants.reset_to),
        )


@dataclass(frozen=True)
class CuBaTwin(LIFTwin):
    """Twin of `CuBa`.

    leak_c: signed shifts, the leak of the synaptic current
    """

    leak_c: tuple[int, ...] = (2,)

    @property
    def growth(self) -> float:
        """How many times its largest current whatever it keeps, and forms on the way, can be."""
        first = LIFTwin(self.steps, dynamics=Dynamics(self.leak_c))
        return super().growth * first.growth

    def _dynamics(self, constants: Constants, size: int) -> Dynamics:
        """Return what a layer of so many neurons does, in units of its membrane."""
        return replace(super()._dynamics(constants, size), leak_c=self.leak_c)

    def record(self, constants: Constants) -> CuBa:  # type: ignore[override]  # another neuron
        """Return the neuron of the integer model."""
        return CuBa(**_fields_of(super().record(constants)), leak_c=self.leak_c)


@dataclass(frozen=True)
class ALIFTwin(LIFTwin):
    """Twin of `ALIF`.

    leak_b:   k, the leak b >> k of what raises the threshold
    raise_by: by which part of the threshold a spike raises it
    """

    leak_b: int = 4
    raise_by: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dynamics.late:
            raise ValueError(
                "Network.reset: found 'late' with neuron 'alif'; use 'subtract', 'zero' or 'value'"
            )

    @property
    def highest(self) -> float:
        """The largest threshold that a neuron can have, in units of its first one."""
        return 1 + max(self.raise_by, 1 / RESOLUTION) * 2.0**self.leak_b

    @property
    def _finest(self) -> int:
        """The largest shift of a leak."""
        return max(super()._finest, self.leak_b)

    def _raised(self, constants: Constants) -> Float:
        """Return q, () or (channels,): whole in an integer network, at least 1."""
        theta = constants.threshold
        assert theta is not None
        found = theta * self.raise_by
        return namespace(found).floor(found + 0.5).clip(1, None) if self.rounded else found

    def _dynamics(self, constants: Constants, size: int) -> Dynamics:
        """Return what a layer of so many neurons does, in units of its membrane."""
        raised = _spread(self._raised(constants), size)
        return replace(super()._dynamics(constants, size), leak_b=self.leak_b, raised=raised)

    def record(self, constants: Constants) -> ALIF:  # type: ignore[override]  # another neuron
        """Return the neuron of the integer model."""
        raised = whole(self._raised(constants))
        fields = _fields_of(super().record(constants))
        return ALIF(**fields, leak_b=self.leak_b, raise_by=raised)


def _fields_of(neuron: Leaky) -> dict[str, Any]:
    """Return what all kinds of leaky neurons have."""
    return {name: getattr(neuron, name) for name in Leaky.__dataclass_fields__}


def _spread(values: Float | None, size: int) -> Float:
    """Return one value as it is, one per channel for every neuron, (size,)."""
    assert values is not None
    return namespace(values).tile(values, (size // len(values),)) if values.ndim else values


def spread_leaks(leaks: tuple[Terms, ...], channels: int) -> Leak:
    """Return classes of leaks, evenly over the channels; one leak where there is one channel."""
    of = np.arange(channels) * len(leaks) // channels
    if channels < len(leaks):
        leaks, of = leaks[:channels], np.arange(channels)
    return leaks[0] if len(leaks) == 1 else LeakClasses(leaks, of)


def dynamics_of(
    leak: Terms,
    reset: Reset,
    membrane_bits: int | None,
    most: int = 1,
) -> Dynamics:
    """Return what neurons do with their membranes, saturated to `membrane_bits` if given.

    Raises ValueError for what the record LIF refuses, and for bits outside of 4 to 32.
    """
    to = np.array(0) if reset == "value" else None
    neuron = LIF(np.array(1), tuple(leak), reset, most=most, reset_to=to)  # refuses what it must
    if membrane_bits is None:
        return Dynamics(neuron.leak, neuron.reset, most=most)
    half = 2 ** (integer("Network.membrane_bits", membrane_bits, 4, 32) - 1)
    limits = (-half + (half == 2**31), half - 1)
    return Dynamics(neuron.leak, neuron.reset, limits, most=most)
