"""Features of the kernels that compute with integers: plain, strips, sparse, fields, counts."""

from __future__ import annotations

from codegen.kernels.load import (
    Features,
    Load,
    cleared,
    columns,
    count_width,
    each_step,
    not_zero,
    times,
)
from codegen.kernels.plain.layer import PlainLayer
from codegen.kernels.stage import Readout


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


SHORT = 2
"""Planes up to which a compiler writes out the loop over the planes of a count."""
