"""A row of the table of kernels: what it serves, what plans its stage, what its parts cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codegen.kernels.common import has_pool
from codegen.kernels.features import Features
from codegen.kernels.load import Load
from codegen.kernels.stage import Layer, Readout
from qat.model import LIF, Dense, Model, Neuron, Synapse

SPIKES, LEVELS, BYTES, COUNTS, SENT = "spikes", "levels", "bytes", "counts", "sent"
"""What an input may be: a signal of spikes, a signal of counts, bytes, or what a readout reads: the
last signal, summed over the steps, or step by step."""

PARTS = {
    SPIKES: ("spikes",),
    LEVELS: ("spikes",),
    BYTES: ("currents", "held"),
    COUNTS: ("readout",),
    SENT: ("readout",),
}
"""The parts of an inference that a stage has, by what it reads."""

NEURONS = ("spikes", "held")
"""Parts in which membranes are computed."""

Count = Callable[[Any, Load], Features]
"""Returns the features of a stage for what it meets."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Kernel:
    """What there is to know of a kernel; its folder holds what computes it.

    bits:    of the weights that it serves
    reads:   what its input may be: SPIKES, LEVELS, BYTES, COUNTS, SENT
    layer:   returns the stage of layer `index` of a model; None where it computes no layers
    readout: returns the stage of a model's readout; None where it computes no readout
    costs:   {part: what counts its features}, for the PARTS of what it reads
    family:  of its neurons: the coefficients of kernels that compute them alike are fitted together
    alike:   {part: the kind whose C it is}, under which its coefficients are fitted
    small:   whether it takes far less flash than others for weights as a synapse's: for these it
             is worth a few instructions, for others it is left out. None: it is not made for that
    most:    neurons that it can serve, and inputs; 0: any number
    synapse: the record that it serves; None: it reads counts, and there are no weights
    neuron:  the records of the neurons behind it, in a layer
    spikes:  that such a neuron may emit in a step at most
    pools:   it computes what a pool leaves of a layer's spikes, of more than one position
    edges:   synapses of a layer that it computes, as the view of a model has them
    fits:    whether it can compute layer `index` of a model, of those that all this allows, or
             the readout, whose index is the number of layers
    together: returns the stages of all layers, with what several of its own share
    folder:  where its templates lie, layer.c.j2 and readout.c.j2, if not in this package
    """

    name: str
    bits: tuple[int, ...] = ()
    reads: tuple[str, ...]
    layer: Callable[[int, Model], Layer] | None = None
    readout: Callable[[Model], Readout] | None = None
    costs: Mapping[str, Count]
    family: str = ""
    alike: Mapping[str, str] = field(default_factory=dict)
    small: Callable[[Synapse], bool] | None = None
    most: tuple[int, int] = (0, 0)
    synapse: type[Synapse] | None = Dense
    neuron: tuple[type[Neuron], ...] = (LIF,)
    spikes: int = 1
    pools: bool = False
    edges: int = 1
    fits: Callable[[int, Model], bool] | None = None
    together: Callable[[Model, tuple[Layer, ...]], tuple[Layer, ...]] | None = None
    folder: Path | None = None

    def serves(self, synapse: Synapse, reads: str, neuron: Neuron | None = None) -> bool:
        """Return True if it can compute a synapse on such an input, and the neurons behind it."""
        neurons, inputs = self.most
        small = synapse.n_out <= (neurons or synapse.n_out) and synapse.n_in <= (
            inputs or synapse.n_in
        )
        kind = self.synapse is not None and isinstance(synapse, self.synapse)
        known = neuron is None or (isinstance(neuron, self.neuron) and neuron.most <= self.spikes)
        return kind and known and small and synapse.bits in self.bits and reads in self.reads

    def computes(self, index: int, model: Model) -> bool:
        """Return True if it can compute layer `index` of a model, on what that reads.

        model: as the kernels see it: behind its encoder
        """
        layer, reads = model.layers[index], layer_reads(index, model)
        if len(layer.edges) > self.edges:
            return False
        pooled = has_pool(layer.pool) and not self.pools
        return (
            not pooled
            and self.layer is not None
            and self.serves(layer.synapse, reads, layer.neuron)
            and (self.fits is None or self.fits(index, model))
        )

    def kind(self, part: str) -> str:
        """Return the name of what a part costs: "bitsliced spikes"."""
        return f"{self.name} {part}"

    def fitted_as(self, part: str) -> str:
        """Return the name under which the coefficients of a part stand."""
        if part in self.alike:
            return self.alike[part]
        return self.family if self.family and part in NEURONS else self.kind(part)


def layer_reads(index: int, model: Model) -> str:
    """Return what layer `index` reads: SPIKES, LEVELS or BYTES."""
    if index == 0 and not model.input.spiking:
        return BYTES
    return SPIKES if model.reads(index)[1] == 1 else LEVELS
