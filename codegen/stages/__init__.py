"""Model -> Program: every number that a template prints, already computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from codegen import __version__, costs
from codegen.kernels import NUMBERS, SPIKES, candidates, select
from codegen.pack import words_for
from codegen.stages import bitsliced, plain
from codegen.stages.common import uniform
from codegen.stages.records import (
    LIST_ENTRIES_16,
    Field,
    Layer,
    Program,
    Range,
    Readout,
    Scratch,
    Stage,
    Table,
)
from qat.model import Accumulate, Activity, LayerBounds, Model, Spikes
from qat.model import Layer as ModelLayer

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
    "variants",
]

HELPERS: tuple[str, ...] = (
    "trailing_zeros",
    "list_active",
    "asr",
    "signed",
    "broadcast",
    "planes_for",
    "lane",
    "add",
    "subtract",
    "adder",
    "add_columns",
    "slice_bytes",
    "sum_digits",
    "clear",
    "add_column4",
    "add_column8",
    "add_column16",
    "count_spikes",
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


Build = Callable[[int, ModelLayer, LayerBounds, Model], Layer]

LAYERS: dict[str, Build] = {
    "bitsliced": lambda i, y, bounds, model: bitsliced.layer_stage(i, y, bounds, model.input),
    "plain": lambda i, y, bounds, model: plain.layer_stage(i, y, bounds, model.input, model.name),
}
"""What computes the stage of a layer, for each kernel."""


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
    kernels:  {stage: kernel} that are not to be chosen

    Raises ValueError if no kernel serves a layer.
    """
    asked = _Asked(model, core or costs.DEFAULT_CORE, activity, dict(kernels or {}))
    layers = tuple(asked.layer(index) for index in range(len(model.layers)))
    readout = asked.readout()
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


def part_names(program: Program) -> tuple[str, ...]:
    """Return the parts of an inference, in the order of the marks' numbers in model.c.j2."""
    layers = (f"layer {y.index}" for y in program.layers)
    return ("rest", "currents", *layers, "readout")


def choices(
    model: Model, core: str | None = None, activity: Activity | None = None
) -> tuple[Choice, ...]:
    """Return why each stage of plan(model, core, activity) has its kernel."""
    asked = _Asked(model, core or costs.DEFAULT_CORE, activity, {})
    found = [asked.choice(index) for index in range(len(model.layers))]
    if isinstance(model.readout, Accumulate):
        found.append(asked.choice(len(model.layers)))
    elif model.readout is not None:
        found.append(Choice("count", {}))
    return tuple(found)


def variants(model: Model) -> list[dict[int, str]]:
    """Return choices of kernels for `plan` in which every kernel that can serve a stage does."""
    asked = _Asked(model, costs.DEFAULT_CORE, None, {})
    weighted = range(len(model.synapses()))
    rows = [candidates(model.synapses()[i][1], asked.reads(i)) for i in weighted]
    most = max(map(len, rows))
    return [{i: row[min(k, len(row) - 1)].name for i, row in enumerate(rows)} for k in range(most)]


class _Asked:
    """What plan is asked for, and the stages of every kernel that could serve."""

    def __init__(
        self, model: Model, core: str, activity: Activity | None, kernels: Mapping[int, str]
    ) -> None:
        self.model, self.core, self.kernels = model, core, kernels
        self.given = activity

    @property
    def activity(self) -> Activity:
        return Activity.of(self.model) if self.given is None else self.given

    def reads(self, index: int) -> str:
        spiking = 0 < index < len(self.model.layers) or isinstance(self.model.input, Spikes)
        return SPIKES if spiking and index < len(self.model.layers) else NUMBERS

    def stage(self, index: int, kernel: str) -> Stage:
        if index == len(self.model.layers):
            return _readout(self.model, kernel)
        layer, bounds = self.model.layers[index], self.model.bounds().layers[index]
        return LAYERS[kernel](index, layer, bounds, self.model)

    def choice(self, index: int) -> Choice:
        """Choose a kernel; what stands alone needs no cost."""
        synapse = self.model.synapses()[index][1]
        rows = candidates(synapse, self.reads(index))
        if index in self.kernels:
            return Choice(self.kernels[index], {})
        if len(rows) == 1:
            return Choice(rows[0].name, {})
        known: dict[str, float] = {}
        for row in rows:
            stage = self.stage(index, row.name)
            cost = costs.stage_cost(stage, self.model, self.activity, self.core)
            if cost is not None:
                known[row.name] = cost
        return Choice(select(synapse, self.reads(index), known).name, known)

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
    if kernel == "bitsliced":
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
