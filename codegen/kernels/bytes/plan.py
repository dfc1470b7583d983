"""Stages of first layers on bytes: ternary convolutions of a map, with neurons that emit counts.

The sums of a channel are exact while each fits its field at the end. Two layouts of a byte hold
the distance to thresholds t_1 <= t_2 ...; a sum a lies in lo..hi, as the bounds prove:

    near    2^7 + a - t_1; its highest bit says a >= t_1, and that of 2^7 + a - t_j says a >= t_j.
            For all of these to fit, t_j - lo <= 2^7 and hi - t_j < 2^7.
    far     1 + a - lo, in 1..255. With K_j = 2^8 - (1 + t_j - lo) the sum of both reaches 2^8
            where a >= t_j, which the highest bit of their mean says. A channel with hi - lo = 255
            does without the 1: then no t_j may be lo, which is always reached.

Where a sum of values from 0 on has a wider range, `far` still serves: some of its minus taps, the
fewest that leave a byte, are summed apart and taken away last, in saturation,

    far     max(0, a' - n)  with a' = a + n in 0..255, n the sum of these taps

which is 0 for the least sums alone: exact as long as no threshold lies among these. Of 5x5 taps of
4 bits with 45 % zeros most channels fit a byte, and the others take one call more.

Weights of more bits multiply the words as they are. Their sums, and where nothing of this fits,
those of ternary ones, lie in fields of 16 bits that are near. A threshold beyond what a reaches is
drawn in.
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
from codegen.kernels.bytes.vectors import LANES as VECTOR_LANES
from codegen.kernels.bytes.vectors import Vectors, rows_taken_last
from codegen.kernels.common import common, has_pool, signal_field, source_of
from codegen.kernels.memory import WORK, Field, Table
from codegen.kernels.neurons.integer import neuron_helpers
from codegen.kernels.pack import ctype
from qat.model import Burst, Conv, Layer, Model, Pool

BYTE, HALF = 8, 16
"""Bits of a field."""

TERNARY = 2
"""Bits of weights that are added or taken away."""

SPLIT = {
    1: "taps of each channel",
    2: "minus and plus taps of each channel",
    3: "minus and plus taps of each channel, and minus taps that are taken away last",
}

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
    least:      (channels,) how far above the lowest end 0 lies: what is taken away in saturation
    """

    low: Int64
    high: Int64
    thresholds: Int64
    bits: int
    near: bool
    least: Int64

    @property
    def zero(self) -> Int64:
        """(channels,) the field of a sum of 0."""
        if self.near:
            return 2 ** (self.bits - 1) - self.thresholds[0]
        return self._room - self.low - self.least

    @property
    def _room(self) -> Int64:
        """(channels,) the least field of `far`."""
        return (self.high - self.low < 2**self.bits - 1).astype(np.int64) * (self.least == 0)

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
            spans = (self.high - self.low - self.least <= largest).all()
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
    nothing = np.zeros_like(low)
    if layer.synapse.bits > TERNARY:
        found = Sums(low, high, thresholds, HALF, True, nothing)
        return found if found.fits else None
    ways = ((BYTE, True, nothing), (BYTE, False, nothing),
            (BYTE, False, over_of(layer, model, high - low)), (HALF, True, nothing))  # fmt: skip
    for bits, near, least in ways:
        found = Sums(low, high, thresholds, bits, near, least)
        if found.fits:
            return found
    return None


def over_of(layer: Layer, model: Model, span: Int64) -> Int64:
    """Return (channels,) what minus taps sum to at most that are taken away last; 0 for none.

    They are as many as leave a byte of the span of the sums. None where a channel has not so many,
    where they sum to more than a byte, where the largest of four corners is taken before, or where
    values may be negative.
    """
    most, synapse = max(model.input.high, 1), layer.synapse
    assert isinstance(synapse, Conv)
    taps = -(-np.maximum(span - (2**BYTE - 1), 0) // most)
    minus = (synapse.codes == -1).sum(axis=(1, 2, 3))
    beyond = (taps > minus) | (taps * most >= 2**BYTE)
    if model.input.low != 0 or has_pool(layer.pool) or beyond.any():
        return np.zeros_like(span)
    return taps * most


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
    """The taps of all channels: of each the minus taps, then the plus taps, then those over.

    Where weights multiply, there is one list of each channel, and as many weights.

    distances: in units of 2^unit bytes, uint8 where all fit it, else uint16
    split:     (channels, 2) minus and plus taps of each; (channels, 3) with those minus taps that
               are taken away last, where a channel has such; (channels, 1) taps with weights
    weights:   of the taps, where they multiply
    """

    distances: NDArray[Any]
    split: NDArray[Any]
    unit: int
    weights: NDArray[np.int8] | None = None

    @classmethod
    def weighted(cls, synapse: Conv, geometry: Geometry) -> Taps:
        """Return the taps of a convolution whose weights multiply."""
        codes = synapse.codes.reshape(synapse.channels, -1)
        distance = np.array([geometry.tap(*at) for at in np.ndindex(synapse.codes.shape[1:])])
        channels, places = np.nonzero(codes)
        split = (codes != 0).sum(axis=1, keepdims=True)
        listed, unit = _in_units(distance[places], distance)
        return cls(listed, unsigned(split), unit, codes[channels, places].astype(np.int8))

    @classmethod
    def of(cls, synapse: Conv, geometry: Geometry, over: Int64) -> Taps:
        """Return the taps of a convolution; ValueError for images of more than 64 KB.

        over: (channels,) minus taps that are taken away last
        """
        codes = synapse.codes.reshape(synapse.channels, -1)
        distance = np.array([geometry.tap(*at) for at in np.ndindex(synapse.codes.shape[1:])])
        minus, plus = ([distance[one == sign] for one in codes] for sign in (-1, 1))
        lists = [
            (some[last:], more, some[:last])
            for some, more, last in zip(minus, plus, over, strict=True)
        ]
        split = np.array([[len(part) for part in parts] for parts in lists])
        listed = np.concatenate([part for parts in lists for part in parts])
        listed, unit = _in_units(listed, distance)
        return cls(listed, unsigned(split if over.any() else split[:, :2]), unit)


def _in_units(listed: NDArray[Any], distance: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Return distances of taps in units of 2^unit bytes, and unit; distance: of every tap."""
    unit = _unit(math.gcd(*map(int, distance)))
    if listed.max(initial=0) >> unit > 255:  # in 16 bits then, as bytes
        unit = 2
    return unsigned(listed >> unit), unit


def _unit(distance: int) -> int:
    """Return the power of two that divides a distance; of words where it is 0."""
    return (distance & -distance).bit_length() - 1 if distance else 2


def channel_tables(index: int, taps: Taps, start: NDArray[Any]) -> tuple[Table, ...]:
    """Return what the sums of channels read: taps, how many, their weights, where sums start."""
    weights = (
        () if taps.weights is None else (Table(f"weights{index}", "of each tap", taps.weights),)
    )
    listed = "distances of taps" if weights else "distances of taps, those of minus first"
    return (
        Table(f"taps{index}", listed, taps.distances),
        Table(f"split{index}", SPLIT[taps.split.shape[1]], taps.split),
        Table(f"start{index}", "what the sums of each channel start at", start),
        *weights,
    )


def layer_stage(index: int, model: Model) -> BytesLayer:
    """Return the stage of a convolution on bytes."""
    layer, sums = model.layers[index], sums_of(index, model)
    synapse, neuron = layer.synapse, layer.neuron
    assert isinstance(synapse, Conv)
    assert sums is not None
    geometry, source = geometry_of(layer, sums.bits), source_of(index, model)
    over = sums.least // max(model.input.high, 1)
    products = synapse.bits > TERNARY
    taps = Taps.weighted(synapse, geometry) if products else Taps.of(synapse, geometry, over)
    weights = synapse.codes.astype(np.int64).sum(axis=(1, 2, 3)) + over  # those over lie apart
    start = unsigned(sums.zero - 128 * source.negative * weights)
    limits = sums.limits.astype(np.uint8 if sums.bits == BYTE else np.uint16)
    tables = (
        *channel_tables(index, taps, start),
        *((Table(f"limits{index}", "thresholds of each channel, as they are compared", limits),)
          if limits.size else ()),
    )  # fmt: skip
    shared = common(index, model, source)
    stage = BytesLayer(
        **shared,
        kernel="bytes",
        tables=tables,
        helpers=frozenset({"images", "burst_bytes", "turn"})
        | {"add_products" if products else "add_bytes"}
        | ({"less_bytes"} if over.any() else set())
        | neuron_helpers(layer, shared["counted"]) - {"put"},
        geometry=geometry,
        channels=layer.channels,
        most=neuron.most,
        near=sums.near,
        unit=taps.unit,
        tap_bytes=taps.distances.itemsize,
        tap_ctype=tables[0].ctype,
        start_ctype=tables[2].ctype,
        limit_ctype=ctype(limits) if limits.size else "uint8_t",
        taps=len(taps.distances),
        over=int((over > 0).sum()),
        products=products,
        weights=tuple(int(w) for w in weights),
        zeros=tuple(int(z) for z in sums.zero),
        bias=tuple(int(b) for b in np.broadcast_to(synapse.bias, layer.channels)),
    )
    stage = replace(stage, fields=_fields(index, model, stage))
    vectors = Vectors(geometry, layer.channels, rows_taken_last(synapse, over))
    if layer.channels % VECTOR_LANES or vectors.size > stage.fields[-1].bytes:
        return stage
    dense = vectors.tables(index, synapse, *vector_fields(sums, start), over)
    return replace(stage, vectors=vectors, dense=dense)


def vector_fields(sums: Sums, start: NDArray[Any]) -> tuple[Int64, Int64]:
    """Return (channels,) and (thresholds, channels): the fields of vectors, and their limits.

    Bytes are more than the limit where they have reached a threshold. Halves are signed: they are
    what a sum is above the first threshold, and a limit is taken away from it.
    """
    limits, begin = sums.limits.astype(np.int64), start.astype(np.int64)
    if sums.bits == HALF:
        return begin - 2 ** (HALF - 1), limits
    return begin, limits + 2 ** (BYTE - 1) - 1 if sums.near else 2**BYTE - 1 - limits


def _fields(index: int, model: Model, stage: BytesLayer) -> tuple[Field, ...]:
    """Return the members of the state: the signal, the images and behind them a channel's sums.

    Images are read until the step's own layer is done, and made anew before the next step unless
    it reads the same held map.
    """
    words = stage.geometry.length + stage.sums * (2 if stage.over else 1)
    group = WORK if model.steps == 1 or not model.input.held else ""
    what = f"layer {index}: images of the input, sums of a channel"
    images = Field(f"images{index}", what, "uint32_t", (words,), True, group)
    return signal_field(index, model), images
