"""What the stages of layers share: sources, ranges, constants common to all neurons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.dense import DenseLIF, dense_lif
from codegen.kernels.pack import LANES, words_for
from codegen.kernels.stage import Digits, LayerFields, Range, Ranges, Source
from qat.model import Input, Interval, LayerBounds, Model

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
    layer, model_input = dense_lif(model.layers[index]), model.input
    size = layer.synapse.n_in
    if index > 0 or model_input.spiking:
        return Source(size=size, words=words_for(size))
    return replace(
        byte_source(model_input), analog=model_input.held, shift=layer.synapse.input_shift
    )


def byte_source(model_input: Input) -> Source:
    """Return the bytes of an input, as they come in."""
    size, low, high = model_input.size, model_input.low, model_input.high
    signed = low < 0
    bits = width_of(low, high) if signed else max(high.bit_length(), 1)
    return Source(
        size=size,
        words=words_for(size),
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


def effective_threshold(layer: DenseLIF, bounds: LayerBounds) -> NDArray[np.int64]:
    """Return the thresholds, lowered to just above what u can reach where they lie beyond."""
    threshold = np.broadcast_to(layer.neuron.threshold, layer.size).astype(np.int64)
    return np.maximum(np.minimum(threshold, bounds.u.hi + 1), 1)


def common(index: int, model: Model, source: Source) -> LayerFields:
    """Return the fields that the stages of all layers have."""
    layer, bounds = dense_lif(model.layers[index]), model.bounds().layers[index]
    ranges = (bounds.accumulator, bounds.current, bounds.u, bounds.v)
    return {
        "counted": model.readout is not None and index == len(model.layers) - 1,
        "index": index,
        "source": source,
        "neurons": layer.size,
        "words": words_for(layer.size),
        "leak": layer.neuron.leak,
        "reset": layer.neuron.reset,
        "last_mask": last_mask(layer.size),
        "ranges": Ranges(*map(Range.of, ranges)),
    }


def saturation(layer: DenseLIF, bounds: LayerBounds) -> tuple[int | None, int | None]:
    """Return floor and ceiling, None where the membrane never gets there."""
    floor, ceiling = layer.neuron.floor, layer.neuron.ceiling
    if floor is not None and bounds.u_raw.low >= floor:
        floor = None
    if ceiling is not None and bounds.u_raw.high <= ceiling:
        ceiling = None
    return floor, ceiling
