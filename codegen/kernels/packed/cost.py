"""What readouts cost whose inputs share columns of weights, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Added, Features, Listed, expected
from codegen.kernels.load import Load, added, any_of, digits_listed, plane_lengths
from codegen.kernels.packed.plan import PackedReadout


@dataclass(frozen=True, kw_only=True)
class PackedRead(Features):
    """Parts of the counts, bit by bit as lists, and sums that move on from part to part.

    parts: of the inputs; moved: planes of the sums, times these
    lists: bits of the counts, times parts
    """

    calls: float = 0.0
    outputs: float = 0.0
    outputs_planes: float = 0.0
    parts: float = 0.0
    moved: float = expected(3)
    lists: float = 0.0
    listed: Listed = Listed()
    added: Added = Added()


def readout(stage: PackedReadout, load: Load) -> PackedRead:
    """Planes of the counts as digits of an input, in parts; then the lanes of the sums."""
    found, width, parts = plane_lengths(stage, load), stage.sum_width, stage.parts.parts
    each = [n / parts for n in found]
    sums = [(any_of(n, load), n, width - b) for b, n in enumerate(each)]
    return PackedRead(
        calls=1,
        outputs=stage.outputs,
        outputs_planes=stage.outputs * width,
        parts=parts,
        moved=parts * width,
        lists=parts * len(found),
        listed=digits_listed(found, stage.words, stage.inputs, load),
        added=added(sums, load).scaled(parts),
    )
