"""The table of all kinds of readouts, those that count, and when an inference may end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import INT32_MAX, integer, of_kind
from qat.model.integrator import LI
from qat.model.intervals import Interval, refuse_beyond_int32
from qat.model.readout import Int32, Readout
from qat.model.shape import Shape
from qat.model.synapses import Dense, Synapse, exact_matmul

__all__ = ["LI", "READOUTS", "Accumulate", "Count", "EarlyStop", "Readout"]


@dataclass(frozen=True, eq=False)
class Accumulate(Readout):
    """A non-spiking output layer: its current, summed over the T steps, is the score.

    With n_i the spike counts of the last spiking layer (its signal, summed over the steps),

        score_j = 2**fraction_bits * sum_i codes[j, i] * n_i + T * bias_j        (int32)

    and the first maximum is the prediction.
    """

    synapse: Dense

    def __post_init__(self) -> None:
        of_kind("Accumulate.synapse", self.synapse, Dense)

    @property
    def synapses(self) -> tuple[Synapse, ...]:
        """Its weights."""
        return (self.synapse,)

    def narrowed(self, given: Shape) -> Accumulate:
        """Return what is left on the first channels of the last signal."""
        return Accumulate(self.synapse.narrowed(given))

    def sums(self, most: int) -> Interval:
        """Return the range of sum_i codes[j, i] * n_i and of all its partial sums."""
        return self.synapse.sums(0, most)

    def range(self, size: int, steps: int, levels: int, early: bool) -> Interval:
        """Return the range of the scores; after t steps they lie in t / T of it."""
        sums, scale = self.sums(steps * levels), 2**self.synapse.fraction_bits
        bias = steps * self.synapse.bias.astype(np.int64)
        found = Interval(sums.lo * scale + bias, sums.hi * scale + bias)
        if early:
            found = Interval(np.minimum(found.lo, 0), np.maximum(found.hi, 0))
        refuse_beyond_int32("score", found.hull(sums))
        return found

    def scores(self, counts: Int32, steps: NDArray[np.int64], magnitude: int) -> Int32:
        """Return the scores by the equation above, with `steps` in place of T."""
        a = exact_matmul(counts, self.synapse.codes, magnitude)
        bias = steps[..., None] * self.synapse.bias.astype(np.int64)
        return (a * 2**self.synapse.fraction_bits + bias).astype(np.int32)

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes of its weights."""
        yield from self.synapse.digested()


@dataclass(frozen=True)
class Count(Readout):
    """The scores are the spike counts of the last layer (its signal, summed over the steps).

    The first maximum is the prediction.
    """

    @property
    def synapses(self) -> tuple[Synapse, ...]:
        """It has no weights."""
        return ()

    def narrowed(self, given: Shape) -> Count:
        """Return itself."""
        return self

    def sums(self, most: int) -> None:
        """Return None: nothing is summed."""

    def range(self, size: int, steps: int, levels: int, early: bool) -> Interval:
        """Return the range of a count."""
        return Interval(np.zeros(size, np.int64), np.full(size, steps * levels, np.int64))

    def scores(self, counts: Int32, steps: NDArray[np.int64], magnitude: int) -> Int32:
        """Return the counts."""
        return counts

    def digested(self) -> Iterator[bytes]:
        """Yield nothing: its name says all."""
        return iter(())


READOUTS: tuple[type[Readout], ...] = (Accumulate, Count, LI)
"""Every kind of readout."""


@dataclass(frozen=True)
class EarlyStop:
    """When an inference may end before its last step.

    After step t >= first the scores so far are formed, those of `Accumulate` with t in place of
    T. Where the largest leads the second largest by `margin` or more, they are the result, and
    no further step is made; likewise where no score can change any more (`LI` of "first").

    margin: in units of the scores, 1 to 2**31 - 1
    first:  the first step after which an inference may end, from 1
    """

    margin: int
    first: int = 1

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "margin", integer("EarlyStop.margin", self.margin, 1, INT32_MAX))
        set_(self, "first", integer("EarlyStop.first", self.first, 1, 2**24))

    def steps_made(
        self, scores: Int32, settled: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        """Return after how many steps each inference ends, (batch,).

        scores:  after every step, (batch, step, outputs)
        settled: (batch, step), True where no score changes any more
        """
        second, first = np.moveaxis(np.partition(scores, -2)[..., -2:].astype(np.int64), -1, 0)
        reached = first - second >= self.margin
        if settled is not None:
            reached |= settled
        reached[:, : self.first - 1] = False
        reached[:, -1] = True
        return reached.argmax(axis=1) + 1
