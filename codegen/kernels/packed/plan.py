"""The stage of a ternary readout whose columns hold the weights of several inputs.

Ten outputs take the room of 32 in a column {z, p}. Here the inputs are divided into parts of whole
words, and column c has the weights of input c of every part, in lanes of their own:

    lane  part * outputs + j        the weight of input  32 words part + c  to output j

The parts are added one after the other. The lanes of all others then hold what nobody asks for;
before the next part all sums move up to its lanes, so that the last one ends with the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from codegen.kernels.bitsliced.plan import ADDER_HELPERS
from codegen.kernels.bitsliced.sums import ADDER_PLANES, carries_for
from codegen.kernels.memory import Scratch, Table
from codegen.kernels.pack import LANES, Codes, Words, ternary_planes, words_for
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.stage import Readout
from qat.model import Model, Synapse


@dataclass(frozen=True)
class Parts:
    """How the inputs of a readout are divided.

    parts: that share a column; words: of each in a plane of the counts
    last:  words of the last one
    """

    parts: int
    words: int
    last: int

    @classmethod
    def of(cls, inputs: int, outputs: int) -> Parts:
        """Return as many parts as lanes allow, and as there are words."""
        whole = words_for(inputs)
        words = -(-whole // min(LANES // min(outputs, LANES), whole))
        parts = -(-whole // words)
        return cls(parts, words, whole - (parts - 1) * words)


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedReadout(Readout):
    """A readout in parts; its `columns` are words of a block of weights."""

    parts: Parts

    @property
    def adder_inputs(self) -> int:
        """A half of the inputs of a part: a digit seldom has more, and batches may be small."""
        return self.scratch.listed // 2


def small(synapse: Synapse) -> bool:
    """Return True if inputs can share columns."""
    return Parts.of(synapse.n_in, synapse.n_out).parts > 1


def packed_planes(codes: Codes, parts: Parts) -> Words:
    """Return (1, columns, 2) words {z, p} of (n_out, n_in) ternary codes."""
    n_out, n_in = codes.shape
    columns = min(LANES * parts.words, n_in)
    lanes = np.zeros((n_out, parts.parts * LANES * parts.words), np.int8)
    lanes[:, :n_in] = codes
    shared = lanes.reshape(n_out, parts.parts, -1).transpose(1, 0, 2)
    return ternary_planes(shared.reshape(parts.parts * n_out, -1)[:, :columns])


def readout_stage(model: Model) -> PackedReadout:
    """Return the stage of a ternary readout of few outputs."""
    synapse, accumulator = synapse_of(model), model.bounds().accumulator
    assert accumulator is not None
    parts = Parts.of(synapse.n_in, synapse.n_out)
    what = f"of {parts.parts} inputs {{z, p}}: weight + 1 = z + 2p"
    weights = Table("readout_weights", what, packed_planes(synapse.codes, parts))
    stage, listed = weighted(model, "packed", weights), LANES * parts.words
    given = {one.name: getattr(stage, one.name) for one in fields(Readout)}
    made = {
        "helpers": ADDER_HELPERS | {"lane", "signed"},
        "scratch": Scratch(listed=listed, carries=carries_for(listed)),
        "blocks": 1,
        "columns": weights.values[0].size,
        "sum_width": max(accumulator.width, stage.count_width - 1 + ADDER_PLANES),
        "parts": parts,
    }
    return PackedReadout(**{**given, **made})
