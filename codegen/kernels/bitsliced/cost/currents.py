"""Currents of byte vectors: digits that are listed and added, or dot products."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.kernels.bitsliced import listing
from codegen.kernels.bitsliced.cost.blocks import added_to_quads, split
from codegen.kernels.bitsliced.cost.slicing import SlicedBytes, sliced_bytes
from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.features import Added, Features, Listed
from codegen.kernels.load import Load, added, any_of, digits_listed


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
    if stage.dense and load.wide:
        return Currents(dense=_dot_products(stage)).scaled(load.frames)
    source = stage.source
    if load.worst:
        found, work = listing.most_lengths(source), listing.most_work(source, stage.scratch.listed)
    else:
        found = listing.lengths(source, load.values)
        work = listing.work_off(found, source.words, stage.scratch.listed)
    level, width, (singles, quads) = listing.levels(source), stage.sum_width, split(stage, load)
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
        quads=replace(each, added=added_to_quads(stage, sums, load)).scaled(quads),
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
