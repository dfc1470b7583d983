"""What trainable layers and readouts share: a synapse, quantized weights and a bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.train.arrays import as_of
from qat.train.fold import Constants, Float, Inflow
from qat.train.neuron import Granularity
from qat.train.norm import Parameters
from qat.train.quantize import QUANTIZERS, Quantized, straight_through
from qat.train.synapses import SynapseTwin


@dataclass(frozen=True)
class Weighted:
    """What layers and readouts share: a synapse, quantized weights and a bias.

    bits:  2, 4, 8, 16, or None for real weights
    scale: one for the "layer" or one per "neuron" (output channel)
    """

    synapse: SynapseTwin
    inflow: Inflow
    steps: int
    bits: int | None = 2
    scale: Granularity = "layer"
    bias: bool = True

    def initial_weight(self, rng: np.random.Generator, deviation: float) -> Float:
        """Return normal weights of a standard deviation, float32."""
        shape = self.synapse.weights
        return (rng.standard_normal(shape) * deviation).astype(np.float32)

    def quantized(self, weight: Float, per_channel: bool) -> Quantized:
        """Return codes in the shape of the weights, and their scale."""
        found = QUANTIZERS[self.bits](weight.reshape(len(weight), -1), per_channel)
        return Quantized(found.codes.reshape(weight.shape), found.scale)

    def plain_gradients(self, constants: Constants, x: NDArray[Any], d: Float) -> Parameters:
        """Return dL/dW and dL/db from dL/dI in integer units, (steps or 1, batch, n_out)."""
        per_unit = as_of(1 / constants.unit, d)
        each = per_unit * self.inflow.scale
        if each.ndim:
            each = each.reshape(-1, *[1] * (len(self.synapse.weights) - 1))
        weight = self.synapse.weight_gradient(d, x) * each
        gradients = {"weight": straight_through(weight)}
        if self.bias:
            gradients["bias"] = d.reshape(-1, self.synapse.channels).sum(axis=0) * per_unit
        return gradients

    def plain_input_gradient(self, constants: Constants, d: Float) -> Float:
        """Return dL/dx from dL/dI in integer units."""
        found = self.synapse.input_gradient(constants.codes, d)
        found *= 2.0**-constants.exponent
        return found

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.synapse.n_in

    @property
    def channels(self) -> int:
        """Number of neurons at each position."""
        return self.synapse.channels

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return self.synapse.n_out
