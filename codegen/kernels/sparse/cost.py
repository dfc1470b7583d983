"""What a layer of lists costs, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features
from codegen.kernels.load import Load
from codegen.kernels.plain.cost import IntegerNeurons, integers
from codegen.kernels.plain.layer import PlainLayer


@dataclass(frozen=True, kw_only=True)
class SparseSpikes(Features):
    """Lists of weights of inputs that spike, then the neurons; over the steps."""

    neurons: IntegerNeurons = IntegerNeurons()
    sparse: float = 0.0
    words_of_inputs: float = 0.0
    sparse_lists: float = 0.0
    sparse_weights: float = 0.0
    sparse_totals: float = 0.0


def sparse_spikes(stage: PlainLayer, load: Load) -> SparseSpikes:
    """The list of every input that spikes, then the neurons."""
    weights, steps = stage.tables[0].values.size / stage.source.size, load.steps
    return SparseSpikes(
        neurons=integers(stage, load),
        sparse=steps,
        words_of_inputs=steps * stage.source.words,
        sparse_lists=steps * load.active,
        sparse_weights=steps * load.active * weights,
        sparse_totals=steps * 2 * stage.neurons,
    )
