"""What a stage does, in numbers: the features of which its cost is a sum.

A feature is a count of something that the code does: words listed, active inputs, blocks times
active inputs, planes times steps. What counts them stands in the row of a kernel or an encoder, for
each part that it has, and here for what belongs to no kernel.

No feature falls where more inputs, digits or neurons are active: only so is an input that has
all of them the worst. (The one exception, the inactive inputs that a layer adds instead above a
limit, is costs.worst_works's own matter.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from codegen import kernels
from codegen.kernels import encoders
from codegen.kernels.kernel import Count, Kernel
from codegen.kernels.load import Features, Load, times
from codegen.kernels.stage import Readout
from codegen.plan.program import Program

__all__ = ["Features", "Kind", "Load", "family", "kinds", "whole"]


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


def _asked(readout: Count) -> Count:
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


@dataclass(frozen=True)
class Kind:
    """What a part of an inference is: what counts its features, where its coefficients stand."""

    count: Count
    family: str


OWN: dict[str, Count] = {"rest": rest, "rest decision": rest, "decision": decision}
"""Parts that belong to no kernel."""


def kinds() -> dict[str, Kind]:
    """Return every kind of part by its name: a kernel's and what it does, as the tables say."""
    return _kinds(kernels.KERNELS)


@cache
def _kinds(rows: tuple[Kernel, ...]) -> dict[str, Kind]:
    found = {name: Kind(count, name) for name, count in (OWN | encoders.costs()).items()}
    for row in rows:
        for part, count in row.costs.items():
            asked = _asked(count) if part == "readout" else count
            found[row.kind(part)] = Kind(asked, row.fitted_as(part))
    return found


def family(kind: str) -> str:
    """Return the name under which the coefficients of a kind stand."""
    found = kinds().get(kind)
    return kind if found is None else found.family
