"""The stage of a readout whose scores are the counts themselves."""

from __future__ import annotations

from dataclasses import replace

from codegen.kernels.readout import counted
from codegen.kernels.stage import Readout
from qat.model import Model


def readout_stage(model: Model) -> Readout:
    """Return the stage of a readout that counts the spikes of the last layer."""
    return replace(counted(model, "count"), helpers=frozenset({"lane"}))
