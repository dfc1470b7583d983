"""Trainable edges behind a layer's first one: recurrent ones, and such that skip layers.

All edges of a layer share the unit of its membrane, so that their whole-number currents add up.
Where all of them read spikes of dense layers, and no batch norm stands before the neurons, their
weights are quantized together, as those of one layer that reads all of it: one scale, the same
fraction bits, and in C one list of active inputs. Elsewhere the scale s of an edge becomes the
power of two of the unit that is the nearest:

    w about q * unit * 2**-e        e = the input shift of values, minus the fraction bits of spikes

Ternary codes are those of the quantizer; those of more bits are rounded anew, to a scale that is
not below their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Edge
from qat.model.checks import MAX_SHIFT
from qat.model.edges import Source
from qat.train.arrays import as_of, namespace
from qat.train.delays import DelayTwin, Lags
from qat.train.fold import Constants, EdgeConstants, Float, Inflow
from qat.train.quantize import QUANTIZERS, straight_through
from qat.train.synapses import DenseTwin

Parameters = dict[str, Float]


@dataclass(frozen=True)
class EdgeTwin:
    """Twin of a further `Edge`; its parameters are weight_N and, where they are learned, delay_N.

    number: N, from 1, its place among the edges of the layer
    source: the number of the layer that it reads, INPUT for the input
    itself: it reads its own layer
    inflow: what it reads; of values the `scale` of the layer's first edge
    """

    number: int
    synapse: DenseTwin
    source: int
    itself: bool
    inflow: Inflow
    bits: int | None
    delays: DelayTwin

    @property
    def weight(self) -> str:
        """The name of its weights."""
        return f"weight_{self.number}"

    @property
    def delay(self) -> str:
        """The name of its delays."""
        return f"delay_{self.number}"

    def initial(self, rng: np.random.Generator, deviation: float) -> Parameters:
        """Return fresh parameters, float32."""
        weight = rng.standard_normal(self.synapse.weights) * deviation
        found: Parameters = {self.weight: weight.astype(np.float32)}
        if self.delays.learned:
            found[self.delay] = self.delays.initial(rng)
        return found

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters with its delays within their range."""
        if not self.delays.learned:
            return parameters
        return {**parameters, self.delay: self.delays.constrain(parameters[self.delay])}

    def lags(self, parameters: Parameters) -> Lags:
        """Return its delays."""
        return self.delays.fold(parameters.get(self.delay), self.synapse.n_in)

    def fold(self, parameters: Parameters, first: Constants) -> EdgeConstants:
        """Return its constants: the scale that is nearest, in the unit of the layer."""
        weight, lags = parameters[self.weight], self.lags(parameters)
        each = np.broadcast_to(first.unit, (len(weight),)) / self.inflow.scale
        if self.bits is None:
            return EdgeConstants((weight / each[:, None]).astype(first.codes.dtype), 0, lags)
        own = QUANTIZERS[self.bits](weight, False)
        nearest = float(np.log2(each).mean()) - np.log2(float(own.scale))
        low, high = (-MAX_SHIFT, 0) if self.inflow.spiking else (0, MAX_SHIFT)
        exponent = int(np.clip(np.rint(nearest) if self.bits == 2 else floor(nearest), low, high))
        codes = own.codes
        if self.bits != 2:
            most = 2 ** (self.bits - 1) - 1
            codes = np.clip(np.rint(weight / (each * 2.0**-exponent)[:, None]), -most, most)
        return EdgeConstants(codes.astype(first.codes.dtype), exponent, lags)

    def current(self, constants: EdgeConstants, signal: NDArray[Any]) -> Float:
        """Return what it adds to the currents, (steps or 1, batch, neurons)."""
        arriving = constants.lags.delayed(signal) if constants.lags.longest else signal
        a, exponent = self.synapse.sums(constants.codes, arriving), constants.exponent
        if exponent > 0:
            return namespace(a).floor((a + 2.0 ** (exponent - 1)) * 2.0**-exponent)
        return a * 2.0**-exponent

    def reach(self, constants: EdgeConstants) -> float:
        """Return the largest current that it can make, in units of the membrane."""
        size = float(np.abs(constants.codes).sum(axis=1, dtype=np.float64).max())
        return size * self.inflow.magnitude * 2.0 ** -min(constants.exponent, 0)

    def backward(
        self,
        constants: EdgeConstants,
        unit: NDArray[np.float64],
        signal: NDArray[Any],
        d: Float,
        wanted: bool,
    ) -> tuple[Parameters, Float | None]:
        """Return (gradients of its parameters, dL/d signal if that is wanted).

        signal: of its source, (steps or 1, batch, n_in); d: dL/dI, (steps, batch, neurons)
        """
        held = len(signal) == 1 and len(d) > 1
        d = d.sum(axis=0, keepdims=True) if held else d
        late = constants.lags.longest > 0
        arriving = constants.lags.delayed(signal) if late else signal
        per_unit = as_of(namespace(d).broadcast_to(self.inflow.scale / unit, (d.shape[2],)), d)
        weight = self.synapse.weight_gradient(d, arriving) * per_unit[:, None]
        own: Parameters = {self.weight: straight_through(weight)}
        if not (wanted or self.delays.learned):
            return own, None
        d_arriving = self.synapse.input_gradient(constants.weights, d)
        if self.delays.learned:
            slope = constants.lags.gradient(signal, d_arriving)
            own[self.delay] = self.delays.by_channel(slope)
        if not wanted:
            return own, None
        return own, constants.lags.backward(d_arriving) if late else d_arriving

    def record(self, constants: EdgeConstants) -> Edge:
        """Return the edge of the integer model."""
        assert self.bits is not None
        spiking = self.inflow.spiking
        synapse = self.synapse.unbiased(constants.codes, self.bits, constants.exponent, spiking)
        source: Source = "self" if self.itself else "input" if self.source < 0 else self.source
        return Edge(synapse, source, self.delays.record(constants.lags))


def quantized_together(
    codes: Float, first: Constants, edges: tuple[EdgeTwin, ...], parameters: Parameters
) -> tuple[Float, tuple[EdgeConstants, ...]]:
    """Return the codes of the first edge, and the constants of the others.

    codes: (channels, inputs of all edges); first: as all of them were folded as one layer
    """
    sizes = np.cumsum([codes.shape[1] - sum(e.synapse.n_in for e in edges),
                       *(e.synapse.n_in for e in edges)])  # fmt: skip
    parts = np.split(codes, sizes[:-1], axis=1)
    more = tuple(
        EdgeConstants(part, first.exponent, edge.lags(parameters))
        for edge, part in zip(edges, parts[1:], strict=True)
    )
    return np.ascontiguousarray(parts[0]), more
