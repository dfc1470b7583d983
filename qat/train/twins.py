"""Trainable twins of the model's records: real parameters in, the record's integers out.

A twin is a frozen description; its parameters are a dictionary of arrays that training
replaces. `fold` turns them into the constants of the integer model, once per weight update;
`forward` computes with these constants the very integers of the record's step, in float32
where every value stays below 2**24, else in float64. Nothing is rounded anywhere else, so
that exporting a network is a change of dtype.

With x a whole number worth `inflow.scale` each, w about scale_j * q, and e the exponent that
gives the threshold its resolution,

    unit_j  = scale_j * inflow.scale * 2**e         the real value of 1 in the membrane
    Theta_j = max(1, rint(threshold_j / unit_j))    B_j = rint(bias_j / unit_j)

where e = input_shift >= 0 for bytes, e = -fraction_bits <= 0 for spikes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qat.model import LIF, Accumulate, Layer
from qat.model.checks import integer
from qat.train import lif
from qat.train.fold import RESOLUTION, Constants, Float, Inflow, currents, fold, layer, synapse
from qat.train.quantize import QUANTIZERS, straight_through
from qat.train.surrogate import SURROGATES, heaviside

Parameters = dict[str, Float]
Granularity = Literal["layer", "neuron"]


THRESHOLD_RANGE = (0.05, 20.0)
"""Real thresholds are kept in this range, so that neurons neither fall silent nor spin."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What a layer's backward pass needs: its input, (steps or 1, batch, n_in), u and spikes."""

    x: NDArray[Any]
    u: Float | None
    spikes: Float | None


@dataclass(frozen=True)
class _Synapse:
    """What both twins share: weights of (n_out, n_in) with a bias.

    bits:  2, 4, 8, 16, or None for real weights
    scale: one for the "layer" or one per "neuron"
    """

    n_in: int
    n_out: int
    inflow: Inflow
    steps: int
    bits: int | None = 2
    scale: Granularity = "layer"
    bias: bool = True

    def initial(self, rng: np.random.Generator) -> Parameters:
        """Return fresh parameters, float32: normal weights of variance 2 / n_in, biases 0."""
        weight = rng.standard_normal((self.n_out, self.n_in)) * np.sqrt(2 / self.n_in)
        bias = {"bias": np.zeros(self.n_out, np.float32)} if self.bias else {}
        return {"weight": weight.astype(np.float32), **bias}

    def _fold(
        self,
        parameters: Parameters,
        resolution: int,
        leak_bound: float,
        threshold: Float | None = None,
    ) -> Constants:
        weight = parameters["weight"]
        return fold(
            QUANTIZERS[self.bits](weight, self.scale == "neuron"),
            self.inflow,
            self.bits,
            bias=parameters.get("bias", 0.0),
            threshold=threshold,
            resolution=resolution,
            leak_bound=leak_bound,
            dtype=weight.dtype,
        )

    def _weight_gradients(
        self, constants: Constants, x: NDArray[Any], d_current: Float
    ) -> Parameters:
        """Return dL/dW and dL/db from dL/dI in integer units, (steps or 1, batch, n_out)."""
        flat_x = x.reshape(-1, self.n_in).astype(d_current.dtype, copy=False)
        flat_d = d_current.reshape(-1, self.n_out)
        per_unit = (1 / constants.unit).astype(d_current.dtype)
        weight = (flat_d.T @ flat_x) * (per_unit * self.inflow.scale)[..., None]
        gradients = {"weight": straight_through(weight)}
        if self.bias:
            gradients["bias"] = flat_d.sum(axis=0) * per_unit
        return gradients

    def _input_gradient(self, constants: Constants, d_current: Float) -> Float:
        codes = constants.codes.astype(d_current.dtype, copy=False)
        flat = d_current.reshape(-1, self.n_out) @ codes
        flat *= 2.0**-constants.exponent
        return flat.reshape(*d_current.shape[:-1], self.n_in)


@dataclass(frozen=True)
class SpikingTwin(_Synapse):
    """Twin of `Layer`: weights and leaky integrate-and-fire neurons.

    thresholds:   one learned threshold for the "layer" or one per "neuron"
    dynamics:     leak, reset and limits of the membrane
    surrogate:    a row of qat.train.surrogate.SURROGATES
    detach_reset: whether the reset's spike counts as a constant in the backward pass
    resolution:   least threshold in units of the membrane; None for RESOLUTION, or what lets
                  every term of the leak act if that is more
    """

    thresholds: Granularity = "layer"
    dynamics: lif.Dynamics = field(default_factory=lif.Dynamics)
    surrogate: str = "atan"
    detach_reset: bool = True
    resolution: int | None = None

    def initial(self, rng: np.random.Generator) -> Parameters:
        """Return fresh parameters; thresholds are 1."""
        size = (self.n_out,) if self.thresholds == "neuron" else ()
        return {**super().initial(rng), "threshold": np.ones(size, np.float32)}

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters with the thresholds in THRESHOLD_RANGE."""
        return {**parameters, "threshold": np.clip(parameters["threshold"], *THRESHOLD_RANGE)}

    def fold(self, parameters: Parameters) -> Constants:
        """Return the constants of the integer model for these parameters."""
        finest = max((abs(k) for k in self.dynamics.leak), default=0)
        resolution = self.resolution or max(RESOLUTION, 2 ** (finest + 1))
        return self._fold(parameters, resolution, self._leak_bound(), parameters["threshold"])

    def record(self, constants: Constants) -> Layer:
        """Return the layer of the integer model."""
        assert self.bits is not None
        return layer(constants, self.bits, self.dynamics)

    def _leak_bound(self) -> float:
        """Return how many times its largest current a membrane and its partial sums can reach.

        |u| <= steps * I without a leak; with n terms, |u| <= (I + n) / lambda <= (n + 1) I / lambda
        for I >= 1. A spike only moves u towards 0. The terms of v - leak(v) are added one by one.
        """
        terms, kept = len(self.dynamics.leak), self.dynamics.kept
        if not terms:
            return float(self.steps)
        grown = min((terms + 1) / (1 - kept), float(self.steps) * (terms + 1))
        return grown * (1 if terms == 1 else terms + 1)

    def forward(self, constants: Constants, x: NDArray[Any], spike: lif.Spike = heaviside) -> Trace:
        """Return u and spikes of (steps, batch, n_out) for inputs of (steps or 1, batch, n_in)."""
        assert constants.threshold is not None
        u, spikes = lif.forward(
            currents(constants, x), constants.threshold, self._dynamics(), self.steps, spike
        )
        return Trace(x, u, spikes)

    def _dynamics(self) -> lif.Dynamics:
        if self.bits is not None:
            return self.dynamics
        return lif.Dynamics(self.dynamics.leak, self.dynamics.reset, None, rounded=False)

    def backward(
        self, parameters: Parameters, constants: Constants, trace: Trace, d_spikes: Float
    ) -> tuple[Parameters, Float]:
        """Return (gradients of the parameters, dL/dI in integer units, as often as x)."""
        assert trace.u is not None
        assert trace.spikes is not None
        assert constants.threshold is not None
        dtype = parameters["weight"].dtype
        gradients = lif.backward(
            d_spikes.astype(dtype, copy=False),
            trace.u.astype(dtype, copy=False),
            trace.spikes.astype(dtype, copy=False),
            constants.threshold.astype(dtype),
            self._dynamics(),
            surrogate=SURROGATES[self.surrogate],
            detach_reset=self.detach_reset,
            held=len(trace.x) == 1,
        )
        d_threshold = (gradients.threshold / constants.unit).astype(dtype)
        return {
            **self._weight_gradients(constants, trace.x, gradients.current),
            "threshold": d_threshold if self.thresholds == "neuron" else d_threshold.sum(),
        }, gradients.current

    def input_gradient(self, constants: Constants, d_current: Float) -> Float:
        """Return dL/dx, (steps, batch, n_in), from dL/dI."""
        return self._input_gradient(constants, d_current)


@dataclass(frozen=True)
class AccumulateTwin(_Synapse):
    """Twin of the readout `Accumulate`: the current of every step, summed, is the score."""

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters as they are."""
        return parameters

    def fold(self, parameters: Parameters) -> Constants:
        """Return the constants of the integer model."""
        return self._fold(parameters, RESOLUTION, float(self.steps))

    def record(self, constants: Constants) -> Accumulate:
        """Return the readout of the integer model."""
        assert self.bits is not None
        return Accumulate(synapse(constants, self.bits))

    def scores(self, constants: Constants, counts: Float) -> Float:
        """Return the scores, (batch, n_out), from spike counts of (batch, n_in)."""
        a = counts.astype(constants.codes.dtype, copy=False) @ constants.codes.T
        return a * 2.0**-constants.exponent + self.steps * constants.bias

    def backward(
        self, constants: Constants, counts: Float, d_scores: Float
    ) -> tuple[Parameters, Float]:
        """Return (gradients, dL/dS of (1, batch, n_in), the same at every step)."""
        gradients = self._weight_gradients(constants, counts, d_scores)
        if self.bias:
            gradients["bias"] = gradients["bias"] * d_scores.dtype.type(self.steps)
        return gradients, self._input_gradient(constants, d_scores)[None]


def dynamics_of(
    leak: tuple[int, ...], reset: Literal["subtract", "zero"], membrane_bits: int | None
) -> lif.Dynamics:
    """Return what neurons do with their membranes, saturated to `membrane_bits` if given.

    Raises ValueError for what the record LIF refuses, and for bits outside of 4 to 32.
    """
    neuron = LIF(np.array(1), tuple(leak), reset)  # refuses a leak that does not settle
    if membrane_bits is None:
        return lif.Dynamics(neuron.leak, neuron.reset)
    half = 2 ** (integer("Network.membrane_bits", membrane_bits, 4, 32) - 1)
    return lif.Dynamics(neuron.leak, neuron.reset, (-half + (half == 2**31), half - 1))
