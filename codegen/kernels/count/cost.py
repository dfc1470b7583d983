"""What a readout of counts costs, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features
from codegen.kernels.load import Load
from codegen.kernels.stage import Readout

SHORT = 2
"""Planes up to which a compiler writes out the loop over the planes of a count."""


@dataclass(frozen=True, kw_only=True)
class Outputs(Features):
    """Outputs and their planes; the same where the counts have more than one word."""

    outputs: float = 0.0
    planes: float = 0.0
    many: float = 0.0
    many_planes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CountReadout(Features):
    """The counts as scores: the loop over their planes is one, or written out.

    single, single_planes: calls with one output, whose lane is a constant; their planes
    """

    calls: float = 0.0
    single: float = 0.0
    single_planes: float = 0.0
    looped: Outputs = Outputs()
    written_out: Outputs = Outputs()


def count_readout(stage: Readout, load: Load) -> CountReadout:
    """The counts themselves."""
    n, planes, many = stage.outputs, stage.count_width, stage.words > 1
    if n == 1:
        return CountReadout(single=1, single_planes=planes)
    each = Outputs(outputs=n, planes=n * planes, many=n * many, many_planes=n * planes * many)
    if planes <= SHORT:
        return CountReadout(calls=1, written_out=each)
    return CountReadout(calls=1, looped=each)
