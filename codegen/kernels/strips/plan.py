"""Stages of the strip kernel: a spike adds its column to sums in packed fields.

The neurons are those of the plain kernel; only the sum over the active inputs differs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codegen.kernels.common import SPIKES_HELPERS, complement_from, smallest
from codegen.kernels.dense import dense
from codegen.kernels.memory import Scratch, Table
from codegen.kernels.pack import STRIP_BITS, strip_words
from codegen.kernels.plain import plan as plain
from codegen.kernels.plain.layer import PlainLayer
from qat.model import Dense, Model

SUM_BITS = 16
"""Bits of the fields that hold the sums."""

ADD_COST, NEURON_COST = 8, 5
"""Instructions on ARMv7-M to add an input to a strip, and to subtract a neuron's sum from all."""


def _complement(stage: PlainLayer, synapse: Dense, strips: int) -> tuple[int, tuple[Table, ...]]:
    """Return where the complement begins (0: never), and the sums of all weights."""
    once = NEURON_COST * stage.neurons
    limit = complement_from(synapse.n_in, 8 * synapse.n_in * strips, ADD_COST * strips, once)
    if not limit:
        return 0, ()
    sums = smallest(synapse.codes.astype(np.int64).sum(axis=1))
    return limit, (Table(f"all{stage.index}", "the sum of all weights of each neuron", sums),)


def layer_stage(index: int, model: Model) -> PlainLayer:
    """Return the stage of a layer of 4 or 8-bit weights on spikes, with sums by strips.

    Where the proved sums need more than 16 bits, they are added in pieces of as many inputs
    as 16 bits hold: their sums are kept beside the totals.
    """
    stage, synapse = plain.layer_stage(index, model), dense(model.layers[index].synapse)
    words = strip_words(synapse.codes, synapse.bits)
    padded = len(words) * STRIP_BITS // synapse.bits
    piece = 2 ** (SUM_BITS - synapse.bits) if stage.ranges.a.width > SUM_BITS else 0
    limit, all_ = _complement(stage, synapse, len(words))
    what = f"per input {STRIP_BITS // synapse.bits} fields: weight + {2 ** (synapse.bits - 1)}"
    weights = Table(stage.tables[0].name, what, words.reshape(len(words), -1))
    helpers = (stage.helpers - {"clear", f"add_column{synapse.bits}"}) | SPIKES_HELPERS
    helpers |= {"halves", f"add_strips{synapse.bits}"}
    helpers |= ({"clear"} if piece else set()) | ({"list_inactive"} if limit else set())
    return replace(
        stage,
        kernel="strips",
        tables=(weights, *stage.tables[1:], *all_),
        scratch=Scratch(
            listed=synapse.n_in,
            carries=stage.source.words if limit else 0,
            totals=padded * (2 if piece else 1),
        ),
        helpers=helpers,
        listing=True,
        strips=len(words),
        padded=padded,
        piece=piece,
        complement=limit,
    )
