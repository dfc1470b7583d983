"""What a readout in fields costs, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features
from codegen.kernels.fields.plan import FOUR, HALF
from codegen.kernels.load import Load, plane_lengths
from codegen.kernels.stage import Readout


@dataclass(frozen=True, kw_only=True)
class OfFields(Features):
    """A readout of one number of fields.

    planes, planes_outputs, words_planes: planes of the counts, times outputs, times words
    added: columns that are added, one for every bit set in the counts
    """

    calls: float = 0.0
    planes: float = 0.0
    planes_outputs: float = 0.0
    words_planes: float = 0.0
    added: float = 0.0


@dataclass(frozen=True, kw_only=True)
class FieldsReadout(Features):
    """A readout whose outputs lie four in a field: the loops are written out for each number.

    biased_outputs: outputs where there is a bias or a fraction; biased: calls with one
    added_halves: columns that are added, times pairs of outputs
    added_rest: columns that are added where one or two outputs fill no word
    """

    outputs: float = 0.0
    biased_outputs: float = 0.0
    biased: float = 0.0
    fields1: OfFields = OfFields()
    fields2: OfFields = OfFields()
    fields3: OfFields = OfFields()
    fields4: OfFields = OfFields()
    added_halves: float = 0.0
    added_rest: float = 0.0


def fields_readout(stage: Readout, load: Load) -> FieldsReadout:
    """A column of bytes for every bit that is set in the counts."""
    fields, n = -(-stage.outputs // 4), stage.outputs
    found, biased = sum(plane_lengths(stage, load)), stage.bias != "0" or stage.fraction_bits > 0
    each = OfFields(
        calls=1,
        planes=stage.count_width,
        planes_outputs=stage.count_width * n,
        words_planes=stage.words * stage.count_width,
        added=found,
    )
    return FieldsReadout(
        outputs=n,
        biased_outputs=n * biased,
        biased=biased,
        added_halves=found * -(-n // 2),
        added_rest=found * (0 < n % FOUR <= HALF),
        **{f"fields{fields}": each},
    )
