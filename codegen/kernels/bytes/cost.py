"""What first layers on bytes cost, in features: nothing depends on the values."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.bytes.layer import BytesLayer
from codegen.kernels.features import Features
from codegen.kernels.load import Load, count_width


@dataclass(frozen=True, kw_only=True)
class BytesImages(Features):
    """The images of a map.

    calls, rows: maps, rows of them
    stores:  words of images that are written out; loops: those that loops make
    runs:    loops over the words of a row
    gathered: values that are gathered into words, one by one
    borders: words beyond the map
    """

    calls: float = 0.0
    rows: float = 0.0
    stores: float = 0.0
    loops: float = 0.0
    runs: float = 0.0
    gathered: float = 0.0
    borders: float = 0.0


@dataclass(frozen=True, kw_only=True)
class BytesHeld(Features):
    """Sums, counts and their turn, over the steps.

    steps:   steps
    calls:   times the blocks of a channel are summed
    blocks:  of 8 words; taps: times the blocks that each is added to
    maxima:  blocks of which the largest of four corners is taken
    counts:  times 32 positions of a channel become counts
    words:   words of sums that are compared; compared: times thresholds
    digits:  words times digits of the counts
    turns:   times 32 or 16 words are turned; turned: the words
    placed:  positions that are put where they lie in the signal; pieces: those of some bits
    counted: words times planes of the counts
    """

    steps: float = 0.0
    calls: float = 0.0
    blocks: float = 0.0
    taps: float = 0.0
    counts: float = 0.0
    words: float = 0.0
    compared: float = 0.0
    digits: float = 0.0
    turns: float = 0.0
    turned: float = 0.0
    placed: float = 0.0
    pieces: float = 0.0
    counted: float = 0.0


def currents(stage: BytesLayer, load: Load) -> BytesImages:
    """The images of every map."""
    g, made = stage.geometry, stage.images
    words = g.filled_rows * g.row_words * g.columns * g.grid.channels
    apart = not made.straight
    channels = g.filled_rows * g.grid.channels
    return BytesImages(
        calls=1,
        rows=g.filled_rows,
        stores=words * made.straight,
        loops=words * apart,
        runs=channels * (g.columns + g.spacing) * apart,
        gathered=g.filled_rows * g.grid.width * g.grid.channels * apart,
        borders=sum(count for _, count in g.borders),
    ).scaled(load.frames)


def held(stage: BytesLayer, load: Load) -> BytesHeld:
    """The same work at every step, whatever the values are."""
    g, channels = stage.geometry, stage.channels
    groups, placed = g.parts * g.groups, not stage.in_place
    calls = channels * (groups if placed else 1)
    blocks = groups * g.group_blocks if placed else g.parts * g.blocks
    words = g.parts * g.words * channels
    turns = groups * stage.planes * (-(-channels // stage.lanes))
    positions = 32 * turns * placed
    return BytesHeld(
        steps=1,
        calls=calls,
        blocks=blocks * channels,
        taps=blocks * stage.taps,
        counts=groups * channels,
        words=words,
        compared=words * stage.most,
        digits=words * stage.planes,
        turns=turns,
        turned=turns * stage.lanes,
        placed=positions,
        pieces=positions * (channels % 32 != 0),
        counted=stage.words * count_width(stage, load),
    ).scaled(load.steps)
