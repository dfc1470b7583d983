"""Layers: neurons on cached currents, and neurons that read spikes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.kernels.bitsliced import listing
from codegen.kernels.bitsliced.cost.blocks import added_to_quads, split
from codegen.kernels.bitsliced.cost.membranes import Membranes, membranes
from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.features import Added, Features, Listed, expected
from codegen.kernels.load import Load, added, any_of, digits_listed, over_steps


@dataclass(frozen=True, kw_only=True)
class BlockSums(Features):
    """Sums of spikes for some blocks, over the steps.

    summed:            blocks
    start:             blocks whose start is read in a loop; start_planes: their planes
    sized:             blocks whose planes follow from the spikes; sized_planes: all their planes
    inactive:          blocks that take away inactive inputs; inactive_planes: their planes
    could_be_inactive: blocks that could
    rounds, rounds_planes, lists: of signals of counts, as for a byte vector: fillings of the list,
                       planes of the sum and lists in each
    """

    summed: float = 0.0
    start: float = 0.0
    start_planes: float = 0.0
    sized: float = 0.0
    sized_planes: float = 0.0
    inactive: float = 0.0
    inactive_planes: float = 0.0
    could_be_inactive: float = 0.0
    rounds: float = expected(20)
    rounds_planes: float = expected(2)
    lists: float = expected(12)
    added: Added = Added()


@dataclass(frozen=True, kw_only=True)
class Held(Features):
    """Neurons on cached currents: single blocks, and four at once.

    held, held_blocks, held_quads:    steps, and blocks over the steps
    fused, fused_blocks, fused_quads: the same once, where a block makes all steps at once
    fused_blocks_steps, fused_quads_steps: steps of these; fused_own_...: the same, of neurons
                                      whose resets are their own
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
    fused_own_blocks_steps: float = 0.0
    fused_own_quads_steps: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Spiking(Features):
    """Neurons that read spikes: the list of the active inputs, sums, membranes; over the steps.

    spikes, planes:          steps, planes of the sum
    looped:                  steps with a loop over the blocks
    sized, sized_planes:     steps whose planes follow from the spikes; these planes
    inactive:                steps that list inactive inputs; inactive_words: their words
    counts, counts_lists, counts_rounds: steps that list counts; lists of these, fillings of them
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
    counts: float = expected(40)
    counts_lists: float = expected(25)
    counts_rounds: float = expected(20)


def held(stage: BitslicedLayer, load: Load) -> Held:
    """Neurons on cached currents; fused, all steps of a block at once."""
    (blocks, quads), (singles, fours) = membranes(stage, load), split(stage, load)
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
        fused_own_blocks_steps=steps * singles * (not stage.alike),
        fused_own_quads_steps=steps * fours * (not stage.alike),
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
    blocks, quads = membranes(stage, load)
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
    singles, quads = split(stage, load)
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
        quad_sums=replace(each, added=added_to_quads(stage, sums, load)).scaled(quads),
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
    level, (singles, quads) = listing.levels(source), split(stage, load)
    sums = [(any_of(n, load), n, width - level[k]) for k, n in work.segments]
    lists = work.rounds * len(found)
    each = BlockSums(
        summed=1,
        rounds=work.rounds,
        rounds_planes=work.rounds * width,
        lists=lists,
    )
    return Spiking(
        listed=digits_listed(found, source.words, source.size, load),
        block_sums=replace(each, added=added(sums, load)).scaled(singles),
        quad_sums=replace(each, added=added_to_quads(stage, sums, load)).scaled(quads),
        spikes=1,
        planes=work.rounds * width,
        looped=1,
        counts=1,
        counts_lists=lists,
        counts_rounds=work.rounds,
    )
