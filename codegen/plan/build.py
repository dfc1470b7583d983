"""Model -> Program: every number that a template prints, already computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from codegen.kernels.bitsliced import plan as bitsliced
from codegen.kernels.common import uniform
from codegen.kernels.fields import plan as fields
from codegen.kernels.pack import words_for
from codegen.kernels.plain import plan as plain
from codegen.kernels.sparse import plan as sparse
from codegen.kernels.stage import (
    Field,
    Layer,
    Range,
    Readout,
    Scratch,
    Stage,
    Table,
)
from codegen.kernels.strips import plan as strips
from codegen.plan.program import Program
from qat.model import Accumulate, Dense, Interval, Model

__all__ = [
    "HELPERS",
    "Field",
    "Layer",
    "Program",
    "Readout",
    "Stage",
    "Table",
    "part_names",
]

HELPERS: tuple[str, ...] = (
    "trailing_zeros",
    "list_active",
    "list_inactive",
    "asr",
    "signed",
    "broadcast",
    "planes_for",
    "lane",
    "add",
    "subtract",
    "adder",
    "add_columns",
    "sum_inactive",
    "slice_bytes",
    "sum_digits",
    "count_spikes",
    "clear",
    "add_column4",
    "add_column8",
    "add_column16",
    "halves",
    "add_strips4",
    "add_strips8",
)
"""Functions that stages share, in the order of their definition; one template each."""


LAYERS: dict[str, Callable[[int, Model], Layer]] = {
    "bitsliced": bitsliced.layer_stage,
    "strips": strips.layer_stage,
    "sparse": sparse.layer_stage,
    "plain": plain.layer_stage,
}
"""What computes the stage of a layer, for each kernel."""

READOUTS: dict[str, Callable[[Dense, Interval, int], dict[str, Any]]] = {
    "bitsliced": bitsliced.readout_numbers,
    "fields": fields.readout_numbers,
    "plain": plain.readout_numbers,
}
"""What computes the numbers of a readout, for each kernel."""


def part_names(program: Program) -> tuple[str, ...]:
    """Return the parts of an inference, in the order of the marks' numbers in model.c.j2."""
    layers = (f"layer {y.index}" for y in program.layers)
    first = "encoder" if program.encoder else "currents"
    return ("rest", first, *layers, "readout", *(("decision",) if program.stop else ()))


def _readout(model: Model, kernel: str) -> Readout:
    assert model.steps is not None
    bounds, size = model.bounds(), model.layers[-1].size
    assert bounds.scores is not None
    width, words = model.steps.bit_length(), words_for(size)
    made = Field("steps", "steps since the reset", "uint32_t", ())
    counts = Field("counts", "spikes of the last layer since the reset, in planes", "uint32_t",
                   (width, words))  # fmt: skip
    common: dict[str, Any] = {
        "index": len(model.layers),
        "outputs": model.outputs,
        "inputs": size,
        "words": words,
        "steps": model.steps,
        "count_width": width,
        "score": Range.of(bounds.scores),
        "fields": (counts, made) if model.stop else (counts,),
    }
    if not isinstance(model.readout, Accumulate):
        helpers = frozenset({"lane"})
        return Readout(kernel="count", template="count/readout.c.j2", helpers=helpers, **common)
    synapse = model.readout.synapse
    assert bounds.accumulator is not None
    numbers = READOUTS[kernel](synapse, bounds.accumulator, width)
    bias, tables = _score_bias(model)
    numbers["tables"] = (*numbers["tables"], *tables)
    return Readout(**common, **numbers, bias=bias, fraction_bits=synapse.fraction_bits)


def _score_bias(model: Model) -> tuple[str, tuple[Table, ...]]:
    """Return the C text of T * bias for output j, and its table if the outputs differ.

    A model that may stop early has the bias of a step there, times the steps that were made.
    """
    assert isinstance(model.readout, Accumulate)
    assert model.steps is not None
    times, what = (1, "bias") if model.stop else (model.steps, "T * bias")
    bias = times * model.readout.synapse.bias.astype(np.int64)
    common = uniform(np.broadcast_to(bias, model.outputs))
    table = Table("score_bias", f"{what} of each output", bias.astype(np.int32))
    text = f"{model.name}_score_bias[j]" if common is None else str(common)
    tables = (table,) if common is None else ()
    return f"(int32_t)state->steps * {text}" if model.stop and text != "0" else text, tables


def _fields(stages: tuple[Stage, ...], scratch: Scratch, list_ctype: str) -> tuple[Field, ...]:
    """Return the members of the state: what the stages keep, then what they share."""
    shared = (
        ("digits", "digits of the input, in planes", "uint32_t", scratch.digits),
        ("sums", "sums, in planes", "uint32_t", scratch.sums),
        ("carries", "carry words of the adder", "uint32_t", scratch.carries),
        ("totals", "sums of a plain layer", "int32_t", scratch.totals),
        ("list", "offsets of the active inputs", list_ctype, scratch.listed),
    )
    kept = sorted((item for stage in stages for item in stage.fields), key=lambda row: row.scratch)
    rows = (Field(name, f"scratch: {what}", c, (n,), scratch=True) for name, what, c, n in shared)
    return (*kept, *(row for row in rows if row.shape != (0,)))
