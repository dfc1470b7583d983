"""What first layers on bytes with leaky neurons cost, in features; no values matter."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.bytes.cost import BytesImages
from codegen.kernels.bytes.cost import currents as images
from codegen.kernels.bytes.geometry import LANES
from codegen.kernels.features import Features, expected
from codegen.kernels.leaky_bytes.layer import LeakyBytesLayer
from codegen.kernels.load import Load, count_width


@dataclass(frozen=True, kw_only=True)
class LeakyCurrents(Features):
    """The images of a map, and the sums of all channels.

    sums:   times the blocks of a channel are summed
    blocks: of 8 words; taps: times the blocks that each is added to; products: of those that
            multiply
    shifted: words of sums that are shifted
    """

    images: BytesImages = BytesImages()
    sums: float = expected(40)
    blocks: float = expected(30)
    taps: float = expected(16)
    products: float = expected(20)
    shifted: float = expected(8)


@dataclass(frozen=True, kw_only=True)
class LeakyBytes(Features):
    """Membranes in fields, and the turn of their spikes, over the steps.

    groups:  times 32 positions of a channel are computed
    words:   of membranes; terms: times the terms of the leak
    set:     words that a spike sets, not lowers; own: constants of channels, times groups
    corners: words of corners of a pool
    turns:   times 32 words are turned; half_turns: 16 words; looped_...: in loops
    placed:  positions that are put where they lie in the signal; pieces: those of some bits
    """

    steps: float = 0.0
    groups: float = expected(30)
    words: float = expected(12)
    terms: float = expected(3)
    set: float = expected(3)
    own: float = expected(4)
    corners: float = 0.0
    turns: float = 0.0
    half_turns: float = 0.0
    looped_turns: float = 0.0
    looped_half_turns: float = 0.0
    placed: float = 0.0
    pieces: float = 0.0
    counted: float = 0.0


def currents(stage: LeakyBytesLayer, load: Load) -> LeakyCurrents:
    """The images of every map, and the sums of all its channels."""
    g = stage.geometry
    blocks = g.parts * g.blocks
    found = LeakyCurrents(
        sums=g.parts * stage.channels,
        blocks=blocks * stage.channels,
        taps=blocks * stage.taps * (not stage.products),
        products=blocks * stage.taps * stage.products,
        shifted=stage.channels * g.sums * (stage.rest is not None),
    ).scaled(load.frames)
    return found + LeakyCurrents(images=images(stage, load))


def held(stage: LeakyBytesLayer, load: Load) -> LeakyBytes:
    """The same work at every step, whatever the values are."""
    g, channels = stage.geometry, stage.channels
    groups, turns, looped = g.parts * g.groups, stage.turns, stage.turned_in_loops
    words = g.parts * g.words * channels * g.corners
    positions = LANES * turns * (not stage.in_place)
    own = sum(bool(one.table) for one in (stage.back, stage.spent))
    return LeakyBytes(
        steps=1,
        groups=groups * channels,
        words=words,
        terms=words * len(stage.terms),
        set=words * (stage.reset != "subtract"),
        own=groups * channels * own,
        corners=words * g.pooled,
        turns=turns * (stage.lanes == LANES and not looped),
        half_turns=turns * (stage.lanes < LANES and not looped),
        looped_turns=turns * (stage.lanes == LANES and looped),
        looped_half_turns=turns * (stage.lanes < LANES and looped),
        placed=positions,
        pieces=positions * (channels % LANES != 0),
        counted=stage.words * count_width(stage, load),
    ).scaled(load.steps)
