"""What the stages of layers share: sources, ranges, constants common to all neurons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.gather.view import Gathered
from codegen.kernels.memory import Field
from codegen.kernels.pack import LANES, words_for
from codegen.kernels.ranges import Further, Range, Ranges
from codegen.kernels.source import Digits, Source
from codegen.kernels.stage import LATE, LayerFields
from qat.model import (
    ALIF,
    CuBa,
    Dense,
    Input,
    Interval,
    Layer,
    LayerBounds,
    LeakClasses,
    Leaky,
    Model,
    Neuron,
    Pool,
)
from qat.model.leak import Leak
from qat.model.synapses import Weighted

SPIKES_HELPERS = frozenset({"trailing_zeros", "list_active"})


COMPLEMENT_BYTES = 4096
"""Bytes of weights from which a layer lists its inactive inputs when they are the fewer.

That takes about 0.4 KB of flash, and halves the most that a step can take: no more than a tenth
of the weights then, whatever the layer's typical firing is. A smaller layer does without.
"""

LIST_COST = 6
"""Instructions on ARMv7-M to list an active input."""


def complement_from(inputs: int, weight_bytes: int, add_cost: int, once: int) -> int:
    """Return the number of active inputs above which it pays to add the inactive ones; 0: never.

    add_cost: instructions to add an input; once: those that the complement takes besides. The
    inactive inputs are listed and added, against adding the active ones, which are listed.
    """
    if weight_bytes < COMPLEMENT_BYTES:
        return 0
    return min((inputs * (LIST_COST + add_cost) + once) // (LIST_COST + 2 * add_cost), inputs)


def source_of(index: int, model: Model) -> Source:
    """Return where layer `index` reads from."""
    synapse, model_input = weighted_of(model.layers[index]), model.input
    size = synapse.n_in
    if index > 0 or model_input.spiking:
        planes = model.reads(index)[1].bit_length()
        return Source(size=size, words=words_for(size), planes=planes)
    return replace(byte_source(model_input), analog=model_input.held, shift=synapse.input_shift)


def weighted_of(layer: Layer) -> Weighted:
    """Return the synapse of a layer whose kernel knows weights."""
    assert isinstance(layer.synapse, Weighted)
    return layer.synapse


def byte_source(model_input: Input) -> Source:
    """Return the bytes of an input, as they come in."""
    size, low, high = model_input.size, model_input.low, model_input.high
    signed = low < 0
    bits = width_of(low, high) if signed else max(high.bit_length(), 1)
    return Source(
        size=size,
        words=words_for(size),
        planes=0,
        bits=bits,
        negative=signed,
        ctype="int8_t" if signed else "uint8_t",
        digits=digits_of(size, bits, high, signed),
    )


def digits_of(size: int, bits: int, high: int, signed: bool) -> Digits:
    """Return the digits that are expected to cost the least.

    The non-adjacent form of an 8-bit value has 2.8 digits on average, its binary form 4; but
    there are twice as many lists, and each costs about as much as ten digits. Images have many
    pixels of the largest value, whose bits are all set.
    """
    if bits >= 6 and size >= 64:
        return Digits("signed", bits, bits) if signed else Digits("signed", bits + 1, bits - 1)
    if signed:
        return Digits("binary", bits - 1, 1, first=bits - 1)
    if bits > 1 and high == 2**bits - 1:
        return Digits("top", bits, 1)
    return Digits("binary", bits, 0)


def uniform(values: NDArray[Any]) -> int | None:
    """Return the value that all neurons share, None if they differ."""
    return int(values.flat[0]) if (values == values.flat[0]).all() else None


def width_of(low: int, high: int) -> int:
    """Return the bits of the two's complement number that holds low and high."""
    return Interval(np.array([low]), np.array([high])).width


def smallest(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as the smallest of int8, int16 and int32 that holds them."""
    width = Interval(values.min(keepdims=True), values.max(keepdims=True)).width
    return values.astype(np.int8 if width <= 8 else np.int16 if width <= 16 else np.int32)


def last_mask(neurons: int) -> int:
    """Return the mask of the neurons in the last word; all ones if it is full."""
    return 2 ** ((neurons - 1) % LANES + 1) - 1


def effective_threshold(neuron: Leaky, bounds: LayerBounds) -> NDArray[np.int64]:
    """Return the threshold of each channel, lowered to just above what u can reach."""
    threshold = np.broadcast_to(neuron.threshold, len(bounds.u.hi)).astype(np.int64)
    return np.maximum(np.minimum(threshold, bounds.u.hi + 1), 1)


def common(index: int, model: Model, source: Source) -> LayerFields:
    """Return the fields that the stages of all layers have."""
    layer, bounds = model.layers[index], model.bounds().layers[index]
    ranges = (bounds.accumulator, bounds.current, bounds.u, *bounds.state[:1])
    leaky = layer.neuron if isinstance(layer.neuron, Leaky) else None
    last = index == len(model.layers) - 1
    return {
        "counted": last and reads_counts(model) and not counts_are_signal(model),
        "index": index,
        "source": source,
        "neurons": layer.size,
        "sends": layer.sends,
        "words": words_for(layer.sends),
        "signal_planes": layer.levels.bit_length(),
        "signal": signal_field(index, model).place,
        "title": "" if plain_spikes(layer) else title_of(index, model),
        "memory": bool(layer.neuron.STATE),
        "leak": leaky.leak if leaky else (),
        "reset": reset_text(leaky) if leaky else "",
        "last_mask": last_mask(layer.sends),
        "ranges": Ranges(*map(Range.of, ranges), *[None] * (4 - len(ranges))),
        "further": further_of(layer.neuron, bounds),
    }


def further_of(neuron: Neuron, bounds: LayerBounds) -> tuple[Further, ...]:
    """Return the state arrays of neurons beside their membranes."""
    if isinstance(neuron, CuBa):
        return (Further("c", "synaptic current", Range.of(bounds.state[1]), neuron.leak_c),)
    if isinstance(neuron, ALIF):
        return (Further("b", "raised threshold", Range.of(bounds.state[1]), (neuron.leak_b,)),)
    return ()


def planes_kept(
    index: int, neuron: Neuron, bounds: LayerBounds, blocks: int, width: int
) -> tuple[Field, ...]:
    """Return the membranes of some blocks of 32 neurons, and what these keep beside them.

    width: planes of a membrane
    """
    rows = [("v", "membrane", width)]
    rows += [(one.name, one.what, one.range.width) for one in further_of(neuron, bounds)]
    return tuple(
        Field(f"{name}{index}", f"layer {index}: {what}s, in planes", "uint32_t", (blocks, planes))
        for name, what, planes in rows
    )


# -------------------------------------------------------------------- signals


def spikes_of_dense(layer: Layer) -> bool:
    """Return True for a layer of leaky neurons behind dense weights, which spike or do not."""
    leaky = isinstance(layer.neuron, Leaky)
    return isinstance(layer.synapse, Dense) and leaky and layer.levels == 1


def plain_spikes(layer: Layer) -> bool:
    """Return True for such a layer whose neurons keep a membrane and nothing else."""
    return spikes_of_dense(layer) and len(layer.neuron.STATE) == 1


def count_helpers(levels: int) -> frozenset[str]:
    """Return the functions that count a signal whose values are as large as `levels`."""
    return frozenset({"add", "count_levels"} if levels > 1 else {"count_spikes"})


def shares(model: Model) -> bool:
    """Return True if signals that nobody reads any more give their memory to later ones.

    So it is where a layer has a map, or sends counts: there signals are what takes the RAM. Signals
    that are read in a later step, or behind the next layer, have memory of their own.
    """
    return not all(map(spikes_of_dense, model.layers)) and not isinstance(model, Gathered)


def reads_counts(model: Model) -> bool:
    """Return True if a readout reads the last signal, summed over the steps."""
    return model.readout is not None and model.readout.COUNTS


def counts_are_signal(model: Model) -> bool:
    """Return True if the readout reads the last signal itself, which is its count in one step."""
    return model.steps == 1 and shares(model)


def signal_field(index: int, model: Model) -> Field:
    """Return the member of the state that holds what a layer sends: a plane for every bit.

    Of three layers and more, every second one has the same memory: when it is written, only the
    one between is still to be read.
    """
    layer, name = model.layers[index], f"spikes{index}"
    words, planes = words_for(layer.sends), layer.levels.bit_length()
    what = "spikes" if planes == 1 else f"counts of 0 to {layer.levels}, in planes,"
    shape = (words,) if planes == 1 else (planes, words)
    kept = Field(name, f"layer {index}: {what} of the last step", "uint32_t", shape)
    if not shares(model):
        return kept
    group = ("even", "odd")[index % 2] if len(model.layers) > 2 else ""
    return replace(kept, scratch=True, group=group)


def leak_text(leak: Leak) -> str:
    """Return the leak as a C expression; of classes those of all, with "or" between."""
    if isinstance(leak, LeakClasses):
        return " or ".join(map(leak_text, leak.terms))
    terms = [f"{'-' if k < 0 else '+'} (v >> {abs(k)})" for k in leak]
    return " ".join(terms).removeprefix("+ ") or "none"


def one_leak(neuron: Neuron) -> bool:
    """Return True where neurons share a leak, or have none."""
    return not (isinstance(neuron, Leaky) and isinstance(neuron.leak, LeakClasses))


def title_of(index: int, model: Model) -> str:
    """Return what a layer is, from what it reads to what it sends."""
    layer, given = model.layers[index], model.shapes()[index]
    parts = [layer.synapse.in_words, _neuron_text(layer)]
    if has_pool(layer.pool):
        assert layer.pool is not None
        parts.append(f"pool {layer.pool.mode} {'x'.join(map(str, layer.pool.kernel))}")
    return f"{given} -> {', '.join(parts)} -> {layer.shape}"


def _neuron_text(layer: Layer) -> str:
    neuron = layer.neuron
    if not isinstance(neuron, Leaky):
        return f"burst 0..{neuron.most}"
    several = f", 0..{neuron.most} spikes" if neuron.most > 1 else ""
    first = f"leak of c {leak_text(neuron.leak_c)}, " if isinstance(neuron, CuBa) else ""
    if isinstance(neuron, ALIF):
        first = f"threshold raised, leak of that b >> {neuron.leak_b}, "
    return f"{first}leak {leak_text(neuron.leak)}, reset {reset_text(neuron)}{several}"


def reset_text(neuron: Leaky) -> str:
    """Return what a reset does: "subtract", "zero", "to 5", "to a value of each", or LATE."""
    if neuron.late:
        return LATE
    if neuron.reset != "value":
        return neuron.reset
    shared = uniform(neuron.replaced)
    return "to a value of each" if shared is None else f"to {shared}"


def has_pool(pool: Pool | None) -> bool:
    """Return True for a pool of more than one position."""
    return pool is not None and pool.kernel != (1, 1)


def saturation(neuron: Leaky, bounds: LayerBounds) -> tuple[int | None, int | None]:
    """Return floor and ceiling, None where the membrane never gets there."""
    floor, ceiling = neuron.floor, neuron.ceiling
    if floor is not None and bounds.u_raw.low >= floor:
        floor = None
    if ceiling is not None and bounds.u_raw.high <= ceiling:
        ceiling = None
    return floor, ceiling
