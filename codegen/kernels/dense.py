"""What the kernels of dense synapses and leaky neurons see of a layer."""

from __future__ import annotations

from typing import NamedTuple

from qat.model import Dense, Layer, Leaky, Synapse


class DenseLIF(NamedTuple):
    """A layer of these two records; the table of kernels gives their kernels no other."""

    synapse: Dense
    neuron: Leaky

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.synapse.n_out


def dense(synapse: Synapse) -> Dense:
    """Return a synapse that the table has assigned to such a kernel."""
    assert isinstance(synapse, Dense)
    return synapse


def dense_lif(layer: Layer) -> DenseLIF:
    """Return the records of a layer that the table has assigned to such a kernel."""
    assert isinstance(layer.neuron, Leaky)
    return DenseLIF(dense(layer.synapse), layer.neuron)
