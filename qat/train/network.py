"""A trainable spiking network whose forward pass is the integer model's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.machine.memory import require
from qat.model.checks import finite, integer
from qat.model.inputs import Input
from qat.model.sensor import Sensor
from qat.train.fold import SPIKES, Constants, Inflow
from qat.train.inflow import INPUTS, input_record, time_major
from qat.train.lif import Spike
from qat.train.quantize import QUANTIZERS
from qat.train.surrogate import SURROGATES, heaviside
from qat.train.twins import (
    AccumulateTwin,
    Granularity,
    Parameters,
    SpikingTwin,
    Trace,
    dynamics_of,
)

Float = NDArray[np.floating[Any]]

READOUTS = {"accumulate": 4.0, "count": 8.0}
"""Readouts, each with the initial gain from its score per step to a logit; it is learned."""

BYTES_PER_WEIGHT = 32
"""Weights, their gradient, the two moments of Adam, codes, and what forms the next of each."""

VALUES_PER_NEURON = 4
"""Numbers kept per neuron and step in training: u, spikes, the current and the gradient."""

PIECE_VALUES = 2**21
"""Membranes that are computed in one piece outside of training, so that memory stays bounded."""


@dataclass(frozen=True, eq=False)
class Pass:
    """What one forward pass leaves for the backward pass.

    scores: (batch, outputs), whole numbers unless a layer has real weights
    logits: (batch, outputs), scores per step in real units times the gain
    counts: (batch, neurons) spikes of the last spiking layer
    traces: one per spiking layer
    """

    scores: Float
    logits: Float
    counts: Float
    traces: tuple[Trace, ...]

    @property
    def firing_rates(self) -> tuple[float, ...]:
        """Mean spikes per neuron and step, for every spiking layer."""
        return tuple(_rate(t.spikes) for t in self.traces if t.spikes is not None)


@dataclass(frozen=True, eq=False)
class Response:
    """What a network answers to a batch.

    scores:      (batch, outputs), float; whole numbers unless a layer has real weights
    predictions: (batch,) int64, the first maximum of the scores
    spikes:      per spiking layer (batch, step, neuron) bool
    """

    scores: Float
    predictions: NDArray[np.int64]
    spikes: tuple[NDArray[np.bool_], ...]

    @property
    def firing_rates(self) -> tuple[float, ...]:
        """Mean spikes per neuron and step, for every spiking layer."""
        return tuple(map(_rate, self.spikes))


def _rate(spikes: NDArray[Any]) -> float:
    """Return the mean of spikes; 0 where a batch has no samples."""
    return float(spikes.mean()) if spikes.size else 0.0


class Network:
    """A chain of fully connected spiking layers with a readout.

    sizes:       inputs, hidden neurons, outputs: at least two whole numbers
    bits:        of the weights, for all layers or one per layer (the output's included):
                 2 (ternary), 4, 8, 16, or None for real weights, the float network
    steps:       T
    leak:        signed shifts as in qat.model.LIF; () for integrate-and-fire
    reset:       "subtract" or "zero"
    readout:     "accumulate": the output layer does not spike, its summed current is the score;
                 "count": it spikes, and the count is the score
    input:       "analog" (a vector, held), "frames" (a vector per step), "spikes" (bits per step),
                 "rate" and "latency" (a held vector as spike rates, as spike times), "delta" (the
                 changes of a vector per step); see qat.model for their equations
    input_range: smallest and largest input value, within int8 or uint8; None takes the data
                 set's when the network is trained
    scale:       weight scales of the spiking layers, one per "layer" (the fastest C, with one
                 threshold) or one per "neuron"; a readout that accumulates has one
    threshold:   learned thresholds, one per "layer" or one per "neuron"
    bias:        True, False, or None for a bias only where it costs nothing: on the held or
                 framed input, and on a readout that accumulates
    membrane_bits: saturate membranes to this many bits; None lets them take what they need
    resolution:  the least threshold in units of the membrane, where shifts allow it. Half of it
                 takes a bit off every membrane and current, and coarsens them; None for 16, or
                 more where a leak `v >> k` would hardly act below the threshold
    surrogate:   a row of qat.train.surrogate.SURROGATES
    detach_reset: whether the reset counts as a constant in the backward pass
    event_threshold: the change of a value that is an event of "delta" input; None for a
                 sixteenth of the range
    seed:        of the initial weights

    Raises ValueError for anything else.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        bits: int | Sequence[int | None] | None = 2,
        steps: int = 8,
        *,
        leak: tuple[int, ...] = (3,),
        reset: Literal["subtract", "zero"] = "subtract",
        readout: Literal["accumulate", "count"] = "accumulate",
        input: Literal["analog", "frames", "spikes", "rate", "latency", "delta"] = "analog",
        input_range: tuple[int, int] | None = None,
        scale: Granularity = "layer",
        threshold: Granularity = "layer",
        bias: bool | None = None,
        membrane_bits: int | None = None,
        resolution: int | None = None,
        surrogate: str = "atan",
        detach_reset: bool = True,
        event_threshold: int | None = None,
        seed: int = 0,
    ) -> None:
        self.sizes = tuple(integer("Network.sizes", n, 1, 2**24) for n in sizes)
        if len(self.sizes) < 2:
            raise ValueError(f"Network.sizes: found {list(sizes)}; needs inputs and outputs")
        self.bits = _bits_per_layer(bits, len(self.sizes) - 1)
        self.steps = integer("Network.steps", steps, 1, 2**24)
        _require_known(
            readout=(readout, READOUTS),
            input=(input, INPUTS),
            scale=(scale, ("layer", "neuron")),
            threshold=(threshold, ("layer", "neuron")),
            surrogate=(surrogate, SURROGATES),
        )
        self.readout, self.input = readout, input
        self.event_threshold = event_threshold
        self.scale, self.threshold, self.bias = scale, threshold, bias
        self.surrogate, self.detach_reset = surrogate, detach_reset
        self.dynamics = dynamics_of(leak, reset, membrane_bits)
        self.resolution = resolution
        if resolution is not None:
            self.resolution = integer("Network.resolution", resolution, 1, 2**16)
        self.input_range = None if input_range is None else self._checked_range(input_range)
        self._build(self.input_range or (0, 1))
        require("Network", BYTES_PER_WEIGHT * self._weights, "use fewer neurons")
        self.seed = seed
        self.parameters = self._initial(np.random.default_rng(seed))
        self.report: dict[str, Any] = {}
        self.sensor: Sensor | None = None  # how samples become its inputs, once it is trained

    # ------------------------------------------------------------- structure

    def _build(self, input_range: tuple[int, int]) -> None:
        self.encoder = self._encoder(input_range)
        lines = (self.encoder.lines, *self.sizes[1:-1])
        pairs = list(zip(lines, self.sizes[1:], self.bits, strict=True))
        accumulate = self.readout == "accumulate"
        spiking = pairs[:-1] if accumulate else pairs
        inflows = [self._inflow()] + [SPIKES] * (len(pairs) - 1)
        self.layers = tuple(
            SpikingTwin(
                n_in,
                n_out,
                inflow,
                self.steps,
                bits,
                self.scale,
                not inflow.spiking if self.bias is None else self.bias,
                self.threshold,
                self.dynamics,
                self.surrogate,
                self.detach_reset,
                self.resolution,
            )
            for (n_in, n_out, bits), inflow in zip(spiking, inflows, strict=False)
        )
        self.head: AccumulateTwin | None = None
        if accumulate:
            if not self.layers:
                raise ValueError("Network.sizes: an accumulating readout needs a hidden layer")
            n_in, n_out, bits = pairs[-1]
            self.head = AccumulateTwin(
                n_in, n_out, SPIKES, self.steps, bits, "layer", self.bias is not False
            )

    def _initial(self, rng: np.random.Generator) -> Parameters:
        named = [(f"{i}.{name}", value) for i, twin in enumerate(self.twins)
                 for name, value in twin.initial(rng).items()]  # fmt: skip
        return dict(named) | {"log_gain": np.log(np.float32(READOUTS[self.readout]))}

    def settings(self) -> dict[str, Any]:
        """Return what the network was made with, as plain JSON values."""
        dynamics = self.dynamics
        return {
            "sizes": list(self.sizes),
            "bits": list(self.bits),
            "steps": self.steps,
            "leak": list(dynamics.leak),
            "reset": dynamics.reset,
            "limits": dynamics.limits,
            "readout": self.readout,
            "input": self.input,
            "input_range": self.input_range,
            "scale": self.scale,
            "threshold": self.threshold,
            "bias": self.bias,
            "resolution": self.resolution,
            "surrogate": self.surrogate,
            "detach_reset": self.detach_reset,
            "event_threshold": self.event_threshold,
            "seed": self.seed,
        }

    @property
    def _weights(self) -> int:
        return sum(twin.n_in * twin.n_out for twin in self.twins)

    def training_bytes(self, batch: int) -> int:
        """Return about how much memory training with batches of this many samples takes."""
        once = self.encoder.held and not self.encoder.spiking
        inputs = self.encoder.lines * (1 if once else self.steps)
        neurons = sum(twin.n_out for twin in self.layers)
        return BYTES_PER_WEIGHT * self._weights + 4 * batch * (
            2 * inputs + VALUES_PER_NEURON * self.steps * neurons
        )

    @property
    def twins(self) -> tuple[SpikingTwin | AccumulateTwin, ...]:
        """Every layer with weights, the readout included."""
        return self.layers if self.head is None else (*self.layers, self.head)

    @property
    def is_float(self) -> bool:
        """True if a layer has real weights, so that the network cannot be exported."""
        return None in self.bits

    def of_layer(self, values: Parameters, index: int) -> Parameters:
        """Return the entries of `values` that belong to a layer, without its number."""
        prefix = f"{index}."
        return {k[len(prefix) :]: v for k, v in values.items() if k.startswith(prefix)}

    def constrained(self, parameters: Parameters) -> Parameters:
        """Return the parameters within the ranges that their layers allow."""
        result = dict(parameters)
        for i, twin in enumerate(self.twins):
            for name, value in twin.constrain(self.of_layer(parameters, i)).items():
                result[f"{i}.{name}"] = value
        return result

    # ----------------------------------------------------------------- input

    def _encoder(self, input_range: tuple[int, int]) -> Input:
        return input_record(
            self.input,
            self.sizes[0],
            input_range,
            steps=self.steps,
            event_threshold=self.event_threshold,
        )

    def _checked_range(self, value: tuple[int, int]) -> tuple[int, int]:
        low, high = value
        self._encoder((low, high))
        if low == high == 0:
            raise ValueError("Network.input_range: found (0, 0); must hold another value than 0")
        return int(low), int(high)

    def _inflow(self) -> Inflow:
        if self.encoder.spiking:
            return SPIKES
        low, high = self.encoder.reads
        return Inflow(low, high, 1 / max(high, -low), spiking=False)

    def bind(self, input_range: tuple[int, int]) -> None:
        """Take the range of the inputs from a data set, unless the network was given one."""
        if self.input_range is None:
            lines = self.encoder.lines
            self.input_range = self._checked_range(input_range)
            self._build(self.input_range)
            if self.encoder.lines != lines:  # values below 0 have lines of their own
                self.parameters = self._initial(np.random.default_rng(self.seed))

    def encode(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what the first layer receives of a batch that `check` has accepted."""
        return self.encoder.encode(x, self.steps)

    def check(self, x: ArrayLike) -> NDArray[Any]:
        """Return `x` as an array this network accepts, or raise ValueError.

        x: (batch, inputs) for analog input, else (batch, steps, inputs); whole numbers
        """
        array, held = finite("x", x), self.encoder.held
        wanted = (self.sizes[0],) if held else (self.steps, self.sizes[0])
        if array.shape[1:] != wanted or array.ndim != len(wanted) + 1:
            raise ValueError(
                f"x: found shape {array.shape}; {self.input} input needs (batch, "
                f"{', '.join(map(str, wanted))})"
            )
        if self.input_range is None and self.input != "spikes":
            raise ValueError("Network.input_range: is not known yet; train first, or give it")
        low, high = self.encoder.low, self.encoder.high
        if array.size and (array.min() < low or array.max() > high):
            raise ValueError(
                f"x: holds {array.min()} to {array.max()}; the network was made for {low} to {high}"
            )
        if array.dtype.kind == "f" and (array != np.rint(array)).any():
            raise ValueError("x: holds fractions; must hold whole numbers (see qat.data.encode)")
        return array

    def with_bits(self, bits: int | Sequence[int | None] | None) -> Network:
        """Return a network with these parameters and other bits: quantization after training.

        bits: as for the constructor. What `fit` reported stays behind, for it no longer holds.
        """
        other = copy(self)
        other.bits = _bits_per_layer(bits, len(self.sizes) - 1)
        other.report = {}
        other._build(self.input_range or (0, 1))
        return other

    # ------------------------------------------------------- forward, backward

    def fold(self) -> tuple[Constants, ...]:
        """Return the integer model's constants for every twin; call it once per weight update."""
        return tuple(
            twin.fold(self.of_layer(self.parameters, i)) for i, twin in enumerate(self.twins)
        )

    def forward(
        self, x: NDArray[Any], constants: tuple[Constants, ...], spike: Spike = heaviside
    ) -> Pass:
        """Run a batch that `check` has accepted; `spike` other than the step checks gradients."""
        signal = time_major(self.encode(x))
        traces = []
        for twin, folded in zip(self.layers, constants, strict=False):
            trace = twin.forward(folded, signal, spike)
            traces.append(trace)
            assert trace.spikes is not None
            signal = trace.spikes
        counts = signal.sum(axis=0)
        scores = counts if self.head is None else self.head.scores(constants[-1], counts)
        with np.errstate(over="ignore", invalid="ignore"):  # whoever needs them checks their loss
            logits = (scores * self._logit_scale(constants)).astype(self._dtype)
        return Pass(scores, logits, counts, tuple(traces))

    @property
    def _dtype(self) -> np.dtype[Any]:
        return self.parameters["0.weight"].dtype

    def _logit_scale(self, constants: tuple[Constants, ...]) -> Any:
        unit = 1.0 if self.head is None else constants[-1].unit
        return np.exp(np.float64(self.parameters["log_gain"])) * unit / self.steps

    def backward(
        self,
        run: Pass,
        constants: tuple[Constants, ...],
        d_logits: Float,
        d_rates: Sequence[Float] | None = None,
    ) -> Parameters:
        """Return the gradient of every parameter from dL/d logits and dL/d mean firing rates.

        d_logits: (batch, outputs)
        d_rates:  per spiking layer, (neurons,): dL/d the mean spikes per step over the batch
        """
        gradients: Parameters = {"log_gain": np.asarray((d_logits * run.logits).sum())}
        d_scores = (d_logits * self._logit_scale(constants)).astype(d_logits.dtype)
        d_spikes: Float = d_scores[None]
        if self.head is not None:
            own, d_spikes = self.head.backward(constants[-1], run.counts, d_scores)
            gradients |= _numbered(len(self.layers), own)
        for i in reversed(range(len(self.layers))):
            twin, folded, trace = self.layers[i], constants[i], run.traces[i]
            if d_rates is not None:
                d_spikes = d_spikes + d_rates[i] / (self.steps * len(d_logits))
            parameters = self.of_layer(self.parameters, i)
            own, d_current = twin.backward(parameters, folded, trace, d_spikes)
            gradients |= _numbered(i, own)
            if i:
                d_spikes = twin.input_gradient(folded, d_current)
        return gradients

    # ------------------------------------------------------------------- use

    def pieces(self, x: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield consecutive parts of a batch, each of bounded memory."""
        size = max(1, PIECE_VALUES // (max(self.sizes) * self.steps))
        for i in range(0, max(len(x), 1), size):
            yield x[i : i + size]

    def run(self, x: ArrayLike) -> Response:
        """Return scores, predictions and all spikes; ValueError as `check` raises it."""
        constants = self.fold()
        passes = [self.forward(piece, constants) for piece in self.pieces(self.check(x))]
        scores = np.concatenate([p.scores for p in passes])
        spikes = tuple(
            np.concatenate(layer, axis=1).transpose(1, 0, 2) > 0.5
            for layer in zip(*([t.spikes for t in p.traces] for p in passes), strict=True)
        )
        return Response(scores, scores.argmax(axis=1), spikes)

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the class of every sample, (batch,) int64; ValueError as `check` raises it."""
        constants = self.fold()
        scores = [self.forward(piece, constants).scores for piece in self.pieces(self.check(x))]
        return np.concatenate(scores).argmax(axis=1)


def _numbered(index: int, values: Parameters) -> Parameters:
    return {f"{index}.{name}": value for name, value in values.items()}


def _require_known(**settings: tuple[str, Iterable[str]]) -> None:
    """Raise ValueError for a setting, given as (value, those that there are), that there is not."""
    for what, (value, allowed) in settings.items():
        if value not in allowed:
            raise ValueError(f"Network.{what}: found {value!r}; one of {', '.join(allowed)}")


def _bits_per_layer(bits: int | Sequence[int | None] | None, layers: int) -> tuple[int | None, ...]:
    each = (bits,) * layers if bits is None or isinstance(bits, int) else tuple(bits)
    if len(each) != layers:
        raise ValueError(f"Network.bits: found {len(each)} values; the network has {layers} layers")
    for value in each:
        if value not in QUANTIZERS:
            raise ValueError(f"Network.bits: found {value!r}; allowed are 2, 4, 8, 16 and None")
    return each
