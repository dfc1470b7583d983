"""What layers cost that read bytes and a signal: the C is that of `plain_counts`, twice."""

from __future__ import annotations

from dataclasses import replace

from codegen.kernels.load import Load
from codegen.kernels.mixed.plan import MixedLayer
from codegen.kernels.plain_counts.cost import (
    CountCurrents,
    CountSpikes,
    counts_currents,
    counts_spikes,
)


def mixed_currents(stage: MixedLayer, load: Load) -> CountCurrents:
    """A column for every input that is not 0, then the shift."""
    return counts_currents(stage, load)


def mixed_held(stage: MixedLayer, load: Load) -> CountSpikes:
    """A column for every value of the signal that is not 0, then the neurons.

    The cached current of a neuron counts as a constant of its own: it is loaded and added.
    """
    read = replace(stage, source=stage.signal_source, bits=stage.signal_bits)
    found = counts_spikes(read, load)
    loaded = found.neurons.own + load.steps * stage.neurons
    return replace(found, neurons=replace(found.neurons, own=loaded))
