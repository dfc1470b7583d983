"""The stage of a readout whose bytes are summed in fields of 16 bits."""

from __future__ import annotations

from dataclasses import replace

from codegen.kernels.memory import Table
from codegen.kernels.pack import byte_fields
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.stage import Readout
from qat.model import Model


def readout_stage(model: Model) -> Readout:
    """Return the stage of a readout of 8-bit weights, a column of bytes a neuron."""
    synapse = synapse_of(model)
    what = "a column of bytes, weight + 128, per neuron of the last layer"
    return replace(
        weighted(model, "fields", Table("readout_weights", what, byte_fields(synapse.codes.T))),
        helpers=frozenset({"clear", "trailing_zeros"}),
        bits=synapse.bits,
    )
