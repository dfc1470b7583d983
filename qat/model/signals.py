"""Signals with their past: what edges with a delay read of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import IntArray
from qat.model.edges import Edge

Signal = NDArray[Any]
"""What layers send: spikes, bool; or counts, uint8 or uint16."""


@dataclass(frozen=True, eq=False)
class Sent:
    """What a source sends, and what it sent before the first step.

    whole: (batch, past + steps, values); (batch, values) of a held input of values
    past:  steps before the first one
    """

    whole: Signal
    past: int = 0

    @property
    def steps(self) -> Signal:
        """What it sends in the steps that are run."""
        return self.whole[:, self.past :]

    def read(self, edge: Edge) -> Signal:
        """Return what an edge reads in each of these steps."""
        if not edge.longest:
            return self.steps if self.past else self.whole
        return delayed(self.whole, delays_of(edge), self.past, self.whole.shape[1] - self.past)

    def last(self, made: NDArray[np.int64] | None) -> Signal:
        """Return its past after the last step, or after steps `made`, (batch,): last step first."""
        back = np.arange(self.past)
        if made is None:
            return self.whole[:, self.whole.shape[1] - 1 - back]
        return self.whole[np.arange(len(made))[:, None], (self.past + made - 1)[:, None] - back]


def delays_of(edge: Edge) -> int | IntArray:
    """Return the delays of an edge, one for all or one for each input."""
    return edge.delay if isinstance(edge.delay, int) else edge.delays


def preceded(past: Signal | None, signal: Signal) -> Sent:
    """Return a signal, (batch, steps, values), with its past before it, if any is read."""
    if past is None:
        return Sent(signal)
    return Sent(np.concatenate([past, signal], axis=1), past.shape[1])


def delayed(whole: NDArray[Any], delays: int | IntArray, first: int, steps: int) -> NDArray[Any]:
    """Return the signal as it arrives, (batch, steps, n), in the steps from `first` on.

    whole:  (batch, past + steps, n), the signal with its past before it
    delays: one for all or (n,)
    first:  the place of the first step in `whole`, at least the longest delay
    """
    if np.ndim(delays) == 0:
        start = first - int(delays)
        return whole[:, start : start + steps]
    places = np.arange(first, first + steps)[:, None] - np.asarray(delays, np.intp)
    return whole[:, places, np.arange(whole.shape[2])]
