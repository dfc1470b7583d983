"""A trainable spiking network whose forward pass is the integer model's."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from qat.machine.memory import require
from qat.model import FrontEnd, Shape
from qat.model.checks import integer
from qat.model.inputs import Input
from qat.model.integrator import Score
from qat.model.leak import leak_terms
from qat.model.leaky import Reset
from qat.model.notation import LayerNote, in_time, on_maps, recurring, written
from qat.train.fold import SPIKES, Inflow
from qat.train.inflow import INPUTS, input_record
from qat.train.leaky import dynamics_of
from qat.train.neuron import Granularity
from qat.train.neurons import NEURONS
from qat.train.norm import Parameters
from qat.train.settings import (
    adaptation,
    bits_per_layer,
    check_edges,
    damping_of,
    edged,
    grid_of,
    integrator_of,
    layout_of,
    leak_classes,
    require_known,
    reset_value,
    synaptic_leak,
    truncated,
)
from qat.train.structure import Plan
from qat.train.surrogate import SURROGATES
from qat.train.trainable import BYTES_PER_WEIGHT, Trainable

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


class Network(Trainable):
    """A chain of spiking layers with a readout.

    sizes:       inputs, hidden neurons, outputs: at least two whole numbers; inputs and outputs
                 alone where `layers` says the hidden layers
    bits:        of the weights, for all layers or one per layer (the output's included):
                 2 (ternary), 4, 8, 16, or None for real weights, the float network
    steps:       T; None for 1 where neurons emit counts, else 8
    leak:        signed shifts as in qat.model.LIF; () for integrate-and-fire
    leaks:       2 to 8 of them, over which the neurons of every hidden layer are spread evenly, in
                 place of the one: some forget soon and others late. None for `leak` alone, which
                 an output layer that spikes has in any case
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
        leaks: Sequence[tuple[int, ...]] | None = None,
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
        self.readout, self.input, self.event_threshold = readout, input, event_threshold
        self._set_layers(sizes, layers, grid, recurrent, delays)
        self.bits = bits_per_layer(bits, len(self.notes) + 1)
        self.integrator = integrator_of(readout, score, readout_leak, readout_threshold)
        self.scale, self.threshold, self.bias, self.norm = scale, threshold, bias, norm
        self.surrogate, self.detach_reset = surrogate, detach_reset
        self.truncate, self.damping = truncated(truncate), damping_of(damping)
        most = 1 if neuron == "burst" else self.levels
        self.dynamics = dynamics_of(leak, reset, membrane_bits, most)
        self.leak, self.leaks = leak_terms(leak), leak_classes(neuron, leaks)
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

    def _set_layers(
        self,
        sizes: Sequence[int],
        layers: str | None,
        grid: Shape | Sequence[int] | None,
        recurrent: bool,
        delays: int,
    ) -> None:
        self.ends, notes = layout_of(sizes, layers)
        row = INPUTS[self.input]
        self.notes, self.delays = edged(notes, recurrent, delays, row.spiking), delays
        check_edges(self.notes, self.neuron, row.held, row.spiking)
        self.grid = grid_of(grid, self.ends[0], self.notes)

    def _build(self, input_range: tuple[int, int]) -> None:
        self.encoder = self._encoder(input_range)
        weighted, classes = self.head_reads, self.ends[1]
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
        self.chain = plan.chain(self._each(plan))

    def _each(self, plan: Plan) -> list[Plan] | None:
        """Return the plan of every layer, where an output layer that spikes has another leak."""
        if not self.leaks or self.head_reads:
            return None
        output = replace(plan, settings={**plan.settings, "leaks": ()})
        return [*[plan] * (len(plan.notes) - 1), output]

    @property
    def head_reads(self) -> bool:
        """True if the scores are those of weights, and every layer of neurons is a hidden one."""
        return self.readout != "count"

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
            **({"leaks": self.leaks} if self.leaks else {}),
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
        return {
            "sizes": list(self.sizes),
            "bits": list(self.bits),
            "steps": self.steps,
            "leak": list(self.leak),
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
            **self._further_settings(),
        }

    def _further_settings(self) -> dict[str, Any]:
        """Return those that networks of dense layers with one spike a step go without."""
        found: dict[str, Any] = {}
        if on_maps(self.notes) or in_time(self.notes):
            found["layers"] = written(self.notes)
        found |= {
            name: getattr(self, name) for name, usual in IN_TIME if getattr(self, name) != usual
        }
        if self.grid is not None:
            found["grid"] = list(self.grid.sides)
        if self.neuron != "lif" or self.levels > 1:
            found |= {"neuron": self.neuron, "levels": self.levels}
        if self.leaks:
            found["leaks"] = [list(leak) for leak in self.leaks]
        if self.leak_c is not None:
            found["leak_c"] = list(self.leak_c)
        found |= self.adaptation
        if self.integrator is not None:
            own = self.integrator
            found |= {"score": own["score"], "readout_leak": list(own["leak"]),
                      "readout_threshold": own["threshold"]}  # fmt: skip
        if self.dynamics.reset == "value":
            found["reset_to"] = self.reset_to
        return found

    @property
    def recurrent(self) -> bool:
        """True if a layer has a recurrent edge."""
        return recurring(self.notes)

    @property
    def is_float(self) -> bool:
        """True if a layer has real weights, so that the network cannot be exported."""
        return None in self.bits

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

    def with_bits(self, bits: int | Sequence[int | None] | None) -> Network:
        """Return a network with these parameters and other bits: quantization after training.

        bits: as for the constructor. What `fit` reported stays behind, for it no longer holds.
        """
        other = copy(self)
        other.bits = bits_per_layer(bits, len(self.notes) + 1)
        other.report = {}
        other._build(self.input_range or (0, 1))
        return other
