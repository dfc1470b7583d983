"""Features of the bit-sliced kernel."""

from __future__ import annotations

from codegen.kernels.bitsliced import listing
from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.load import (
    Features,
    Load,
    Sums,
    added,
    added4,
    any_of,
    count_width,
    digits_listed,
    each_step,
    over_steps,
    plane_lengths,
    times,
)
from codegen.kernels.stage import Readout, Source


def _split(stage: BitslicedLayer, load: Load) -> tuple[int, int]:
    """Return (single blocks, four blocks at once)."""
    quads = stage.vectors // 4 if load.helium else 0
    return stage.blocks - 4 * quads, quads


def _blocks(stage: BitslicedLayer, load: Load, found: Features, sums: Sums) -> Features:
    """Return what all blocks take, each these features and these sums."""
    singles, quads = _split(stage, load)
    return times("blocks x ", singles, found | added(sums, load)) | times(
        "quads x ", quads, found | added4(sums, stage.scratch.carries)
    )


def sliced_bytes(source: Source) -> Features:
    """Cut the input into the planes of its digits, 32 bytes at a time."""
    digits, tail = source.digits, source.size % 32
    assert digits is not None
    width = "nibbles" if source.bits <= 4 else "bytes"
    return {
        f"groups of {width}": source.words,
        f"groups x bits of {width}": source.words * source.bits,
        f"groups x lists of {digits.kind} {width}": source.words * digits.lists,
        "tail": tail > 0,
        "tail bytes": tail,
        "tail x lists": digits.lists * (0 < tail <= 28),
    }


def _dot_products(stage: BitslicedLayer, load: Load) -> Features:
    """Currents of a byte vector on Helium, where bytes are seldom 0: the same for any input."""
    vectors = -(-stage.source.size // 16)
    found: Features = {
        "dense": 1,
        "dense vectors": vectors,
        "dense blocks": stage.blocks,
        "dense blocks x vectors": stage.blocks * vectors,
        "dense blocks x planes": stage.blocks * stage.current_width,
        "dense blocks x bytes": stage.blocks * -(-stage.current_width // 8),
    }
    return times("", load.frames, found)


def currents(stage: BitslicedLayer, load: Load) -> Features:
    """Currents of a byte vector: digits, lists, sums, then the shift."""
    if stage.dense and load.helium:
        return _dot_products(stage, load)
    source, width = stage.source, stage.sum_width
    assert source.digits is not None
    if load.worst:
        found, work = listing.most_lengths(source), listing.most_work(source, stage.scratch.listed)
    else:
        found = listing.lengths(source, load.values)
        work = listing.work_off(found, source.words, stage.scratch.listed)
    level = listing.levels(source)
    sums = [(any_of(n, load), n, width - level[k]) for k, n in work.segments]
    each: Features = {
        "rounds": work.rounds,
        "rounds x planes": work.rounds * width,
        "rounds x lists": work.rounds * len(found),
        "more rounds x planes": (work.rounds - 1) * width,
        "rounds x top planes": work.rounds * width * source.digits.top,
        "rounds x taken planes": work.rounds * width * (source.digits.takes > source.digits.top),
        "kept planes": stage.current_width,
        "bias planes": stage.current_width * (stage.bias_words > 0),
    }
    total = (
        {
            "once": 1,
            "list calls": work.calls,
            "lists": work.rounds * len(found),
            "rounds": work.rounds,
        }
        | sliced_bytes(source)
        | digits_listed(found, source.words, source.size, load)
        | _blocks(stage, load, each, sums)
        | {"planes broadcast": work.rounds * width}
    )
    return times("", load.frames, total)


def _reset(stage: BitslicedLayer) -> Features:
    """Subtract, or with a lowered threshold add again, what the reset takes."""
    digits = stage.reset_by[: stage.v_width]
    bits = [digit.bit for digit in digits if digit.word is None]
    lowest = bits.index(1) if 1 in bits else len(bits)
    own = sum(digit.word is not None for digit in digits)
    return {
        "reset ones": bits.count(1),
        "reset zeros": bits[lowest:].count(0),
        "reset own": own,
        "reset beside own": len(digits) * (own > 0),
        "reset to zero": stage.v_width if stage.reset == "zero" else 0,
    }


def _membranes(stage: BitslicedLayer, load: Load) -> Features:
    """Leak, integration, comparison, reset, counting of one block in one step."""
    far = any(abs(k) > 4 for k in stage.leak)
    width, forgets = stage.u_width, 0 in stage.leak  # v - (v >> 0) is no operation at all
    terms = 0 if forgets else len(stage.leak)
    return _reset(stage) | {
        "": 1,
        "u": width,
        "v": stage.v_width * (not forgets),
        "leak": terms * width,
        "more leak": max(terms - 1, 0) * width,
        "negative leak": sum(k < 0 for k in stage.leak) * width,
        "far leak": far * width,
        "far leaks": far * len(stage.leak) * width,
        "current": sum(p.current is not None for p in stage.planes),
        "bias": sum(p.bias is not None for p in stage.planes),
        "threshold": len(stage.threshold),
        "own threshold": sum(d.word is not None for d in stage.threshold),
        "saturation": len(stage.floor) + len(stage.ceiling),
        "not lowered": width * (not stage.lowered),
        "counted": count_width(stage, load),
    }


def _neurons(stage: BitslicedLayer, load: Load) -> Features:
    """The membranes of all blocks; on Helium also what is not computed in place."""
    singles, quads = _split(stage, load)
    found = _membranes(stage, load)
    in_place = stage.lowered > 0 and stage.u_width == stage.v_width
    wide = found | {"copied": stage.u_width * (not in_place)}
    return times("blocks x ", singles, found) | times("quads x ", quads, wide)


def held(stage: BitslicedLayer, load: Load) -> Features:
    """Neurons on cached currents; fused, all steps of a block at once."""
    singles, quads = _split(stage, load)
    found = each_step(_neurons(stage, load), load)
    if stage.fused:
        fused: Features = {"fused blocks": singles, "fused quads": quads}
        return found | {"fused": 1} | fused | each_step(fused, load)
    return found | each_step({"held": 1, "held blocks": singles, "held quads": quads}, load)


def _planes_for(reach: float, width: int) -> int:
    """Return the planes that the code adds in, as helpers/planes_for.c.j2."""
    return min(width, max(4, int(reach).bit_length() + 1))


def spikes(stage: BitslicedLayer, load: Load) -> Features:
    """Active list, sums, neurons of spiking input."""
    summed = over_steps(lambda step: _summed(stage, step), load, stage.source.size)
    return each_step(summed | _neurons(stage, load), load)


def _summed(stage: BitslicedLayer, load: Load) -> Features:
    """Active list and sums of a step."""
    size, width, n = stage.source.size, stage.sum_width, load.active
    many = bool(stage.complement) and n > stage.complement
    used = _planes_for(stage.reach + n, width) if stage.sized and not many else width
    rest = size - n if many else 0.0
    looped = stage.blocks > 1 or stage.complement > 0
    sums = [(any_of(rest, load), rest, width)] if many else [(load.busy, n, used)]
    words = stage.source.words
    listed = digits_listed([n, rest] if many else [n], words, size, load)
    each: Features = {
        "summed": 1,
        "start": looped,
        "start planes": looped * width,
        "sized": stage.sized,
        "sized planes": stage.sized * width,
        "inactive": many,
        "inactive planes": many * width,
        "could be inactive": stage.complement > 0,
    }
    found = listed | {
        "spikes": 1,
        "planes": width,
        "looped": looped,
        "sized": stage.sized,
        "sized planes": used * stage.sized,
        "inactive": many,
        "inactive words": many * words,
    }
    return found | _blocks(stage, load, each, sums)


def readout(stage: Readout, load: Load) -> Features:
    """Planes of the counts as digits of an input, then the lanes of the sums."""
    found, width = plane_lengths(stage, load), stage.sum_width
    sums = [(any_of(n, load), n, width - b) for b, n in enumerate(found)]
    each = {"": 1, "planes": width, "lists": len(found)} | added(sums, load)
    lanes = {"once": 1, "outputs": stage.outputs, "outputs x planes": stage.outputs * width}
    listed = {"lists": len(found)} | digits_listed(found, stage.words, stage.inputs, load)
    return lanes | listed | times("blocks x ", stage.blocks, each)
