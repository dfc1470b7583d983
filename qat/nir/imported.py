"""`qat.nir.load`: a NIR file becomes an integer model, and what that costs is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.machine.memory import require
from qat.model import Activity, Model, c_name
from qat.model.integrator import Score
from qat.nir.data import Recording, recording
from qat.nir.drift import Drift, drift_of, signals
from qat.nir.inflow import Inputs, inputs_of, unknown
from qat.nir.layout import as_model
from qat.nir.mapping import plan_of
from qat.nir.plan import Plan, counts_of
from qat.nir.quantize import Observed, Progress, Settings, quantized
from qat.nir.reading import Read, read
from qat.nir.settle import Options
from qat.nir.whole import Whole

BITS = (2, 4, 8, 16)

KEPT_BYTES = 40
"""For each neuron, step and sample: spikes, those of the model, currents and membranes."""

DRIFT = 0.02
"""The largest share of differing spikes of a layer that is let pass."""


@dataclass(frozen=True, eq=False)
class Imported:
    """A model, and how it came about.

    read:  the file as its framework runs it, with the proof by a reference
    plan:  the network as the model has it, in real numbers
    parts: its layers in whole numbers; `exact` of each says what stayed as it was
    drift: None without data
    inputs: the data as the model takes them
    score: of a last layer that does not spike
    notes: what is approximate, changed in form, or was not compared, in words
    """

    model: Model
    read: Read
    plan: Plan
    parts: tuple[Whole, ...]
    drift: Drift | None
    inputs: Inputs
    score: Score
    notes: tuple[str, ...]


def load(
    path: str | PathLike[str],
    *,
    dialect: str = "auto",
    dt: float | None = None,
    reset: str | Sequence[str] | None = None,
    compare: str | Sequence[str] | None = None,
    gain: str | Sequence[str] | None = None,
    bits: int | Sequence[int] | None = None,
    x: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    reference: str | PathLike[str] | None = None,
    steps: int | None = None,
    drift: float = DRIFT,
    score: Score = "last",
    name: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Return the integer model of a NIR file.

    dialect:   "auto", or a row of qat.nir.dialects.DIALECTS
    dt:        seconds of a step; None takes the file's or the dialect's
    reset, compare, gain: what the file leaves open, a word for all neurons or one for each
    bits:      2, 4, 8 or 16 of the weights, for all layers or each; None for 8, for 16 where 8
               are too coarse, and with data of your own (x) for 4 and 2, as far as `drift` allows
    x:         data, (time, batch, ...) as the framework takes them, or (batch, ...) held for
               `steps`; None takes the reference's, if there is one
    labels:    (batch,) of x, for accuracy
    reference: an .npz with what the framework computed (see qat.nir.reference)
    steps:     T of the model; None takes that of the data
    drift:     the largest share of a layer's spikes that may differ while bits are taken away
    score:     of a last layer that does not spike: "last", its membrane at the end, its "max" or
               "sum" over the steps
    name:      of the model; None makes one of the file's name

    Raises ValueError, in one line, for what cannot be read, settled or mapped, and UnprovedError
    (a ValueError) where the reference is not reproduced.
    """
    options = Options(dialect, dt, _words(reset), _words(compare), _words(gain))
    found = read(path, options, reference)
    given = None
    if x is not None:
        extent = found.twin.graph.nodes[found.twin.graph.source].extent
        y = None if labels is None else np.asarray(labels)
        given = recording(np.asarray(x), y, extent, found.twin.reading.dialect, steps)
    return imported(found, Path(path).stem if name is None else name, bits=bits, data=given,
                    steps=steps, drift=drift, score=score, progress=progress)  # fmt: skip


def _words(given: str | Sequence[str] | None) -> Sequence[str] | None:
    return (given,) if isinstance(given, str) else given


def imported(
    found: Read,
    name: str,
    *,
    bits: int | Sequence[int] | None = None,
    data: Recording | None = None,
    steps: int | None = None,
    drift: float = DRIFT,
    score: Score = "last",
    progress: Progress | None = None,
) -> Imported:
    """Return the integer model of a file that was read; see `load`."""
    plan = plan_of(found.twin)
    lower = data is not None
    if data is None and found.reference is not None:
        data = Recording(found.reference.x.astype(np.float64))
    seen = observed(found, plan, data)
    made = _steps(plan, data, steps)
    settings = Settings(
        _bits(bits, len(plan.stages) + (plan.last is not None)), lower, drift, score, made,
        c_name(name), _about(found),
    )  # fmt: skip
    model, parts = quantized(plan, seen, settings, progress)
    told = None
    if data is not None:
        wanted = signals(plan, seen.emitted)
        told = drift_of(
            plan, parts, model, seen.inputs, wanted=wanted,
            predictions=predictions(found, data, score), labels=data.labels,
        )  # fmt: skip
        metadata = {**model.metadata, **_activity(model, seen, wanted)}
        model = replace(model, metadata=metadata)
    notes = _notes(found, plan, parts, data)
    return Imported(model, found, plan, tuple(parts), told, seen.inputs, score, notes)


def observed(found: Read, plan: Plan, data: Recording | None) -> Observed:
    """Return what the framework's layers do on data, in the order of the model."""
    graph = found.twin.graph
    extent = graph.nodes[graph.source].extent
    if data is None:
        return Observed(unknown(plan.given), ())
    neurons = sum(stage.map.size for stage in plan.stages)
    require(
        "import", KEPT_BYTES * data.x.shape[0] * data.x.shape[1] * neurons, "give fewer samples"
    )
    inputs = inputs_of(as_model(data.x, extent), plan.given)
    keep = {stage.node for stage in plan.stages}
    sent = found.twin.run(data.x, found.dtype, keep)
    steps = len(data.x) - plan.late
    ran = plan.run(inputs.x[:steps])
    emitted: list[NDArray[np.uint16]] = []
    for stage, own in zip(plan.stages, ran, strict=True):
        neuron = found.twin.neurons.get(stage.node)
        behind = neuron is not None and neuron.behind
        whole = as_model(sent[stage.node], graph.nodes[stage.node].extent)
        emitted.append(own if behind else counts_of(whole[:steps], stage.node))
    return Observed(replace(inputs, x=inputs.x[:steps]), tuple(emitted))


def predictions(found: Read, data: Recording, score: Score = "last") -> NDArray[np.int64]:
    """Return the classes of the framework's output: the first maximum of its score.

    Spikes, and currents of weights alone, are summed; membranes as `score` says.
    """
    graph = found.twin.graph
    last = graph.before(graph.sink)[0]
    sent = as_model(found.twin.run(data.x, found.dtype, {last})[last], graph.nodes[last].extent)
    neuron = graph.nodes[last].about
    if not neuron.neuron or neuron.spiking or score == "sum":
        scores = sent.sum(axis=0)
    else:
        scores = sent[-1] if score == "last" else sent.max(axis=0)
    return np.asarray(scores.argmax(axis=-1), np.int64)


def _steps(plan: Plan, data: Recording | None, steps: int | None) -> int:
    if data is not None:
        if steps is not None and steps != len(data.x):
            raise ValueError(f"--steps {steps}: the data have {len(data.x)}")
        steps = len(data.x)
    if steps is None:
        raise ValueError("--steps: without data and reference the model needs their number")
    if steps <= plan.late:
        raise ValueError(f"--steps {steps}: the output comes {plan.late} step later; give more")
    return steps - plan.late


def _bits(bits: int | Sequence[int] | None, count: int) -> tuple[int, ...] | None:
    if bits is None:
        return None
    found = (bits,) if isinstance(bits, int) else tuple(bits)
    if other := [b for b in found if b not in BITS]:
        raise ValueError(f"--bits {other[0]}: use 2, 4, 8 or 16")
    if len(found) not in (1, count):
        raise ValueError(
            f"--bits: {len(found)} numbers; the file has {count} layers: give 1 or all"
        )
    return found * count if len(found) == 1 else found


def _about(found: Read) -> dict[str, Any]:
    """Return what the model's metadata say of the file."""
    words = found.twin.reading.words()
    return {"nir": {**words, "version": found.twin.graph.version,
                    "order": "height, width, channels"}}  # fmt: skip


def _activity(model: Model, seen: Observed, wanted: Sequence[NDArray[Any]]) -> dict[str, Any]:
    """Return how active the model is on the data: what its cost on a core depends on."""
    given = seen.inputs.given()
    arriving = model.input.encode(given, model.steps or 1)
    spikes = tuple(np.moveaxis(s, 0, 1).astype(np.uint16) for s in wanted)
    levels = [layer.levels for layer in model.layers]
    low, high = model.input.reads
    activity = Activity.of_spikes(arriving, low, high, spikes, model.steps or 1, levels=levels)
    return {"firing_rates": [float(s.mean()) for s in spikes], "activity": activity.to_json()}


def _notes(
    found: Read, plan: Plan, parts: Sequence[Whole], data: Recording | None
) -> tuple[str, ...]:
    notes = [*plan.notes]
    if found.comparison is None:
        notes.append("nothing was compared: there is no reference")
    if data is None:
        notes.append("no data: bits, thresholds and drift were measured on nothing")
    if plan.late:
        notes.append(f"the framework's output comes {plan.late} step later: the model makes fewer")
    for part in parts:
        if not part.stage.neuron.several and part.exact >= {"weights", "leak", "bias", "threshold"}:
            continue
        near = [w for w in ("weights", "leak", "bias", "threshold") if w not in part.exact]
        if near:
            notes.append(f"{part.stage.node}: {', '.join(near)} rounded")
    return tuple(notes)
