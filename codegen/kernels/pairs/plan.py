"""The stage of a readout of 4-bit weights whose sums lie two in a word.

A byte holds the weights of two outputs, each + 8. Its nibbles go to fields of 16 bits, are
multiplied by a neuron's count as one number, and added to a word that a register keeps. What the
8 made too much is 8 times the sum of all counts, the same for every output.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codegen.kernels.memory import Table
from codegen.kernels.pack import Codes
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.stage import Readout
from qat.model import Model

OFFSET = 8
"""What is added to a weight of 4 bits, so that none is negative."""
LARGEST = 2 * OFFSET - 1
"""Of these sums of weight and offset."""
FIELD = 2**16
"""Values of a field."""


def fits(index: int, model: Model) -> bool:
    """Return True if the sum of all inputs of the readout stays in a field, at their most."""
    last, steps = model.layers[index - 1], model.steps
    return steps is not None and last.sends * steps * last.levels * LARGEST < FIELD


def pair_columns(codes: Codes) -> Codes:
    """Return (n_in, pairs) uint8 of (n_out, n_in) codes: the even output in the low nibble."""
    padded = np.zeros((codes.shape[1], codes.shape[0] + codes.shape[0] % 2), np.int64)
    padded[:, : codes.shape[0]] = codes.T + OFFSET
    return (padded[:, 0::2] | padded[:, 1::2] << 4).astype(np.uint8)


def readout_stage(model: Model) -> Readout:
    """Return the stage of a readout of 4-bit weights and few outputs."""
    assert fits(len(model.layers), model)
    synapse = synapse_of(model)
    what = "two outputs a byte, weight + 8 each, per neuron of the last layer"
    return replace(
        weighted(model, "pairs", Table("readout_weights", what, pair_columns(synapse.codes))),
        helpers=frozenset({"trailing_zeros", "lane"}),
        bits=synapse.bits,
    )
