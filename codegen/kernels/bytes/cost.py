"""What first layers on bytes cost, in features: nothing depends on the values."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.bytes.geometry import LANES
from codegen.kernels.bytes.layer import BytesLayer
from codegen.kernels.bytes.vectors import VECTOR_BYTES, Vectors
from codegen.kernels.features import Features, expected
from codegen.kernels.load import Load, planes_counted


@dataclass(frozen=True, kw_only=True)
class BytesImages(Features):
    """The images of a map.

    calls, rows: maps, rows of them
    stores:  words of images that are written out; loops: those that loops make
    halved:  words of every other byte of a row that is written out
    runs:    loops over the words of a row
    gathered: values that are gathered into words, one by one
    borders: words beyond the map
    around, copied: vectors that a map, as it is, and what lies around it are filled with, and that
             are copied of it; lines: its rows
    """

    calls: float = 0.0
    rows: float = 0.0
    stores: float = 0.0
    loops: float = 0.0
    halved: float = 0.0
    runs: float = 0.0
    gathered: float = 0.0
    borders: float = 0.0
    around: float = expected(3)
    lines: float = expected(4)
    copied: float = expected(2)


@dataclass(frozen=True, kw_only=True)
class BytesWords(Features):
    """Sums in words, counts and their turn.

    calls:   times the blocks of a channel are summed
    blocks:  of 8 words; taps: times the blocks that each is added to; products: the same of those
             that multiply
    corners: blocks whose words are the corners of a pool
    again:   blocks that are summed in two parts; lessened: words from which one is taken away
    counts:  times 32 positions of a channel become counts
    words:   words of sums that are compared
    near, far: times thresholds, of both ways to compare
    near_corners, far_corners: the same, of the corners of a pool
    digits:  words times digits of the counts
    turns:   times 32 words are turned; half_turns: 16 words; looped_...: in loops
    placed:  positions that are put where they lie in the signal; pieces: those of some bits
    """

    calls: float = 0.0
    blocks: float = 0.0
    taps: float = 0.0
    products: float = expected(20)
    corners: float = 0.0
    again: float = 0.0
    lessened: float = expected(8)
    counts: float = 0.0
    words: float = 0.0
    near: float = 0.0
    far: float = 0.0
    near_corners: float = 0.0
    far_corners: float = 0.0
    digits: float = 0.0
    turns: float = 0.0
    half_turns: float = 0.0
    looped_turns: float = 0.0
    looped_half_turns: float = 0.0
    placed: float = 0.0
    pieces: float = 0.0


@dataclass(frozen=True, kw_only=True)
class BytesVectors(Features):
    """Sums of some positions at a time, a lane a channel.

    blocks:   of 16 channels; rows: of what is sent, of these
    groups:   times positions are summed at once
    passes:   times a row of a kernel is added to these, where that is a loop
    begun:    vectors of sums that begin
    weights:  vectors of weights; values: of the map; products: of both
    largest:  vectors of which a pool takes the largest
    lessened: vectors from which others are taken away, in saturation
    compared: vectors of bytes that are compared, times thresholds; narrowed: of halves
    digits:   vectors times digits of the counts
    """

    blocks: float = expected(20)
    rows: float = expected(10)
    groups: float = expected(4)
    passes: float = expected(3)
    begun: float = expected(1)
    weights: float = expected(1)
    values: float = expected(1)
    products: float = expected(1)
    largest: float = expected(1)
    lessened: float = expected(4)
    compared: float = expected(3)
    narrowed: float = expected(6)
    digits: float = expected(1)


@dataclass(frozen=True, kw_only=True)
class BytesHeld(Features):
    """Sums and counts, over the steps; counted, levels: words times planes of the counts."""

    words: BytesWords = BytesWords()
    vectors: BytesVectors = BytesVectors()
    steps: float = 0.0
    counted: float = expected(4)
    levels: float = expected(8)


def currents(stage: BytesLayer, load: Load) -> BytesImages:
    """The images of every map."""
    g, made = stage.geometry, stage.images
    if stage.vectors and load.vectors:
        return _map(stage.vectors).scaled(load.frames)
    words = g.filled_rows * g.row_words * g.columns * g.grid.channels
    apart = not made.straight
    channels = g.filled_rows * g.grid.channels
    return BytesImages(
        calls=1,
        rows=g.filled_rows,
        stores=words * made.straight,
        loops=words * apart,
        halved=g.filled_rows * made.halved,
        runs=channels * (g.columns + g.spacing) * apart,
        gathered=g.filled_rows * g.grid.width * g.grid.channels * apart,
        borders=sum(count for _, count in g.borders),
    ).scaled(load.frames)


def _map(v: Vectors) -> BytesImages:
    """The map and what is around it."""
    lines = v.geometry.filled_rows
    copied = lines * -(-v.row // VECTOR_BYTES)
    return BytesImages(around=v.size // VECTOR_BYTES, lines=lines, copied=copied)


def held(stage: BytesLayer, load: Load) -> BytesHeld:
    """The same work at every step, whatever the values are."""
    vectors = stage.vectors if load.vectors else None
    return BytesHeld(
        words=BytesWords() if vectors else _words(stage),
        vectors=_vectors(stage, vectors) if vectors else BytesVectors(),
        steps=1,
        **{name: stage.words * n for name, n in planes_counted(stage, load).items()},
    ).scaled(load.steps)


def _words(stage: BytesLayer) -> BytesWords:
    """Sums in words of four or two positions."""
    g, channels = stage.geometry, stage.channels
    groups, placed = g.parts * g.groups, not stage.in_place
    blocks = g.parts * g.blocks
    words = g.parts * g.words * channels
    compared = words * stage.most
    turns, looped = stage.turns, stage.turned_in_loops
    positions = LANES * turns * placed
    return BytesWords(
        calls=channels * (groups if placed else 1),
        blocks=blocks * channels,
        taps=blocks * stage.taps * (not stage.products),
        products=blocks * stage.taps * stage.products,
        corners=blocks * channels * g.pooled,
        again=blocks * stage.over,
        lessened=stage.sums * stage.over * (groups if placed else 1),
        counts=groups * channels,
        words=words,
        near=compared * (stage.near and not g.pooled),
        far=compared * (not stage.near and not g.pooled),
        near_corners=compared * (stage.near and g.pooled),
        far_corners=compared * (not stage.near and g.pooled),
        digits=words * stage.planes,
        turns=turns * (stage.lanes == LANES and not looped),
        half_turns=turns * (stage.lanes < LANES and not looped),
        looped_turns=turns * (stage.lanes == LANES and looped),
        looped_half_turns=turns * (stage.lanes < LANES and looped),
        placed=positions,
        pieces=positions * (channels % LANES != 0),
    )


def _vectors(stage: BytesLayer, vectors: Vectors) -> BytesVectors:
    """Sums of all channels of some positions at a time."""
    v, shape = vectors, stage.geometry.shape
    rows = v.blocks * shape.height
    groups = rows * v.groups
    passes = groups * (v.side * v.kernel_rows + v.over_rows)
    sent = groups * v.at_once
    sums = sent * v.side * v.halves
    narrow = v.halves > 1
    return BytesVectors(
        blocks=v.blocks,
        rows=rows,
        groups=groups,
        passes=passes * (not v.written_out),
        begun=sums * v.side,
        weights=passes * v.taps * v.halves,
        values=passes * v.pixels(v.at_once),
        products=passes * v.taps * v.columns * v.halves,
        largest=sent * v.halves * (v.side**2 - 1),
        lessened=sums * (len(v.over) > 0),
        compared=sent * stage.most * (not narrow),
        narrowed=sent * stage.most * narrow,
        digits=sent * stage.planes,
    )
