"""Trainable neurons: what currents become, its gradient, and the record that they become.

A twin of a neuron is a frozen description; its constants come from `fold`. A further neuron is a
twin here and a row in NEURONS.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.machine import native
from qat.model import ALIF, LIF, Burst, CuBa, Neuron
from qat.model.checks import integer
from qat.model.leaky import Leaky, Reset
from qat.train import lif
from qat.train.arrays import as_of, contiguous, is_numpy, namespace, repeated
from qat.train.feedback import Feedback
from qat.train.fold import RESOLUTION, Constants, Float, Inflow, fold, whole
from qat.train.quantize import Quantized
from qat.train.surrogate import SLOPE, heaviside, surrogate

Parameters = dict[str, Float]
Granularity = Literal["layer", "neuron"]

THRESHOLD_RANGE = (0.05, 20.0)
"""Real thresholds are kept in this range, so that neurons neither fall silent nor spin."""


class Backward(NamedTuple):
    """Gradients of a neuron's parameters, dL/dI, and what makes dL/dy of that.

    current:  (steps or 1, batch, neurons)
    per_unit: (channels,) or (): times `current`, the gradient with regard to the real current y
    """

    parameters: Parameters
    current: Float
    per_unit: NDArray[np.float64]


class Incoming(NamedTuple):
    """What `fold` needs besides a neuron's own parameters: weights, inputs, bias, and so on."""

    weights: Quantized
    inflow: Inflow
    bits: int | None
    bias: Any
    dtype: np.dtype[Any]


class NeuronTwin(ABC):
    """What every kind of trainable neuron answers.

    most:   spikes in one step, at most
    MEMORY: whether it knows of the steps before; one without may be pooled before it fires
    """

    most: int
    MEMORY: ClassVar[bool] = True

    @property
    def growth(self) -> float:
        """How many times its largest current whatever it keeps, and forms on the way, can be."""
        return 1.0

    @property
    def highest(self) -> float:
        """The largest threshold that a spike is compared with, in units of a neuron's first one."""
        return float(self.most)

    @abstractmethod
    def initial(self, channels: int, normalised: bool) -> Parameters:
        """Return fresh parameters, float32."""

    @abstractmethod
    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters within the ranges that are allowed."""

    @abstractmethod
    def fold(self, incoming: Incoming, parameters: Parameters) -> Constants:
        """Return the constants of the integer model."""

    @abstractmethod
    def forward(
        self,
        constants: Constants,
        current: Float,
        spike: lif.Spike,
        feedback: Feedback | None = None,
    ) -> tuple[Float, Float]:
        """Return (u, spikes), (steps, batch, neurons), of currents in units of the model.

        feedback: what a recurrent edge adds to them
        """

    @abstractmethod
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
        """Return the gradients; held: the current was that of all steps."""

    @abstractmethod
    def record(self, constants: Constants) -> Neuron:
        """Return the neuron of the integer model."""


@dataclass(frozen=True)
class LIFTwin(NeuronTwin):
    """Twin of `LIF`: leaky integrate-and-fire neurons.

    steps:        T
    rounded:      False for a float network
    thresholds:   one learned threshold for the "layer" or one per "neuron" (channel); behind a
                  batch norm, whose gain says as much, it is 1
    dynamics:     leak, reset and limits of the membrane, and how many spikes a step may have
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
    dynamics: lif.Dynamics = field(default_factory=lif.Dynamics)
    surrogate: str = "atan"
    detach_reset: bool = True
    resolution: int | None = None
    reset_to: float = 0.0
    damping: tuple[float, float] = (1.0, SLOPE)
    truncate: int = 0

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
        return max((abs(k) for k in self.dynamics.leak), default=0)

    @property
    def growth(self) -> float:
        """How many times its largest current a membrane and its partial sums can reach.

        |u| <= steps * I without a leak; with n terms, |u| <= (I + n) / lambda <= (n + 1) I / lambda
        for I >= 1. A spike only moves u towards 0. The terms of v - leak(v) are added one by one.
        """
        terms, kept = len(self.dynamics.leak), self.dynamics.kept
        if not terms:
            return float(self.steps)
        grown = min((terms + 1) / (1 - kept), float(self.steps) * (terms + 1))
        return grown * (1 if terms == 1 else terms + 1)

    def _dynamics(self, constants: Constants, size: int) -> lif.Dynamics:
        """Return what a layer of so many neurons does, in units of its membrane."""
        found = self.dynamics
        if not self.rounded:
            found = replace(found, limits=None, rounded=False)
        if constants.reset_to is not None:
            found = replace(found, reset_to=_spread(constants.reset_to, size))
        return found

    def forward(
        self,
        constants: Constants,
        current: Float,
        spike: lif.Spike = heaviside,
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
            dynamics.leak,
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
        first = LIFTwin(self.steps, dynamics=lif.Dynamics(self.leak_c))
        return super().growth * first.growth

    def _dynamics(self, constants: Constants, size: int) -> lif.Dynamics:
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

    def _dynamics(self, constants: Constants, size: int) -> lif.Dynamics:
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


@dataclass(frozen=True)
class BurstTwin(NeuronTwin):
    """Twin of `Burst`: no memory, a count of 0 to `most` from one integration.

        q = min(max(floor(y), 0), most)         dq/dy = 1 for MARGIN < y < most + 1 - MARGIN

    of the normalised current y, by whole-number thresholds of its sums, channel by channel.
    """

    most: int
    steps: int = 1

    MEMORY: ClassVar[bool] = False
    MARGIN: ClassVar[float] = 0.25

    def initial(self, channels: int, normalised: bool) -> Parameters:
        """Return none: gain and shift of the norm place the thresholds."""
        return {}

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters as they are."""
        return parameters

    def fold(self, incoming: Incoming, parameters: Parameters) -> Constants:
        """Return the thresholds of each channel."""
        return fold(
            incoming.weights,
            incoming.inflow,
            incoming.bits,
            bias=incoming.bias,
            levels=np.arange(1, self.most + 1),
            dtype=incoming.dtype,
        )

    def forward(
        self,
        constants: Constants,
        current: Float,
        spike: lif.Spike = heaviside,
        feedback: Feedback | None = None,
    ) -> tuple[Float, Float]:
        """Return the currents, and how many thresholds each has reached, at every step."""
        assert feedback is None, "no recurrent edges without memory"
        assert constants.threshold is not None
        channels = len(constants.codes)
        rows = current.reshape(-1, channels)
        if spike is heaviside:
            counts = _reached(rows, constants.threshold)
        else:  # the function whose derivative the window is
            low, high = self._window(constants, rows)
            counts = (np.clip(rows, low, high) - low) * constants.unit
        counts = counts.reshape(current.shape)
        if len(counts) < self.steps:
            counts = repeated(counts, self.steps, 0)
        return current, counts

    def _window(self, constants: Constants, rows: Float) -> tuple[Float, Float]:
        """Return between which sums the gradient passes, (channels,)."""
        ends = self.MARGIN, self.most + 1 - self.MARGIN
        low, high = (end / constants.unit - constants.offset for end in ends)
        return as_of(low, rows), as_of(high, rows)

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
        """Return dL/dy where the window lets it pass."""
        d = d_spikes
        if len(d) == 1 and len(u) > 1:
            d = namespace(d).broadcast_to(d, u.shape)
        if len(u) == 1 and self.steps > 1:  # one current for all steps
            d = d.sum(axis=0, keepdims=True) if len(d) > 1 else d * self.steps
        channels = len(constants.codes)
        rows, low_high = u.reshape(-1, channels), self._window(constants, u)
        current = _window(contiguous(d).reshape(-1, channels), rows, *low_high)
        return Backward({}, current.reshape(u.shape), np.ones(channels))

    def record(self, constants: Constants) -> Burst:
        """Return the neuron of the integer model."""
        assert constants.threshold is not None
        return Burst(whole(constants.threshold))


def _reached(rows: Float, thresholds: Float) -> Float:
    """Return how many thresholds, (levels, channels), each of (rows, channels) reaches."""
    known = is_numpy(rows) and rows.dtype == np.float32 and rows.size
    library = native.library() if known else None
    if library is not None:
        same = np.ascontiguousarray(thresholds, np.float32)
        return library.reached(np.ascontiguousarray(rows), same)
    out = namespace(rows).zeros_like(rows)
    for row in thresholds:
        out += rows >= row
    return out


def _window(d: Float, rows: Float, low: Float, high: Float) -> Float:
    """Return d where low < rows < high, else 0."""
    known = is_numpy(d) and d.dtype == rows.dtype == np.float32 and rows.size
    library = native.library() if known else None
    if library is not None:
        return library.window(d, np.ascontiguousarray(rows), low, high)
    xp = namespace(d)
    return xp.where((rows > low) & (rows < high), d, xp.zeros_like(d))


def _spread(values: Float | None, size: int) -> Float:
    """Return one value as it is, one per channel for every neuron, (size,)."""
    assert values is not None
    return namespace(values).tile(values, (size // len(values),)) if values.ndim else values


def dynamics_of(
    leak: tuple[int, ...],
    reset: Reset,
    membrane_bits: int | None,
    most: int = 1,
) -> lif.Dynamics:
    """Return what neurons do with their membranes, saturated to `membrane_bits` if given.

    Raises ValueError for what the record LIF refuses, and for bits outside of 4 to 32.
    """
    to = np.array(0) if reset == "value" else None
    neuron = LIF(np.array(1), tuple(leak), reset, most=most, reset_to=to)  # refuses what it must
    if membrane_bits is None:
        return lif.Dynamics(neuron.leak, neuron.reset, most=most)
    half = 2 ** (integer("Network.membrane_bits", membrane_bits, 4, 32) - 1)
    limits = (-half + (half == 2**31), half - 1)
    return lif.Dynamics(neuron.leak, neuron.reset, limits, most=most)


@dataclass(frozen=True)
class NeuronRow:
    """A kind of neuron: how a network makes its twin of (steps, rounded, settings, levels).

    levels:     the largest count by default
    steps:      T by default
    normalised: whether it needs a batch norm before it
    """

    make: Callable[..., NeuronTwin]
    levels: int
    steps: int
    normalised: bool


def _lif(steps: int, bits: int | None, levels: int, **settings: Any) -> LIFTwin:
    return LIFTwin(steps, bits is not None, **settings)


def _cuba(steps: int, bits: int | None, levels: int, **settings: Any) -> CuBaTwin:
    return CuBaTwin(steps, bits is not None, **settings)


def _alif(steps: int, bits: int | None, levels: int, **settings: Any) -> ALIFTwin:
    return ALIFTwin(steps, bits is not None, **settings)


def _burst(steps: int, bits: int | None, levels: int, **settings: Any) -> BurstTwin:
    return BurstTwin(levels, steps)


NEURONS: Mapping[str, NeuronRow] = MappingProxyType(
    {
        "lif": NeuronRow(_lif, levels=1, steps=8, normalised=False),
        "cuba": NeuronRow(_cuba, levels=1, steps=8, normalised=False),
        "alif": NeuronRow(_alif, levels=1, steps=8, normalised=False),
        "burst": NeuronRow(_burst, levels=3, steps=1, normalised=True),
    }
)
"""Kinds of neurons by their names."""
