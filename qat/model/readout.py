"""What every kind of readout answers: how the spikes of the last layer become scores.

A readout answers for itself: how many scores it has, their range, what they are, what the digest
hashes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from qat.model.intervals import Interval
from qat.model.shape import Shape
from qat.model.synapses import Synapse

Int32 = NDArray[np.int32]
Signal = NDArray[Any]
"""What the last layer sent, (batch, step, value): spikes, bool; or counts, uint8 or uint16."""


class Readout(ABC):
    """What every kind of readout answers.

    COUNTS: it reads the last layer's signal summed over the steps; else it works in every step
    """

    COUNTS: ClassVar[bool] = True

    @property
    @abstractmethod
    def synapses(self) -> tuple[Synapse, ...]:
        """Its weights, if it has any."""

    @abstractmethod
    def narrowed(self, given: Shape) -> Readout:
        """Return what is left on the first channels of the last signal, with as many positions."""

    @abstractmethod
    def sums(self, most: int) -> Interval | None:
        """Return the range of its sums over values of 0 to `most`; None without weights.

        most: of the signal summed over all steps (COUNTS), or of the signal of a step
        """

    @abstractmethod
    def range(self, size: int, steps: int, levels: int, early: bool) -> Interval:
        """Return the range of the scores, of `size` values up to `levels` a step, after `steps`.

        early: scores are formed after earlier steps as well. Raises ValueError beyond int32.
        """

    def scores(self, counts: Int32, steps: NDArray[np.int64], magnitude: int) -> Int32:
        """Return the scores of counts, (..., outputs).

        counts: (..., values), the last layer's signal, summed over the steps
        steps:  (...), the steps in which they were made
        magnitude: a bound of the sums

        Raises ValueError for a readout that works in every step.
        """
        raise ValueError(f"{type(self).__name__}: has no scores of counts; it works in every step")

    def read(self, signal: Signal, made: NDArray[np.int64] | None, magnitude: int) -> Int32:
        """Return the scores, (batch, outputs), of what the last layer sent.

        made: (batch,) steps that were made, where the signal is 0 behind them; None for all
        """
        steps = np.array(signal.shape[1]) if made is None else made
        return self.scores(signal.sum(axis=1, dtype=np.int32), steps, magnitude)

    def by_step(self, signal: Signal, magnitude: int) -> Int32:
        """Return the scores as they are after every step, (batch, step, outputs)."""
        steps = np.arange(1, signal.shape[1] + 1)
        return self.scores(np.cumsum(signal, axis=1, dtype=np.int32), steps, magnitude)

    def settled(self, scores: Int32) -> NDArray[np.bool_]:
        """Return after which steps, (batch, step), no score changes any more.

        scores: as `by_step` returns them
        """
        return np.zeros(scores.shape[:2], np.bool_)

    def kept(self, signal: Signal, magnitude: int) -> Int32 | None:
        """Return what it keeps of its own after every step, (batch, step, outputs); None for none.

        signal: of the last layer, (batch, step, values)
        """
        return None

    @property
    def keeps(self) -> bool:
        """True if it has membranes of its own."""
        return False

    @abstractmethod
    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes behind the readout's name, in order."""
