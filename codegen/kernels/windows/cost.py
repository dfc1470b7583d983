"""What convolutions in windows cost, in features."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.kernels.bitsliced.cost.membranes import Membranes, of_block
from codegen.kernels.features import Added, Features, expected
from codegen.kernels.load import Load, added, any_of, planes_counted
from codegen.kernels.neurons.counting import Alike
from codegen.kernels.windows.layer import WindowsLayer, Words


@dataclass(frozen=True, kw_only=True)
class RowsListed(Features):
    """Rows of the map listed: calls, positions, words or parts of words, inputs found."""

    calls: float = expected(30)
    positions: float = expected(12)
    words: float = expected(9)
    inputs: float = expected(6)


@dataclass(frozen=True, kw_only=True)
class Nibbles(Features):
    """Sums of windows in nibbles, on Helium.

    runs:   parts of a list that are added; inputs: of these
    words:  of neurons without memory; reached: times their thresholds
    leaky:  words of leaky neurons, in bytes; terms: times the terms of the leak
    constants: of each neuron, times these words; held: by floor or ceiling
    """

    runs: float = expected(40)
    inputs: float = expected(5)
    words: float = expected(30)
    reached: float = expected(6)
    leaky: float = expected(30)
    terms: float = expected(4)
    constants: float = expected(2)
    held: float = expected(2)


@dataclass(frozen=True, kw_only=True)
class Windows(Features):
    """Convolutions in windows, over the steps.

    rows:     of the map of neurons
    windows:  positions, or groups, of every kind of words; planes: words of neurons times planes
              of the sum
    runs:     parts of the list that are looked up, of every plane of the signal
    alike:    windows of a function that computes several layers; alike_digits, alike_reached:
              digits of their thresholds, and thresholds, which a loop compares
    words:    of neurons
    stored:   words of the signal that are stored as they are, by plane; placed: parts of words
    kept:     words that a pool takes; left: words that it makes
    cleared:  words of the signal
    counted, levels: words times planes of the counts, as in load.planes_counted
    """

    rows: float = 0.0
    windows: float = expected(25)
    runs: float = expected(5)
    alike: float = 0.0
    alike_digits: float = expected(2)
    alike_reached: float = expected(8)
    words: float = expected(20)
    planes: float = expected(2)
    listed: RowsListed = RowsListed()
    added: Added = Added()
    neurons: Membranes = Membranes()
    nibbles: Nibbles = Nibbles()
    stored: float = expected(3)
    placed: float = expected(12)
    kept: float = expected(5)
    left: float = expected(8)
    cleared: float = 0.0
    counted: float = expected(4)
    levels: float = expected(8)


def _listed(stage: WindowsLayer, active: float) -> RowsListed:
    """List the rows under the kernel, of every plane, for every row of neurons."""
    layout, planes = stage.layout, stage.source.planes
    rows, width = stage.rows.lying(stage.stride), stage.map.width
    pieces = range(0, width, layout.at_once)
    columns = sum(
        min(stage.stride * (min(x + layout.at_once, width) - 1) + stage.across.kernel
            - stage.across.pad, stage.grid.width) - max(stage.stride * x - stage.across.pad, 0)
        for x in pieces
    )  # fmt: skip
    positions = rows * columns * planes
    return RowsListed(
        calls=stage.map.height * len(pieces) * planes,
        positions=stage.map.height * columns * planes,
        words=positions * stage.grid.channels / stage.unit,
        inputs=active * rows * columns / stage.grid.positions,
    )


Sums = list[tuple[float, float, float]]
"""Of each plane: how often there is any input, inputs on average, planes of the sum."""


def _sums(stage: WindowsLayer, kind: Words, digits: tuple[float, ...], load: Load) -> Sums:
    """Return what a window of a kind of words adds, of each plane from its level on."""
    rows, groups = stage.rows.lying(stage.stride), kind.across
    first = replace(stage.across, kernel=kind.columns, left=groups, pool=1)
    places = rows * first.lying(stage.stride * kind.places)
    windows = stage.map.height * groups
    sums = []
    for plane, active in enumerate(digits):
        n = active * places / stage.grid.positions / windows
        sums.append((any_of(n, load), n, float(stage.sum_width - plane)))
    return sums


def _nibbles(stage: WindowsLayer, sums: Sums) -> Nibbles:
    """Return what a word of neurons takes on Helium."""
    found = Nibbles(runs=len(sums), inputs=sum(n for _, n, _ in sums))
    how = stage.in_bytes
    if how is None:
        assert stage.counting is not None
        return found + Nibbles(words=1, reached=stage.counting.most)
    own = sum(bool(one.table) for one in (how.bias, how.threshold, how.reset))
    held = (how.floor is not None) + (how.ceiling is not None)
    return found + Nibbles(leaky=1, terms=len(how.terms), constants=own, held=held)


def _digits(stage: WindowsLayer, load: Load) -> tuple[float, ...]:
    """Return how many inputs have each bit of their count; at worst all have all."""
    if load.worst:
        return (float(stage.source.size),) * stage.source.planes
    return tuple(load.digits) or (load.active,) * stage.source.planes


def windows(stage: WindowsLayer, load: Load) -> Windows:
    """Sums of a signal in windows, then the neurons of every word."""
    planes, vectors = stage.source.planes, bool(stage.dense) and load.vectors
    digits = _digits(stage, load)
    counted = planes_counted(stage, load)
    looped = stage.counting if isinstance(stage.counting, Alike) and not vectors else None
    found = Windows(
        rows=stage.map.height,
        alike=stage.blocks * (stage.together is not None),
        alike_digits=stage.blocks * looped.own_digits if looped else 0.0,
        alike_reached=stage.blocks * looped.most if looped else 0.0,
        words=stage.blocks,
        planes=0.0 if vectors else stage.blocks * stage.sum_width,
        listed=_listed(stage, sum(digits)),
        neurons=Membranes()
        if vectors
        else replace(of_block(stage, load), counted=0.0, levels=0.0).scaled(stage.blocks),
        cleared=stage.signal_words * stage.placed,
        counted=stage.words * counted["counted"],
        levels=stage.words * counted["levels"],
    )
    for kind in stage.kinds:
        groups = stage.map.height * kind.across
        made = groups * kind.count
        sums = _sums(stage, kind, digits, load)
        found += Windows(
            added=Added() if vectors else added(sums, load).scaled(made),
            nibbles=_nibbles(stage, sums).scaled(made) if vectors else Nibbles(),
            windows=groups,
            runs=groups * planes,
            stored=made * stage.signal_planes * (kind.direct and not stage.pooled),
            placed=0.0 if kind.direct or stage.pooled else made * kind.places * stage.signal_planes,
            kept=made * stage.kept_words * bool(stage.pooled),
            left=stage.left.positions * kind.count * stage.signal_planes * bool(stage.pooled),
        )
    return found.scaled(load.steps)
