"""Recurrent edges in the time loops: what a layer sent in earlier steps adds to its currents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.train.arrays import as_of
from qat.train.delays import Lags

Float = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Feedback:
    """The recurrent edge of a layer.

    weights: (neurons, neurons), of neuron k on neuron j in row j, in units of the membrane
    lags:    of what each neuron sends, at least 1
    whole:   its weights and spikes are whole numbers, so that sums in any order are the same
    """

    weights: Float
    lags: Lags
    whole: bool

    def current(self, spikes: Float, t: int) -> Float:
        """Return what it adds to the currents of step t, (batch, neurons).

        spikes: (steps, batch, neurons), of which those before t are known
        """
        return as_of(self.lags.at(spikes, t), self.weights) @ self.weights.T

    def send_back(self, d_spikes: Float, d_current: Float, t: int, first: int) -> None:
        """Add to dL/dS of the steps from `first` on what dL/dI of step t makes of it."""
        d = d_current @ as_of(self.weights, d_current)
        self.lags.add_back(d_spikes, d, t, first)

    @property
    def compiled(self) -> bool:
        """True if the compiled loop gives the same to the bit."""
        return self.whole and self.lags.part is None
