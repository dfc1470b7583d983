"""What a readout of counts costs, in features."""

from __future__ import annotations

from codegen.kernels.load import (
    Features,
    Load,
)
from codegen.kernels.plain.cost import SHORT
from codegen.kernels.stage import Readout


def count_readout(stage: Readout, load: Load) -> Features:
    """The counts themselves."""
    n, planes = stage.outputs, stage.count_width
    each: Features = {"outputs": n, "outputs x planes": n * planes}
    if stage.words > 1:
        each |= {"outputs of many words": n, "outputs of many words x planes": n * planes}
    short = " written out" * (planes <= SHORT)
    return {"once": 1} | {f"{name}{short}": value for name, value in each.items()}
