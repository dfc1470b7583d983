"""What depthwise convolutions in channel words cost, in features."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.kernels.bitsliced.cost.membranes import Membranes, of_block
from codegen.kernels.channel_words.layer import FOUR, WordsLayer
from codegen.kernels.features import Features, expected
from codegen.kernels.load import Load, planes_counted


@dataclass(frozen=True, kw_only=True)
class Fours(Features):
    """Four words of neurons at once, by vectors.

    groups: of words; the others as of Words, times these
    lines:  rows of the map that are copied; copied: vectors of these
    kept:   words that a pool takes
    """

    groups: float = expected(30)
    planes: float = expected(2)
    taps: float = expected(5)
    adders: float = expected(5)
    halves: float = expected(2)
    tops: float = expected(2)
    neurons: Membranes = Membranes()
    stored: float = expected(1)
    lines: float = expected(10)
    copied: float = expected(2)
    kept: float = expected(10)


@dataclass(frozen=True, kw_only=True)
class Words(Features):
    """Depthwise convolutions, over the steps: nothing depends on the input but what is counted.

    calls:   steps
    rows:    of the map of neurons; lines: rows of the map that are copied; copied: their words
    cleared: words that are cleared: rows beyond the map, what a pool keeps; clears: calls for it
    words:   of neurons; taps: times what is added for a tap
    adders:  words times additions of three bits; halves: of two, both with a carry
    tops:    words times additions to the highest plane, which leave none
    planes:  words times planes of the sum
    passed:  positions
    stored:  words of the signal that are stored as they are, by plane
    kept:    words that a pool takes; left: words that it makes
    counted, levels: words times planes of the counts, as in load.planes_counted
    fours:   where vectors compute four words at once
    """

    calls: float = expected(40)
    rows: float = expected(15)
    lines: float = expected(10)
    copied: float = expected(5)
    clears: float = expected(8)
    cleared: float = expected(4)
    passed: float = expected(5)
    words: float = expected(30)
    planes: float = expected(1)
    taps: float = expected(5)
    adders: float = expected(5)
    halves: float = expected(2)
    tops: float = expected(2)
    neurons: Membranes = Membranes()
    stored: float = expected(3)
    kept: float = expected(5)
    left: float = expected(8)
    counted: float = expected(4)
    levels: float = expected(8)
    fours: Fours = Fours()


def words(stage: WordsLayer, load: Load) -> Words:
    """Sums of all taps, then the neurons of every word."""
    blocks, planes, rows = stage.blocks, stage.source.planes, stage.map.height
    vectors = bool(stage.dense) and load.vectors
    under = rows * stage.rows.kernel * planes
    lines = stage.rows.lying(stage.stride) * planes
    copied = min(stage.grid.width * stage.layout.full, stage.line)
    pools = stage.left.height * bool(stage.pooled)
    cleared = stage.kept + stage.lines + (under - lines) * stage.line + pools * stage.kept
    kept = blocks * stage.kept_words * bool(stage.pooled)
    stored = stage.signal_planes * (not stage.pooled)
    added = _added(stage)
    neurons = replace(of_block(stage, load), counted=0.0, levels=0.0)
    found = Words(
        calls=1,
        rows=rows,
        clears=1 + under - lines + pools,
        cleared=cleared,
        left=stage.left.positions * stage.layout.full * stage.signal_planes * bool(stage.pooled),
        neurons=Membranes(),
        fours=Fours(),
        **{name: stage.words * n for name, n in planes_counted(stage, load).items()},
    )
    if vectors:
        groups = blocks // FOUR
        own = replace(neurons, copied=stage.u_width * (stage.memory and not stage.in_place))
        scaled = {name: groups * n for name, n in added.items()}
        fours = Fours(
            groups=groups,
            neurons=own.scaled(groups),
            stored=groups * stored,
            lines=lines,
            copied=lines * (copied // FOUR + copied % FOUR),
            kept=kept,
            **scaled,
        )
        return replace(found, fours=fours).scaled(load.steps)
    return replace(
        found,
        passed=stage.map.positions,
        lines=lines,
        copied=lines * copied,
        words=blocks,
        neurons=neurons.scaled(blocks),
        stored=blocks * stored,
        kept=kept,
        fours=Fours(),
        **{name: blocks * n for name, n in added.items()},
    ).scaled(load.steps)


def _added(stage: WordsLayer) -> dict[str, int]:
    """Return what makes the sum of a word of neurons."""
    carrying = [a for a in stage.additions if a.carry is not None]
    halves = sum(len(a.of) == 1 for a in carrying)
    return {
        "planes": stage.sum_width,
        "taps": stage.taps * stage.source.planes,
        "adders": len(carrying) - halves,
        "halves": halves,
        "tops": len(stage.additions) - len(carrying),
    }
