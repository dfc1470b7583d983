"""The table of all kinds of neurons."""

from __future__ import annotations

from qat.model.alif import ALIF
from qat.model.burst import Burst
from qat.model.cuba import CuBa
from qat.model.lif import LIF
from qat.model.neuron import MAX_SPIKES, Int32, Neuron, Reach, Signal, Step

__all__ = [
    "ALIF", "LIF", "MAX_SPIKES", "NEURONS", "Burst", "CuBa", "Int32", "Neuron", "Reach", "Signal",
    "Step",
]  # fmt: skip

NEURONS: tuple[type[Neuron], ...] = (LIF, CuBa, ALIF, Burst)
"""Every kind of neuron; a new one is a record here, its trainable twin and its template."""
