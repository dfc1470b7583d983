"""The layers of a network, one behind the other: what they compute, and its gradient.

A chain is a value; the parameters that it computes with are handed to it. They are a dictionary of
arrays, named by the number of the layer and their name in its twin, such as "0.weight", beside
"log_gain", the logarithm of the gain from a score per step to a logit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import INPUT
from qat.train.dynamics import Spike
from qat.train.fold import Constants, Float
from qat.train.heads import AccumulateTwin
from qat.train.norm import Moments, Parameters
from qat.train.twins import LayerTwin, Signals, Trace


@dataclass(frozen=True, eq=False)
class Pass:
    """What one forward pass leaves for the backward pass.

    scores: (batch, outputs), whole numbers unless a layer has real weights
    logits: (batch, outputs), scores per step in real units times the gain
    kept:   what the readout needs; None where the counts of the last layer are the scores
    traces: one per spiking layer
    given:  what the input sent, (steps or 1, batch, inputs)
    """

    scores: Float
    logits: Float
    kept: Any
    traces: tuple[Trace, ...]
    given: NDArray[Any]

    @property
    def signals(self) -> Signals:
        """What every source sent, by its number."""
        return {INPUT: self.given, **{i: trace.spikes for i, trace in enumerate(self.traces)}}

    @property
    def firing_rates(self) -> tuple[float, ...]:
        """Mean of every spiking layer's signal: spikes per neuron and step."""
        return tuple(_rate(t.spikes) for t in self.traces)


@dataclass(frozen=True, eq=False)
class Response:
    """What a network answers to a batch.

    scores:      (batch, outputs), float; whole numbers unless a layer has real weights
    predictions: (batch,) int64, the first maximum of the scores
    spikes:      the signal of every spiking layer, (batch, step, value): bool, uint8 for counts
                 (uint16 beyond 255)
    """

    scores: Float
    predictions: NDArray[np.int64]
    spikes: tuple[NDArray[Any], ...]

    @property
    def firing_rates(self) -> tuple[float, ...]:
        """Mean of every spiking layer's signal: spikes per neuron and step."""
        return tuple(map(_rate, self.spikes))


@dataclass(frozen=True)
class Chain:
    """Spiking layers and, where the outputs do not spike, a readout.

    layers: that spike
    head:   the readout that accumulates or integrates; None where the counts of the last layer are
            the scores
    steps:  T
    normalised: batch norms stand before the neurons
    """

    layers: tuple[LayerTwin, ...]
    head: AccumulateTwin | None
    steps: int
    normalised: bool

    # ---------------------------------------------------------- layers, parameters

    @property
    def twins(self) -> tuple[LayerTwin | AccumulateTwin, ...]:
        """Every layer with weights, the readout included."""
        return self.layers if self.head is None else (*self.layers, self.head)

    @property
    def weights(self) -> int:
        """Number of weights."""
        further = sum(int(np.prod(e.synapse.weights)) for y in self.layers for e in y.more)
        return further + sum(int(np.prod(twin.synapse.weights)) for twin in self.twins)

    def products(self, first: int) -> int:
        """Return the products that the currents of one inference take.

        first: steps in which layer 0 computes its currents
        """
        further = sum(e.synapse.products * self.steps for y in self.layers for e in y.more)
        return further + sum(
            twin.synapse.products * (first if i == 0 else self.steps)
            for i, twin in enumerate(self.twins)
        )

    def of_layer(self, values: Parameters, index: int) -> Parameters:
        """Return the entries of `values` that belong to a layer, without its number."""
        prefix = f"{index}."
        return {k[len(prefix) :]: v for k, v in values.items() if k.startswith(prefix)}

    def initial(self, rng: np.random.Generator, gain: float) -> Parameters:
        """Return fresh parameters.

        gain: initial one, from the score per step to a logit
        """
        found: Parameters = {}
        for i, twin in enumerate(self.twins):
            found |= numbered(i, twin.initial(rng))
        if self.normalised:
            gain /= self.layers[-1].levels
        return found | {"log_gain": np.log(np.float32(gain))}

    def constrained(self, parameters: Parameters) -> Parameters:
        """Return the parameters within the ranges that their layers allow."""
        found = dict(parameters)
        for i, twin in enumerate(self.twins):
            found |= numbered(i, twin.constrain(self.of_layer(parameters, i)))
        return found

    def fold(self, parameters: Parameters) -> tuple[Constants, ...]:
        """Return the integer model's constants for every twin."""
        return tuple(twin.fold(self.of_layer(parameters, i)) for i, twin in enumerate(self.twins))

    # ---------------------------------------------------------- forward, backward

    def forward(
        self,
        parameters: Parameters,
        constants: tuple[Constants, ...],
        signal: NDArray[Any],
        spike: Spike,
        training: bool,
    ) -> Pass:
        """Run a batch of inputs of (steps or 1, batch, inputs).

        constants: as `fold` makes them of the parameters
        training:  batch norms take the moments of this batch
        """
        traces, signals = [], {INPUT: signal}
        for i, (twin, folded) in enumerate(zip(self.layers, constants, strict=False)):
            own = self.of_layer(parameters, i) if training else None
            trace = twin.forward(folded, signals[i - 1], spike, own, signals=signals)
            traces.append(trace)
            signals[i] = signal = trace.spikes
        scores, kept = self._read(constants, signal)
        dtype = parameters["0.weight"].dtype
        with np.errstate(over="ignore", invalid="ignore"):  # whoever needs them checks their loss
            logits = (scores * self._logit_scale(parameters, constants)).astype(dtype)
        return Pass(scores, logits, kept, tuple(traces), signals[INPUT])

    def _read(self, constants: tuple[Constants, ...], signal: NDArray[Any]) -> tuple[Float, Any]:
        """Return the scores of what the last layer sent, and what the backward pass needs."""
        if self.head is None:
            return signal.sum(axis=0), None
        return self.head.forward(constants[-1], signal)

    def _logit_scale(self, parameters: Parameters, constants: tuple[Constants, ...]) -> Any:
        unit, span = (
            (1.0, self.steps) if self.head is None else (constants[-1].unit, self.head.span)
        )
        return np.exp(np.float64(parameters["log_gain"])) * unit / span

    def backward(
        self,
        parameters: Parameters,
        constants: tuple[Constants, ...],
        run: Pass,
        d_logits: Float,
        d_rates: Sequence[Float] | None = None,
    ) -> Parameters:
        """Return the gradient of every parameter from dL/d logits and dL/d mean firing rates.

        d_logits: (batch, outputs)
        d_rates:  per spiking layer, (neurons,): dL/d the mean spikes per step over the batch
        """
        gradients: Parameters = {"log_gain": np.asarray((d_logits * run.logits).sum())}
        d_scores = (d_logits * self._logit_scale(parameters, constants)).astype(d_logits.dtype)
        d_spikes: Float = d_scores[None]
        if self.head is not None:
            own, d_spikes = self.head.backward(constants[-1], run.kept, d_scores)
            gradients |= numbered(len(self.layers), own)
        last = len(self.layers) - 1
        sent, signals = {last: d_spikes}, run.signals
        for i in reversed(range(len(self.layers))):
            d_spikes = sent.pop(i)
            if d_rates is not None:
                d_spikes = d_spikes + d_rates[i] / (self.steps * len(d_logits))
            parts = self.of_layer(parameters, i), run.traces[i], d_spikes, signals
            back = self.layers[i].backward(*parts, wanted=i > 0)
            gradients |= numbered(i, back.parameters)
            before = [] if back.before is None else [(i - 1, back.before)]
            for source, d in (*before, *back.others.items()):
                sent[source] = sent[source] + d if source in sent else d
        return gradients

    def signal_dtypes(self) -> list[type[Any]]:
        """Return the type that holds every spiking layer's signal."""
        most = [twin.levels for twin in self.layers]
        return [np.bool_ if n == 1 else np.uint8 if n < 256 else np.uint16 for n in most]

    def together(self, parameters: Parameters, measured: Sequence[Sequence[Moments]]) -> Parameters:
        """Return the parameters with the moments of all batches as those of the batch norms.

        measured: of every batch, those of every layer
        """
        found = dict(parameters)
        for i, of_layer in enumerate(zip(*measured, strict=True)):
            moments = Moments.together(list(of_layer))
            found |= numbered(i, moments.as_parameters(parameters["0.weight"].dtype))
        return found


def numbered(index: int, values: Parameters) -> Parameters:
    """Return the entries of a layer under their names among those of the network."""
    return {f"{index}.{name}": value for name, value in values.items()}


def _rate(spikes: NDArray[Any]) -> float:
    """Return the mean of spikes; 0 where a batch has no samples."""
    return float(spikes.mean()) if spikes.size else 0.0
