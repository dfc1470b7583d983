"""Stages of the plain kernel: one column of codes per input, sums and membranes in integers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.common import common, signal_field, source_of
from codegen.kernels.dense import dense
from codegen.kernels.memory import Field, Scratch, Table
from codegen.kernels.neurons.integer import (
    Constants,
    integer_ctype,
    membranes,
    neuron_helpers,
    neurons_of,
)
from codegen.kernels.pack import pack_fields
from codegen.kernels.plain.layer import PlainLayer
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.source import Source
from codegen.kernels.stage import Readout, clearing
from qat.model import Dense, Interval, Model


def columns(synapse: Dense) -> NDArray[Any]:
    """Return the codes of a synapse as packed columns, one row (n_in, row) per input."""
    return pack_fields(np.ascontiguousarray(synapse.codes.T), synapse.bits)


def byte_currents(index: int, size: int, current: Interval, source: Source) -> tuple[Field, ...]:
    """Return the member of the state that holds the currents of bytes; none for a signal."""
    if not source.bits:
        return ()
    what = f"layer {index}: currents of the {'held input' if source.analog else 'last frame'}"
    return (Field(f"current{index}", what, integer_ctype(current), (size,)),)


def sum_helpers(synapse: Dense, source: Source) -> frozenset[str]:
    """Return the functions that the sums call."""
    helpers = {"clear", f"add_column{synapse.bits}"}
    if source.shift:
        helpers.add("asr")
    if not source.bits:
        helpers.add("trailing_zeros")
    if source.planes > 1:
        helpers.add("lane")
    return frozenset(helpers)


def layer_stage(index: int, model: Model) -> PlainLayer:
    """Return the stage of a dense layer."""
    layer, bounds = model.layers[index], model.bounds().layers[index]
    synapse, size = dense(layer.synapse), layer.size
    source = source_of(index, model)
    shared = common(index, model, source)
    constants = Constants(index, model.name)
    bias = constants.text("bias", np.broadcast_to(synapse.bias, size))
    neurons = neurons_of(layer, bounds, constants)
    return PlainLayer(
        **shared,
        **neurons,
        kernel="plain",
        tables=(
            Table(f"weights{index}", "a column per input", columns(synapse)),
            *constants.tables,
        ),
        fields=(
            *membranes(index, layer, bounds),
            signal_field(index, model),
            *byte_currents(index, size, bounds.current, source),
        ),
        scratch=Scratch(totals=size),
        helpers=sum_helpers(synapse, source) | neuron_helpers(layer, shared["counted"]),
        bits=synapse.bits,
        fraction_bits=synapse.fraction_bits,
        bias=bias,
    )


def readout_stage(model: Model) -> Readout:
    """Return the stage of a readout of packed columns."""
    synapse = synapse_of(model)
    weights = Table("readout_weights", "a column per neuron of the last layer", columns(synapse))
    return replace(
        weighted(model, "plain", weights),
        helpers=clearing(model.outputs) | {f"add_column{synapse.bits}", "trailing_zeros", "lane"},
        scratch=Scratch(totals=synapse.n_out),
        bits=synapse.bits,
    )
