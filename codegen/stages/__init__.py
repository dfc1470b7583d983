"""Model -> Program: every number that a template prints, already computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from codegen import __version__
from codegen.kernels import NUMBERS, SPIKES, select
from codegen.pack import words_for
from codegen.stages import bitsliced, plain, sparse, strips
from codegen.stages.common import uniform
from codegen.stages.records import (
    LIST_ENTRIES_16,
    Field,
    Layer,
    PlainLayer,
    Program,
    Range,
    Readout,
    Scratch,
    Stage,
    Table,
)
from qat.model import Accumulate, Dense, Model, Spikes

__all__ = ["HELPERS", "Field", "Layer", "Program", "Readout", "Stage", "Table", "plan"]

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
    "clear",
    "add_column4",
    "add_column8",
    "add_column16",
    "halves",
    "add_strips4",
    "add_strips8",
    "count_spikes",
)
"""Functions that stages share, in the order of their definition; one template each."""


SUMS: dict[str, Callable[[PlainLayer, Dense], PlainLayer]] = {
    "strips": strips.strip_stage,
    "sparse": sparse.sparse_stage,
}
"""Kernels that are the plain one but for the sum over the active inputs."""


def plan(model: Model) -> Program:
    """Return the program of a model: its stages, its state, its sizes.

    Raises ValueError if no kernel serves a layer.
    """
    layers = tuple(_layer(model, index) for index in range(len(model.layers)))
    readout = _readout(model)
    stages: tuple[Stage, ...] = (*layers, readout) if readout else layers
    scratch = Scratch()
    for stage in stages:
        scratch = scratch.largest(stage.scratch)
    list_ctype = "uint16_t" if scratch.listed <= LIST_ENTRIES_16 else "uint32_t"
    needs = frozenset().union(*(stage.helpers for stage in stages))
    probes = frozenset().union(*(stage.probes for stage in stages)) - needs
    model_input = model.input
    return Program(
        name=model.name,
        digest=model.digest(),
        version=__version__,
        steps=model.steps or 0,
        inputs=model_input.size,
        input_kind=type(model_input).__name__.lower(),
        input_ctype="uint32_t" if isinstance(model_input, Spikes) else layers[0].source.ctype,
        input_words=words_for(model_input.size),
        input_low=model_input.low,
        input_high=model_input.high,
        outputs=model.outputs,
        layers=layers,
        readout=readout,
        fields=_fields(stages, scratch, list_ctype),
        helpers=tuple(name for name in HELPERS if name in needs | probes),
        probes=probes,
        list_ctype=list_ctype,
        scratch=scratch,
    )


def _layer(model: Model, index: int) -> Layer:
    layer, bounds = model.layers[index], model.bounds().layers[index]
    spiking = index > 0 or isinstance(model.input, Spikes)
    kernel = select(layer.synapse, SPIKES if spiking else NUMBERS).name
    if kernel == "bitsliced":
        return bitsliced.layer_stage(index, layer, bounds, model.input)
    stage = plain.layer_stage(index, layer, bounds, model.input, model.name)
    return SUMS[kernel](stage, layer.synapse) if kernel in SUMS else stage


def _readout(model: Model) -> Readout | None:
    if model.readout is None or model.steps is None:
        return None
    bounds, size = model.bounds(), model.layers[-1].size
    assert bounds.scores is not None
    width, words = model.steps.bit_length(), words_for(size)
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
        "fields": (counts,),
    }
    if not isinstance(model.readout, Accumulate):
        helpers = frozenset({"count_spikes", "lane"})
        return Readout(kernel="count", template="count_readout.c.j2", helpers=helpers, **common)
    synapse = model.readout.synapse
    assert bounds.accumulator is not None
    if select(synapse, NUMBERS).name == "bitsliced":
        numbers = bitsliced.readout_numbers(synapse, bounds.accumulator, width)
    else:
        numbers = plain.readout_numbers(synapse)
    numbers["helpers"] = numbers["helpers"] | {"count_spikes"}
    bias, tables = _score_bias(model.steps * synapse.bias.astype(np.int64), model.name)
    numbers["tables"] = (*numbers["tables"], *tables)
    return Readout(**common, **numbers, bias=bias, fraction_bits=synapse.fraction_bits)


def _score_bias(bias: Any, prefix: str) -> tuple[str, tuple[Table, ...]]:
    """Return the C text of T * bias for output j, and its table if the outputs differ."""
    common = uniform(bias)
    if common is not None:
        return str(common), ()
    table = Table("score_bias", "T * bias of each output", bias.astype(np.int32))
    return f"{prefix}_score_bias[j]", (table,)


def _fields(stages: tuple[Stage, ...], scratch: Scratch, list_ctype: str) -> tuple[Field, ...]:
    """Return the members of the state: what the stages keep, then what they share."""
    shared = (
        Field("digits", "scratch: bit planes of the input", "uint32_t", (scratch.digits,)),
        Field("sums", "scratch: sums, in planes", "uint32_t", (scratch.sums,)),
        Field("carries", "scratch: carry words of the adder", "uint32_t", (scratch.carries,)),
        Field("totals", "scratch: sums of a plain layer", "int32_t", (scratch.totals,)),
        Field("list", "scratch: offsets of the active inputs", list_ctype, (scratch.listed,)),
    )
    kept = [item for stage in stages for item in stage.fields]
    return (*kept, *(item for item in shared if item.shape != (0,)))
