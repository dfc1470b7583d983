"""What a layer in strips costs, in features."""

from __future__ import annotations

from codegen.kernels.load import (
    Features,
    Load,
    digits_listed,
    each_step,
    over_steps,
)
from codegen.kernels.plain.cost import _integers
from codegen.kernels.plain.layer import PlainLayer


def strips_spikes(stage: PlainLayer, load: Load) -> Features:
    """Active list, sums of 8 or 16 neurons in packed fields, then the neurons."""
    summed = over_steps(lambda step: _strips(stage, step), load, stage.source.size)
    return each_step(_integers(stage, load) | summed, load)


def _strips(stage: PlainLayer, load: Load) -> Features:
    """Active list and sums of a step."""
    bits, strips, size, words = stage.bits, stage.strips, stage.source.size, stage.source.words
    many = bool(stage.complement) and load.active > stage.complement
    active = size - load.active if many else load.active
    calls = _pieces(stage, active, load) if stage.piece else load.busy
    lengths = [load.active, active] if many else [active]
    return digits_listed(lengths, words, size, load) | {
        "strips": 1,
        f"calls of {bits} bits": calls,
        f"strips of {bits} bits": strips,
        f"calls x strips of {bits} bits": calls * strips,
        f"active x strips of {bits} bits": active * strips,
        "pieces": calls * (stage.piece > 0),
        "in pieces x neurons": stage.neurons * (stage.piece > 0),
        "pieces x neurons": calls * stage.neurons * (stage.piece > 0),
        "could be inactive": stage.complement > 0,
        "inactive": many,
        "inactive words": many * words,
        "inactive neurons": many * stage.neurons,
    }


def _pieces(stage: PlainLayer, active: float, load: Load) -> float:
    """Return in how many pieces the active inputs are added."""
    if load.worst:
        return active / stage.piece + 1
    return load.busy if active <= stage.piece else active / stage.piece + 0.5
