"""The records a model is made of: synapses, neurons, readouts, each with its equation.

A record is a frozen value. Its constructor normalises the fields (lists become
read-only integer arrays) and refuses what the equation does not allow, naming the
field, what was found and what is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

from qat.model.checks import (
    must_match,
    of_kind,
)
from qat.model.neurons import LIF
from qat.model.synapses import Dense

# ---------------------------------------------------------------- synapses


# ----------------------------------------------------------------- neurons


@dataclass(frozen=True, eq=False)
class Layer:
    """A synapse and the neurons that it feeds."""

    synapse: Dense
    neuron: LIF

    def __post_init__(self) -> None:
        of_kind("Layer.synapse", self.synapse, Dense)
        of_kind("Layer.neuron", self.neuron, LIF)
        must_match("LIF.threshold", self.neuron.threshold, self.size)
        must_match("LIF.reset_by", self.neuron.subtracted, self.size)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.synapse.n_out


# ---------------------------------------------------------------- readouts
