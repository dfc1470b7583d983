"""Features of the kernels that compute with integers: plain, strips, sparse, fields, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.features.load import (
    Features,
    Load,
    cleared,
    columns,
    count_width,
    digits_listed,
    each_step,
    not_zero,
    over_steps,
    plane_lengths,
    times,
)

if TYPE_CHECKING:  # codegen.stages chooses kernels by costs, and so by these
    from codegen.stages.records import PlainLayer, Readout


def _integers(stage: PlainLayer, load: Load) -> Features:
    """Neurons in integers: what each takes, and what it takes to fire."""
    n = stage.neurons
    own = sum(text.endswith("[j]") for text in (stage.bias, stage.threshold, stage.reset_by))
    return {
        "": 1,
        "words": stage.words,
        "neurons": n,
        "small neurons": n * (stage.v_ctype != "int32_t"),
        "neurons x leak": n * sum(k != 0 for k in stage.leak),
        "neurons x own": n * own,
        "neurons x saturation": n * sum(x is not None for x in (stage.floor, stage.ceiling)),
        "neurons scaled": n * (stage.fraction_bits > 0),
        "fired": load.fired,
        "fired, subtract": load.fired * (stage.reset == "subtract"),
        "counted": stage.words * count_width(stage, load),
    }


def plain_currents(stage: PlainLayer, load: Load) -> Features:
    """A column for every input that is not 0, then the shift."""
    active = float(stage.source.size) if load.worst else not_zero(load.values)
    found = columns(active, stage.neurons, stage.bits, "neurons") | {
        "once": 1,
        "inputs": stage.source.size,
        "neurons": stage.neurons,
        "neurons shifted": stage.neurons * bool(stage.source.shift),
        "neurons biased": stage.neurons * stage.bias.endswith("[j]"),
    }
    found |= cleared(stage.neurons)
    return times("", load.frames, found)


def plain_held(stage: PlainLayer, load: Load) -> Features:
    """Neurons on cached currents."""
    found = _integers(stage, load) | {
        "held": 1,
        "held neurons": stage.neurons,
        "small currents": stage.neurons * (stage.current_ctype != "int32_t"),
    }
    return each_step(found, load)


def plain_spikes(stage: PlainLayer, load: Load) -> Features:
    """A column for every input that spikes, then the neurons."""
    found = _integers(stage, load) | columns(load.active, stage.neurons, stage.bits, "neurons")
    found |= cleared(stage.neurons) | {"words of inputs": stage.source.words}
    return each_step(found | {"spikes": 1, "plain neurons": stage.neurons}, load)


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


def sparse_spikes(stage: PlainLayer, load: Load) -> Features:
    """The list of every input that spikes, then the neurons."""
    weights = stage.tables[0].values.size / stage.source.size
    found = {
        "sparse": 1,
        "words of inputs": stage.source.words,
        "active lists": load.active,
        "active x weights": load.active * weights,
        "sparse totals": 2 * stage.neurons,
    }
    return each_step(_integers(stage, load) | found, load)


def plain_readout(stage: Readout, load: Load) -> Features:
    """A column for every neuron that spiked at all."""
    active = float(stage.inputs) if load.worst else not_zero(load.counts)
    found = columns(active, stage.outputs, stage.bits, "outputs") | cleared(stage.outputs)
    return found | {
        "once": 1,
        "outputs": stage.outputs,
        "words": stage.words,
        "words x planes": stage.words * stage.count_width,
        "active x planes": active * stage.count_width,
    }


def fields_readout(stage: Readout, load: Load) -> Features:
    """A column of bytes for every bit that is set in the counts."""
    fields, n = -(-stage.outputs // 4), stage.outputs
    found, biased = sum(plane_lengths(stage, load)), stage.bias != "0" or stage.fraction_bits > 0
    of = f"of {fields} fields"
    return {
        f"once {of}": 1,
        "outputs": n,
        "outputs x bias": n * biased,
        "bias": biased,
        f"planes {of}": stage.count_width,
        f"planes x outputs {of}": stage.count_width * n,
        f"words x planes {of}": stage.words * stage.count_width,
        f"set {of}": found,
        "set x halves": found * -(-n // 2),
    }


SHORT = 2
"""Planes up to which a compiler writes out the loop over the planes of a count."""


def count_readout(stage: Readout, load: Load) -> Features:
    """The counts themselves."""
    n, planes = stage.outputs, stage.count_width
    each: Features = {"outputs": n, "outputs x planes": n * planes}
    if stage.words > 1:
        each |= {"outputs of many words": n, "outputs of many words x planes": n * planes}
    short = " written out" * (planes <= SHORT)
    return {"once": 1} | {f"{name}{short}": value for name, value in each.items()}
