"""Model -> Program: every number that a template prints, already computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from codegen import __version__, costs
from codegen.kernels import BYTES, COUNTS, SPIKES, candidates, select
from codegen.pack import words_for
from codegen.stages import bitsliced, encoders, fields, plain, sparse, strips
from codegen.stages.common import uniform
from codegen.stages.program import Program
from codegen.stages.records import (
    LIST_ENTRIES_16,
    Field,
    Layer,
    Range,
    Readout,
    Scratch,
    Stage,
    Table,
)
from codegen.stages.sensor import stream_of
from codegen.words import class_names
from qat.model import Accumulate, Activity, Dense, Input, Interval, Model, Spikes

__all__ = [
    "HELPERS",
    "Field",
    "Layer",
    "Program",
    "Readout",
    "Stage",
    "Table",
    "part_names",
    "plan",
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


@dataclass(frozen=True)
class Choice:
    """Why a stage has its kernel.

    costs: predicted instructions of each kernel that could serve it, by name; empty where only
           one could, or where they were not measured
    """

    kernel: str
    costs: Mapping[str, float]


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


def plan(
    model: Model,
    core: str | None = None,
    activity: Activity | None = None,
    kernels: Mapping[int, str] | None = None,
) -> Program:
    """Return the program of a model: its stages, its state, its sizes.

    core:     the one for which kernels are chosen, such as "cortex-m4", by default
              costs.DEFAULT_CORE; the C serves every core in any case
    activity: how active the model is, for the same choice; by default what its metadata say
    kernels:  {stage: kernel} that are not to be chosen; stage encoders.PLACE is the encoder,
              "sliced" or "plain"

    Raises ValueError if no kernel serves a layer.
    """
    encoder = encoders.encoder_of(model, (kernels or {}).get(encoders.PLACE))
    asked = _Asked(model, core or costs.DEFAULT_CORE, activity, dict(kernels or {}), encoder)
    layers = tuple(asked.layer(index) for index in range(len(model.layers)))
    readout = asked.readout()
    stages: tuple[Stage, ...] = (*layers, readout) if readout else layers
    if encoder is not None:
        stages = (encoder, *stages)
    scratch = Scratch()
    for stage in stages:
        scratch = scratch.largest(stage.scratch)
    list_ctype = "uint16_t" if scratch.listed <= LIST_ENTRIES_16 else "uint32_t"
    needs = frozenset().union(*(stage.helpers for stage in stages))
    probes = frozenset().union(*(stage.probes for stage in stages))
    model_input = model.input
    input_ctype = "uint32_t" if isinstance(model_input, Spikes) else _ctype(model_input)
    stream = stream_of(model, input_ctype)
    if stream is not None and stream.shift:
        needs |= {"asr"}
    probes -= needs
    return Program(
        name=model.name,
        digest=model.digest(),
        version=__version__,
        steps=model.steps or 0,
        inputs=model_input.size,
        input_kind=type(model_input).__name__.lower(),
        held=model_input.held,
        lines=model_input.lines,
        input_ctype=input_ctype,
        input_words=words_for(model_input.size),
        input_low=model_input.low,
        input_high=model_input.high,
        outputs=model.outputs,
        layers=layers,
        readout=readout,
        encoder=encoder,
        fields=_fields(stages, scratch, list_ctype),
        helpers=tuple(name for name in HELPERS if name in needs | probes),
        probes=probes,
        list_ctype=list_ctype,
        scratch=scratch,
        stop=model.stop,
        sensor=stream,
        class_names=class_names(model),
    )


def _ctype(model_input: Input) -> str:
    return "int8_t" if model_input.low < 0 else "uint8_t"


def part_names(program: Program) -> tuple[str, ...]:
    """Return the parts of an inference, in the order of the marks' numbers in model.c.j2."""
    layers = (f"layer {y.index}" for y in program.layers)
    first = "encoder" if program.encoder else "currents"
    return ("rest", first, *layers, "readout", *(("decision",) if program.stop else ()))


def choices(
    model: Model, core: str | None = None, activity: Activity | None = None
) -> tuple[Choice, ...]:
    """Return why each stage of plan(model, core, activity) has its kernel."""
    core, encoder = core or costs.DEFAULT_CORE, encoders.encoder_of(model)
    asked = _Asked(model, core, activity, {}, encoder)
    found = [asked.choice(index) for index in range(len(model.layers))]
    if isinstance(model.readout, Accumulate):
        found.append(asked.choice(len(model.layers)))
    elif model.readout is not None:
        found.append(Choice("count", {}))
    return tuple(found)


class _Asked:
    """What plan is asked for, and the stages of every kernel that could serve.

    behind: the model as the kernels see it: its input are the spikes of its encoder
    """

    def __init__(
        self,
        model: Model,
        core: str,
        activity: Activity | None,
        kernels: Mapping[int, str],
        encoder: encoders.Encoder | None,
    ) -> None:
        self.model, self.core, self.kernels = model, core, kernels
        self.behind, self.given = encoders.behind(model, encoder), activity

    @property
    def activity(self) -> Activity:
        return Activity.of(self.model) if self.given is None else self.given

    def reads(self, index: int) -> str:
        if index == len(self.model.layers):
            return COUNTS
        return SPIKES if index or self.model.input.spiking else BYTES

    def stage(self, index: int, kernel: str) -> Stage:
        if index == len(self.model.layers):
            return _readout(self.model, kernel)
        return LAYERS[kernel](index, self.behind)

    def choice(self, index: int) -> Choice:
        """Choose a kernel; what stands alone needs no cost."""
        synapse = self.model.synapses()[index][1]
        rows = candidates(synapse, self.reads(index))
        if index in self.kernels:
            return Choice(self.kernels[index], {})
        if len(rows) == 1:
            return Choice(rows[0].name, {})
        found = {row.name: self.cost(self.stage(index, row.name)) for row in rows}
        known = {name: cost for name, cost in found.items() if cost is not None}
        if len(known) < len(found):
            known = {}
        return Choice(select(synapse, self.reads(index), known).name, known)

    def cost(self, stage: Stage) -> float | None:
        return costs.stage_cost(stage, self.model, self.activity, self.core)

    def layer(self, index: int) -> Layer:
        stage = self.stage(index, self.choice(index).kernel)
        assert isinstance(stage, Layer)
        return stage

    def readout(self) -> Readout | None:
        if self.model.readout is None:
            return None
        index = len(self.model.layers)
        weighted = isinstance(self.model.readout, Accumulate)
        return _readout(self.model, self.choice(index).kernel if weighted else "count")


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
        return Readout(kernel="count", template="count_readout.c.j2", helpers=helpers, **common)
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
