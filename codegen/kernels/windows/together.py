"""Convolutions in windows that one function computes: what they differ in lies in flash.

A function of its own takes 0.6 to 0.9 KB of code on ARMv7-M; a row of numbers about 20 bytes. The
sums of all have as many planes as the widest, and their thresholds are compared digit by digit
alike, so that the neurons are one function, too. Channels that fill no word are padded: a layer's
own function costs more than the empty lanes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from codegen.kernels.pack import LANES
from codegen.kernels.stage import Layer
from codegen.kernels.windows.layer import Together, WindowsLayer
from codegen.kernels.windows.plan import Builder, compared
from qat.model import Model

BYTE = 255
"""Positions of a row that a number in flash tells, at most."""

FEW = 16
"""Positions of which each may have a word that it could share with the next."""

HALFWORD = 65535
"""Words of a plane of a signal, at most."""

POOLS = ((1, 1), (2, 2))
"""Positions that are taken together: a remainder by others is a division, which a core may lack."""


def together(model: Model, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Return the stages of all layers; those that can be together have numbers alike.

    model: as the kernels see it: behind its encoder
    """
    alike: dict[Any, list[WindowsLayer]] = defaultdict(list)
    for stage in layers:
        if isinstance(stage, WindowsLayer) and _plain(stage):
            assert stage.counting is not None
            reads = stage.grid.channels, stage.layout.synapse.kernel, stage.stride
            vectors = bool(Builder(stage.index, model, padded=True).build().dense)
            alike[reads, stage.source.planes, stage.counting.most, vectors].append(stage)
    most = max(alike.values(), key=len, default=[])
    if len(most) < 2:
        return layers
    made = {stage.index: stage for stage in _rebuilt(model, most)}
    return tuple(made.get(stage.index, stage) for stage in layers)


def _plain(stage: WindowsLayer) -> bool:
    """Return True for words that one function serves: no memory, square kernels, pools of 2x2."""
    layout, synapse = stage.layout, stage.layout.synapse
    pools = layout.pooled != "sum" and layout.pool in POOLS
    plain = stage.kernel == "windows" and pools and not stage.pieces
    square = synapse.kernel[0] == synapse.kernel[1] and synapse.kernel[0] % 2 == 1
    small = max(stage.grid.height, stage.grid.width) <= BYTE
    small = small and stage.words <= HALFWORD
    whole = synapse.channels >= LANES and (layout.group == 1 or synapse.shape.positions <= FEW)
    return plain and square and small and whole and not stage.memory


def _rebuilt(model: Model, stages: Sequence[WindowsLayer]) -> list[WindowsLayer]:
    """Return the stages with the widest sums, one start, and one table of constants."""
    builders = [Builder(stage.index, model, padded=True) for stage in stages]
    found, row = compared(builders), 0
    members, made = tuple(stage.index for stage in stages), []
    for stage, one in zip(stages, builders, strict=True):
        mine = Together(
            members=members,
            row=row,
            columns=max(one.layout.columns for one in builders),
            pad=max(one.across.pad for one in stages),
            pools=any(one.pooled for one in stages),
            several=any(one.layout.full > 1 for one in builders),
            placed=any(not one.layout.aligned for one in builders),
        )
        made.append(Builder(stage.index, model, (mine, found), padded=True).build())
        row += one.layout.full
    return made
