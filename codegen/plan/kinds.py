"""What a stage does, in numbers: the features of which its cost is a sum.

A feature is a count of something that the code does: words listed, active inputs, blocks times
active inputs, planes times steps. A kind of stage is a row of KINDS: its name, and the function
that counts its features from the stage's record and from what it meets (Load). A new kernel is
a new function and a new row for each thing it does.

No feature falls where more inputs, digits or neurons are active: only so is an input that has
all of them the worst. (The one exception, the inactive inputs that a layer adds instead above a
limit, is costs.worst_works's own matter.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codegen.kernels.bitsliced import cost as bitsliced
from codegen.kernels.count import cost as count
from codegen.kernels.encoders import cost as encoders
from codegen.kernels.fields import cost as fields
from codegen.kernels.load import Features, Load, times
from codegen.kernels.plain import cost as plain
from codegen.kernels.sparse import cost as sparse
from codegen.kernels.stage import Readout
from codegen.kernels.strips import cost as strips
from codegen.plan.program import Program

__all__ = ["FAMILIES", "KINDS", "Features", "Load", "family", "whole"]


def whole(program: Program) -> bool:
    """Return True if an inference is one call: a held input, a fixed number of steps."""
    return program.readout is not None and program.held


def rest(program: Program, load: Load) -> Features:
    """What belongs to no stage: the reset of the state, loops, the copy of the spikes."""
    kept = sum(item.bytes for item in program.fields if not item.scratch)
    once, words, fused = whole(program), program.reset_words, program.layers[0].fused
    found: Features = {
        "once": 1,
        "words of state": once * words,
        "bytes of state": once * (words == 0) * kept,
    }
    if once and fused:
        return {f"{name}, fused": n for name, n in found.items()}
    return found | {
        "steps": load.steps,
        "steps of a whole inference": load.steps * once,
        "steps x layers": load.steps * len(program.layers),
        "words of spikes": load.steps * program.last.words,
    }


Counted = Callable[[Any, Load], Features]


def _asked(readout: Counted) -> Counted:
    """Return the features of a readout that is asked after some steps whether to stop."""

    def features(stage: Readout, load: Load) -> Features:
        found = readout(stage, load)
        return times("", load.checks, found) if load.checks else found

    return features


def decision(stage: Readout, load: Load) -> Features:
    """Whether the best score leads by enough, after some steps."""
    return {
        "checks": load.checks,
        "asked": load.asked,
        "asked x outputs": load.asked * stage.outputs,
    }


KINDS: dict[str, Counted] = {
    "rest": rest,
    "rest decision": rest,
    "sliced rate encoder": encoders.sliced_rate,
    "plain rate encoder": encoders.plain_rate,
    "sliced latency encoder": encoders.sliced_latency,
    "plain latency encoder": encoders.plain_latency,
    "plain delta encoder": encoders.plain_delta,
    "bitsliced currents": bitsliced.currents,
    "bitsliced held": bitsliced.held,
    "bitsliced spikes": bitsliced.spikes,
    "bitsliced readout": _asked(bitsliced.readout),
    "strips spikes": strips.strips_spikes,
    "sparse spikes": sparse.sparse_spikes,
    "fields readout": _asked(fields.fields_readout),
    "plain currents": plain.plain_currents,
    "plain held": plain.plain_held,
    "plain spikes": plain.plain_spikes,
    "plain readout": _asked(plain.plain_readout),
    "count readout": _asked(count.count_readout),
    "decision": decision,
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
