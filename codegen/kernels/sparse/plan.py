"""Stages of the sparse kernel: a list of the weights that are not 0 for each input.

The neurons are those of the plain kernel; only the sum over the active inputs differs.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.kernels.dense import dense
from codegen.kernels.memory import Scratch, Table
from codegen.kernels.pack import sparse_lists
from codegen.kernels.plain import plan as plain
from codegen.kernels.plain.layer import PlainLayer
from qat.model import Model


def layer_stage(index: int, model: Model) -> PlainLayer:
    """Return the stage of a layer of ternary weights on spikes, with lists of weights.

    Twice as many totals as neurons: of the weights +1, then of the weights -1.
    """
    stage, synapse = plain.layer_stage(index, model), dense(model.layers[index].synapse)
    targets, ends = sparse_lists(synapse.codes)
    name = stage.tables[0].name
    return replace(
        stage,
        kernel="sparse",
        listing=True,
        tables=(
            Table(name, "per input the neurons of weight +1, and of -1 (counted on)", targets),
            Table(f"ends{index}", "where the list of an input begins, and the next one", ends),
            *stage.tables[1:],
        ),
        scratch=Scratch(totals=2 * stage.neurons),
        helpers=stage.helpers - {f"add_column{synapse.bits}"},
    )
