"""What a stage meets, and how the features that several kinds of stages have follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from math import exp, log2
from operator import add
from typing import TypeVar

from codegen.kernels.features import (
    Added,
    Adder,
    AllColumns,
    Codes,
    Columns,
    Features,
    Few,
    FewOfTwoBits,
    Listed,
    Products,
)
from codegen.kernels.stage import Layer, Readout

Found = TypeVar("Found", bound=Features)

BATCH, BATCH_COMPACT = 16, 8
"""Inputs that leave one carry word: of the adder, and of the compact one and that of vectors."""


@dataclass(frozen=True)
class Load:
    """What a stage meets in one call: an inference, or a step of a model without a whole one.

    steps:  time steps in the call, mean where it may stop early
    checks: how often it is asked whether to stop
    asked:  how often of these the answer could still be no: not after the last step
    most:   time steps in the call at most
    frames: input vectors in the call: 1 for a held one
    active: inputs that spike, or are not 0, mean of a step
    digits: of a signal of counts: inputs that have binary digit 0, 1, ..., mean of a step
    busy:   fraction of the steps in which any does
    spread: inputs that spike in one of the quietest steps, of the next ones, ... of the busiest,
            parts of equal size; empty where no more than the mean is known
    values: {value: inputs that have it, mean} of a byte vector
    counts: {spikes in an inference: neurons of the last layer that had them, mean}
    fired:  values of the layer's own signal that are not 0, mean of a step
    emitted: their sum; put: their digits, up to the highest that is set
    free:   the call is one step of many, of a model that runs free
    single: the figures are those of one call, not means over many
    worst:  instead of values and counts: as many digits as there can be
    wide:   the core has vectors, and the program is wide enough for four blocks at once
    vectors: the core has vectors, and the C some loop for them
    table:  the program lists spikes by a table of bytes, where that core can
    compact: the program has the adder for short lists
    far:    entries of its lists are words, as no loop of an instruction set takes them
    """

    steps: float = 1
    checks: float = 0
    asked: float = 0
    most: int = 1
    frames: float = 1
    active: float = 0
    busy: float = 0
    digits: Sequence[float] = ()
    spread: Sequence[float] = ()
    values: Mapping[int, float] = field(default_factory=dict)
    counts: Mapping[int, float] = field(default_factory=dict)
    fired: float = 0
    emitted: float = 0
    put: float = 0
    free: bool = False
    single: bool = False
    worst: bool = False
    wide: bool = False
    vectors: bool = False
    table: bool = False
    compact: bool = False
    far: bool = False


def any_of(n: float, load: Load) -> float:
    """Return how often there is any of what happens n times on average, rare and many."""
    if load.worst:
        return float(n > 0)
    return min(n, 1.0) if load.single else 1 - exp(-n)


def over_steps(found: Callable[[Load], Found], load: Load, size: int) -> Found:
    """Return features of a step as means over steps of different activity.

    Some depend on how many inputs are active by more than a factor: which of the active and the
    inactive ones are the fewer, how many planes they fill. The quietest steps are the idle ones.
    size: of all inputs, which no step exceeds
    """
    mean = sum(load.spread) / max(len(load.spread), 1)
    if load.worst or mean <= load.active / 2:  # nothing known, or bursts that no part has
        return found(replace(load, spread=()))
    parts, steps = len(load.spread), []
    scale = load.active / mean  # a few steps stand for all: the mean is known
    for part, one in enumerate(load.spread):
        active = min(one * scale, size)
        busy = min(max(part + 1 - parts * (1 - load.busy), 0.0), 1.0)
        steps.append(found(replace(load, active=active, busy=busy, spread=())).scaled(1 / parts))
    return reduce(add, steps)


def listed(words: float, active: float, size: int, load: Load) -> Listed:
    """List the active inputs of some words: where it is wide by a table where two are 16 apart."""
    if load.far:
        return Listed(words_far=words, inputs_far=active)
    dense = 0.0
    if load.wide and load.table:
        share = min(active / size, 1.0)
        dense = words * (1.0 if load.worst else 1 - (1 - share**2) ** 16)
    of_table = 0.0 if load.worst else dense * active / max(words, 1)
    return Listed(
        words=words, inputs=active - of_table, words_by_table=dense, inputs_by_table=of_table
    )


def digits_listed(found: Sequence[float], words: int, size: int, load: Load) -> Listed:
    """List the digits of all planes."""
    return reduce(add, (listed(words, n, size, load) for n in found), Listed())


Sums = Sequence[tuple[float, float, float]]
"""What the adder is given: how often there is any, inputs of it on average, planes."""


def added(sums: Sums, load: Load) -> Added:
    """Add the weights of inputs to 32 neurons."""
    batch = BATCH_COMPACT if load.compact else BATCH
    found = Adder(
        calls=sum(busy for busy, _, _ in sums),
        active=sum(n for _, n, _ in sums),
        height=sum(busy * planes for busy, _, planes in sums),
        carries=sum(busy * log2(1 + n / busy / batch) for busy, n, _ in sums if busy),
    )
    if load.far:
        return Added(far=found)
    return Added(short=found) if load.compact else Added(long=found)


def added4(sums: Sums, carries: int) -> Added:
    """The same for four blocks of vectors: in pieces, as the carries have room."""
    room = carries // 4 * BATCH_COMPACT
    pieces = [(busy * max(1.0, n / room + 0.5 * (n > room)), n, planes) for busy, n, planes in sums]
    found = Adder(
        calls=sum(times for times, _, _ in pieces),
        active=sum(n for _, n, _ in sums),
        height=sum(times * planes for times, _, planes in pieces),
        carries=sum(t * log2(1 + min(n / t, room) / BATCH_COMPACT) for t, n, _ in pieces if t),
    )
    return Added(long=found)


def count_width(stage: Layer, load: Load) -> int:
    """Return the planes of the counts that a layer's spikes go to; 0 if none count them."""
    return load.most.bit_length() if stage.counted else 0


def planes_counted(stage: Layer, load: Load) -> dict[str, float]:
    """Return the features of the planes of the counts that a word of the signal goes to.

    counted: those that a spike or a carry alone reaches; levels: those that a plane of a signal
    of counts is added to
    """
    levels = stage.signal_planes * (stage.counted and stage.signal_planes > 1)
    return {"counted": count_width(stage, load) - levels, "levels": levels}


def not_zero(values: Mapping[int, float]) -> float:
    """Return how many inputs are not 0, of {value: inputs that have it}."""
    return sum(n for value, n in values.items() if value)


PLANES_WRITTEN_OUT = 2
"""Planes up to which the loop over those of a lane is written out."""

SOME, MANY = 6, 8
"""Totals from which on a compiler clears them in a loop, on one core and on the others."""

FEW, FEW_PACKED = 2, 3
"""Codes up to which the loop over a column is written out; those of less than a byte."""

NUMBERS = ("one", "two", "three")


def columns(active: float, n: int, bits: int, times: float = 1.0) -> Columns:
    """Clear n totals so many times, and add a column of n codes for every active input.

    bits: 4, 8 or 16
    """
    found = Columns(
        cleared=n * times, cleared_some=times * (n >= SOME), cleared_many=times * (n >= MANY)
    )
    if n <= (FEW_PACKED if bits == 4 else FEW):
        name = NUMBERS[n - 1] + "4" * (bits == 4)
        return replace(found, few=Few(**{name: active}))
    each = {width: _codes(active, n, 2) if bits == width else Codes() for width in (4, 8, 16)}
    return replace(found, columns=active, codes4=each[4], codes8=each[8], codes16=each[16])


def _codes(active: float, n: int, at_once: int) -> Codes:
    """Return the codes of columns of n, of which a loop takes so many at once."""
    codes = active * n
    return Codes(codes=codes, rest=active * (n % at_once), power_of_two=codes * (n & (n - 1) == 0))


def all_columns(active: float, n: int, bits: int, times: float = 1.0) -> AllColumns:
    """Return the same for codes of 2 bits as well."""
    if bits > 2:
        return AllColumns(**vars(columns(active, n, bits, times)))
    found = AllColumns(**vars(columns(0.0, n, 8, times)))
    if n <= FEW_PACKED:
        return replace(found, few2=FewOfTwoBits(**{NUMBERS[n - 1]: active}))
    return replace(found, columns=active, codes2=_codes(active, n, 4))


def products(values: float, n: int, bits: int) -> Products:
    """Return the products of values and columns of n codes."""
    return Products(**{f"codes{bits}": values * n})


def looped(planes: int) -> bool:
    """Return True for so many planes that a compiler makes a loop over those of a lane."""
    return planes > PLANES_WRITTEN_OUT


def plane_lengths(stage: Readout, load: Load) -> list[float]:
    """Return how many neurons have each bit of the counts."""
    width = stage.count_width
    if load.worst:
        most = (stage.top + 1).bit_length() - 1  # ones of a number up to the largest count
        return [stage.inputs * most / width] * width
    return [sum(n for value, n in load.counts.items() if value >> b & 1) for b in range(width)]
