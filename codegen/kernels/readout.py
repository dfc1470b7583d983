"""What the stages of all readouts share: the counts that they read, T times their bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codegen.kernels.common import uniform
from codegen.kernels.dense import dense
from codegen.kernels.pack import words_for
from codegen.kernels.stage import Field, Range, Readout, Table
from qat.model import Accumulate, Dense, Model


def counted(model: Model, kernel: str) -> Readout:
    """Return the stage of a readout without weights: its counts, its scores, nothing else."""
    assert model.steps is not None
    scores, size = model.bounds().scores, model.layers[-1].size
    assert scores is not None
    width, words = model.steps.bit_length(), words_for(size)
    made = Field("steps", "steps since the reset", "uint32_t", ())
    counts = Field("counts", "spikes of the last layer since the reset, in planes", "uint32_t",
                   (width, words))  # fmt: skip
    return Readout(
        index=len(model.layers),
        kernel=kernel,
        outputs=model.outputs,
        inputs=size,
        words=words,
        steps=model.steps,
        count_width=width,
        score=Range.of(scores),
        fields=(counts, made) if model.stop else (counts,),
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
    table = Table("score_bias", f"{what} of each output", bias.astype(np.int32))
    text = f"{model.name}_score_bias[j]" if common is None else str(common)
    tables = (table,) if common is None else ()
    return f"(int32_t)state->steps * {text}" if model.stop and text != "0" else text, tables
