"""Trainable readouts: summed currents, and leaky integrators."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.model import LI, Accumulate
from qat.model.integrator import Score
from qat.train.arrays import as_of, like, namespace, repeated
from qat.train.dynamics import Dynamics, decay
from qat.train.fold import RESOLUTION, Constants, Float, fold, scaled_by_channel, whole
from qat.train.norm import Parameters
from qat.train.synapses import DenseTwin
from qat.train.weighted import Weighted


class Integrated(NamedTuple):
    """What the backward pass of integrators needs: their input, and v after every step."""

    signal: NDArray[Any]
    v: Float


@dataclass(frozen=True)
class AccumulateTwin(Weighted):
    """Twin of the readout `Accumulate`: the current of every step, summed, is the score.

    fraction_bits: of the bias, at least: where weights are few and T is 1, whole numbers tie
    """

    fraction_bits: int = 0

    def initial(self, rng: np.random.Generator) -> Parameters:
        """Return fresh parameters, float32: normal weights of variance 2 / n_in, biases 0."""
        weight = self.initial_weight(rng, np.sqrt(2 / self.n_in))
        return {"weight": weight} | (
            {"bias": np.zeros(self.n_out, np.float32)} if self.bias else {}
        )

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters as they are."""
        return parameters

    def fold(self, parameters: Parameters) -> Constants:
        """Return the constants of the integer model."""
        weight = parameters["weight"]
        return fold(
            self.quantized(weight, self.scale == "neuron"),
            self.inflow,
            self.bits,
            bias=parameters.get("bias", 0.0),
            resolution=RESOLUTION,
            fraction_bits=self.fraction_bits,
            leak_bound=float(self.steps),
            dtype=weight.dtype,
        )

    def record(self, constants: Constants) -> Accumulate:
        """Return the readout of the integer model."""
        assert self.bits is not None
        assert isinstance(self.synapse, DenseTwin)
        return Accumulate(self.synapse.record(constants, self.bits))

    @property
    def span(self) -> float:
        """How many currents a score is the sum of, about."""
        return float(self.steps)

    def forward(self, constants: Constants, signal: NDArray[Any]) -> tuple[Float, Any]:
        """Return the scores, (batch, n_out), and what the backward pass needs: the counts.

        signal: what the last layer sent, (steps, batch, n_in)
        """
        counts = signal.sum(axis=0)
        a = as_of(counts, constants.codes) @ constants.codes.T
        return a * 2.0**-constants.exponent + self.steps * constants.bias, counts

    def backward(
        self, constants: Constants, kept: Any, d_scores: Float
    ) -> tuple[Parameters, Float]:
        """Return (gradients, dL/dS of (1, batch, n_in), the same at every step)."""
        gradients = self.plain_gradients(constants, kept, d_scores)
        if self.bias:
            gradients["bias"] = gradients["bias"] * self.steps
        return gradients, self.plain_input_gradient(constants, d_scores)[None]


@dataclass(frozen=True)
class LITwin(AccumulateTwin):
    """Twin of the readout `LI`: leaky integrators, read at the end or meanwhile.

    leak:      signed shifts, as of LI
    score:     what of a membrane the score is
    threshold: real membrane at which the first of score "first" ends
    """

    leak: tuple[int, ...] = ()
    score: Score = "last"
    threshold: float = 1.0

    @property
    def rounded(self) -> bool:
        """False for a float network."""
        return self.bits is not None

    @cached_property
    def dynamics(self) -> Dynamics:
        """What a membrane loses in a step."""
        return Dynamics(self.leak, rounded=self.rounded)

    @property
    def _remembered(self) -> float:
        """Steps whose currents a membrane holds, about."""
        return min(float(self.steps), 1 / (1 - self.dynamics.kept)) if self.leak else self.steps

    @property
    def span(self) -> float:
        """How many currents a score is the sum of, about."""
        return self._remembered * (self.steps if self.score == "sum" else 1)

    def fold(self, parameters: Parameters) -> Constants:
        """Return the constants of the integer model."""
        weight, finest = parameters["weight"], max((abs(k) for k in self.leak), default=0)
        return fold(
            self.quantized(weight, self.scale == "neuron"),
            self.inflow,
            self.bits,
            bias=parameters.get("bias", 0.0),
            threshold=np.float32(self.threshold) if self.score == "first" else None,
            resolution=max(RESOLUTION, 2 ** (finest + 1)),
            fraction_bits=self.fraction_bits,
            leak_bound=self._leak_bound(),
            dtype=weight.dtype,
        )

    def _leak_bound(self) -> float:
        """Return how many times its largest current a membrane, its sum and their parts reach."""
        grown, terms = float(self.steps), len(self.leak)
        if terms:  # as in LIFTwin
            grown = min((terms + 1) * self._remembered, grown) * (terms + 1)
        return grown * (self.steps if self.score == "sum" else 1)

    def record(self, constants: Constants) -> LI:  # type: ignore[override]  # another readout
        """Return the readout of the integer model."""
        assert self.bits is not None
        assert isinstance(self.synapse, DenseTwin)
        least = None if constants.threshold is None else int(whole(constants.threshold).max())
        return LI(self.synapse.record(constants, self.bits), self.leak, self.score, least)

    def forward(self, constants: Constants, signal: NDArray[Any]) -> tuple[Float, Integrated]:
        """Return the scores, (batch, n_out), of what the last layer sent, (steps, batch, n_in)."""
        current = scaled_by_channel(constants, self.synapse.sums(constants.codes, signal))
        xp = namespace(current)
        v = xp.empty_like(current)
        now, least = xp.zeros_like(v[0]), constants.threshold
        for t, inflow in enumerate(current):
            after = decay(now, self.dynamics) + inflow
            if least is not None:
                after = xp.where((now >= least).any(axis=1)[:, None], now, after)
            v[t] = now = after
        return self._scores(v), Integrated(signal, v)

    def _scores(self, v: Float) -> Float:
        if self.score == "max":
            return namespace(v).amax(v, axis=0)
        return v.sum(axis=0) if self.score == "sum" else v[-1]

    def backward(
        self, constants: Constants, kept: Any, d_scores: Float
    ) -> tuple[Parameters, Float]:
        """Return (gradients, dL/dS of (steps, batch, n_in)).

        With g_t = dL/dv_t: dL/dI_t = g_t + (1 - lambda) dL/dI_(t+1). The step at which a score is
        read counts as a constant.
        """
        d = self._d_membranes(constants, kept.v, d_scores)
        for t in reversed(range(len(d) - 1)):
            d[t] += self.dynamics.kept * d[t + 1]
        gradients = self.plain_gradients(constants, kept.signal, d)
        return gradients, self.plain_input_gradient(constants, d)

    def _d_membranes(self, constants: Constants, v: Float, d_scores: Float) -> Float:
        """Return dL/dv of every step, as far as the scores read it there."""
        if self.score == "sum":
            return repeated(d_scores[None], len(v), 0)
        read: Any = len(v) - 1
        if self.score == "max":
            read = v.argmax(axis=0)
        elif constants.threshold is not None:
            reached = as_of((v >= constants.threshold).any(axis=2), v)
            reached[-1] = 1
            read = reached.argmax(axis=0)[:, None]
        at = like(np.arange(len(v)), v)[:, None, None] == read
        return at * d_scores
