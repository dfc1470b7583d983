"""A model in numbers: the content of the manifest and of `spikemcu info`."""

from __future__ import annotations

from typing import Any

import numpy as np

from codegen.kernels.memory import Field
from codegen.kernels.stage import Stage
from codegen.plan.program import Program
from codegen.plan.sensor import Stream
from codegen.render.generated import Generated, generated
from qat.model import Activity, Interval, LayerBounds, Model

FLOAT32_BYTES = 4


def _range(interval: Interval) -> dict[str, int]:
    return {"low": interval.low, "high": interval.high, "bits": interval.width}


def _layer_bounds(bounds: LayerBounds) -> dict[str, dict[str, int]]:
    """Return the ranges of a layer; v only where its neurons have a memory."""
    membranes = {} if bounds.v is None else {"v": _range(bounds.v)}
    return {
        "accumulator": _range(bounds.accumulator),
        "current": _range(bounds.current),
        "u": _range(bounds.u),
        **membranes,
    }


def _items(stage: Stage) -> dict[str, Any]:
    flash = [{"name": t.name, "what": t.what, "bytes": t.bytes} for t in stage.tables]
    return {"flash": flash, "ram": [_field(item) for item in stage.fields]}


def _field(item: Field) -> dict[str, Any]:
    return {"name": item.name, "what": item.what, "bytes": item.bytes}


def _stages(model: Model, program: Program) -> list[dict[str, Any]]:
    """Return one entry per synapse: the layers, then the readout if it has weights."""
    entries = []
    for (where, synapse), stage in zip(model.synapses(), program.stages, strict=False):
        weights = synapse.weights
        entries.append(
            {
                "where": where,
                "kernel": stage.kernel,
                "inputs": synapse.n_in,
                "outputs": synapse.n_out,
                "weight_bits": synapse.bits,
                "weights": weights.size,
                "weight_bytes": stage.tables[0].bytes,
                "float32_bytes": weights.size * FLOAT32_BYTES,
                "zero_weights": float(np.mean(weights == 0)),
                **_items(stage),
            }
        )
    for index, layer in enumerate(model.layers):
        entries[index] |= layer.describe()
        entries[index]["bounds"] = _layer_bounds(model.bounds().layers[index])
    return entries


def _shared(program: Program) -> list[dict[str, Any]]:
    """Return the state's fields that belong to no single layer: counts and scratch."""
    owned = {item.name for layer in program.layers for item in layer.fields}
    return [_field(item) for item in program.fields if item.name not in owned]


def _sensor(program: Program, stream: Stream) -> dict[str, Any]:
    """Return what raw samples go through; `every` is the samples from one result to the next."""
    return {
        "channels": stream.channels,
        "names": list(stream.names),
        "unit": stream.unit,
        "mode": stream.mode,
        "group": stream.group,
        "window": stream.window,
        "every": stream.hop * stream.group,
        **({} if stream.sound is None else {"sound": stream.sound.describe()}),
        "ram_bytes": program.stream_bytes,
        "flash": [{"name": t.name, "what": t.what, "bytes": t.bytes} for t in stream.tables],
    }


def _encoder(program: Program) -> dict[str, Any] | None:
    """Return what makes spikes of the input, if anything does; its RAM is among the shared."""
    stage = program.encoder
    if stage is None:
        return None
    return {"kernel": stage.kernel, "lines": stage.lines, "flash": _items(stage)["flash"]}


def shape_text(model: Model, readout: bool = True) -> str:
    """Return the sizes in short: inputs, what every layer sends, and what the readout gives.

    A chain of vectors is 64-32-10, one with maps 16x16x1 - 8x8x16 - 10.
    """
    shapes = [model.input.shape, *(layer.shape for layer in model.layers)]
    scored = readout and (model.readout is not None or model.outputs != shapes[-1].size)
    between = " - " if any(shape.positions > 1 for shape in shapes[1:]) else "-"
    return between.join(map(str, [*shapes, model.outputs] if scored else shapes))


def summarize(
    given: Model | Generated, core: str | None = None, activity: Activity | None = None
) -> dict[str, Any]:
    """Return the numbers of a model as JSON values: shapes, bits, proved ranges, sizes.

    Bytes of flash are weights and constants, without code; bytes of RAM are the state
    struct, exactly.
    """
    program = generated(given, core, activity).program
    model = program.model
    stages = _stages(model, program)
    scores = model.bounds().scores
    return {
        "spikemcu": program.version,
        "name": model.name,
        "digest": model.digest(),
        "input": {
            "kind": program.input_kind,
            "size": program.inputs,
            "low": program.input_low,
            "high": program.input_high,
        },
        "encoder": _encoder(program),
        "steps": model.steps,
        "sensor": None if program.sensor is None else _sensor(program, program.sensor),
        "readout": None if model.readout is None else type(model.readout).__name__.lower(),
        "outputs": model.outputs,
        "classes": list(model.class_names),
        "stages": stages,
        "shared_ram": _shared(program),
        "scores": None if scores is None else _range(scores),
        "weight_bytes": sum(entry["weight_bytes"] for entry in stages),
        "float32_bytes": sum(entry["float32_bytes"] for entry in stages),
        "flash_bytes": program.flash_bytes,
        "ram_bytes": program.ram_bytes,
        "metadata": dict(model.metadata),
    }
