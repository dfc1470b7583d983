"""Stages of first layers on bytes: ternary convolutions of a map, with neurons that emit counts.

The sums of a channel are exact while each fits its field at the end. Two layouts of a byte hold
the distance to thresholds t_1 <= t_2 ...; a sum a lies in lo..hi, as the bounds prove:

    near    2^7 + a - t_1; its highest bit says a >= t_1, and that of 2^7 + a - t_j says a >= t_j.
            For all of these to fit, t_j - lo <= 2^7 and hi - t_j < 2^7.
    far     1 + a - lo, in 1..255. With K_j = 2^8 - (1 + t_j - lo) the sum of both reaches 2^8
            where a >= t_j, which the highest bit of their mean says. A channel with hi - lo = 255
            does without the 1: then no t_j may be lo, which is always reached.

Where neither fits, fields of 16 bits are near. A threshold beyond what a reaches is drawn in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.bytes.geometry import Geometry
from codegen.kernels.bytes.layer import BytesLayer
from codegen.kernels.common import common, has_pool, signal_field, source_of
from codegen.kernels.memory import Field, Table
from codegen.kernels.neurons.integer import neuron_helpers
from qat.model import Burst, Conv, Layer, Model, Pool

BYTE, HALF = 8, 16
"""Bits of a field."""

Int64 = NDArray[np.int64]


def geometry_of(layer: Layer, bits: int = BYTE) -> Geometry:
    """Return the images of the map that a layer reads."""
    synapse = layer.synapse
    assert isinstance(synapse, Conv)
    pool = 2 if has_pool(layer.pool) else 1
    return Geometry(
        synapse.grid, synapse.kernel, synapse.stride, synapse.pad, layer.shape, pool, bits
    )


@dataclass(frozen=True, eq=False)
class Sums:
    """How a layer's sums lie in fields, and how thresholds are compared with them.

    low, high:  (channels,) range of the sums
    thresholds: (D, channels) what a sum must reach for one spike more
    bits, near: of the fields
    """

    low: Int64
    high: Int64
    thresholds: Int64
    bits: int
    near: bool

    @property
    def zero(self) -> Int64:
        """(channels,) the field of a sum of 0."""
        if self.near:
            return 2 ** (self.bits - 1) - self.thresholds[0]
        return self._room - self.low

    @property
    def _room(self) -> Int64:
        """(channels,) the least field of `far`."""
        return (self.high - self.low < 2**self.bits - 1).astype(np.int64)

    @property
    def limits(self) -> Int64:
        """(thresholds, channels) numbers of the table, as the contract of burst_bytes has them."""
        if self.near:
            return self.thresholds[1:] - self.thresholds[0]
        return 2**self.bits - (self.thresholds + self.zero)

    @cached_property
    def fits(self) -> bool:
        """True if every field holds what is asked of it."""
        if not self.near:
            largest = 2**self.bits - 1
            spans = (self.high - self.low <= largest).all()
            return bool(spans and (self.limits <= largest).all())
        half = 2 ** (self.bits - 1)
        below, above = self.thresholds - self.low, self.high - self.thresholds
        return bool((below <= half).all() and (above < half).all())


def thresholds_of(layer: Layer, low: Int64, high: Int64) -> Int64:
    """Return (D, channels): what the sum itself must reach, bias and shift taken into account.

    ((a + 2^(s-1)) >> s) + bias >= t  is  a >= 2^s (t - bias) - 2^(s-1); s = 0 has no such term
    """
    synapse, neuron = layer.synapse, layer.neuron
    assert isinstance(synapse, Conv)
    assert isinstance(neuron, Burst)
    shift = synapse.input_shift
    above = (neuron.by_channel.astype(np.int64) - synapse.bias) * 2**shift
    return np.clip(above - ((1 << shift) >> 1), low, high + 1)


def sums_of(index: int, model: Model) -> Sums | None:
    """Return how the sums of a layer lie in the narrowest fields that hold them; None: in none."""
    layer, range_ = model.layers[index], model.bounds().layers[index].accumulator
    low, high = range_.lo.astype(np.int64), range_.hi.astype(np.int64)
    thresholds = thresholds_of(layer, low, high)
    for bits, near in ((BYTE, True), (BYTE, False), (HALF, True)):
        found = Sums(low, high, thresholds, bits, near)
        if found.fits:
            return found
    return None


def fits(index: int, model: Model) -> bool:
    """Return True for a convolution of several channels that reads a map of bytes.

    Its pool, if it has one, takes the maximum of 2x2 positions.
    """
    layer = model.layers[index]
    synapse, pool = layer.synapse, layer.pool
    if not isinstance(synapse, Conv) or synapse.depthwise or not synapse.codes.any():
        return False
    if has_pool(pool) and pool != Pool("max", (2, 2)):
        return False
    return sums_of(index, model) is not None


def unsigned(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as the smallest of uint8, uint16, int16 and int32 that holds them."""
    for dtype in (np.uint8, np.uint16, np.int16):
        if values.min() >= np.iinfo(dtype).min and values.max() <= np.iinfo(dtype).max:
            return values.astype(dtype)
    return values.astype(np.int32)


@dataclass(frozen=True, eq=False)
class Taps:
    """The taps of all channels: of each the minus taps, then the plus taps.

    distances: in units of 2^unit bytes, uint8 where all fit it, else uint16
    split:     (channels, 2) minus and plus taps of each
    """

    distances: NDArray[Any]
    split: NDArray[Any]
    unit: int

    @classmethod
    def of(cls, synapse: Conv, geometry: Geometry) -> Taps:
        """Return the taps of a convolution; ValueError for images of more than 64 KB."""
        signs = [(synapse.codes == sign) for sign in (-1, 1)]
        split = np.stack([sign.sum(axis=(1, 2, 3)) for sign in signs], axis=1)
        places = np.ndindex(synapse.codes.shape[1:])
        distance = np.array([geometry.tap(*at) for at in places])
        flat = [sign.reshape(synapse.channels, -1) for sign in signs]
        found = [distance[one[c]] for c in range(synapse.channels) for one in flat]
        listed = np.concatenate(found)
        unit = _unit(math.gcd(*map(int, distance)))
        if listed.max(initial=0) >> unit > 255:  # in 16 bits then, as bytes
            unit = 2
        return cls(unsigned(listed >> unit), unsigned(split), unit)


def _unit(distance: int) -> int:
    """Return the power of two that divides a distance; of words where it is 0."""
    return (distance & -distance).bit_length() - 1 if distance else 2


def layer_stage(index: int, model: Model) -> BytesLayer:
    """Return the stage of a ternary convolution on bytes."""
    layer, sums = model.layers[index], sums_of(index, model)
    synapse, neuron = layer.synapse, layer.neuron
    assert isinstance(synapse, Conv)
    assert sums is not None
    geometry, source = geometry_of(layer, sums.bits), source_of(index, model)
    taps = Taps.of(synapse, geometry)
    signs = taps.split.astype(np.int64) @ (-1, 1)
    start = unsigned(sums.zero - 128 * source.negative * signs)
    limits = sums.limits.astype(np.uint8 if sums.bits == BYTE else np.uint16)
    tables = (
        Table(f"taps{index}", "distances of taps, those of minus first", taps.distances),
        Table(f"split{index}", "minus and plus taps of each channel", taps.split),
        Table(f"start{index}", "what the sums of each channel start at", start),
        *((Table(f"limits{index}", "thresholds of each channel, as they are compared", limits),)
          if limits.size else ()),
    )  # fmt: skip
    shared = common(index, model, source)
    stage = BytesLayer(
        **shared,
        kernel="bytes",
        tables=tables,
        helpers=frozenset({"images", "add_bytes", "burst_bytes", "turn"})
        | neuron_helpers(layer, shared["counted"]) - {"put"},
        geometry=geometry,
        channels=layer.channels,
        most=neuron.most,
        near=sums.near,
        unit=taps.unit,
        tap_bytes=taps.distances.itemsize,
        tap_ctype=tables[0].ctype,
        start_ctype=tables[2].ctype,
        limit_ctype=tables[3].ctype if limits.size else "uint8_t",
        taps=len(taps.distances),
        vectors=sums.bits == BYTE and layer.channels % 16 == 0,
        bias=tuple(int(b) for b in np.broadcast_to(synapse.bias, layer.channels)),
    )
    return replace(stage, fields=_fields(index, model, stage))


def _fields(index: int, model: Model, stage: BytesLayer) -> tuple[Field, ...]:
    """Return the members of the state: the signal, the images, sums of a channel."""
    g, where = stage.geometry, f"layer {index}"
    sums = g.sums if stage.in_place else stage.group_sums
    return (
        signal_field(index, model),
        Field(f"images{index}", f"{where}: images of the input", "uint32_t", (g.length,), True),
        Field(f"sums{index}", f"{where}: sums of a channel", "uint32_t", (sums,), True),
    )
