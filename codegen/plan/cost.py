"""The cost of a stage in instructions, predicted from its record and the activity of its input.

    instructions = sum over features f of  coefficient[instruction set][kind][f] * f(stage, load)

The features are the fields of records, which stand in each kernel's cost.py and are listed in
codegen.plan.kinds. The coefficients are never negative; `tests/bench/calibrate.py` fits them to
counts of random layers on emulated cores and writes costs.json.

Two sets of coefficients belong to a kind. `typical` fits the counts. `worst` lies above every
one of them, and gives the worst case. What decides a branch is, in the generated code, a count:
how many inputs are active, how many digits the bytes have, how often the list of digits is full,
how many planes a sum needs, which of the active and the inactive inputs are the fewer; never a
weight. (A core without an instruction that multiplies calls its library, whose time depends on
the value of an input: its `worst` lies above the counts of the slowest value as well.) A membrane
decides one only in the integer kernels, whose neurons that fire are a count as well. No feature
falls where one of these counts grows, but at the limit above which a layer adds its inactive
inputs; so the worst case is that of all inputs, digits and neurons active, the larger one at and
above such a limit. What it takes for granted: a byte input that is aligned to 4 (another takes a
copy of 32 bytes for every 32 of them), and the compiler and options that the coefficients were
measured with.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from math import ceil
from typing import Any

from codegen import isa
from codegen.kernels import named
from codegen.kernels.encoders.plan import Encoder
from codegen.kernels.features import Features
from codegen.kernels.load import Load
from codegen.kernels.stage import Layer, Readout, Stage
from codegen.plan.kinds import check_names, family, kinds
from codegen.plan.program import Program
from qat.model import Activity, EarlyStop, Input, Model, Rates
from qat.model.rates import together


@dataclass(frozen=True)
class Work:
    """A part of a call: its name as in part_names, its kind, what it is, what it meets."""

    part: str
    kind: str
    stage: Stage | Program
    load: Load

    @property
    def features(self) -> Features:
        """The features of its kind."""
        return kinds()[self.kind].count(self.stage, self.load)

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The features by name; those that are 0 left out."""
        return self.features.numbers()


def layer_works(
    stage: Layer,
    source: Rates | None,
    own: Rates,
    activity: Activity,
    base: Load,
    *,
    given: Input,
) -> list[Work]:
    """Return the parts of a layer: its currents, if it reads bytes, and its neurons.

    source: the signal that it reads, None for bytes alone; own: its own; given: the model's input
    """
    size, row = stage.source.size, named(stage.kernel)
    if stage.reads:
        size = sum(read.size for read in stage.reads)
    elif stage.index == 0:  # behind an encoder some bits are no lines
        size = given.lines
    emitted = sum(share * 2**place for place, share in enumerate(own.digits)) or own.rate
    fired, put = own.rate * stage.sends, _lengths(own) * stage.sends
    load = replace(base, fired=fired, emitted=emitted * stage.sends, put=put)
    if source is not None:
        spread = tuple(rate * size for rate in source.spread)
        digits = tuple(share * size for share in source.digits)
        active = source.rate * size
        load = replace(load, active=active, busy=source.busy, spread=spread, digits=digits)
    if not stage.source.bits:
        return [Work(stage.part, row.kind("spikes"), stage, load)]
    size = stage.source.size
    values = {given.low + i: share * size for i, share in enumerate(activity.values) if share}
    frames = 1.0 if stage.source.analog else base.steps
    load = replace(load, values=values)
    return [
        Work("currents", row.kind("currents"), stage, replace(load, frames=frames)),
        Work(stage.part, row.kind("held"), stage, load),
    ]


def _lengths(own: Rates) -> float:
    """Return the mean number of digits of the values of a signal, up to the highest that is set.

    A value reaches 2^k where digit k is set, and where a higher one is and digit k is not: half of
    the time, if they have nothing to do with each other.
    """
    digits = own.digits or (own.rate,)
    return sum(min(own.rate, digits[k] + sum(digits[k + 1 :]) / 2) for k in range(len(digits)))


def sources(model_input: Input, activity: Activity) -> list[Rates | None]:
    """Return the spikes that each layer reads, None for a layer that reads bytes."""
    if not model_input.spiking:
        return [None, *activity.layers]
    first = Rates(activity.values[1], activity.busy, spread=activity.spread)
    return [first, *activity.layers]


def _reads(stage: Layer, rates: list[Rates | None], load: Load) -> Rates | None:
    """Return the signal that a layer reads: of several sources all their values together.

    rates: of the input, None for bytes, and of the layers; load: of a call, whose steps what is
        late does not arrive in, but of a model that runs free
    """
    if not stage.reads:
        return rates[stage.index]
    found = []
    for read in stage.reads:
        rate = rates[read.source + 1]
        if rate is not None:
            share = 1.0 if load.free else read.arrives(load.steps)
            found.append((rate.thinned(share), read.size))
    return together(found)


def base_load(
    program: Program, core: str, single: bool = False, activity: Activity | None = None
) -> Load:
    """Return what all parts of a call have in common; activity: None for all steps."""
    steps = program.steps or 1
    made = None if activity is None else activity.steps
    checks, asked = _checks(steps, program.stop, activity)
    return Load(
        steps=steps if made is None else made,
        checks=checks,
        asked=asked,
        most=steps,
        free=program.steps == 0,
        single=single,
        wide=isa.find(core).vectors and program.wide,
        vectors=isa.find(core).vectors and program.vector is not None,
        table=program.byte_table,
        compact=program.compact,
        far=program.list_ctype != "uint16_t",
    )


def _checks(steps: int, stop: EarlyStop | None, activity: Activity | None) -> tuple[float, float]:
    """Return how often an inference is asked whether to stop, and how often it need not."""
    if stop is None:
        return 0.0, 0.0
    made = steps if activity is None or activity.steps is None else activity.steps
    checks = made - stop.first + 1
    if activity is not None and activity.stop is not None:
        return checks, checks - activity.stop.whole
    all_of_them = (made - stop.first) / (steps - stop.first) if steps > stop.first else 1.0
    return checks, checks - all_of_them


def works(
    program: Program, model_input: Input, activity: Activity, core: str, single: bool = False
) -> list[Work]:
    """Return the parts of an inference; of a step, if the model runs free.

    single: the activity is that of one call, not a mean over many
    """
    load = base_load(program, core, single, activity)
    reads = sources(model_input, activity)
    parts = [Work("rest", "rest decision" if program.stop else "rest", program, load)]
    if program.encoder is not None:
        parts.append(_encoder_work(program.encoder, model_input, activity, load))
    if any(program.gathers):
        parts.append(Work("rest", "gather", program, load))
    for stage, own in zip(program.layers, activity.layers, strict=True):
        source = _reads(stage, reads, load)
        parts += layer_works(stage, source, own, activity, load, given=model_input)
    if program.readout is not None:
        parts.append(_readout_work(program.readout, activity, load))
        if program.stop is not None:
            parts.append(Work("decision", "decision", program.readout, load))
    return parts


def around(
    program: Program, core: str, worst: bool = False, vectors: int | None = None
) -> list[Work]:
    """Return what surrounds a result of a model with a sensor: its samples, and a detector.

    worst: of the first result, which waits for all vectors of a window, if these are more than a
        later one waits for
    vectors: so many in their place
    """
    sensor = program.sensor
    if sensor is None:
        return []
    frames = vectors or (max(sensor.hop, sensor.vectors) if worst else sensor.hop)
    load = replace(base_load(program, core), frames=frames, worst=worst)
    names = ["samples" if sensor.sound is None else "sound"]
    names += ["moved samples"] if sensor.sound is not None and sensor.sound.kept else []
    names += ["moved vectors"] if sensor.mode == "map" and sensor.hop < sensor.vectors else []
    parts = [Work("sensor", name, program, load) for name in names]
    return parts + ([Work("detector", "detector", program, load)] if program.detector else [])


def _encoder_work(stage: Encoder, given: Input, activity: Activity, load: Load) -> Work:
    frames, spikes = 1 if stage.held else load.steps, activity.values[1] * given.lines
    load = replace(load, frames=frames, active=spikes, busy=activity.busy)
    return Work(stage.part, stage.kind, stage, load)


def _readout_work(stage: Readout, activity: Activity, load: Load) -> Work:
    counts = {c: share * stage.inputs for c, share in enumerate(activity.layers[-1].counts)}
    if load.checks and activity.stop is not None:
        counts = {c: share * stage.inputs for c, share in enumerate(activity.stop.counts)}
    elif load.checks:
        counts = _counts_so_far(counts, load)
    kind, fired = named(stage.kernel).kind("readout"), activity.layers[-1].rate * stage.inputs
    return Work(stage.part, kind, stage, replace(load, counts=counts, fired=fired))


def _counts_so_far(counts: Mapping[int, float], load: Load) -> dict[int, float]:
    """Return the mean counts at the checks of an inference, spikes being evenly spread."""
    found: dict[int, float] = defaultdict(float)
    first = load.steps - load.checks + 1
    times = [min(first + k, load.steps) / load.steps for k in range(ceil(load.checks))]
    for share in times:
        for count, neurons in counts.items():
            below = int(count * share)
            above = count * share - below
            found[below] += neurons * (1 - above) / len(times)
            found[below + 1] += neurons * above / len(times)
    return dict(found)


def stage_cost(stage: Stage, model: Model, activity: Activity, core: str) -> float | None:
    """Return the predicted instructions of a stage in a call; None if that was never measured.

    For the choice of kernels, before there is a program: what that decides is left out, and
    matters for ternary stages alone, which have one kernel.
    """
    steps = model.steps or 1
    checks, asked = _checks(steps, model.stop, activity)
    vectors = isa.find(core).vectors
    load = Load(activity.steps or steps, checks=checks, asked=asked, most=steps, vectors=vectors,
                free=model.steps is None)  # fmt: skip
    if isinstance(stage, Layer):
        reads = _reads(stage, sources(model.input, activity), load)
        own = activity.layers[stage.index]
        parts = layer_works(stage, reads, own, activity, load, given=model.input)
    else:
        assert isinstance(stage, Readout)
        parts = [_readout_work(stage, activity, load)]
    if not priced(parts, core):
        return None
    return sum(evaluate(work, core) for work in parts)


# ----------------------------------------------------------------- coefficients


@cache
def coefficients() -> dict[str, Any]:
    """Return the contents of costs.json.

    Raises ValueError for a coefficient that belongs to no field of a kind's features.
    """
    path = files("codegen.plan").joinpath("costs.json")
    loaded: dict[str, Any] = (
        json.loads(path.read_text("utf-8")) if path.is_file() else {"costs": {}}
    )
    for name, table in loaded["costs"].items():
        check_names(table, name)
    return loaded


def measured(kind: str, core: str) -> bool:
    """Return True if a kind of part has coefficients on a core."""
    return family(kind) in coefficients()["costs"].get(isa.find(core).name, {})


def priced(parts: Iterable[Work], core: str) -> bool:
    """Return True if every part has coefficients on a core, for every feature that it has."""
    return all(measured(work.kind, core) and not _unseen(work, core) for work in parts)


def _unseen(work: Work, core: str) -> list[str]:
    """Return the features of a part that no count has, of a kind that was measured."""
    table = coefficients()["costs"][isa.find(core).name][family(work.kind)]
    return sorted(work.numbers.keys() - table["seen"])


def evaluate(work: Work, core: str, which: str = "typical") -> float:
    """Return the predicted instructions of a part: `typical`, or the bound `worst`.

    Raises ValueError for a core, a kind or a feature that was never measured.
    """
    if not measured(work.kind, core):
        raise ValueError(
            f"costs: no coefficients for {work.kind!r} on {core}; measure them with "
            "python tests/bench/calibrate.py"
        )
    table = coefficients()["costs"][isa.find(core).name][family(work.kind)]
    unknown = _unseen(work, core)
    if unknown:
        raise ValueError(
            f"costs: {work.kind!r} has the feature {unknown[0]!r}, which no count on {core} has; "
            "measure it with python tests/bench/calibrate.py"
        )
    return _weighted(table[which], work.numbers)


def _weighted(coefficients: Mapping[str, float], features: Mapping[str, float]) -> float:
    return float(sum(coefficients.get(name, 0.0) * n for name, n in features.items()))


def predicted_by(rows: Mapping[str, Any], work: Work) -> float:
    """Return the typical instructions of a part by {family: coefficients}, unseen features as 0."""
    return _weighted(rows[family(work.kind)]["typical"], work.numbers)


def by_part(parts: Iterable[Work], core: str, which: str = "typical") -> dict[str, float]:
    """Return {part: predicted instructions} of works, several of which may be of one part."""
    found: dict[str, float] = defaultdict(float)
    for work in parts:
        found[work.part] += evaluate(work, core, which)
    return dict(found)


def worst_works(program: Program, model_input: Input, core: str) -> list[Work]:
    """Return the parts of a call on an input that is all active: every input, digit and neuron.

    Raises ValueError for a core or kind that was never measured.
    """
    full = tuple(Rates(1.0, 1.0, digits=_all_digits(y.signal_planes)) for y in program.layers)
    active = Activity((0.0, 1.0), 1.0, full, "all active")
    return [_at_worst(work, core) for work in works(program, model_input, active, core)]


def _all_digits(planes: int) -> tuple[float, ...]:
    """Return the digits of a signal that is as large as its planes allow; () for spikes."""
    return (1.0,) * planes if planes > 1 else ()


def _at_worst(work: Work, core: str) -> Work:
    """Return a part with as many digits as there can be, on the worse side of a limit."""
    load = replace(work.load, worst=True)
    limit = work.stage.complement if isinstance(work.stage, Stage) else 0
    actives = (load.active, limit, limit + 1) if limit else (load.active,)
    each = [replace(work, load=replace(load, active=n)) for n in actives]
    return max(each, key=lambda one: evaluate(one, core, "worst"))
