"""What a stage does, in numbers: the features of which its cost is a sum.

A feature is a count of something that the code does: words listed, active inputs, blocks times
active inputs, planes times steps. A record of them stands in the cost.py of each kernel, beside
the function that counts them from the stage's record and from what it meets (Load). The row of a
kernel or an encoder names that function for each part that it has; here stands what belongs to
no kernel.

No feature falls where more inputs, digits or neurons are active: only so is an input that has
all of them the worst. (The one exception, the inactive inputs that a layer adds instead above a
limit, is cost.worst_works's own matter.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from codegen import kernels
from codegen.kernels import encoders
from codegen.kernels.features import Features
from codegen.kernels.gather.cost import Gathering, gathering
from codegen.kernels.kernel import COUNTS, Count, Kernel
from codegen.kernels.load import Load
from codegen.kernels.stage import Readout
from codegen.plan import front
from codegen.plan.program import Program

__all__ = ["Features", "Kind", "Load", "check_names", "family", "kinds"]


WRITTEN_OUT = 24
"""Bytes up to which a compiler writes out a memset."""


@dataclass(frozen=True, kw_only=True)
class Cleared(Features):
    """Bytes that memset clears: 16 at a time, then by words, then one by one.

    calls: of memset; sixteens, words, bytes: passes of its loops
    written_out: words of those that a compiler clears itself
    """

    calls: float = 0.0
    sixteens: float = 0.0
    words: float = 0.0
    bytes: float = 0.0
    written_out: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Rest(Features):
    """What belongs to no stage: the reset of the state, loops, the copy of the spikes.

    calls:         an inference, or a step of a model that runs free
    inferences:    an inference: state_words, or what is cleared, are its reset
    fused_...:     the same where the first layer makes all steps at once
    held_steps:    steps of an inference whose input is held; steps: others
    encoded_steps: steps that begin with an encoder
    layers:        steps times layers behind the first
    spike_words:   words of all planes of the last signal, over the steps
    """

    calls: float = 0.0
    inferences: float = 0.0
    state_words: float = 0.0
    cleared: Cleared = Cleared()
    fused_calls: float = 0.0
    fused_state_words: float = 0.0
    held_steps: float = 0.0
    steps: float = 0.0
    encoded_steps: float = 0.0
    layers: float = 0.0
    spike_words: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Decision(Features):
    """Whether to stop: checks, those whose answer could still be no, and outputs of these."""

    checks: float = 0.0
    asked: float = 0.0
    outputs: float = 0.0


def cleared(size: int) -> Cleared:
    """Clear bytes, as memset of newlib does."""
    if size <= WRITTEN_OUT:
        return Cleared(written_out=-(-size // 4))
    return Cleared(calls=1, sixteens=size // 16, words=size % 16 // 4, bytes=size % 4)


def rest(program: Program, load: Load) -> Rest:
    """What belongs to no stage: the reset of the state, loops, the copy of the spikes."""
    kept = sum(item.bytes for item in program.fields if not item.scratch)
    once, words = program.readout is not None, program.reset_words
    others = cleared(kept) if once and words == 0 else Cleared()
    if once and program.layers[0].fused:
        return Rest(fused_calls=1, fused_state_words=words, cleared=others)
    held = once and program.held
    return Rest(
        calls=1,
        inferences=once,
        state_words=once * words,
        cleared=others,
        held_steps=load.steps * held,
        steps=load.steps * (not held),
        encoded_steps=load.steps * (program.encoder is not None),
        layers=load.steps * (len(program.layers) - 1),
        spike_words=load.steps * program.last.signal_words,
    )


def decision(stage: Readout, load: Load) -> Decision:
    """Whether the best score leads by enough, after some steps."""
    return Decision(checks=load.checks, asked=load.asked, outputs=load.asked * stage.outputs)


def _asked(readout: Count) -> Count:
    """Return the features of a readout that is asked after some steps whether to stop."""

    def features(stage: Readout, load: Load) -> Features:
        found = readout(stage, load)
        return found.scaled(load.checks) if load.checks else found

    return features


@dataclass(frozen=True)
class Kind:
    """What a part of an inference is.

    features: the record of its features; count: what counts them; family: where the coefficients
        stand
    """

    features: type[Features]
    count: Count
    family: str


def gather(program: Program, load: Load) -> Gathering:
    """Bring together what layers read of several signals, and keep what is read later."""
    return gathering(program.gathers, program.rings, load)


OWN: dict[str, Count] = {
    "rest": rest,
    "rest decision": rest,
    "decision": decision,
    "gather": gather,
    "sound": front.hearing,
    "samples": front.scaling,
    "moved samples": front.keeping,
    "moved vectors": front.overlapping,
    "detector": front.detecting,
}
"""Parts that belong to no kernel."""

FAMILIES = {"moved samples": "moved", "moved vectors": "moved"}
"""Where the coefficients of those stand that are the same C as another."""


def kinds() -> dict[str, Kind]:
    """Return every kind of part by its name: a kernel's and what it does, as the tables say."""
    return _kinds(kernels.KERNELS)


@cache
def _kinds(rows: tuple[Kernel, ...]) -> dict[str, Kind]:
    found = {
        name: Kind(record_of(count), count, FAMILIES.get(name, name))
        for name, count in (OWN | encoders.costs()).items()
    }
    for row in rows:
        for part, count in row.costs.items():
            asked = _asked(count) if COUNTS in row.reads and part == "readout" else count
            found[row.kind(part)] = Kind(record_of(count), asked, row.fitted_as(part))
    return found


def record_of(count: Count) -> type[Features]:
    """Return the record that a function counts features in: its annotation says so.

    Raises ValueError for a function that does not say.
    """
    found = get_type_hints(count).get("return")
    if not isinstance(found, type) or not issubclass(found, Features) or found is Features:
        raise ValueError(f"{count.__name__}: returns {found}; must name its record of features")
    return found


def family(kind: str) -> str:
    """Return the name under which the coefficients of a kind stand."""
    found = kinds().get(kind)
    return kind if found is None else found.family


def check_names(costs: Mapping[str, Mapping[str, Any]], core: str) -> None:
    """Check that every coefficient of {family: coefficients} belongs to a field of a record.

    Raises ValueError for a family without a kind, or a coefficient without a field.
    """
    for name, table in costs.items():
        if name not in families():
            raise ValueError(f"costs.json: {core} has {name!r}, which is no kind of part")
        lost = unknown_names(name, table)
        if lost:
            raise ValueError(
                f"costs.json: {name!r} on {core} has a coefficient {lost[0]!r}, which is no "
                "field of its features; measure it with python tests/bench/calibrate.py"
            )


def families() -> set[str]:
    """Return the names under which coefficients stand."""
    return {row.family for row in kinds().values()}


def unknown_names(name: str, table: Mapping[str, Any]) -> list[str]:
    """Return the coefficients of a family that no kind of part of it has a feature for."""
    rows = [row for row in kinds().values() if row.family == name]
    known = {one for row in rows for one in row.features.names()}
    return sorted({one for key in ("seen", "typical", "worst") for one in table[key]} - known)
