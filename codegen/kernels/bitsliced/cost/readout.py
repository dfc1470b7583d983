"""Readouts: bits of the counts as lists, sums, lanes."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Added, Features, Listed
from codegen.kernels.load import Load, added, any_of, digits_listed, plane_lengths
from codegen.kernels.stage import Readout


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
