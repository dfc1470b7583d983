"""Features of the encoders, which make spikes of bytes before layer 0."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.bitsliced.cost.slicing import SlicedBytes, sliced_bytes
from codegen.kernels.encoders.plan import DeltaEncoder, Encoder, LatencyEncoder, RateEncoder
from codegen.kernels.features import Features
from codegen.kernels.load import Load


@dataclass(frozen=True, kw_only=True)
class RateRows(Features):
    """Rows of 32 values to which planes are added; over the steps.

    sum: rows whose sum has more planes than the period; signed: rows of signed values
    """

    rows: float = 0.0
    planes: float = 0.0
    sum: float = 0.0
    signed: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SlicedRate(Features):
    """A new input cut into planes once, then additions of planes for rows, or four rows, of values.

    prepared:               rows, once; prepared_planes: their planes of the period
    signed, signed_planes:  rows of signed values, once; their planes
    called:                 steps
    """

    sliced: SlicedBytes = SlicedBytes()
    calls: float = 0.0
    prepared: float = 0.0
    prepared_planes: float = 0.0
    signed: float = 0.0
    signed_planes: float = 0.0
    called: float = 0.0
    rows: RateRows = RateRows()
    quads: RateRows = RateRows()


@dataclass(frozen=True, kw_only=True)
class LatencyRows(Features):
    """Rows of 32 values whose planes are compared; over the steps."""

    rows: float = 0.0
    planes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SlicedLatency(Features):
    """A new input cut into planes once, then comparisons of planes, as long as there are levels.

    prepared: rows, once; called, words: steps, words of these; levels: steps with a level
    """

    sliced: SlicedBytes = SlicedBytes()
    calls: float = 0.0
    prepared: float = 0.0
    called: float = 0.0
    words: float = 0.0
    levels: float = 0.0
    levels_planes: float = 0.0
    rows: LatencyRows = LatencyRows()
    quads: LatencyRows = LatencyRows()


@dataclass(frozen=True, kw_only=True)
class Values(Features):
    """Values that are encoded one after the other, and their spikes; over the steps."""

    steps: float = 0.0
    words: float = 0.0
    values: float = 0.0
    signed_values: float = 0.0
    spikes: float = 0.0
    signed_spikes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PlainRate(Features):
    """Additions for every value; masked: the same, where the sum is cut to the period.

    calls, held: once; values that are copied then
    """

    each: Values = Values()
    masked: Values = Values()
    calls: float = 0.0
    held: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PlainLatency(Features):
    """Comparisons for every value; calls, held: once, and values that are copied then."""

    each: Values = Values()
    calls: float = 0.0
    held: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PlainDelta(Features):
    """Comparisons with the reference, in all steps but the first of an inference.

    firsts, kept:   first steps, and values that these keep, by memcpy
    few, few_kept:  the same where a compiler writes out the copy
    """

    each: Values = Values()
    firsts: float = 0.0
    kept: float = 0.0
    few: float = 0.0
    few_kept: float = 0.0


WRITTEN_OUT = 16
"""Values up to which a compiler writes out their copy."""


def _split(stage: Encoder, load: Load) -> tuple[int, int]:
    """Return rows, and on Helium four rows that are one."""
    quads = stage.vectors // 4 if load.wide else 0
    return stage.source.words - 4 * quads, quads


def sliced_rate(stage: RateEncoder, load: Load) -> SlicedRate:
    """An addition of planes for 32 values."""
    words, signed = stage.source.words, stage.source.negative
    singles, quads = _split(stage, load)
    row = RateRows(
        rows=1,
        planes=stage.period_bits,
        sum=stage.planes > stage.period_bits,
        signed=signed,
    ).scaled(load.steps)
    return SlicedRate(
        sliced=sliced_bytes(stage.source),
        calls=1,
        prepared=words,
        prepared_planes=words * stage.period_bits,
        signed=words * signed,
        signed_planes=words * stage.source.bits * signed,
        called=load.steps,
        rows=row.scaled(singles),
        quads=row.scaled(quads),
    )


def sliced_latency(stage: LatencyEncoder, load: Load) -> SlicedLatency:
    """A comparison of planes for 32 values, as long as there are levels."""
    singles, quads = _split(stage, load)
    reached = load.steps
    if not load.worst:
        reached = max(min(load.steps, stage.levels) - stage.never, 0)
    row = LatencyRows(rows=1, planes=stage.planes).scaled(reached)
    return SlicedLatency(
        sliced=sliced_bytes(stage.source),
        calls=1,
        prepared=stage.source.words,
        called=load.steps,
        words=load.steps * stage.words,
        levels=reached,
        levels_planes=reached * stage.planes,
        rows=row.scaled(singles),
        quads=row.scaled(quads),
    )


def _values(stage: Encoder, load: Load, steps: float) -> Values:
    """One value after the other, in so many of the steps."""
    size, signed = stage.source.size, stage.source.negative
    spikes = load.active * load.steps / max(steps, 1)
    return Values(
        steps=1,
        words=stage.words,
        values=size,
        signed_values=size * signed,
        spikes=spikes,
        signed_spikes=spikes * signed,
    ).scaled(steps)


def plain_rate(stage: RateEncoder, load: Load) -> PlainRate:
    """An addition for every value; where P is 2^8, the sum is taken modulo P by itself."""
    found = _values(stage, load, load.steps)
    masked = found.scaled(stage.period_bits < 8)
    return PlainRate(each=found, masked=masked, calls=1, held=stage.source.size)


def plain_latency(stage: LatencyEncoder, load: Load) -> PlainLatency:
    """A comparison for every value."""
    return PlainLatency(each=_values(stage, load, load.steps), calls=1, held=stage.source.size)


def plain_delta(stage: DeltaEncoder, load: Load) -> PlainDelta:
    """A comparison with the reference for every value; the first step of an inference sets it."""
    if load.free:
        return PlainDelta(each=_values(stage, load, load.steps))
    found = _values(stage, load, load.steps - 1)
    size = stage.source.size
    if size <= WRITTEN_OUT:
        return PlainDelta(each=found, few=1, few_kept=size)
    return PlainDelta(each=found, firsts=1, kept=size)
