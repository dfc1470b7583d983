"""Stages of the strip kernel: a spike adds its column to sums in packed fields.

The neurons are those of the plain kernel; only the sum over the active inputs differs.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.pack import STRIP_BITS, strip_words
from codegen.stages import plain
from codegen.stages.common import SPIKES_HELPERS
from codegen.stages.records import PlainLayer, Scratch, Table
from qat.model import Model

SUM_BITS = 16
"""Bits of the fields that hold the sums."""


def layer_stage(index: int, model: Model) -> PlainLayer:
    """Return the stage of a layer of 4 or 8-bit weights on spikes, with sums by strips.

    Where the proved sums need more than 16 bits, they are added in pieces of as many inputs
    as 16 bits hold: their sums are kept beside the totals.
    """
    stage, synapse = plain.layer_stage(index, model), model.layers[index].synapse
    words = strip_words(synapse.codes, synapse.bits)
    padded = len(words) * STRIP_BITS // synapse.bits
    piece = 2 ** (SUM_BITS - synapse.bits) if stage.ranges.a.width > SUM_BITS else 0
    what = f"per input {64 // synapse.bits} fields: weight + {2 ** (synapse.bits - 1)}"
    helpers = (stage.helpers - {"clear", f"add_column{synapse.bits}"}) | SPIKES_HELPERS
    weights = Table(stage.tables[0].name, what, words.reshape(len(words), -1))
    return replace(
        stage,
        kernel="strips",
        template="strips_layer.c.j2",
        tables=(weights, *stage.tables[1:]),
        scratch=Scratch(listed=synapse.n_in, totals=padded * (2 if piece else 1)),
        helpers=helpers | {"halves", f"add_strips{synapse.bits}"} | ({"clear"} if piece else set()),
        strips=len(words),
        padded=padded,
        piece=piece,
    )
