"""What a layer of lists costs, in features."""

from __future__ import annotations

from codegen.kernels.load import (
    Features,
    Load,
    each_step,
)
from codegen.kernels.plain.cost import _integers
from codegen.kernels.plain.layer import PlainLayer


def sparse_spikes(stage: PlainLayer, load: Load) -> Features:
    """The list of every input that spikes, then the neurons."""
    weights = stage.tables[0].values.size / stage.source.size
    found = {
        "sparse": 1,
        "words of inputs": stage.source.words,
        "active lists": load.active,
        "active x weights": load.active * weights,
        "sparse totals": 2 * stage.neurons,
    }
    return each_step(_integers(stage, load) | found, load)
