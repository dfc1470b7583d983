"""The twins of a network, from the notation of its layers and the settings of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qat.model import INPUT, Shape
from qat.model.notation import LayerNote, chained
from qat.train.chain import Chain
from qat.train.delays import DelayTwin
from qat.train.edges import EdgeTwin
from qat.train.fold import Inflow
from qat.train.heads import AccumulateTwin, LITwin
from qat.train.neuron import Granularity
from qat.train.neurons import NEURONS
from qat.train.pooling import pool_twin
from qat.train.surrogate import RECURRENT, SLOPE
from qat.train.synapses import DenseTwin, synapse_twin
from qat.train.twins import LayerTwin

FRACTION_BITS = 4
"""Of the bias of a readout behind a batch norm."""


@dataclass(frozen=True)
class Plan:
    """What twins are made of.

    notes:   every layer of neurons, in order; the classes, too, where they spike
    bits:    of every layer's weights, then of an accumulating readout's
    given:   the shape that the first layer reads, as `inflow`
    classes: outputs of an accumulating readout, None where the last layer's counts are the scores
    neuron:  a row of NEURONS, and its settings
    norm:    batch norms before the neurons, whatever these are
    integrator: settings of leaky integrators; None for a readout that accumulates
    """

    notes: tuple[LayerNote, ...]
    bits: tuple[int | None, ...]
    given: Shape
    inflow: Inflow
    steps: int
    classes: int | None
    neuron: str
    levels: int
    settings: dict[str, Any]
    scale: Granularity
    bias: bool | None
    norm: bool = False
    integrator: Mapping[str, Any] | None = None

    @property
    def normalised(self) -> bool:
        """True if batch norms stand before the neurons: where a convolution is, or counts are."""
        needed = NEURONS[self.neuron].normalised or any(n.extent is not None for n in self.notes)
        return self.norm or needed

    def chain(self, each: Sequence[Plan] | None = None) -> Chain:
        """Return the layers and the readout; ValueError for layers that do not fit their maps.

        each: the plan of every layer, where these differ in neurons, scales or biases
        """
        shapes, layers = chained(self.notes, self.given), []
        inflows = {INPUT: self.inflow}
        for index, bits in enumerate(self.bits[: len(self.notes)]):
            plan = self if each is None else each[index]
            twin = plan._layer(index, bits, shapes, inflows)
            layers.append(twin)
            inflows[index] = Inflow(0, twin.levels)
        last = inflows[len(layers) - 1]
        head = None if self.classes is None else self._head(shapes[-1], last, self.classes)
        return Chain(tuple(layers), head, self.steps, self.normalised)

    def _head(self, given: Shape, inflow: Inflow, classes: int) -> AccumulateTwin:
        settings: dict[str, Any] = {
            "bits": self.bits[-1],
            "bias": self.bias is not False,
            "fraction_bits": FRACTION_BITS if self.normalised else 0,
        }
        dense = DenseTwin(given.size, classes)
        if self.integrator is None:
            return AccumulateTwin(dense, inflow, self.steps, **settings)
        return LITwin(dense, inflow, self.steps, **settings, **self.integrator)

    def _layer(
        self,
        index: int,
        bits: int | None,
        shapes: tuple[Shape, ...],
        inflows: Mapping[int, Inflow],
    ) -> LayerTwin:
        """Return a layer.

        shapes:  what the input sends, then every layer; inflows: the same as numbers, by source
        """
        row, note, given, inflow = (
            NEURONS[self.neuron], self.notes[index], shapes[index], inflows[index - 1],
        )  # fmt: skip
        synapse = synapse_twin(note, given)
        delays = None
        if note.delay:
            delays = DelayTwin(synapse.in_channels, 0, note.delay, bits is not None)
        return LayerTwin(
            synapse,
            inflow,
            self.steps,
            bits,
            self.scale,
            not inflow.spiking if self.bias is None else self.bias,
            neuron=row.make(self.steps, bits, self.levels, **self._settings_of(note)),
            pool=pool_twin(note.pool, note.currents(given)),
            normalised=self.normalised,
            delays=delays,
            more=tuple(self._edges(index, bits, shapes, inflows)),
        )

    def _settings_of(self, note: LayerNote) -> dict[str, Any]:
        """Return the settings of a layer's neurons; recurrent ones have their own surrogate."""
        damping = self.settings["damping"] or (RECURRENT if note.recurrent else (1.0, SLOPE))
        return {**self.settings, "damping": damping}

    def _edges(
        self,
        index: int,
        bits: int | None,
        shapes: tuple[Shape, ...],
        inflows: Mapping[int, Inflow],
    ) -> Iterator[EdgeTwin]:
        """Yield the further edges of a layer: recurrent first, then those that skip layers."""
        note, size = self.notes[index], self.notes[index].currents(shapes[index]).size
        if note.recurrent:
            own = Inflow(0, self.levels)
            delays = DelayTwin(size, 1, note.recurrent, bits is not None)
            yield EdgeTwin(1, DenseTwin(size, size), index, True, own, bits, delays)
        for number, source in enumerate(note.skips, 1 + bool(note.recurrent)):
            n_in, inflow = shapes[source + 1].size, inflows[source]
            longest = note.delay if inflow.spiking else 0
            delays = DelayTwin(n_in, 0, longest, bits is not None)
            yield EdgeTwin(number, DenseTwin(n_in, size), source, False, inflow, bits, delays)
