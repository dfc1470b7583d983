"""The twins of a network, from the notation of its layers and the settings of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qat.model import Shape
from qat.model.notation import LayerNote, chained
from qat.train.chain import Chain
from qat.train.fold import Inflow
from qat.train.neurons import NEURONS, Granularity
from qat.train.pooling import pool_twin
from qat.train.synapses import DenseTwin, synapse_twin
from qat.train.twins import AccumulateTwin, LayerTwin

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

    @property
    def normalised(self) -> bool:
        """True if batch norms stand before the neurons: where a convolution is, or counts are."""
        return NEURONS[self.neuron].normalised or any(n.extent is not None for n in self.notes)

    def chain(self) -> Chain:
        """Return the layers and the readout; ValueError for layers that do not fit their maps."""
        shapes, inflow, layers = chained(self.notes, self.given), self.inflow, []
        for note, bits, given in zip(self.notes, self.bits, shapes, strict=False):
            twin = self._layer(note, bits, given, inflow)
            layers.append(twin)
            inflow = Inflow(0, twin.levels)
        head = None if self.classes is None else self._head(shapes[-1], inflow, self.classes)
        return Chain(tuple(layers), head, self.steps, self.normalised)

    def _head(self, given: Shape, inflow: Inflow, classes: int) -> AccumulateTwin:
        return AccumulateTwin(
            DenseTwin(given.size, classes),
            inflow,
            self.steps,
            self.bits[-1],
            "layer",
            self.bias is not False,
            FRACTION_BITS if self.normalised else 0,
        )

    def _layer(self, note: LayerNote, bits: int | None, given: Shape, inflow: Inflow) -> LayerTwin:
        row = NEURONS[self.neuron]
        return LayerTwin(
            synapse_twin(note, given),
            inflow,
            self.steps,
            bits,
            self.scale,
            not inflow.spiking if self.bias is None else self.bias,
            neuron=row.make(self.steps, bits, self.levels, **self.settings),
            pool=pool_twin(note.pool, note.currents(given)),
            normalised=self.normalised,
        )
