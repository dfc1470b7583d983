"""A trainable spiking network whose forward pass is the integer model's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.machine.memory import require
from qat.model import FrontEnd, Shape
from qat.model.checks import integer
from qat.model.inputs import Input
from qat.model.integrator import Score
from qat.model.leaky import Reset
from qat.model.notation import LayerNote, in_time, on_maps, recurring, written
from qat.train.chain import Pass, Response
from qat.train.fold import SPIKES, Constants, Float, Inflow
from qat.train.heads import AccumulateTwin
from qat.train.inflow import INPUTS, accepted, input_record, time_major
from qat.train.leaky import dynamics_of
from qat.train.lif import Spike
from qat.train.neuron import Granularity
from qat.train.neurons import NEURONS
from qat.train.norm import Moments, Parameters
from qat.train.settings import (
    adaptation,
    bits_per_layer,
    check_edges,
    damping_of,
    edged,
    grid_of,
    integrator_of,
    layout_of,
    require_known,
    reset_value,
    synaptic_leak,
    truncated,
)
from qat.train.structure import Plan
from qat.train.surrogate import SURROGATES, heaviside
from qat.train.twins import LayerTwin

READOUTS = {"accumulate": 4.0, "count": 8.0, "li": 4.0}
"""Readouts, each with the initial gain from its score per step to a logit; it is learned."""

IN_TIME = (
    ("norm", False),
    ("recurrent", False),
    ("delays", 0),
    ("truncate", 0),
    ("damping", None),
)
"""Settings that are told only where they are not as ever, so that older runs can be resumed."""

BYTES_PER_WEIGHT = 32
"""Weights, their gradient, the two moments of Adam, codes, and what forms the next of each."""

VALUES_PER_NEURON = 4
"""Numbers kept per neuron and step in training: u, spikes, the current and the gradient."""

MEASURED, AT_ONCE = 4096, 256
"""Samples by which the moments of batch norms are measured, and how many of them make a batch."""

PIECE_VALUES = 2**21
"""Membranes that are computed in one piece outside of training, so that memory stays bounded."""


class Network:
    """A chain of spiking layers with a readout.

    sizes:       inputs, hidden neurons, outputs: at least two whole numbers; inputs and outputs
                 alone where `layers` says the hidden layers
    bits:        of the weights, for all layers or one per layer (the output's included):
                 2 (ternary), 4, 8, 16, or None for real weights, the float network
    steps:       T; None for 1 where neurons emit counts, else 8
    leak:        signed shifts as in qat.model.LIF; () for integrate-and-fire
    reset:       "subtract", "zero", "late": zero in the next step, whatever flows in then; or
                 "value": a spike leaves `reset_to`
    reset_to:    the real membrane that it leaves then; thresholds begin at 1
    readout:     "accumulate": the output layer does not spike, its summed current is the score;
                 "count": it spikes, and the count is the score; "li": its currents flow into
                 leaky integrators
    score:       of "li": their "last" membrane, its "max" or "sum" over the steps, or "first": the
                 membranes when the first of them reaches readout_threshold; see qat.model.LI
    readout_leak: of "li", signed shifts; () for none
    readout_threshold: the real membrane at which score "first" ends; None for 1
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
    neuron:      "lif", "cuba": a synaptic current that leaks flows into the membrane, "alif":
                 spikes raise a neuron's threshold for some steps, or "burst": neurons without
                 memory that emit a count; these, and every layer of a network with convolutions,
                 have a batch norm before them, which folds into thresholds, one or more a channel
    leak_c:      of "cuba", the leak of the synaptic current, signed shifts; None for (2,)
    leak_b:      of "alif", k: what raises a threshold loses 2**-k of itself a step; None for 4
    raise_by:    of "alif", by which part of the threshold a spike raises it; None for 0.25
    levels:      the largest count of a neuron in one step, 1 to 7; None for 1, burst 3
    norm:        a batch norm before the neurons of every layer, also of dense ones that leak
    recurrent:   every hidden dense layer reads what it sent in the step before (in notation: 64r)
    delays:      the longest delay, 0 to 31 steps, of what layers read: learned, one for each
                 source neuron or spike input; of recurrent edges likewise, from 1 (64t15r15)
    truncate:    steps after which membranes and recurrent edges pass no gradient on; None for
                 backpropagation through all steps. Delays of other layers pass it in any case
    damping:     (amplitude, slope) of the surrogate; None for (1, 1.5), of recurrent layers
                 qat.train.surrogate.RECURRENT
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
        neuron: Literal["lif", "cuba", "alif", "burst"] = "lif",
        leak_c: tuple[int, ...] | None = None,
        leak_b: int | None = None,
        raise_by: float | None = None,
        levels: int | None = None,
        leak: tuple[int, ...] = (3,),
        reset: Reset = "subtract",
        reset_to: float | None = None,
        readout: Literal["accumulate", "count", "li"] = "accumulate",
        score: Score = "last",
        readout_leak: tuple[int, ...] = (3,),
        readout_threshold: float | None = None,
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
        norm: bool = False,
        recurrent: bool = False,
        delays: int = 0,
        truncate: int | None = None,
        damping: Sequence[float] | None = None,
        seed: int = 0,
    ) -> None:
        require_known(
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
        ends, notes = layout_of(sizes, layers)
        spiking, held = INPUTS[input].spiking, INPUTS[input].held
        self.notes = edged(notes, recurrent, delays, spiking)
        check_edges(self.notes, neuron, held, spiking)
        self.norm, self.delays, self.truncate = norm, delays, truncated(truncate)
        self.damping = damping_of(damping)
        self.grid = grid_of(grid, ends[0], self.notes)
        self.ends = ends
        self.bits = bits_per_layer(bits, len(self.notes) + 1)
        self.readout, self.input = readout, input
        self.integrator = integrator_of(readout, score, readout_leak, readout_threshold)
        self.event_threshold = event_threshold
        self.scale, self.threshold, self.bias = scale, threshold, bias
        self.surrogate, self.detach_reset = surrogate, detach_reset
        self.dynamics = dynamics_of(
            leak, reset, membrane_bits, 1 if neuron == "burst" else self.levels
        )
        self.leak_c = synaptic_leak(neuron, leak_c)
        self.adaptation = adaptation(neuron, leak_b, raise_by, self.levels)
        self.reset_to = reset_value(reset, reset_to)
        self.resolution = resolution
        if resolution is not None:
            self.resolution = integer("Network.resolution", resolution, 1, 2**16)
        self.input_range = None if input_range is None else self._checked_range(input_range)
        self._build(self.input_range or (0, 1))
        require("Network", BYTES_PER_WEIGHT * self.chain.weights, "use fewer neurons")
        self.seed = seed
        self.parameters = self._initial()
        self.report: dict[str, Any] = {}
        self.sensor: FrontEnd | None = None  # how samples become its inputs, once it is trained

    # ------------------------------------------------------------- structure

    def _build(self, input_range: tuple[int, int]) -> None:
        self.encoder = self._encoder(input_range)
        weighted, classes = self.readout != "count", self.ends[1]
        if weighted and not self.notes:
            raise ValueError("Network.sizes: a readout with weights needs a hidden layer")
        plan = Plan(
            self.notes if weighted else (*self.notes, LayerNote(classes, delay=self._late)),
            self.bits,
            self.encoder.reads_shape,
            self._inflow(),
            self.steps,
            classes if weighted else None,
            self.neuron,
            self.levels,
            self._of_neurons(),
            self.scale,
            self.bias,
            self.norm,
            self.integrator,
        )
        self.chain = plan.chain()

    @property
    def _late(self) -> int:
        """The longest delay of what an output layer that spikes reads."""
        return self.delays if self.notes or self.encoder.spiking else 0

    def _of_neurons(self) -> dict[str, Any]:
        """Return the settings of neurons, for those that have them."""
        return {
            "thresholds": self.threshold,
            "dynamics": self.dynamics,
            "surrogate": self.surrogate,
            "detach_reset": self.detach_reset,
            "resolution": self.resolution,
            "reset_to": self.reset_to,
            "damping": self.damping,
            "truncate": self.truncate,
            **({} if self.leak_c is None else {"leak_c": self.leak_c}),
            **self.adaptation,
        }

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, of values that each hidden layer sends, of outputs."""
        hidden = self.layers if self.head is not None else self.layers[:-1]
        return self.ends[0], *(twin.sends for twin in hidden), self.ends[1]

    def _initial(self) -> Parameters:
        return self.chain.initial(np.random.default_rng(self.seed), READOUTS[self.readout])

    def settings(self) -> dict[str, Any]:
        """Return what the network was made with, as plain JSON values."""
        dynamics = self.dynamics
        more: dict[str, Any] = {}  # what networks of dense layers and one spike a step go without
        if on_maps(self.notes) or in_time(self.notes):
            more = {"layers": written(self.notes)}
        more |= {
            name: getattr(self, name) for name, usual in IN_TIME if getattr(self, name) != usual
        }
        if self.grid is not None:
            more["grid"] = list(self.grid.sides)
        if self.neuron != "lif" or self.levels > 1:
            more |= {"neuron": self.neuron, "levels": self.levels}
        if self.leak_c is not None:
            more["leak_c"] = list(self.leak_c)
        more |= self.adaptation
        if self.integrator is not None:
            own = self.integrator
            more |= {"score": own["score"], "readout_leak": list(own["leak"]),
                     "readout_threshold": own["threshold"]}  # fmt: skip
        if dynamics.reset == "value":
            more["reset_to"] = self.reset_to
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

    def training_bytes(self, batch: int) -> int:
        """Return about how much memory training with batches of this many samples takes."""
        inputs = self.encoder.lines * self._input_steps
        neurons = sum(twin.n_out for twin in self.layers)
        inputs += sum(self._copies(twin) for twin in self.layers)
        return BYTES_PER_WEIGHT * self.chain.weights + 4 * batch * (
            2 * inputs + VALUES_PER_NEURON * self.steps * neurons
        )

    def _copies(self, twin: LayerTwin) -> int:
        """Return the values of delayed signals that training keeps of a layer, over all steps."""
        late = [twin.n_in] if twin.delays is not None else []
        return self.steps * sum((*late, *(edge.synapse.n_in for edge in twin.more)))

    @property
    def recurrent(self) -> bool:
        """True if a layer has a recurrent edge."""
        return recurring(self.notes)

    @property
    def products(self) -> int:
        """Products that the currents of one inference take."""
        return self.chain.products(self._input_steps)

    @property
    def _input_steps(self) -> int:
        """Steps in which the first layer's currents are computed: one, where they are held."""
        return 1 if self.encoder.held and not self.encoder.spiking else self.steps

    @property
    def layers(self) -> tuple[LayerTwin, ...]:
        """The layers that spike."""
        return self.chain.layers

    @property
    def head(self) -> AccumulateTwin | None:
        """The readout that accumulates; None where the last layer's counts are the scores."""
        return self.chain.head

    @property
    def twins(self) -> tuple[LayerTwin | AccumulateTwin, ...]:
        """Every layer with weights, the readout included."""
        return self.chain.twins

    @property
    def normalised(self) -> bool:
        """True if batch norms stand before the neurons."""
        return self.chain.normalised

    @property
    def is_float(self) -> bool:
        """True if a layer has real weights, so that the network cannot be exported."""
        return None in self.bits

    def of_layer(self, values: Parameters, index: int) -> Parameters:
        """Return the entries of `values` that belong to a layer, without its number."""
        return self.chain.of_layer(values, index)

    def constrained(self, parameters: Parameters) -> Parameters:
        """Return the parameters within the ranges that their layers allow."""
        return self.chain.constrained(parameters)

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
                self.parameters = self._initial()

    def encode(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what the first layer receives of a batch that `check` has accepted."""
        return self.encoder.encode(x, self.steps)

    def check(self, x: ArrayLike) -> NDArray[Any]:
        """Return `x` as an array this network accepts, or raise ValueError.

        x: (batch, inputs) for analog input, else (batch, steps, inputs); whole numbers
        """
        if self.input_range is None and self.input != "spikes":
            raise ValueError("Network.input_range: is not known yet; train first, or give it")
        return accepted(x, self.encoder, self.steps, self.input)

    def with_bits(self, bits: int | Sequence[int | None] | None) -> Network:
        """Return a network with these parameters and other bits: quantization after training.

        bits: as for the constructor. What `fit` reported stays behind, for it no longer holds.
        """
        other = copy(self)
        other.bits = bits_per_layer(bits, len(self.notes) + 1)
        other.report = {}
        other._build(self.input_range or (0, 1))
        return other

    # ------------------------------------------------------- forward, backward

    def fold(self) -> tuple[Constants, ...]:
        """Return the integer model's constants for every twin; call it once per weight update."""
        return self.chain.fold(self.parameters)

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
        return self.chain.forward(self.parameters, constants, signal, spike, training)

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
        return self.chain.backward(self.parameters, constants, run, d_logits, d_rates)

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
                self.chain.signal_dtypes(),
                zip(*([t.spikes for t in p.traces] for p in passes), strict=True),
                strict=True,
            )
        )
        return Response(scores, scores.argmax(axis=1), spikes)

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
        return self.chain.together(self.parameters, passes)

    def _moments(self, x: NDArray[Any], constants: tuple[Constants, ...]) -> list[Moments]:
        traces = self.forward(x, constants, training=True).traces
        return [trace.moments for trace in traces if trace.moments is not None]

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the class of every sample, (batch,) int64; ValueError as `check` raises it."""
        constants = self.fold()
        scores = [self.forward(piece, constants).scores for piece in self.pieces(self.check(x))]
        return np.concatenate(scores).argmax(axis=1)
