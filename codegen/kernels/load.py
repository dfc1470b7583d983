"""What a stage meets, and the features that several kinds of stages have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, log2

from codegen.kernels.stage import Layer, Readout

Features = dict[str, float]

BATCH, BATCH_COMPACT = 16, 8
"""Inputs that leave one carry word: of the adder, and of the compact or Helium's one."""


@dataclass(frozen=True)
class Load:
    """What a stage meets in one call: an inference, or a step of a model without a whole one.

    steps:  time steps in the call, mean where it may stop early
    checks: how often it is asked whether to stop
    asked:  how often of these the answer could still be no: not after the last step
    most:   time steps in the call at most
    frames: input vectors in the call: 1 for a held one
    active: inputs that spike, mean of a step
    busy:   fraction of the steps in which any does
    spread: inputs that spike in one of the quietest steps, of the next ones, ... of the busiest,
            parts of equal size; empty where no more than the mean is known
    values: {value: inputs that have it, mean} of a byte vector
    counts: {spikes in an inference: neurons of the last layer that had them, mean}
    fired:  spikes of the layer itself, mean of a step
    free:   the call is one step of many, of a model that runs free
    single: the figures are those of one call, not means over many
    worst:  instead of values and counts: as many digits as there can be
    helium: the core has it, and the program is wide enough for it
    table:  the program lists spikes by a table of bytes, where that core can
    compact: the program has the adder for short lists
    """

    steps: float = 1
    checks: float = 0
    asked: float = 0
    most: int = 1
    frames: float = 1
    active: float = 0
    busy: float = 0
    spread: Sequence[float] = ()
    values: Mapping[int, float] = field(default_factory=dict)
    counts: Mapping[int, float] = field(default_factory=dict)
    fired: float = 0
    free: bool = False
    single: bool = False
    worst: bool = False
    helium: bool = False
    table: bool = False
    compact: bool = False


def any_of(n: float, load: Load) -> float:
    """Return how often there is any of what happens n times on average, rare and many."""
    if load.worst:
        return float(n > 0)
    return min(n, 1.0) if load.single else 1 - exp(-n)


def over_steps(found: Callable[[Load], Features], load: Load, size: int) -> Features:
    """Return features of a step as means over steps of different activity.

    Some depend on how many inputs are active by more than a factor: which of the active and the
    inactive ones are the fewer, how many planes they fill. The quietest steps are the idle ones.
    size: of all inputs, which no step exceeds
    """
    mean = sum(load.spread) / max(len(load.spread), 1)
    if load.worst or mean <= load.active / 2:  # nothing known, or bursts that no part has
        return found(replace(load, spread=()))
    parts, total = len(load.spread), defaultdict[str, float](float)
    scale = load.active / mean  # a few steps stand for all: the mean is known
    for part, one in enumerate(load.spread):
        active = min(one * scale, size)
        busy = min(max(part + 1 - parts * (1 - load.busy), 0.0), 1.0)
        for name, n in found(replace(load, active=active, busy=busy, spread=())).items():
            total[name] += n / parts
    return dict(total)


def times(prefix: str, factor: float, found: Features) -> Features:
    """Return features that happen `factor` times."""
    return {f"{prefix}{name}": factor * n for name, n in found.items()} if factor else {}


def listed(words: float, active: float, size: int, load: Load) -> Features:
    """List the active inputs of some words: on Helium by a table where two are 16 apart."""
    dense = 0.0
    if load.helium and load.table:
        share = min(active / size, 1.0)
        dense = words * (1.0 if load.worst else 1 - (1 - share**2) ** 16)
    of_table = 0.0 if load.worst else dense * active / max(words, 1)
    return {
        "words listed": words,
        "words by table": dense,
        "inputs listed": active - of_table,
        "inputs by table": of_table,
    }


def digits_listed(found: Sequence[float], words: int, size: int, load: Load) -> Features:
    """List the digits of all planes."""
    total: Features = {}
    for n in found:
        for name, value in listed(words, n, size, load).items():
            total[name] = total.get(name, 0.0) + value
    return total


Sums = Sequence[tuple[float, float, float]]
"""What the adder is given: how often there is any, inputs of it on average, planes."""


def added(sums: Sums, load: Load) -> Features:
    """Add the weights of inputs to 32 neurons."""
    batch = BATCH_COMPACT if load.compact else BATCH
    found = {
        "calls": sum(busy for busy, _, _ in sums),
        "active": sum(n for _, n, _ in sums),
        "height": sum(busy * planes for busy, _, planes in sums),
        "carries": sum(busy * log2(1 + n / busy / batch) for busy, n, _ in sums if busy),
    }
    return {f"{name}{' compact' * load.compact}": n for name, n in found.items()}


def added4(sums: Sums, carries: int) -> Features:
    """The same for four blocks on Helium: in pieces, as the carries have room."""
    room = carries // 4 * BATCH_COMPACT
    pieces = [(busy * max(1.0, n / room + 0.5 * (n > room)), n, planes) for busy, n, planes in sums]
    return {
        "calls": sum(times for times, _, _ in pieces),
        "active": sum(n for _, n, _ in sums),
        "height": sum(times * planes for times, _, planes in pieces),
        "carries": sum(t * log2(1 + min(n / t, room) / BATCH_COMPACT) for t, n, _ in pieces if t),
    }


def each_step(found: Features, load: Load) -> Features:
    """Return the features of all steps, beside what is done once."""
    return {f"{name}, each step": load.steps * value for name, value in found.items()}


def count_width(stage: Layer, load: Load) -> int:
    """Return the planes of the counts that a layer's spikes go to; 0 if none count them."""
    return load.most.bit_length() if stage.counted else 0


def not_zero(values: Mapping[int, float]) -> float:
    """Return how many inputs are not 0, of {value: inputs that have it}."""
    return sum(n for value, n in values.items() if value)


FEW, SOME, MANY = 2, 6, 8
"""Neurons up to which a compiler writes out the loop over a column; and from which on it clears
the totals in a loop, on one core and on the others."""


def columns(active: float, n: int, bits: int, what: str) -> Features:
    """Add a column of n codes for every active input.

    Which addressing a compiler chooses depends on the length of a column: on the Cortex-M0 that is
    a third of what it takes.
    """
    if n <= FEW:
        packed = " of 4 bits" * (bits == 4)
        return {"active few": active, f"active few x {what}{packed}": active * n}
    return {
        "active": active,
        f"active x {what} of {bits} bits": active * n,
        f"active x {what} of {bits} bits, odd": active * n * (n % 2),
        f"active x {what} of {bits} bits, a power of 2": active * n * (n & (n - 1) == 0),
    }


def cleared(n: int) -> Features:
    """Set n totals to 0."""
    return {"cleared": n, "cleared some": n >= SOME, "cleared many": n >= MANY}


def plane_lengths(stage: Readout, load: Load) -> list[float]:
    """Return how many neurons have each bit of the counts."""
    width = stage.count_width
    if load.worst:
        most = (stage.steps + 1).bit_length() - 1  # ones of a number up to T
        return [stage.inputs * most / width] * width
    return [sum(n for value, n in load.counts.items() if value >> b & 1) for b in range(width)]
