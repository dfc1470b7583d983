"""What a readout in fields costs, in features."""

from __future__ import annotations

from codegen.kernels.load import (
    Features,
    Load,
    plane_lengths,
)
from codegen.kernels.stage import Readout


def fields_readout(stage: Readout, load: Load) -> Features:
    """A column of bytes for every bit that is set in the counts."""
    fields, n = -(-stage.outputs // 4), stage.outputs
    found, biased = sum(plane_lengths(stage, load)), stage.bias != "0" or stage.fraction_bits > 0
    of = f"of {fields} fields"
    return {
        f"once {of}": 1,
        "outputs": n,
        "outputs x bias": n * biased,
        "bias": biased,
        f"planes {of}": stage.count_width,
        f"planes x outputs {of}": stage.count_width * n,
        f"words x planes {of}": stage.words * stage.count_width,
        f"set {of}": found,
        "set x halves": found * -(-n // 2),
    }
