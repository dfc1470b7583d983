"""Stages of the plain kernel: one column of codes per input, sums and membranes in integers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.common import (
    common,
    effective_threshold,
    saturation,
    smallest,
    source_of,
    uniform,
)
from codegen.kernels.dense import DenseLIF, dense_lif
from codegen.kernels.pack import pack_fields, words_for
from codegen.kernels.plain.layer import PlainLayer
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.stage import Field, Readout, Scratch, Source, Table
from qat.model import Dense, Interval, LayerBounds, Model


def integer_ctype(interval: Interval) -> str:
    """Return the smallest C integer that holds the interval."""
    for bits in (8, 16):
        if interval.width <= bits:
            return f"int{bits}_t"
    return "int32_t"


def columns(synapse: Dense) -> NDArray[Any]:
    """Return the codes of a synapse as packed columns, one row (n_in, row) per input."""
    return pack_fields(np.ascontiguousarray(synapse.codes.T), synapse.bits)


class _Constants:
    """Constants of the neurons: a literal where all share it, else a table."""

    def __init__(self, index: int, prefix: str) -> None:
        self.index, self.prefix = index, prefix
        self.tables: list[Table] = []

    def text(self, name: str, values: NDArray[Any]) -> str:
        shared = uniform(values)
        if shared is not None:
            return str(shared)
        table = f"{name}{self.index}"
        self.tables.append(Table(table, f"{name} of each neuron", smallest(values)))
        return f"{self.prefix}_{table}[j]"


def _fields(index: int, layer: DenseLIF, bounds: LayerBounds, source: Source) -> tuple[Field, ...]:
    size, where = layer.size, f"layer {index}"
    fields = (
        Field(f"v{index}", f"{where}: membranes", integer_ctype(bounds.v), (size,)),
        Field(
            f"spikes{index}", f"{where}: spikes of the last step", "uint32_t", (words_for(size),)
        ),
    )
    if not source.bits:
        return fields
    what = f"{where}: currents of the {'held input' if source.analog else 'last frame'}"
    return (*fields, Field(f"current{index}", what, integer_ctype(bounds.current), (size,)))


def _helpers(layer: DenseLIF, source: Source, counted: bool) -> frozenset[str]:
    helpers = {"clear", f"add_column{layer.synapse.bits}"}
    if counted:
        helpers.add("count_spikes")
    if any(layer.neuron.leak) or source.shift:
        helpers.add("asr")
    if not source.bits:
        helpers.add("trailing_zeros")
    return frozenset(helpers)


def layer_stage(index: int, model: Model) -> PlainLayer:
    """Return the stage of a layer of 4, 8 or 16-bit weights."""
    layer, bounds = dense_lif(model.layers[index]), model.bounds().layers[index]
    synapse, neuron, size = layer.synapse, layer.neuron, layer.size
    source = source_of(index, model)
    shared = common(index, model, source)
    codes = columns(synapse)
    floor, ceiling = saturation(layer, bounds)
    constants = _Constants(index, model.name)
    bias = constants.text("bias", np.broadcast_to(synapse.bias, size))
    threshold = constants.text("threshold", effective_threshold(layer, bounds))
    subtracted = np.broadcast_to(neuron.subtracted, size)
    reset_by = "0" if neuron.reset == "zero" else constants.text("reset_by", subtracted)
    return PlainLayer(
        **shared,
        kernel="plain",
        tables=(Table(f"weights{index}", "a column per input", codes), *constants.tables),
        fields=_fields(index, layer, bounds, source),
        scratch=Scratch(totals=size),
        helpers=_helpers(layer, source, shared["counted"]),
        bits=synapse.bits,
        v_ctype=integer_ctype(bounds.v),
        current_ctype=integer_ctype(bounds.current),
        fraction_bits=synapse.fraction_bits,
        bias=bias,
        threshold=threshold,
        reset_by=reset_by,
        floor=floor,
        ceiling=ceiling,
    )


def readout_stage(model: Model) -> Readout:
    """Return the stage of a readout of 4, 8 or 16-bit weights."""
    synapse = synapse_of(model)
    weights = Table("readout_weights", "a column per neuron of the last layer", columns(synapse))
    return replace(
        weighted(model, "plain", weights),
        helpers=frozenset({"clear", f"add_column{synapse.bits}", "trailing_zeros", "lane"}),
        scratch=Scratch(totals=synapse.n_out),
        bits=synapse.bits,
    )
