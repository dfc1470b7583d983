"""A trainable spiking network whose forward pass is the integer model's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.machine.memory import require
from qat.model import Shape
from qat.model.checks import finite, integer
from qat.model.inputs import Input
from qat.model.notation import LayerNote, dense, on_maps, parse, written
from qat.model.sensor import Sensor
from qat.train.fold import SPIKES, Constants, Inflow
from qat.train.inflow import INPUTS, input_record, time_major
from qat.train.lif import Spike
from qat.train.neurons import NEURONS, Granularity, dynamics_of
from qat.train.norm import Moments, Parameters
from qat.train.quantize import QUANTIZERS
from qat.train.structure import Plan
from qat.train.surrogate import SURROGATES, heaviside
from qat.train.twins import AccumulateTwin, LayerTwin, Trace

Float = NDArray[np.floating[Any]]

READOUTS = {"accumulate": 4.0, "count": 8.0}
"""Readouts, each with the initial gain from its score per step to a logit; it is learned."""

BYTES_PER_WEIGHT = 32
"""Weights, their gradient, the two moments of Adam, codes, and what forms the next of each."""

VALUES_PER_NEURON = 4
"""Numbers kept per neuron and step in training: u, spikes, the current and the gradient."""

MEASURED, AT_ONCE = 4096, 256
"""Samples by which the moments of batch norms are measured, and how many of them make a batch."""

PIECE_VALUES = 2**21
"""Membranes that are computed in one piece outside of training, so that memory stays bounded."""


@dataclass(frozen=True, eq=False)
class Pass:
    """What one forward pass leaves for the backward pass.

    scores: (batch, outputs), whole numbers unless a layer has real weights
    logits: (batch, outputs), scores per step in real units times the gain
    counts: (batch, values) the signal of the last spiking layer, summed over the steps
    traces: one per spiking layer
    """

    scores: Float
    logits: Float
    counts: Float
    traces: tuple[Trace, ...]

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


def _rate(spikes: NDArray[Any]) -> float:
    """Return the mean of spikes; 0 where a batch has no samples."""
    return float(spikes.mean()) if spikes.size else 0.0


class Network:
    """A chain of spiking layers with a readout.

    sizes:       inputs, hidden neurons, outputs: at least two whole numbers; inputs and outputs
                 alone where `layers` says the hidden layers
    bits:        of the weights, for all layers or one per layer (the output's included):
                 2 (ternary), 4, 8, 16, or None for real weights, the float network
    steps:       T; None for 1 where neurons emit counts, else 8
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
    layers:      the hidden layers in the notation of qat.model.notation, such as
                 "32c3-p2-32c3v-64"; convolutions need a grid
    grid:        (height, width, channels) of the map on which the inputs lie
    neuron:      "lif", or "burst": neurons without memory that emit a count; these, and every
                 layer of a network with convolutions, have a batch norm before them, which folds
                 into thresholds, one or more a channel
    levels:      the largest count of a neuron in one step, 1 to 7; None for 1, burst 3
    seed:        of the initial weights

    Raises ValueError for anything else.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        bits: int | Sequence[int | None] | None = 2,
        steps: int | None = None,
        *,
        layers: str | None = None,
        grid: Shape | Sequence[int] | None = None,
        neuron: Literal["lif", "burst"] = "lif",
        levels: int | None = None,
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
        _require_known(
            neuron=(neuron, NEURONS),
            readout=(readout, READOUTS),
            input=(input, INPUTS),
            scale=(scale, ("layer", "neuron")),
            threshold=(threshold, ("layer", "neuron")),
            surrogate=(surrogate, SURROGATES),
        )
        row = NEURONS[neuron]
        self.neuron = neuron
        self.levels = integer("Network.levels", row.levels if levels is None else levels, 1, 7)
        self.steps = integer("Network.steps", row.steps if steps is None else steps, 1, 2**24)
        ends, self.notes = _layout(sizes, layers)
        self.grid = _grid(grid, ends[0], self.notes)
        self.ends = ends
        self.bits = _bits_per_layer(bits, len(self.notes) + 1)
        self.readout, self.input = readout, input
        self.event_threshold = event_threshold
        self.scale, self.threshold, self.bias = scale, threshold, bias
        self.surrogate, self.detach_reset = surrogate, detach_reset
        self.dynamics = dynamics_of(
            leak, reset, membrane_bits, self.levels if neuron == "lif" else 1
        )
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
        accumulate, classes = self.readout == "accumulate", self.ends[1]
        if accumulate and not self.notes:
            raise ValueError("Network.sizes: an accumulating readout needs a hidden layer")
        plan = Plan(
            self.notes if accumulate else (*self.notes, LayerNote(classes)),
            self.bits,
            self.encoder.reads_shape,
            self._inflow(),
            self.steps,
            classes if accumulate else None,
            self.neuron,
            self.levels,
            self._of_neurons(),
            self.scale,
            self.bias,
        )
        self.normalised = plan.normalised
        self.layers, self.head = plan.twins()

    def _of_neurons(self) -> dict[str, Any]:
        """Return the settings of neurons, for those that have them."""
        return {
            "thresholds": self.threshold,
            "dynamics": self.dynamics,
            "surrogate": self.surrogate,
            "detach_reset": self.detach_reset,
            "resolution": self.resolution,
        }

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, of values that each hidden layer sends, of outputs."""
        hidden = self.layers if self.head is not None else self.layers[:-1]
        return self.ends[0], *(twin.sends for twin in hidden), self.ends[1]

    def _initial(self, rng: np.random.Generator) -> Parameters:
        named = [(f"{i}.{name}", value) for i, twin in enumerate(self.twins)
                 for name, value in twin.initial(rng).items()]  # fmt: skip
        gain = READOUTS[self.readout] / (self.layers[-1].levels if self.normalised else 1)
        return dict(named) | {"log_gain": np.log(np.float32(gain))}

    def settings(self) -> dict[str, Any]:
        """Return what the network was made with, as plain JSON values."""
        dynamics = self.dynamics
        more: dict[str, Any] = {}  # what networks of dense layers and one spike a step go without
        if on_maps(self.notes):
            more = {"layers": written(self.notes)}
        if self.grid is not None:
            more["grid"] = list(self.grid.sides)
        if self.neuron != "lif" or self.levels > 1:
            more |= {"neuron": self.neuron, "levels": self.levels}
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
            **more,
        }

    @property
    def _weights(self) -> int:
        return sum(int(np.prod(twin.synapse.weights)) for twin in self.twins)

    def training_bytes(self, batch: int) -> int:
        """Return about how much memory training with batches of this many samples takes."""
        once = self.encoder.held and not self.encoder.spiking
        inputs = self.encoder.lines * (1 if once else self.steps)
        neurons = sum(twin.n_out for twin in self.layers)
        return BYTES_PER_WEIGHT * self._weights + 4 * batch * (
            2 * inputs + VALUES_PER_NEURON * self.steps * neurons
        )

    @property
    def products(self) -> int:
        """Products that the currents of one inference take."""
        once = self.encoder.held and not self.encoder.spiking
        return sum(
            twin.synapse.products * (1 if once and i == 0 else self.steps)
            for i, twin in enumerate(self.twins)
        )

    @property
    def twins(self) -> tuple[LayerTwin | AccumulateTwin, ...]:
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
            self.ends[0],
            input_range,
            steps=self.steps,
            event_threshold=self.event_threshold,
            grid=self.grid,
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
        wanted = (self.ends[0],) if held else (self.steps, self.ends[0])
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
        other.bits = _bits_per_layer(bits, len(self.notes) + 1)
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
        self,
        x: NDArray[Any],
        constants: tuple[Constants, ...],
        spike: Spike = heaviside,
        *,
        training: bool = False,
    ) -> Pass:
        """Run a batch that `check` has accepted.

        spike:    other than the step, it checks gradients
        training: batch norms take the moments of this batch
        """
        signal = time_major(self.encode(x))
        traces = []
        for i, (twin, folded) in enumerate(zip(self.layers, constants, strict=False)):
            own = self.of_layer(self.parameters, i) if training else None
            trace = twin.forward(folded, signal, spike, own)
            traces.append(trace)
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
            twin, trace = self.layers[i], run.traces[i]
            if d_rates is not None:
                d_spikes = d_spikes + d_rates[i] / (self.steps * len(d_logits))
            parameters = self.of_layer(self.parameters, i)
            own, d_current = twin.backward(parameters, trace, d_spikes)
            gradients |= _numbered(i, own)
            if i:
                d_spikes = twin.input_gradient(trace.constants, d_current)
        return gradients

    # ------------------------------------------------------------------- use

    def pieces(self, x: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield consecutive parts of a batch, each of bounded memory."""
        widest = max(self.ends[0], *(twin.n_out for twin in self.twins))
        size = max(1, PIECE_VALUES // (widest * self.steps))
        for i in range(0, max(len(x), 1), size):
            yield x[i : i + size]

    def run(self, x: ArrayLike) -> Response:
        """Return scores, predictions and all spikes; ValueError as `check` raises it."""
        constants = self.fold()
        passes = [self.forward(piece, constants) for piece in self.pieces(self.check(x))]
        scores = np.concatenate([p.scores for p in passes])
        spikes = tuple(
            np.rint(np.concatenate(layer, axis=1).transpose(1, 0, 2)).astype(dtype)
            for dtype, layer in zip(
                self._signal_dtypes(),
                zip(*([t.spikes for t in p.traces] for p in passes), strict=True),
                strict=True,
            )
        )
        return Response(scores, scores.argmax(axis=1), spikes)

    def _signal_dtypes(self) -> list[type[Any]]:
        most = [twin.levels for twin in self.layers]
        return [np.bool_ if n == 1 else np.uint8 if n < 256 else np.uint16 for n in most]

    def measured(self, x: NDArray[Any]) -> Parameters:
        """Return the parameters with moments of the batch norms as they are on these inputs.

        x: as `check` has accepted it; MEASURED of them at most are taken, spread over all
        """
        if not self.normalised or not len(x):
            return self.parameters
        constants, chosen = self.fold(), np.random.RandomState(0).permutation(len(x))[:MEASURED]
        parts = max(1, len(chosen) // AT_ONCE)
        passes = [
            self._moments(x[part], constants) for part in np.array_split(np.sort(chosen), parts)
        ]
        found = dict(self.parameters)
        for i, of_layer in enumerate(zip(*passes, strict=True)):
            moments = Moments.together(list(of_layer))
            found |= _numbered(i, moments.as_parameters(self._dtype))
        return found

    def _moments(self, x: NDArray[Any], constants: tuple[Constants, ...]) -> list[Moments]:
        traces = self.forward(x, constants, training=True).traces
        return [trace.moments for trace in traces if trace.moments is not None]

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the class of every sample, (batch,) int64; ValueError as `check` raises it."""
        constants = self.fold()
        scores = [self.forward(piece, constants).scores for piece in self.pieces(self.check(x))]
        return np.concatenate(scores).argmax(axis=1)


def _layout(
    sizes: Sequence[int], layers: str | None
) -> tuple[tuple[int, int], tuple[LayerNote, ...]]:
    """Return (inputs, outputs) and the hidden layers."""
    checked = tuple(integer("Network.sizes", n, 1, 2**24) for n in sizes)
    if len(checked) < 2:
        raise ValueError(f"Network.sizes: found {list(sizes)}; needs inputs and outputs")
    ends = checked[0], checked[-1]
    if layers is None:
        return ends, dense(checked[1:-1])
    if len(checked) > 2:
        raise ValueError(
            f"Network.sizes: found {list(sizes)} besides layers {layers!r}; give inputs and "
            "outputs alone"
        )
    return ends, parse(layers)


def _grid(
    grid: Shape | Sequence[int] | None, inputs: int, notes: tuple[LayerNote, ...]
) -> Shape | None:
    """Return the map of the inputs, None where no layer looks at it."""
    if not on_maps(notes):
        return None
    if grid is None:
        raise ValueError(
            f"Network.grid: layers {written(notes)!r} need a map; give (height, width, channels) "
            f"of the {inputs} inputs"
        )
    shape = grid if isinstance(grid, Shape) else Shape(*grid)
    if shape.size != inputs:
        raise ValueError(
            f"Network.grid: a map of {shape} has {shape.size} values; there are {inputs} inputs"
        )
    return shape


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
