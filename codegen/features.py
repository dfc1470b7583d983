"""What a stage does, in numbers: the features of which its cost is a sum.

A feature is a count of something that the code does: words listed, active inputs, blocks times
active inputs, planes times steps. A kind of stage is a row of KINDS: its name, and the function
that counts its features from the stage's record and from what it meets (Load). A new kernel is
a new function and a new row for each thing it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Any

from codegen.stages.records import (
    BYTE_TABLE_INPUTS,
    BitslicedLayer,
    PlainLayer,
    Program,
    Readout,
)

Features = dict[str, float]

FEW_WORDS = 2
"""Words of spikes up to which the compiler unrolls the loop that counts them."""


@dataclass(frozen=True)
class Load:
    """What a stage meets in one call: an inference, or a step of a model without a whole one.

    steps:  time steps in the call
    frames: input vectors in the call: 1 for a held one
    active: inputs that spike, mean of a step
    busy:   fraction of the steps in which any does
    values: {value: inputs that have it, mean} of a byte vector
    counts: {spikes in an inference: neurons of the last layer that had them, mean}
    fired:  spikes of the layer itself, mean of a step
    single: the figures are those of one call, not means over many
    fused:  one layer on a held input: its steps may run together
    helium: the core has it, and the program is wide enough for it
    listed: inputs of the longest active list, for the choice of its code
    """

    steps: float = 1
    frames: float = 1
    active: float = 0
    busy: float = 0
    values: Mapping[int, float] = field(default_factory=dict)
    counts: Mapping[int, float] = field(default_factory=dict)
    fired: float = 0
    single: bool = False
    fused: bool = False
    helium: bool = False
    listed: int = 0


def _bit_length(load: Load) -> float:
    """Return the binary digits of the bytes of a vector, leading zeros left out."""
    return sum(n * (value % 256).bit_length() for value, n in load.values.items())


def _digits(values: Mapping[int, float], bits: int) -> list[float]:
    """Return how many of {value: how often} have each binary digit set."""
    return [sum(n for value, n in values.items() if value >> b & 1) for b in range(bits)]


def _not_zero(values: Mapping[int, float]) -> float:
    return sum(n for value, n in values.items() if value)


def _any(counts: Sequence[float], load: Load) -> list[float]:
    """Return how often there is any of what happens `count` times on average, rare and many."""
    return [min(n, 1.0) if load.single else 1 - exp(-n) for n in counts]


# ------------------------------------------------------------------- bit-sliced


def _planes_for(reach: float, width: int) -> int:
    """Return the planes that the code adds in, as helpers/planes_for.c.j2."""
    return min(width, max(4, int(reach).bit_length() + 1))


def _sliced(width: int, blocks: int, digits: Sequence[float], words: int, load: Load) -> Features:
    """Return the features of adding the planes of a number, digit after digit."""
    busy = _any(digits, load)
    height = sum(full * (width - b) for b, full in enumerate(busy))
    return {
        "planes listed": sum(busy) + 0.0,
        "words listed": words * len(digits),
        "inputs listed": sum(digits),
        "blocks x planes": blocks * sum(busy),
        "blocks x active": blocks * sum(digits),
        "blocks x height": blocks * height,
        "blocks x width": blocks * width,
    }


def bitsliced_currents(stage: BitslicedLayer, load: Load) -> Features:
    """Currents of a byte vector: digits, lists, sums, then the shift."""
    source = stage.source
    digits = _digits(load.values, source.bits)
    found = _sliced(stage.sum_width, stage.blocks, digits, source.words, load)
    found |= {
        "once": 1,
        "inputs": source.size,
        "bits": _bit_length(load),
        "blocks x kept planes": stage.blocks * stage.current_width,
        "blocks x bias planes": stage.blocks * stage.bias_words,
        "blocks x height, signed": source.negative * found["blocks x height"],
    }
    return {name: load.frames * value for name, value in found.items()}


def _neurons(stage: BitslicedLayer, load: Load) -> Features:
    """Leak, integration, comparison, reset of all blocks and steps; four at a time on Helium."""
    fits = load.helium and stage.constants <= 128
    quads = stage.blocks // 4 if fits else 0
    own = [d for d in (*stage.threshold, *stage.reset_by) if d.word is not None]
    planes: Features = {
        "": 1,
        "u": stage.u_width,
        "v": stage.v_width,
        "leak": len(stage.leak) * stage.u_width,
        "negative leak": sum(k < 0 for k in stage.leak) * stage.u_width,
        "far leak": stage.u_width if any(abs(k) > 4 for k in stage.leak) else 0,
        "current": sum(p.current is not None for p in stage.planes),
        "bias": sum(p.bias is not None for p in stage.planes),
        "own": len(own),
        "ones": sum(d.bit == 1 for d in stage.reset_by[: stage.v_width]),
        "saturation": len(stage.floor) + len(stage.ceiling),
        "reset to zero": stage.v_width if stage.reset == "zero" else 0,
    }
    single = {f"blocks x {name}": (stage.blocks - 4 * quads) * n for name, n in planes.items()}
    return single | {f"quads x {name}": quads * n for name, n in planes.items() if quads}


def _each_step(found: Features, load: Load) -> Features:
    """Return the features of all steps, beside what is done once."""
    return {f"{name}, each step": load.steps * value for name, value in found.items()}


def bitsliced_held(stage: BitslicedLayer, load: Load) -> Features:
    """Neurons on cached currents."""
    return {"steps": load.steps} | _each_step(_neurons(stage, load), load)


def bitsliced_fused(stage: BitslicedLayer, load: Load) -> Features:
    """Neurons on cached currents, all steps of a model with one layer."""
    blocks = {"blocks": stage.blocks, "blocks x v": stage.blocks * stage.v_width}
    blocks["blocks x current"] = stage.blocks * stage.current_width
    return {"once": 1} | blocks | bitsliced_held(stage, load)


def bitsliced_spikes(stage: BitslicedLayer, load: Load) -> Features:
    """Active list, sums, neurons of spiking input."""
    found = _neurons(stage, load)
    width, quads = stage.sum_width, stage.blocks // 4 if load.helium else 0
    singles = stage.blocks - 4 * quads
    used = _planes_for(stage.reach + load.active, width)
    dense = _table_words(stage, load)
    of_table = dense * load.active / max(stage.source.words, 1)
    found |= {
        "once": 1,
        "words listed": stage.source.words,
        "words by table": dense,
        "inputs listed": load.active - of_table,
        "inputs by table": of_table,
        "width": width,
        "singles": singles,
        "singles x active": singles * load.active,
        "singles x busy": singles * load.busy,
        "singles x planes": singles * used,
        "singles x width": singles * width,
        "quads": quads,
        "quads x active": quads * load.active,
        "quads x busy": quads * load.busy,
        "quads x planes": quads * used,
        "quads x width": quads * width,
    }
    return _each_step(found, load)


def _table_words(stage: BitslicedLayer, load: Load) -> float:
    """Return the words whose bits Helium lists by a table: those of two bits 16 apart."""
    if not load.helium or load.listed < BYTE_TABLE_INPUTS:
        return 0.0
    share = load.active / stage.source.size
    return stage.source.words * float(1 - (1 - share**2) ** 16)


def _counted(stage: Readout, load: Load) -> Features:
    """Features of counting spikes in planes, and of the search for the first maximum."""
    planes = load.steps * stage.words * stage.count_width
    return {
        "once": 1,
        "count calls": load.steps,
        "count words": load.steps * stage.words,
        f"count planes{' of few words' * (stage.words <= FEW_WORDS)}": planes,
        "outputs": stage.outputs,
    }


def bitsliced_readout(stage: Readout, load: Load) -> Features:
    """Planes of the counts as digits of an input, then the lanes of the sums."""
    digits = _digits(load.counts, stage.count_width)
    lanes = {"outputs x width": stage.outputs * stage.sum_width}
    summed = _sliced(stage.sum_width, stage.blocks, digits, stage.words, load)
    return _counted(stage, load) | lanes | summed


# ------------------------------------------------------------------------ plain


def _integers(stage: PlainLayer, load: Load) -> Features:
    """Neurons in integers: what each takes, and what it takes to fire."""
    n = stage.neurons
    own = sum(text.endswith("[j]") for text in (stage.bias, stage.threshold, stage.reset_by))
    return {
        "steps": 1,
        "words": stage.words,
        "neurons": n,
        "neurons x leak": n * sum(k != 0 for k in stage.leak),
        "neurons x own": n * own,
        "neurons x saturation": n * sum(x is not None for x in (stage.floor, stage.ceiling)),
        "fired": load.fired,
    }


def plain_currents(stage: PlainLayer, load: Load) -> Features:
    """A column for every input that is not 0, then the shift."""
    active = _not_zero(load.values)
    found = {
        "once": 1,
        "inputs": stage.source.size,
        "neurons": stage.neurons,
        "neurons shifted": stage.neurons * bool(stage.source.shift),
        "active": active,
        f"active x neurons of {stage.bits} bits": active * stage.neurons,
    }
    return {name: load.frames * value for name, value in found.items()}


def plain_held(stage: PlainLayer, load: Load) -> Features:
    """Neurons on cached currents."""
    return _each_step(_integers(stage, load), load)


def plain_spikes(stage: PlainLayer, load: Load) -> Features:
    """A column for every input that spikes, then the neurons."""
    found = _integers(stage, load) | {
        "words listed": stage.source.words,
        "active": load.active,
        f"active x neurons of {stage.bits} bits": load.active * stage.neurons,
    }
    return _each_step(found, load)


def plain_readout(stage: Readout, load: Load) -> Features:
    """A column for every neuron that spiked at all."""
    active = _not_zero(load.counts)
    return _counted(stage, load) | {
        "words x planes": stage.words * stage.count_width,
        "active": active,
        "active x planes": active * stage.count_width,
        f"active x outputs of {stage.bits} bits": active * stage.outputs,
    }


def count_readout(stage: Readout, load: Load) -> Features:
    """The counts themselves."""
    return _counted(stage, load) | {"outputs x planes": stage.outputs * stage.count_width}


# ----------------------------------------------------------------------- tables


def whole(program: Program) -> bool:
    """Return True if an inference is one call: a held input, a fixed number of steps."""
    return program.readout is not None and program.input_kind == "analog"


def rest(program: Program, load: Load) -> Features:
    """What belongs to no stage: the reset of the state, loops, the copy of the spikes."""
    return {
        "once": 1,
        "words of state": program.ram_bytes / 4 if whole(program) else 0,
        "steps": load.steps,
        "steps x layers": load.steps * len(program.layers),
        "words of spikes": load.steps * program.last.words,
    }


KINDS: dict[str, Callable[[Any, Load], Features]] = {
    "rest": rest,
    "bitsliced currents": bitsliced_currents,
    "bitsliced held": bitsliced_held,
    "bitsliced fused": bitsliced_fused,
    "bitsliced spikes": bitsliced_spikes,
    "bitsliced readout": bitsliced_readout,
    "plain currents": plain_currents,
    "plain held": plain_held,
    "plain fused": plain_held,
    "plain spikes": plain_spikes,
    "plain readout": plain_readout,
    "count readout": count_readout,
}
"""Kinds of parts: a kernel's name, then what it does."""
