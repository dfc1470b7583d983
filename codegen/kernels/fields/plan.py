"""The stage of a readout whose bytes are summed in fields of 16 bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codegen.kernels.memory import Table
from codegen.kernels.pack import Codes, byte_fields
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.stage import Readout, clearing
from qat.model import Model

FOUR = 4
"""Weights of a word."""
HALF = FOUR // 2
"""Outputs beyond whole words that share an element of a table of their own."""


def column_tables(codes: Codes) -> tuple[Table, ...]:
    """Return the tables of (n_out, n_in) codes: words of four outputs, and one or two left over.

    Where three are left over they take a word.
    """
    rest = len(codes) % FOUR
    whole = len(codes) - rest if rest <= HALF else len(codes)
    per = "per neuron of the last layer"
    words = Table("readout_weights", f"a column of bytes, weight + 128, {per}",
                  byte_fields(codes[:whole].T))  # fmt: skip
    left = (codes[whole:].T.astype(np.int64) + 128) << 8 * np.arange(len(codes) - whole)
    dtype = np.uint16 if rest == HALF else np.uint8
    others = Table("readout_rest", f"weight + 128 of outputs that fill no word, {per}",
                   left.sum(axis=1).astype(dtype))  # fmt: skip
    return (words,) * (whole > 0) + (others,) * (0 < rest <= HALF)


def readout_stage(model: Model) -> Readout:
    """Return the stage of a readout of 8-bit weights, a column of bytes a neuron."""
    synapse = synapse_of(model)
    weights, *rest = column_tables(synapse.codes)
    stage = weighted(model, "fields", weights)
    return replace(
        stage,
        tables=(weights, *rest, *stage.tables[1:]),
        helpers=clearing(model.outputs) | {"trailing_zeros"},
        bits=synapse.bits,
    )
