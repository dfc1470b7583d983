"""Stages of the encoders: what makes spikes of the bytes that come in, before layer 0.

Most are bit-sliced: the bytes are cut into planes once, and every step works on 32 values at a
time. Then a bit of the spike words is not the line of the same number, but the one that the
transposition of the bytes puts there, and the weights of layer 0 lie in that order. A few values
are encoded one by one, in their own order.

An encoder is a record in qat.model.inputs, a template beside this module, and a row of
codegen.kernels.encoders.ENCODERS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from codegen import isa
from codegen.kernels.common import byte_source
from codegen.kernels.memory import Field, Table
from codegen.kernels.pack import LANES, byte_order, words_for
from codegen.kernels.source import Digits, Source
from codegen.kernels.stage import Stage
from qat.model import INPUT, Delta, Dense, Edge, Latency, Layer, Model, Rate, Spikes

PLACE = -1
"""The number of the encoder among the stages, whose layers count from 0."""

SLICED, PLAIN = "sliced", "plain"

SLICED_FROM = 12
"""Values from which cutting them into planes pays.

Measured, 12 values of 4 bits, 8 steps on the Cortex-M4: 368 instructions against 1,234 as rates,
638 against 864 as latencies; 6 values 371 against 647, and 641 against 510. The code is longer.
"""


@dataclass(frozen=True)
class LooseBits:
    """What the bits of an encoder's last planes are that belong to no value.

    first:  the first of the last planes
    planes: that many are 0 there, from `first` on
    done:   a plane that is 1 there: what has spiked; 0: none is
    mask:   the bits of values
    """

    first: int
    planes: int
    done: int
    mask: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoder(Stage):
    """What all encoders have.

    source: the bytes
    held:   one vector is held for all steps
    sliced: 32 values at a time, in planes
    lines:  inputs of layer 0
    order:  which line each bit of the spike words is; `lines` where it is none
    row:    words that the planes of 32 values take; 0 where there are none
    joined: bits by which the second lines of values follow the first in one word; 0: not so
    """

    source: Source
    held: bool
    sliced: bool
    lines: int
    order: NDArray[np.intp]
    row: int = 0
    joined: int = 0

    @property
    def part(self) -> str:
        """The part of an inference that it is."""
        return "encoder"

    @property
    def kind(self) -> str:
        """The name of what it costs."""
        return f"{self.kernel} encoder"

    @property
    def template(self) -> str:
        """Its template, as the templates of all kernels are named: one for every way."""
        return f"kernels/encoders/{self.kernel.split()[-1]}.c.j2"

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        return dict.fromkeys(("encode", "hold"), self.part)

    @property
    def loose_bits(self) -> LooseBits | None:
        """The bits of its last planes that are no value; None where it keeps no planes."""
        return None

    @property
    def words(self) -> int:
        """32-bit words of its spikes."""
        return words_for(len(self.order))

    @property
    def vectors(self) -> int:
        """Rows that vectors compute four at once, where their offsets reach a whole row."""
        return self.source.words // 4 * 4 if self.row <= isa.reach() else 0

    @property
    def last_mask(self) -> int:
        """The bits of the last word that are a value's."""
        last = self.order[(self.source.words - 1) * LANES :][:LANES]
        return int(sum(1 << bit for bit in np.flatnonzero(last < self.source.size)))


@dataclass(frozen=True, eq=False, kw_only=True)
class RateEncoder(Encoder):
    """Sigma-delta modulation.

    period_bits: the binary logarithm of P
    planes:      of |x|
    carried:     the highest of them is the carry of the negation: of the least value alone
    """

    period_bits: int
    planes: int
    carried: bool

    @property
    def loose_bits(self) -> LooseBits | None:
        """The bits of its last planes that are no value; None where it keeps no planes."""
        if not self.sliced:
            return None
        before = self.source.words - 1
        bits = len(byte_order(self.source.size)) - LANES * before
        return LooseBits(self.row * before, self.row - self.period_bits, 0, 2**bits - 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class LatencyEncoder(Encoder):
    """Time to the first spike.

    planes: of x
    never:  levels above every value, which come first
    levels: number of all levels
    """

    planes: int
    never: int
    levels: int

    @property
    def loose_bits(self) -> LooseBits | None:
        """The bits of its last planes that are no value; None where it keeps no planes."""
        if not self.sliced:
            return None
        first = self.row * (self.source.words - 1)
        return LooseBits(first, 0, first + self.planes, self.last_mask)


@dataclass(frozen=True, eq=False, kw_only=True)
class DeltaEncoder(Encoder):
    """Events of a signal that changes by `threshold`."""

    threshold: int


# ------------------------------------------------------------- order of the lines


def _order(size: int, groups: int, sliced: bool) -> NDArray[np.intp]:
    """Return which line each bit of the spike words is; groups * size where it is none."""
    none = groups * size
    if not sliced:
        return np.arange(none)
    found = byte_order(size)
    group = np.full(_joined(size) or words_for(size) * LANES, size)
    group[: len(found)] = found
    lines = [np.where(group < size, group + k * size, none) for k in range(groups)]
    return np.concatenate(lines)[: (groups - 1) * len(group) + len(found)]


def _joined(size: int) -> int:
    """Return the bits of a group where two of them share a word, else 0."""
    bits = len(byte_order(size))
    return bits if 2 * bits <= LANES else 0


def behind(model: Model, encoder: Encoder | None) -> Model:
    """Return the model as its kernels see it: behind the encoder, if it has one.

    Its input are the spikes in the order of their bits, and so lie the weights of layer 0; a bit
    that is no line has weights of 0. All ranges are those of the model. A map is read in its own
    order, in which the encoder then leaves it.
    """
    if encoder is None:
        return model
    if not isinstance(model.layers[0].synapse, Dense):
        spikes = Spikes(model.input.lines, grid=model.input.reads_shape)
        return replace(model, input=spikes, sensor=None)
    layers = tuple(_placed(index, layer, encoder.order) for index, layer in enumerate(model.layers))
    return replace(model, input=Spikes(len(encoder.order)), layers=layers, sensor=None)


def _placed(index: int, layer: Layer, order: NDArray[np.intp]) -> Layer:
    """Return a layer whose edges from the input read its lines in an order of theirs."""
    first, *more = (
        _reordered(edge, order) if edge.reads_from(index) == INPUT else edge for edge in layer.edges
    )
    return replace(layer, synapse=first.synapse, delay=first.delay, more=tuple(more))


def _reordered(edge: Edge, order: NDArray[np.intp]) -> Edge:
    """Return an edge that reads lines in another order; one behind the last has weights of 0."""
    if not isinstance(edge.synapse, Dense):
        raise ValueError("generate: of a model with an encoder, edges from the input must be Dense")
    codes = np.pad(edge.synapse.codes, ((0, 0), (0, 1)))[:, order]
    delay = edge.delay if isinstance(edge.delay, int) else np.pad(edge.delays, (0, 1))[order]
    return replace(edge, synapse=replace(edge.synapse, codes=codes), delay=delay)


# --------------------------------------------------------------------- stages


class _Fields(TypedDict):
    """A typed part of the call that makes an encoder's stage."""

    index: int
    kernel: str
    helpers: frozenset[str]
    source: Source
    held: bool
    sliced: bool
    lines: int
    order: NDArray[np.intp]


def _common(model: Model, name: str, sliced: bool, groups: int) -> _Fields:
    """Return the fields that the stages of all encoders have."""
    given, source = model.input, byte_source(model.input)
    digits = Digits("binary", source.bits, 0)
    if source.negative:
        digits = Digits("binary", source.bits - 1, 1, first=source.bits - 1)
    order = _order(given.size, groups, sliced)
    return {
        "index": PLACE,
        "kernel": f"{SLICED if sliced else PLAIN} {name}",
        "helpers": frozenset({"slice_bytes"}) if sliced else frozenset(),
        "source": replace(source, digits=digits),
        "held": given.held,
        "sliced": sliced,
        "lines": given.lines,
        "order": order,
    }


def _spikes(words: int) -> Field:
    return _field("spikes", "spikes of this step", "uint32_t", words)


def _field(name: str, what: str, ctype: str, *shape: int, scratch: bool = True) -> Field:
    """Return a member of the state; what m_input writes needs no reset."""
    return Field(f"input_{name}", f"encoder: {what}", ctype, shape, scratch)


def rate_stage(model: Model, sliced: bool) -> RateEncoder:
    """Return the stage of an encoder of rates."""
    assert isinstance(model.input, Rate)
    given = model.input
    shared = _common(model, "rate", sliced, groups=2 if given.signed else 1)
    source = shared["source"]
    planes = max(given.high, -given.low, 1).bit_length()
    row = given.signed + planes + given.period_bits
    fields: tuple[Field, ...] = (
        _field("error", "e of every value", "uint8_t", given.size),
        _field("held", "the input", source.ctype, given.size),
    )
    if sliced:
        if given.period_bits or (given.signed and source.bits > 1):
            shared["helpers"] |= {"add"}
        fields = (_field("planes", "the input and e, in planes", "uint32_t", source.words * row),)
    stage = RateEncoder(
        **shared,
        row=row if sliced else 0,
        joined=_joined(given.size) if sliced and given.signed else 0,
        period_bits=given.period_bits,
        planes=planes,
        carried=given.signed and planes == source.bits,
    )
    return replace(stage, fields=(_spikes(stage.words), *fields))


def latency_stage(model: Model, sliced: bool) -> LatencyEncoder:
    """Return the stage of an encoder of times to the first spike."""
    assert isinstance(model.input, Latency)
    given = model.input
    shared = _common(model, "latency", sliced, groups=1)
    source = shared["source"]
    levels = np.clip(given.levels, given.low, given.high + 1)
    never = int((levels > given.high).sum())
    row = source.bits + 1
    time = _field("time", "steps since the input", "uint32_t", 1)
    if sliced:
        lowest = -(2 ** (source.bits - 1)) if source.negative else 0
        values = (levels[never:] if never < len(levels) else np.array([given.low])) - lowest
        table = Table("levels", f"what spikes at each step, less {lowest}", values.astype(np.uint8))
        kept = _field("planes", "the input and what has spiked, in planes", "uint32_t",
                      source.words * row)  # fmt: skip
    else:
        values = np.concatenate([[256], levels])
        table = Table("levels", "what spikes at each step, and before", values.astype(np.int16))
        kept = _field("held", "the input", source.ctype, given.size)
    stage = LatencyEncoder(
        **shared,
        tables=(table,),
        row=row if sliced else 0,
        planes=source.bits,
        never=never,
        levels=len(levels),
    )
    return replace(stage, fields=(_spikes(stage.words), time, kept))


def delta_stage(model: Model, sliced: bool) -> DeltaEncoder:
    """Return the stage of an encoder of changes."""
    assert isinstance(model.input, Delta)
    given = model.input
    shared = _common(model, "delta", False, groups=2)
    source = shared["source"]
    stage = DeltaEncoder(**shared, threshold=given.threshold)
    fields = (
        _field("known", "1 once there is a reference", "uint32_t", 1, scratch=False),
        _spikes(stage.words),
        _field("reference", "what a change is measured from", source.ctype, given.size),
    )
    return replace(stage, fields=fields)
