"""What a stage does, in numbers: the features of which its cost is a sum.

A kind of part is a row of KINDS: its name, the record of its features, which stands in its
kernel's cost.py, and the function that counts them from the stage's record and from what it meets
(Load). A new kernel is a new record, a new function and a new row for each thing it does.

No feature falls where more inputs, digits or neurons are active: only so is an input that has
all of them the worst. (The one exception, the inactive inputs that a layer adds instead above a
limit, is cost.worst_works's own matter.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from codegen.kernels.bitsliced import cost as bitsliced
from codegen.kernels.count import cost as count
from codegen.kernels.encoders import cost as encoders
from codegen.kernels.features import Features
from codegen.kernels.fields import cost as fields
from codegen.kernels.load import Load
from codegen.kernels.plain import cost as plain
from codegen.kernels.sparse import cost as sparse
from codegen.kernels.stage import Readout
from codegen.kernels.strips import cost as strips
from codegen.plan.program import Program

__all__ = ["FAMILIES", "KINDS", "Features", "Kind", "Load", "check_names", "family", "whole"]


@dataclass(frozen=True, kw_only=True)
class Rest(Features):
    """What belongs to no stage: the reset of the state, loops, the copy of the spikes.

    calls, state_words, state_bytes: an inference that is one call, and what it resets
    fused_...:     the same where the first layer makes all steps at once
    steps:         steps; whole_steps: those of an inference that is one call
    layers:        steps times layers
    spike_words:   words of the last layer's spikes, over the steps
    """

    calls: float = 0.0
    state_words: float = 0.0
    state_bytes: float = 0.0
    fused_calls: float = 0.0
    fused_state_words: float = 0.0
    fused_state_bytes: float = 0.0
    steps: float = 0.0
    whole_steps: float = 0.0
    layers: float = 0.0
    spike_words: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Decision(Features):
    """Whether to stop: checks, those whose answer could still be no, and outputs of these."""

    checks: float = 0.0
    asked: float = 0.0
    outputs: float = 0.0


def whole(program: Program) -> bool:
    """Return True if an inference is one call: a held input, a fixed number of steps."""
    return program.readout is not None and program.held


def rest(program: Program, load: Load) -> Rest:
    """What belongs to no stage: the reset of the state, loops, the copy of the spikes."""
    kept = sum(item.bytes for item in program.fields if not item.scratch)
    once, words, fused = whole(program), program.reset_words, program.layers[0].fused
    others = (words == 0) * kept
    if once and fused:
        return Rest(fused_calls=1, fused_state_words=words, fused_state_bytes=others)
    return Rest(
        calls=1,
        state_words=once * words,
        state_bytes=once * others,
        steps=load.steps,
        whole_steps=load.steps * once,
        layers=load.steps * len(program.layers),
        spike_words=load.steps * program.last.words,
    )


def decision(stage: Readout, load: Load) -> Decision:
    """Whether the best score leads by enough, after some steps."""
    return Decision(checks=load.checks, asked=load.asked, outputs=load.asked * stage.outputs)


Counted = Callable[[Any, Load], Features]


def _asked(readout: Counted) -> Counted:
    """Return the features of a readout that is asked after some steps whether to stop."""

    def features(stage: Readout, load: Load) -> Features:
        found = readout(stage, load)
        return found.scaled(load.checks) if load.checks else found

    return features


@dataclass(frozen=True)
class Kind:
    """A kind of part: the record of its features, and what counts them."""

    features: type[Features]
    count: Counted


KINDS: dict[str, Kind] = {
    "rest": Kind(Rest, rest),
    "rest decision": Kind(Rest, rest),
    "sliced rate encoder": Kind(encoders.SlicedRate, encoders.sliced_rate),
    "plain rate encoder": Kind(encoders.PlainRate, encoders.plain_rate),
    "sliced latency encoder": Kind(encoders.SlicedLatency, encoders.sliced_latency),
    "plain latency encoder": Kind(encoders.PlainLatency, encoders.plain_latency),
    "plain delta encoder": Kind(encoders.PlainDelta, encoders.plain_delta),
    "bitsliced currents": Kind(bitsliced.Currents, bitsliced.currents),
    "bitsliced held": Kind(bitsliced.Held, bitsliced.held),
    "bitsliced spikes": Kind(bitsliced.Spiking, bitsliced.spikes),
    "bitsliced readout": Kind(bitsliced.CountsRead, _asked(bitsliced.readout)),
    "strips spikes": Kind(strips.StripsSpikes, strips.strips_spikes),
    "sparse spikes": Kind(sparse.SparseSpikes, sparse.sparse_spikes),
    "fields readout": Kind(fields.FieldsReadout, _asked(fields.fields_readout)),
    "plain currents": Kind(plain.PlainCurrents, plain.plain_currents),
    "plain held": Kind(plain.PlainHeld, plain.plain_held),
    "plain spikes": Kind(plain.PlainSpikes, plain.plain_spikes),
    "plain readout": Kind(plain.PlainReadout, _asked(plain.plain_readout)),
    "count readout": Kind(count.CountReadout, _asked(count.count_readout)),
    "decision": Kind(Decision, decision),
}
"""Kinds of parts: a kernel's name, then what it does."""

FAMILIES = {
    "bitsliced held": "bitsliced layer",
    "bitsliced spikes": "bitsliced layer",
    "plain held": "integer layer",
    "plain spikes": "integer layer",
    "strips spikes": "integer layer",
    "sparse spikes": "integer layer",
}
"""Kinds whose coefficients are fitted together: their neurons are computed in the same way."""


def family(kind: str) -> str:
    """Return the name under which the coefficients of a kind stand."""
    return FAMILIES.get(kind, kind)


def check_names(costs: Mapping[str, Mapping[str, Any]], core: str) -> None:
    """Check that every coefficient of {family: coefficients} belongs to a field of a record.

    Raises ValueError for a family without a kind, or a coefficient without a field.
    """
    known: dict[str, set[str]] = {}
    for kind, row in KINDS.items():
        known.setdefault(family(kind), set()).update(row.features.names())
    for name, table in costs.items():
        if name not in known:
            raise ValueError(f"costs.json: {core} has {name!r}, which is no kind of part")
        for key in ("seen", "typical", "worst"):
            lost = sorted(set(table[key]) - known[name])
            if lost:
                raise ValueError(
                    f"costs.json: {name!r} on {core} has a coefficient {lost[0]!r}, which is no "
                    "field of its features; measure it with python -m codegen.measure.calibrate"
                )
