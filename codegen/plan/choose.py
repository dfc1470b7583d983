"""Model -> Program: which kernel each stage has, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from codegen import isa
from codegen.kernels import (
    KERNELS,
    able,
    encoders,
    layer_candidates,
    named,
    readout_candidates,
    select,
)
from codegen.kernels.gather.plan import Gather, gather_of, pasts, reads_of
from codegen.kernels.gather.view import seen
from codegen.kernels.kernel import Kernel
from codegen.kernels.memory import LIST_ENTRIES_16, Scratch
from codegen.kernels.stage import Layer, Readout, Stage
from codegen.plan import cost
from codegen.plan.build import HELPERS, _fields
from codegen.plan.named import named_kernels, stages_of
from codegen.plan.program import Program, input_ctype
from codegen.plan.sensor import Stream, stream_of
from qat.model import Activity, Model


@dataclass(frozen=True)
class Choice:
    """Why a stage has its kernel.

    costs: predicted instructions of each kernel that could serve it, by name; empty where only
           one could, or where they were not measured
    named: the model's file names it, whatever it costs
    """

    kernel: str
    costs: Mapping[str, float]
    named: bool = False


def plan(
    model: Model,
    core: str | None = None,
    activity: Activity | None = None,
    kernels: Mapping[int, str] | None = None,
    only: str | None = None,
) -> Program:
    """Return the program of a model: its stages, its state, its sizes.

    core:     the one for which kernels are chosen, such as "cortex-m4", by default
              isa.DEFAULT_CORE; the C serves every core in any case
    activity: how active the model is, for the same choice; by default what its metadata say
    kernels:  {stage: kernel} that are not to be chosen; stage encoders.PLACE is the encoder,
              "sliced" or "plain". Before a choice come those that the model's file names
    only:     the core, or instruction set, that the C is for alone: what others need is left out,
              and kernels are chosen for it unless `core` names another

    Raises ValueError if no kernel serves a layer, if one of `kernels` cannot compute its stage, or
    if there is no such core.
    """
    alone = None if only is None else isa.find(only)
    encoder = encoders.encoder_of(model, (kernels or {}).get(encoders.PLACE))
    asked = _Asked(model, core or _core_of(only, alone), activity, kernels or {}, encoder)
    asked.check()
    asked.kernels = {**named_kernels(model, asked.serving()), **asked.kernels}
    layers = tuple(asked.layer(index) for index in range(len(model.layers)))
    for row in KERNELS:
        layers = row.together(asked.behind, layers) if row.together else layers
    if alone is not None and not any(row.vectors for row in isa.lineage(alone)):
        layers = tuple(layer.without_vectors() for layer in layers)
    given = "in" if encoder is None else "state->input_spikes"
    kept = pasts(asked.behind, layers, given)
    gathers = tuple(
        gather_of(index, asked.behind, kept, layers, given) for index in range(len(layers))
    )
    layers, readout = tuple(map(_with_gather, layers, gathers)), asked.readout()
    stages = tuple(stage for stage in (encoder, *layers, readout) if stage is not None)
    scratch = Scratch()
    for stage in stages:
        scratch = scratch.largest(stage.scratch)
    list_ctype = "uint16_t" if scratch.listed <= LIST_ENTRIES_16 else "uint32_t"
    stream = stream_of(model, input_ctype(model.input))
    looped = any(late.looped for gather in gathers if gather for late in gather.late)
    extra = {"slot": bool(kept), "late": looped, "asr": _shifts(model, stream)}
    helpers, probes = _functions(stages, {name for name, wanted in extra.items() if wanted})
    return Program(
        model=model,
        layers=layers,
        readout=readout,
        encoder=encoder,
        fields=_fields(stages, kept, scratch, list_ctype),
        gathers=gathers,
        rings=kept,
        helpers=helpers,
        probes=probes,
        list_ctype=list_ctype,
        scratch=scratch,
        sensor=stream,
        sets=isa.rows.SETS if alone is None else tuple(isa.lineage(alone)),
        only=alone,
    )


def _core_of(only: str | None, alone: isa.InstructionSet | None) -> str:
    """Return the core for which kernels are chosen where none is named."""
    if alone is None:
        return isa.DEFAULT_CORE
    return only if only in alone.cores else alone.cores[0]


def _shifts(model: Model, stream: Stream | None) -> bool:
    """Return True if values are shifted between the samples and the layers, or after them."""
    smooths = model.detector is not None and model.detector.smooth > 0
    return stream is not None and bool(stream.shift or stream.sound or smooths)


def _functions(
    stages: tuple[Stage, ...], extra: set[str]
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the functions that the stages share, in order, and those that are for probes alone.

    extra: those that are called between stages
    """
    needs = frozenset().union(*(stage.helpers for stage in stages))
    needs |= extra
    probes = frozenset().union(*(stage.probes for stage in stages)) - needs
    return tuple(name for name in HELPERS if name in needs | probes), probes


def choices(
    model: Model, core: str | None = None, activity: Activity | None = None
) -> tuple[Choice, ...]:
    """Return why each stage of plan(model, core, activity) has its kernel."""
    core, encoder = core or isa.DEFAULT_CORE, encoders.encoder_of(model)
    asked = _Asked(model, core, activity, {}, encoder)
    named = named_kernels(model, asked.serving())
    found = (asked.choice(index) for index in range(stages_of(model)))
    return tuple(
        replace(one, kernel=named.get(index, one.kernel), named=index in named)
        for index, one in enumerate(found)
    )


def serving(model: Model) -> tuple[tuple[str, ...], ...]:
    """Return for each stage, layers and readout, the kernels that could compute it."""
    return _Asked(model, isa.DEFAULT_CORE, None, {}, encoders.encoder_of(model)).serving()


def _with_gather(layer: Layer, gather: Gather | None) -> Layer:
    """Return a stage with what the C keeps of what is brought together for it."""
    if gather is None:
        return layer
    scratch = layer.scratch.largest(Scratch(gathered=gather.size))
    return replace(
        layer,
        tables=(*layer.tables, *gather.tables),
        fields=(*layer.fields, *gather.fields),
        scratch=scratch,
    )


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
        self.model, self.core, self.kernels = model, core, dict(kernels)
        self.behind, self.given = seen(encoders.behind(model, encoder)), activity
        self.made: dict[tuple[int, str], Stage] = {}
        self.chosen: dict[int, Choice] = {}

    @property
    def activity(self) -> Activity:
        return Activity.of(self.model) if self.given is None else self.given

    def stage(self, index: int, kernel: str) -> Stage:
        """Return the stage that a kernel makes."""
        if (index, kernel) not in self.made:
            self.made[index, kernel] = self._stage(index, kernel)
        return self.made[index, kernel]

    def _stage(self, index: int, kernel: str) -> Stage:
        row = named(kernel)
        if index == len(self.model.layers):
            assert row.readout is not None
            return row.readout(self.model)
        assert row.layer is not None
        return replace(row.layer(index, self.behind), reads=reads_of(index, self.behind))

    def rows(self, index: int) -> tuple[Kernel, ...]:
        """Return the kernels that could serve a stage; a readout may have no weights."""
        if index < len(self.model.layers):
            return layer_candidates(index, self.behind)
        return readout_candidates(self.model)

    def check(self) -> None:
        """Raise ValueError for a kernel that was asked for and cannot compute its stage."""
        stages = stages_of(self.model)
        for index, kernel in self.kernels.items():
            if index == encoders.PLACE:
                continue  # encoder_of has looked at it
            if index not in range(stages):
                raise ValueError(
                    f"kernels: found stage {index!r}; {self.model.name} has the stages 0 to "
                    f"{stages - 1}, and {encoders.PLACE} for an encoder"
                )
            allowed = [row.name for row in able(index, self.behind)]
            if kernel not in allowed:
                raise ValueError(
                    f"kernels: found {kernel!r} for stage {index}; use {', '.join(allowed)}"
                )

    def serving(self) -> tuple[tuple[str, ...], ...]:
        """Return for each stage the names of the kernels that could serve it."""
        stages = range(stages_of(self.model))
        return tuple(tuple(row.name for row in self.rows(index)) for index in stages)

    def choice(self, index: int) -> Choice:
        """Choose a kernel; what stands alone needs no cost."""
        if index not in self.chosen:
            self.chosen[index] = self._choice(index)
        return self.chosen[index]

    def _choice(self, index: int) -> Choice:
        rows = self.rows(index)
        if index in self.kernels:
            return Choice(self.kernels[index], {})
        if len(rows) == 1:
            return Choice(rows[0].name, {})
        found = {row.name: self.cost(self.stage(index, row.name)) for row in rows}
        known = {name: cost for name, cost in found.items() if cost is not None}
        if len(known) < len(found):
            known = {}
        return Choice(select(rows, known, self.others(index)).name, known)

    def others(self, index: int) -> float:
        """Return the instructions of all layers before a readout, as far as they are known."""
        if index < len(self.model.layers):
            return 0.0
        stages = (self.stage(i, self.choice(i).kernel) for i in range(index))
        return sum(self.cost(stage) or 0.0 for stage in stages)

    def cost(self, stage: Stage) -> float | None:
        return cost.stage_cost(stage, self.model, self.activity, self.core)

    def layer(self, index: int) -> Layer:
        stage = self.stage(index, self.choice(index).kernel)
        assert isinstance(stage, Layer)
        return stage

    def readout(self) -> Readout | None:
        if self.model.readout is None:
            return None
        index = len(self.model.layers)
        stage = self.stage(index, self.choice(index).kernel)
        assert isinstance(stage, Readout)
        return stage
