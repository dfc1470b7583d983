"""What the stages of all readouts share: the counts that they read, T times their bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codegen.kernels.common import counts_are_signal, signal_field, smallest, uniform
from codegen.kernels.dense import dense
from codegen.kernels.memory import Field, Table
from codegen.kernels.pack import words_for
from codegen.kernels.ranges import Range
from codegen.kernels.stage import Readout
from qat.model import Accumulate, Dense, Model


def counted(model: Model, kernel: str) -> Readout:
    """Return the stage of a readout without weights: its counts, its scores, nothing else."""
    assert model.steps is not None
    scores, last, index = model.bounds().scores, model.layers[-1], len(model.layers)
    assert scores is not None
    size, direct = last.sends, counts_are_signal(model)
    width, words = (model.steps * last.levels).bit_length(), words_for(size)
    made = Field("steps", "steps since the reset", "uint32_t", ())
    counts = Field("counts", "spikes of the last layer since the reset, in planes", "uint32_t",
                   (width, words))  # fmt: skip
    kept = () if direct else (counts,)
    return Readout(
        index=index,
        kernel=kernel,
        outputs=model.outputs,
        inputs=size,
        words=words,
        steps=model.steps,
        count_width=width,
        top=model.steps * last.levels,
        counts=signal_field(index - 1, model).place if direct else "counts",
        single=direct and width == 1,
        score=Range.of(scores),
        fields=(*kept, made) if model.stop else kept,
    )


def weighted(model: Model, kernel: str, weights: Table) -> Readout:
    """Return the stage of a readout of weights, and of a bias."""
    synapse = synapse_of(model)
    bias, tables = _bias(model, synapse)
    return replace(
        counted(model, kernel),
        tables=(weights, *tables),
        bias=bias,
        fraction_bits=synapse.fraction_bits,
    )


def synapse_of(model: Model) -> Dense:
    """Return the weights of a readout that the table has assigned to such a kernel."""
    assert isinstance(model.readout, Accumulate)
    return dense(model.readout.synapse)


def _bias(model: Model, synapse: Dense) -> tuple[str, tuple[Table, ...]]:
    """Return the C text of T * bias for output j, and its table if the outputs differ.

    A model that may stop early has the bias of a step there, times the steps that were made.
    """
    assert model.steps is not None
    times, what = (1, "bias") if model.stop else (model.steps, "T * bias")
    bias = times * synapse.bias.astype(np.int64)
    common = uniform(np.broadcast_to(bias, model.outputs))
    table = Table("score_bias", f"{what} of each output", smallest(bias))
    text = f"{model.name}_score_bias[j]" if common is None else str(common)
    tables = (table,) if common is None else ()
    return f"(int32_t)state->steps * {text}" if model.stop and text != "0" else text, tables
