"""Features of the encoders, which make spikes of bytes before layer 0."""

from __future__ import annotations

from codegen.kernels.bitsliced.cost import sliced_bytes
from codegen.kernels.encoders.plan import DeltaEncoder, Encoder, LatencyEncoder, RateEncoder
from codegen.kernels.load import Features, Load, each_step, times


def _sliced(stage: Encoder) -> Features:
    """Cut a new input into planes, and prepare its rows."""
    source = stage.source
    return sliced_bytes(source) | {"once": 1, "rows once": source.words}


def _rows(stage: Encoder, load: Load, found: Features) -> Features:
    """Return what all rows take, each these features; on Helium four are one."""
    words, quads = stage.source.words, stage.vectors // 4 if load.helium else 0
    return times("rows x ", words - 4 * quads, found) | times("quads x ", quads, found)


def sliced_rate(stage: RateEncoder, load: Load) -> Features:
    """An addition of planes for 32 values."""
    words, signed = stage.source.words, stage.source.negative
    row: Features = {
        "": 1,
        "planes": stage.period_bits,
        "sum": stage.planes > stage.period_bits,
        "signed": signed,
    }
    once: Features = {
        "rows x e once": words * stage.period_bits,
        "rows x signed planes once": words * stage.source.bits * signed,
        "signed rows once": words * signed,
    }
    return _sliced(stage) | once | each_step({"called": 1} | _rows(stage, load, row), load)


def sliced_latency(stage: LatencyEncoder, load: Load) -> Features:
    """A comparison of planes for 32 values, as long as there are levels."""
    row: Features = {"": 1, "planes": stage.planes}
    found = {"levels": 1, "levels x planes": stage.planes} | _rows(stage, load, row)
    if not load.worst:
        reached = max(min(load.steps, stage.levels) - stage.never, 0)
        found = times("", reached / load.steps, found)
    return _sliced(stage) | each_step({"called": 1, "words": stage.words} | found, load)


def _values(stage: Encoder, load: Load, steps: float) -> Features:
    """One value after the other, in so many of the steps."""
    size, signed = stage.source.size, stage.source.negative
    each: Features = {
        "": 1,
        "words": stage.words,
        "values": size,
        "signed values": size * signed,
        "spikes": load.active * load.steps / max(steps, 1),
        "signed spikes": load.active * load.steps / max(steps, 1) * signed,
    }
    return {f"{name}, each step": steps * n for name, n in each.items() if steps}


def plain_rate(stage: RateEncoder, load: Load) -> Features:
    """An addition for every value; where P is 2^8, the sum is taken modulo P by itself."""
    masked = stage.period_bits < 8
    found = _values(stage, load, load.steps)
    more = {"once": 1, "held": stage.source.size}
    return found | more | times("masked ", masked, found)


def plain_latency(stage: LatencyEncoder, load: Load) -> Features:
    """A comparison for every value."""
    return _values(stage, load, load.steps) | {"once": 1, "held": stage.source.size}


def plain_delta(stage: DeltaEncoder, load: Load) -> Features:
    """A comparison with the reference for every value; the first step of an inference sets it."""
    if load.free:
        return _values(stage, load, load.steps)
    first: Features = {"once": 1, "reference": stage.source.size}
    return _values(stage, load, load.steps - 1) | first
