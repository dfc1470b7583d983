"""Stages of first layers on bytes with leaky neurons, several in a word.

A field of B bits holds a membrane as V = v + h, h = 2^(B-1), and with t_k = V >> k, masked,

    U = V - t_1 + ... + X        X = I - threshold + the terms of h
    U = u - threshold + h        a spike where its highest bit is set

Words are added and subtracted as they are, with what fields borrow from each other: that is exact
if every field of U lies in its range, -h <= u - threshold < h, which the bounds prove, whatever X
is. Then v = U + threshold - h, less what a spike takes; in memory a membrane lies less h as well,
so that a state of zeros is one of membranes that are 0. Bytes where they do, else 16 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from codegen.kernels.bytes.geometry import Geometry
from codegen.kernels.bytes.plan import (
    BYTE,
    HALF,
    TERNARY,
    Int64,
    Taps,
    channel_tables,
    geometry_of,
    unsigned,
)
from codegen.kernels.common import common, effective_threshold, has_pool, signal_field, source_of
from codegen.kernels.leaky_bytes.layer import LeakyBytesLayer, Own, Term
from codegen.kernels.memory import WORK, Field, Table
from codegen.kernels.pack import ctype
from qat.model import LIF, Conv, Layer, LayerBounds, Model, Pool


@dataclass(frozen=True, eq=False)
class Fitted:
    """How a layer lies in fields of so many bits; constants (channels,).

    begin: what sums start with
    rest:  what is added behind the shift; None without one
    """

    bits: int
    begin: Int64
    rest: Int64 | None


def _halves(neuron: LIF, bits: int) -> int:
    """Return what the terms of the leak take from h, half the range of a field."""
    half = 1 << (bits - 1)
    return sum((half >> min(abs(k), bits - 1)) * (-1 if k < 0 else 1) for k in neuron.leak)


def _fitted(layer: Layer, bounds: LayerBounds, bits: int) -> Fitted | None:
    """Return how a layer lies in such fields; None where it does not fit."""
    neuron, synapse = layer.neuron, layer.synapse
    assert isinstance(neuron, LIF)
    assert isinstance(synapse, Conv)
    half, shift = 1 << (bits - 1), synapse.input_shift
    threshold, (v,), u = effective_threshold(neuron, bounds), bounds.state, bounds.u_raw
    compared = (u.lo - threshold).min() >= -half and (u.hi - threshold).max() < half
    if not compared or v.low < -half or v.high >= half:
        return None
    added = np.broadcast_to(synapse.bias, layer.channels).astype(np.int64) - threshold
    added = added + _halves(neuron, bits)
    if shift == 0:
        return Fitted(bits, added, None)
    low, high = bounds.accumulator.lo.astype(np.int64), bounds.accumulator.hi.astype(np.int64)
    rounding = (1 << shift) >> 1
    steps = -((low + rounding) >> shift)  # so many 2^shift make the least sum no less than 0
    begin = rounding + (steps << shift)
    if (high + begin).max() >= 1 << bits:
        return None
    return Fitted(bits, begin, added - steps)


def fitted(index: int, model: Model) -> Fitted | None:
    """Return how a layer lies in the narrowest fields that hold it; None: in none."""
    layer, bounds = model.layers[index], model.bounds().layers[index]
    narrow = (BYTE,) if layer.synapse.bits == TERNARY else ()
    found = (_fitted(layer, bounds, bits) for bits in (*narrow, HALF))
    return next((one for one in found if one is not None), None)


def fits(index: int, model: Model) -> bool:
    """Return True for a convolution of several channels that reads a map of bytes.

    Its neurons emit one spike a step and are never held to floor or ceiling; a pool of 2x2 takes
    the spikes of any.
    """
    layer, bounds = model.layers[index], model.bounds().layers[index]
    synapse, neuron, pool = layer.synapse, layer.neuron, layer.pool
    if not isinstance(synapse, Conv) or synapse.depthwise or not synapse.codes.any():
        return False
    if type(neuron) is not LIF or neuron.most > 1 or _held(neuron, bounds):
        return False
    if has_pool(pool) and pool != Pool("max", (2, 2)):
        return False
    return fitted(index, model) is not None


def _held(neuron: LIF, bounds: LayerBounds) -> bool:
    """Return True if floor or ceiling change anything."""
    low = neuron.floor is not None and bounds.u_raw.low < neuron.floor
    high = neuron.ceiling is not None and bounds.u_raw.high > neuron.ceiling
    return low or high


class _Constants:
    """The constants of the channels, and the tables of those that they do not share."""

    def __init__(self, index: int, layer: Layer, bounds: LayerBounds, found: Fitted) -> None:
        neuron, half = layer.neuron, 1 << (found.bits - 1)
        assert isinstance(neuron, LIF)
        self.index, self.channels, self.tables = index, layer.channels, list[Table]()
        after = neuron.subtracted if neuron.reset == "subtract" else neuron.replaced + half
        self.back = self._own(
            "back", "threshold, less half the range of a field,",
            effective_threshold(neuron, bounds) - half,
        )  # fmt: skip
        self.spent = self._own("spent", "what a spike takes or leaves", after)
        self.rest = None
        if found.rest is not None:
            self.rest = self._own("rest", "what is added to the shifted sum", found.rest)

    def _own(self, name: str, what: str, values: Any) -> Own:
        every = np.broadcast_to(values, self.channels).astype(np.int64)
        if (every == every[0]).all():
            return Own(text=str(int(every[0])), table="")
        table = Table(f"{name}{self.index}", f"{what} of each channel", unsigned(every))
        self.tables.append(table)
        return Own(text="", table=table.name)


def _terms(neuron: LIF, geometry: Geometry) -> tuple[Term, ...]:
    """Return the terms of the leak: what is shifted out of a field is masked."""
    most = geometry.bits - 1
    return tuple(
        Term(
            shift=min(abs(k), most),
            mask=geometry.ones * ((2**geometry.bits - 1) >> min(abs(k), most)),
            adds=k < 0,
        )
        for k in neuron.leak
    )


def layer_stage(index: int, model: Model) -> LeakyBytesLayer:
    """Return the stage of a first layer on bytes with leaky neurons."""
    layer, found, where = model.layers[index], fitted(index, model), f"layer {index}"
    synapse, neuron, channels = layer.synapse, layer.neuron, layer.channels
    assert found is not None
    assert isinstance(synapse, Conv)
    assert isinstance(neuron, LIF)
    geometry, source = geometry_of(layer, found.bits), source_of(index, model)
    products, nothing = synapse.bits > TERNARY, np.zeros(channels, np.int64)
    taps = (Taps.weighted(synapse, geometry) if products
            else Taps.of(synapse, geometry, nothing))  # fmt: skip
    weights = synapse.codes.astype(np.int64).sum(axis=(1, 2, 3))
    start = unsigned(found.begin - 128 * source.negative * weights)
    constants = _Constants(index, layer, model.bounds().layers[index], found)
    shared, shape = common(index, model, source), (channels, geometry.sums)
    membranes = Field(f"v{index}", f"{where}: membranes of each channel", "uint32_t", shape)
    currents = Field(
        f"current{index}", f"{where}: currents of each channel", "uint32_t", shape, True
    )
    images = Field(f"images{index}", f"{where}: images of the input", "uint32_t",
                   (geometry.length,), True, WORK)  # fmt: skip
    return LeakyBytesLayer(
        **shared,
        kernel="leaky_bytes",
        tables=(*channel_tables(index, taps, start), *constants.tables),
        fields=(membranes, currents, signal_field(index, model), images),
        helpers=frozenset({"images", "leaky_bytes", "turn"})
        | {"add_products" if products else "add_bytes"}
        | ({"count_spikes"} if shared["counted"] else set()),
        geometry=geometry,
        channels=channels,
        most=1,
        near=True,
        unit=taps.unit,
        tap_bytes=taps.distances.itemsize,
        tap_ctype=ctype(taps.distances),
        start_ctype=ctype(start),
        limit_ctype="uint8_t",
        taps=len(taps.distances),
        over=0,
        products=products,
        weights=tuple(int(w) for w in weights),
        vectors=False,
        bias=tuple(int(b) for b in np.broadcast_to(synapse.bias, channels)),
        terms=_terms(neuron, geometry),
        back=constants.back,
        spent=constants.spent,
        rest=constants.rest,
    )
