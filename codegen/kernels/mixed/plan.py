"""Stages of layers that read bytes and a signal: two synapses, sums and membranes in integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen.kernels.common import common, signal_field, source_of
from codegen.kernels.dense import dense
from codegen.kernels.memory import Scratch, Table
from codegen.kernels.neurons.integer import Constants, membranes, neuron_helpers, neurons_of
from codegen.kernels.pack import words_for
from codegen.kernels.plain.layer import PlainLayer
from codegen.kernels.plain.plan import byte_currents, columns, sum_helpers
from codegen.kernels.source import Source
from qat.model import Model


@dataclass(frozen=True, eq=False, kw_only=True)
class MixedLayer(PlainLayer):
    """A layer whose currents are those of a vector of bytes and of a signal.

    signal_source: what it reads of signals
    signal_bits, signal_fraction_bits: of the weights of that
    """

    signal_source: Source
    signal_bits: int
    signal_fraction_bits: int

    @property
    def takes_signal(self) -> bool:
        """True: it reads a signal beside its bytes."""
        return True


def fits(index: int, model: Model) -> bool:
    """Return True for a layer of two edges, as the view of a model has it."""
    return len(model.layers[index].more) == 1


def layer_stage(index: int, model: Model) -> MixedLayer:
    """Return the stage of a layer that reads bytes by its first edge, a signal by its second."""
    layer, bounds = model.layers[index], model.bounds().layers[index]
    synapse, signal, size = dense(layer.synapse), dense(layer.more[0].synapse), layer.size
    source = source_of(index, model)
    levels = model.reads(index)[1]
    read = Source(size=signal.n_in, words=words_for(signal.n_in), planes=levels.bit_length())
    shared = common(index, model, source)
    constants = Constants(index, model.name)
    bias = constants.text("bias", np.broadcast_to(synapse.bias, size))
    neurons = neurons_of(layer, bounds, constants)
    helpers = sum_helpers(synapse, source) | sum_helpers(signal, read)
    return MixedLayer(
        **shared,
        **neurons,
        kernel="mixed",
        tables=(
            Table(f"weights{index}", "a column per input", columns(synapse)),
            Table(f"weights{index}_1", "a column per value of the signal", columns(signal)),
            *constants.tables,
        ),
        fields=(
            *membranes(index, layer, bounds),
            signal_field(index, model),
            *byte_currents(index, size, bounds.current, source),
        ),
        scratch=Scratch(totals=size),
        helpers=helpers | neuron_helpers(layer, shared["counted"]),
        bits=synapse.bits,
        fraction_bits=synapse.fraction_bits,
        bias=bias,
        signal_source=read,
        signal_bits=signal.bits,
        signal_fraction_bits=signal.fraction_bits,
    )
