"""Features of the bit-sliced kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.kernels.bitsliced import listing
from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.features import Added, Features, Listed, expected
from codegen.kernels.load import (
    Load,
    Sums,
    added,
    added4,
    any_of,
    count_width,
    digits_listed,
    over_steps,
    plane_lengths,
)
from codegen.kernels.stage import Readout, Source

# ------------------------------------------------------------------ features


@dataclass(frozen=True, kw_only=True)
class Groups(Features):
    """Groups of 32 inputs cut into planes; times bits; times lists, by the kind of digits."""

    groups: float = 0.0
    bits: float = 0.0
    lists_binary: float = 0.0
    lists_top: float = 0.0
    lists_signed: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SlicedBytes(Features):
    """A vector of bytes cut into planes: groups by width, and what is left at its end.

    tail: there is a rest of less than 32 inputs; tail_bytes: these; tail_lists: lists then
    """

    nibbles: Groups = Groups()
    bytes: Groups = Groups()
    tail: float = 0.0
    tail_bytes: float = 0.0
    tail_lists: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DotProducts(Features):
    """Currents as dot products: vectors of 16 inputs, blocks of neurons, planes and bytes."""

    calls: float = 0.0
    vectors: float = 0.0
    blocks: float = 0.0
    blocks_vectors: float = 0.0
    blocks_planes: float = 0.0
    blocks_bytes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Rounds(Features):
    """Sums of a byte vector for some blocks, one round for each filling of the list.

    more_rounds_planes: planes of all rounds but the first
    top_planes:         planes of rounds where the largest value has a list
    taken_planes:       planes of rounds where other lists take away
    kept_planes:        planes of the current
    bias_planes:        the same, where there is a bias
    """

    rounds: float = 0.0
    planes: float = 0.0
    lists: float = 0.0
    more_rounds_planes: float = 0.0
    top_planes: float = 0.0
    taken_planes: float = 0.0
    kept_planes: float = 0.0
    bias_planes: float = 0.0
    added: Added = Added()


@dataclass(frozen=True, kw_only=True)
class Currents(Features):
    """Currents of byte vectors: by digits, or as dot products.

    list_calls: calls that list; lists: digits, over the rounds; blocks, quads: sums of single
    blocks and of four at once; planes_broadcast: planes of the sum, over the rounds
    """

    calls: float = 0.0
    list_calls: float = 0.0
    lists: float = 0.0
    rounds: float = 0.0
    sliced: SlicedBytes = SlicedBytes()
    listed: Listed = Listed()
    blocks: Rounds = Rounds()
    quads: Rounds = Rounds()
    planes_broadcast: float = 0.0
    dense: DotProducts = DotProducts()


@dataclass(frozen=True, kw_only=True)
class Membranes(Features):
    """Steps of blocks of neurons: mostly planes that an operation works on.

    An adder takes five instructions and a load; what is expected follows from the C.

    blocks:            steps times blocks
    u, v:              planes before and after the reset
    leak, more_leak:   planes of all terms, and of all but the first
    negative_leak:     planes of terms that add
    far_leak:          planes where a term shifts by more than four; far_leaks: times the terms
    reset_ones:        ones of a reset for all; reset_zeros: zeros above the lowest of these
    reset_own:         planes of a reset for each neuron; reset_beside_own: of all digits then
    threshold:         digits; own_threshold: planes of a threshold for each neuron
    saturation:        digits of floor and ceiling
    not_lowered:       planes where the threshold is not part of the state
    counted:           planes of the counts
    copied:            planes that are not computed in place
    """

    blocks: float = 0.0
    u: float = expected(2)
    v: float = expected(2)
    leak: float = expected(5)
    more_leak: float = 0.0
    negative_leak: float = 0.0
    far_leak: float = 0.0
    far_leaks: float = 0.0
    current: float = expected(6)
    bias: float = expected(6)
    reset_ones: float = expected(4)
    reset_zeros: float = expected(2)
    reset_own: float = expected(5)
    reset_beside_own: float = 0.0
    reset_to_zero: float = expected(3)
    threshold: float = expected(1)
    own_threshold: float = expected(4)
    saturation: float = expected(2)
    not_lowered: float = 0.0
    counted: float = expected(4)
    copied: float = expected(2)


@dataclass(frozen=True, kw_only=True)
class BlockSums(Features):
    """Sums of spikes for some blocks, over the steps.

    summed:            blocks
    start:             blocks whose start is read in a loop; start_planes: their planes
    sized:             blocks whose planes follow from the spikes; sized_planes: all their planes
    inactive:          blocks that take away inactive inputs; inactive_planes: their planes
    could_be_inactive: blocks that could
    """

    summed: float = 0.0
    start: float = 0.0
    start_planes: float = 0.0
    sized: float = 0.0
    sized_planes: float = 0.0
    inactive: float = 0.0
    inactive_planes: float = 0.0
    could_be_inactive: float = 0.0
    added: Added = Added()


@dataclass(frozen=True, kw_only=True)
class Held(Features):
    """Neurons on cached currents: single blocks, and four at once.

    held, held_blocks, held_quads:    steps, and blocks over the steps
    fused, fused_blocks, fused_quads: the same once, where a block makes all steps at once
    fused_blocks_steps, fused_quads_steps: steps of these
    """

    blocks: Membranes = Membranes()
    quads: Membranes = Membranes()
    held: float = 0.0
    held_blocks: float = 0.0
    held_quads: float = 0.0
    fused: float = 0.0
    fused_blocks: float = 0.0
    fused_quads: float = 0.0
    fused_blocks_steps: float = 0.0
    fused_quads_steps: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Spiking(Features):
    """Neurons that read spikes: the list of the active inputs, sums, membranes; over the steps.

    spikes, planes:          steps, planes of the sum
    looped:                  steps with a loop over the blocks
    sized, sized_planes:     steps whose planes follow from the spikes; these planes
    inactive:                steps that list inactive inputs; inactive_words: their words
    """

    blocks: Membranes = Membranes()
    quads: Membranes = Membranes()
    block_sums: BlockSums = BlockSums()
    quad_sums: BlockSums = BlockSums()
    listed: Listed = Listed()
    spikes: float = 0.0
    planes: float = 0.0
    looped: float = 0.0
    sized: float = 0.0
    sized_planes: float = 0.0
    inactive: float = 0.0
    inactive_words: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ReadoutBlocks(Features):
    """Blocks of outputs, their planes and the lists of counts; what is added."""

    blocks: float = 0.0
    planes: float = 0.0
    lists: float = 0.0
    added: Added = Added()


@dataclass(frozen=True, kw_only=True)
class CountsRead(Features):
    """A readout: bits of the counts as lists, sums, then the lanes of the sums."""

    calls: float = 0.0
    outputs: float = 0.0
    outputs_planes: float = 0.0
    lists: float = 0.0
    listed: Listed = Listed()
    blocks: ReadoutBlocks = ReadoutBlocks()


# ------------------------------------------------------------------ from records


def _split(stage: BitslicedLayer, load: Load) -> tuple[int, int]:
    """Return (single blocks, four blocks at once)."""
    quads = stage.vectors // 4 if load.helium else 0
    return stage.blocks - 4 * quads, quads


def _added4(stage: BitslicedLayer, sums: Sums, load: Load) -> Added:
    """Return the additions to four blocks at once; none where no core has them."""
    return added4(sums, stage.scratch.carries) if _split(stage, load)[1] else Added()


def sliced_bytes(source: Source) -> SlicedBytes:
    """Cut the input into the planes of its digits, 32 bytes at a time."""
    digits, tail = source.digits, source.size % 32
    assert digits is not None
    lists = {f"lists_{digits.kind}": float(source.words * digits.lists)}
    groups = Groups(groups=source.words, bits=source.words * source.bits, **lists)
    return SlicedBytes(
        **{"nibbles" if source.bits <= 4 else "bytes": groups},
        tail=tail > 0,
        tail_bytes=tail,
        tail_lists=digits.lists * (0 < tail <= 28),
    )


def _dot_products(stage: BitslicedLayer) -> DotProducts:
    """Currents of a byte vector on Helium, where bytes are seldom 0: the same for any input."""
    vectors = -(-stage.source.size // 16)
    return DotProducts(
        calls=1,
        vectors=vectors,
        blocks=stage.blocks,
        blocks_vectors=stage.blocks * vectors,
        blocks_planes=stage.blocks * stage.current_width,
        blocks_bytes=stage.blocks * -(-stage.current_width // 8),
    )


def currents(stage: BitslicedLayer, load: Load) -> Currents:
    """Currents of a byte vector: digits, lists, sums, then the shift."""
    if stage.dense and load.helium:
        return Currents(dense=_dot_products(stage)).scaled(load.frames)
    source = stage.source
    if load.worst:
        found, work = listing.most_lengths(source), listing.most_work(source, stage.scratch.listed)
    else:
        found = listing.lengths(source, load.values)
        work = listing.work_off(found, source.words, stage.scratch.listed)
    level, width, (singles, quads) = listing.levels(source), stage.sum_width, _split(stage, load)
    sums = [(any_of(n, load), n, width - level[k]) for k, n in work.segments]
    each = _rounds(stage, work.rounds, len(found))
    return Currents(
        calls=1,
        list_calls=work.calls,
        lists=work.rounds * len(found),
        rounds=work.rounds,
        sliced=sliced_bytes(source),
        listed=digits_listed(found, source.words, source.size, load),
        blocks=replace(each, added=added(sums, load)).scaled(singles),
        quads=replace(each, added=_added4(stage, sums, load)).scaled(quads),
        planes_broadcast=work.rounds * width,
    ).scaled(load.frames)


def _rounds(stage: BitslicedLayer, rounds: int, lists: int) -> Rounds:
    """Return what a block takes in some rounds, but for the additions."""
    digits, width = stage.source.digits, stage.sum_width
    assert digits is not None
    return Rounds(
        rounds=rounds,
        planes=rounds * width,
        lists=rounds * lists,
        more_rounds_planes=(rounds - 1) * width,
        top_planes=rounds * width * digits.top,
        taken_planes=rounds * width * (digits.takes > digits.top),
        kept_planes=stage.current_width,
        bias_planes=stage.current_width * (stage.bias_words > 0),
    )


def _reset(stage: BitslicedLayer) -> Membranes:
    """Subtract, or with a lowered threshold add again, what the reset takes."""
    digits = stage.reset_by[: stage.v_width]
    bits = [digit.bit for digit in digits if digit.word is None]
    lowest = bits.index(1) if 1 in bits else len(bits)
    own = sum(digit.word is not None for digit in digits)
    found = Membranes(
        reset_ones=bits.count(1),
        reset_zeros=bits[lowest:].count(0),
        reset_own=own,
        reset_beside_own=len(digits) * (own > 0),
    )
    if stage.counting is not None:  # once for each bit of a count
        found = found.scaled(stage.counting.planes)
    to_zero = stage.v_width if stage.reset == "zero" else 0
    return found + Membranes(reset_to_zero=to_zero)


def _compared(stage: BitslicedLayer) -> Membranes:
    """Compare with the thresholds of counts: digits that all share, and own ones."""
    found = stage.counting
    if found is None:
        return Membranes()
    return Membranes(
        u=(found.width - found.first) * (not stage.memory),
        threshold=found.shared_digits + found.own_digits,
        own_threshold=found.own_digits,
        reset_own=len(found.less),
    )


def membranes(stage: BitslicedLayer, load: Load) -> Membranes:
    """Leak, integration, comparison, reset, counting of one block in one step."""
    far = any(abs(k) > 4 for k in stage.terms)
    width, forgets = stage.u_width, 0 in stage.terms  # v - (v >> 0) is no operation at all
    terms = 0 if forgets else len(stage.terms)
    if not stage.memory:
        return _compared(stage) + Membranes(
            blocks=1, counted=count_width(stage, load) * stage.signal_planes
        )
    return _reset(stage) + _compared(stage) + Membranes(
        blocks=1,
        u=width,
        v=stage.v_width * (not forgets),
        leak=terms * width,
        more_leak=max(terms - 1, 0) * width,
        negative_leak=sum(k < 0 for k in stage.terms) * width,
        far_leak=far * width,
        far_leaks=far * len(stage.terms) * width,
        current=sum(p.current is not None for p in stage.planes),
        bias=sum(p.bias is not None for p in stage.planes),
        threshold=len(stage.threshold),
        own_threshold=sum(d.word is not None for d in stage.threshold),
        saturation=len(stage.floor) + len(stage.ceiling),
        not_lowered=width * (not stage.lowered),
        counted=count_width(stage, load) * stage.signal_planes,
    )


def _neurons(stage: BitslicedLayer, load: Load) -> tuple[Membranes, Membranes]:
    """The membranes of all blocks in all steps: single ones, and four at once.

    On Helium there is also what is not computed in place.
    """
    singles, quads = _split(stage, load)
    found = membranes(stage, load)
    in_place = stage.lowered > 0 and stage.u_width == stage.v_width
    wide = replace(found, copied=stage.u_width * (not in_place))
    return found.scaled(load.steps * singles), wide.scaled(load.steps * quads)


def held(stage: BitslicedLayer, load: Load) -> Held:
    """Neurons on cached currents; fused, all steps of a block at once."""
    (blocks, quads), (singles, fours) = _neurons(stage, load), _split(stage, load)
    steps = load.steps
    if not stage.fused:
        return Held(
            blocks=blocks,
            quads=quads,
            held=steps,
            held_blocks=steps * singles,
            held_quads=steps * fours,
        )
    return Held(
        blocks=blocks,
        quads=quads,
        fused=1,
        fused_blocks=singles,
        fused_quads=fours,
        fused_blocks_steps=steps * singles,
        fused_quads_steps=steps * fours,
    )


def _planes_for(reach: float, width: int) -> int:
    """Return the planes that the code adds in, as loops/planes_for.c.j2."""
    return min(width, max(4, int(reach).bit_length() + 1))


def spikes(stage: BitslicedLayer, load: Load) -> Spiking:
    """Active list, sums, neurons of spiking input."""
    if stage.source.planes > 1:
        summed = _counts_summed(stage, load)
    else:
        summed = over_steps(lambda step: _summed(stage, step), load, stage.source.size)
    blocks, quads = _neurons(stage, load)
    return replace(summed.scaled(load.steps), blocks=blocks, quads=quads)


def _summed(stage: BitslicedLayer, load: Load) -> Spiking:
    """Active list and sums of a step."""
    size, width, n = stage.source.size, stage.sum_width, load.active
    many = bool(stage.complement) and n > stage.complement
    used = _planes_for(stage.reach + n, width) if stage.sized and not many else width
    rest = size - n if many else 0.0
    looped = stage.blocks > 1 or stage.complement > 0
    sums = [(any_of(rest, load), rest, width)] if many else [(load.busy, n, used)]
    words = stage.source.words
    singles, quads = _split(stage, load)
    each = BlockSums(
        summed=1,
        start=looped,
        start_planes=looped * width,
        sized=stage.sized,
        sized_planes=stage.sized * width,
        inactive=many,
        inactive_planes=many * width,
        could_be_inactive=stage.complement > 0,
    )
    return Spiking(
        listed=digits_listed([n, rest] if many else [n], words, size, load),
        block_sums=replace(each, added=added(sums, load)).scaled(singles),
        quad_sums=replace(each, added=_added4(stage, sums, load)).scaled(quads),
        spikes=1,
        planes=width,
        looped=looped,
        sized=stage.sized,
        sized_planes=used * stage.sized,
        inactive=many,
        inactive_words=many * words,
    )


def _counts_summed(stage: BitslicedLayer, load: Load) -> Spiking:
    """Lists and sums of a step that reads counts: those of a byte vector, but for the slicing."""
    source, width = stage.source, stage.sum_width
    if load.worst:
        found, work = listing.most_lengths(source), listing.most_work(source, stage.scratch.listed)
    else:
        found = list(load.digits) or [load.active / 2] * source.planes
        work = listing.work_off(found, source.words, stage.scratch.listed)
    level, (singles, quads) = listing.levels(source), _split(stage, load)
    sums = [(any_of(n, load), n, width - level[k]) for k, n in work.segments]
    each = BlockSums(summed=1, start=1, start_planes=work.rounds * width)
    return Spiking(
        listed=digits_listed(found, source.words, source.size, load),
        block_sums=replace(each, added=added(sums, load)).scaled(singles),
        quad_sums=replace(each, added=_added4(stage, sums, load)).scaled(quads),
        spikes=1,
        planes=work.rounds * width,
        looped=1,
    )


def readout(stage: Readout, load: Load) -> CountsRead:
    """Planes of the counts as digits of an input, then the lanes of the sums."""
    found, width = plane_lengths(stage, load), stage.sum_width
    sums = [(any_of(n, load), n, width - b) for b, n in enumerate(found)]
    each = ReadoutBlocks(blocks=1, planes=width, lists=len(found), added=added(sums, load))
    return CountsRead(
        calls=1,
        outputs=stage.outputs,
        outputs_planes=stage.outputs * width,
        lists=len(found),
        listed=digits_listed(found, stage.words, stage.inputs, load),
        blocks=each.scaled(stage.blocks),
    )
