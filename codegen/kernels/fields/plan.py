"""Numbers of the readout whose bytes are summed in fields of 16 bits."""

from __future__ import annotations

from typing import Any

from codegen.kernels.pack import byte_fields
from codegen.kernels.stage import Table
from qat.model import Dense, Interval


def readout_numbers(synapse: Dense, accumulator: Interval, count_width: int) -> dict[str, Any]:
    """Return what a readout of 8-bit weights adds to the fields of `Readout`."""
    what = "a column of bytes, weight + 128, per neuron of the last layer"
    return {
        "kernel": "fields",
        "template": "fields/readout.c.j2",
        "tables": (Table("readout_weights", what, byte_fields(synapse.codes.T)),),
        "helpers": frozenset({"clear", "trailing_zeros"}),
        "bits": synapse.bits,
    }
