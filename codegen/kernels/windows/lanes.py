"""Leaky neurons of windows on Helium: sums and membranes in bytes, 16 neurons a vector.

A sum of ternary weights is right modulo 2^8 if it fits a byte at the end, so that nibbles are added
to bytes however many there are. What must fit, for the proved ranges: the current, the membrane
before and after its leak, and u, unless floor or ceiling hold it to a byte: u is added in
saturation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.common import effective_threshold, uniform
from codegen.kernels.memory import Table
from codegen.kernels.pack import LANES
from codegen.kernels.windows.layout import Layout
from codegen.kernels.windows.nibbles import packed_nibbles
from qat.model import LIF, Interval, Layer, LayerBounds
from qat.model.leak import leak
from qat.model.leaky import Leaky

LOW, HIGH = -128, 127
LARGEST_SHIFT = 7
"""Of a byte: farther shifts leave its sign alone, as this one does."""

WORDS = 8
"""Of the membranes of 32 neurons, in bytes."""


@dataclass(frozen=True)
class Own:
    """A constant of the neurons: shared by all, or bytes of each in a table; None for neither."""

    shared: int | None = None
    table: str = ""


@dataclass(frozen=True)
class ByteNeurons:
    """How the neurons of 16 bytes are computed.

    terms:     of the leak: shifts, negative ones are added
    doubled:   times a sum is doubled for its fraction
    bias, threshold, reset: constants; what a reset is of, the name of the record's field says
    floor, ceiling: None where u never gets there
    """

    terms: tuple[int, ...]
    doubled: int
    bias: Own
    threshold: Own
    reset: Own
    floor: int | None
    ceiling: int | None


def _fits(*values: Any) -> bool:
    """Return True if numbers are bytes with a sign."""
    return all(np.min(one) >= LOW and np.max(one) <= HIGH for one in values)


def _after_leak(neuron: Leaky, v: Interval) -> NDArray[np.int64]:
    """Return what the leak leaves of every membrane that there may be."""
    every = np.arange(v.low, v.high + 1, dtype=np.int32)
    return (every - leak(every, neuron.shared_leak)).astype(np.int64)


def serves(layer: Layer, layout: Layout, bounds: LayerBounds) -> bool:
    """Return True if bytes hold all that a layer computes, and its words are of one kind."""
    neuron = layer.neuron
    if type(neuron) is not LIF or neuron.late or neuron.most > 1 or (layout.full and layout.part):
        return False
    if not layout.near:
        return False
    (v,), current, u = bounds.state, bounds.current, bounds.u_raw
    if not _fits(v.lo, v.hi, current.lo, current.hi) or not _fits(_after_leak(neuron, v)):
        return False
    held = (neuron.floor is not None and neuron.floor >= LOW,
            neuron.ceiling is not None and neuron.ceiling <= HIGH)  # fmt: skip
    if (u.low < LOW and not held[0]) or (u.high > HIGH and not held[1]):
        return False
    threshold = effective_threshold(neuron, bounds)
    return _fits(threshold, neuron.subtracted, neuron.replaced)


def planned(
    index: int, layer: Layer, layout: Layout, bounds: LayerBounds
) -> tuple[ByteNeurons, tuple[Table, ...]]:
    """Return how the neurons of a layer are computed, and its tables for Helium."""
    neuron, synapse, lanes = layer.neuron, layout.synapse, layout.lanes
    assert isinstance(neuron, LIF)
    tables = [packed_nibbles(index, layout)]

    def own(name: str, what: str, values: Any) -> Own:
        shared = uniform(values)
        if shared is not None:
            return Own(shared)
        of_lanes = np.broadcast_to(values, synapse.channels)[lanes].reshape(-1, LANES)
        tables.append(Table(f"{name}{index}", f"{what} of each neuron", of_lanes.astype(np.int8)))
        return Own(None, f"{name}{index}")

    reset = neuron.subtracted if neuron.reset == "subtract" else neuron.replaced
    found = ByteNeurons(
        terms=tuple(max(min(k, LARGEST_SHIFT), -LARGEST_SHIFT) for k in neuron.shared_leak),
        doubled=synapse.fraction_bits,
        bias=own("byte_bias", "bias", synapse.bias),
        threshold=own("byte_threshold", "threshold", effective_threshold(neuron, bounds)),
        reset=own("byte_reset", "what a spike takes or leaves", reset),
        floor=neuron.floor if bounds.u_raw.low < (neuron.floor or LOW) else None,
        ceiling=neuron.ceiling if bounds.u_raw.high > (neuron.ceiling or HIGH) else None,
    )
    return found, tuple(tables)
