"""Leaky integrators as a readout: membranes that no spike resets, read at the end or meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import INT32_MAX, integer, of_kind
from qat.model.digest import line
from qat.model.integration import Reached, integrate
from qat.model.intervals import Interval, refuse_beyond_int32
from qat.model.leak import leak, leak_terms, partial_sums
from qat.model.readout import Int32, Readout, Signal
from qat.model.shape import Shape
from qat.model.synapses import Dense, Synapse

Score = Literal["last", "max", "sum", "first"]

SCORES = ("last", "max", "sum", "first")
"""What of its membrane an integrator's score is."""


@dataclass(frozen=True, eq=False)
class LI(Readout):
    """Leaky integrators: an output layer that does not spike. One step, with v(0) = 0.

        I_j = 2**fraction_bits * sum_i codes[j, i] * x_i + bias_j
        v_j = v_j - leak(v_j) + I_j            leak(v) = sum over the terms of +-(v >> k)

        score_j = v_j(T)                       score = "last"
        score_j = max over t = 1..T of v_j(t)  score = "max"
        score_j = sum over t = 1..T of v_j(t)  score = "sum"
        score_j = v_j(t*)                      score = "first"

    with x the signal of the last layer. The prediction is the first maximum. t* is the first step
    after which some v_j has reached the threshold, the last step if none has: the first to reach
    it wins; of several in one step the largest, of equal ones the first; if nobody does, the
    largest at the end. Membranes rest from then on, so that an early stop ends there.

    leak:      at most four signed shifts, as of LIF; () for none
    threshold: 1 to 2**31 - 1, of score "first" alone
    """

    synapse: Dense
    leak: tuple[int, ...] = ()
    score: Score = "last"
    threshold: int | None = None

    COUNTS: ClassVar[bool] = False

    def __post_init__(self) -> None:
        of_kind("LI.synapse", self.synapse, Dense)
        object.__setattr__(self, "leak", leak_terms(self.leak, "LI.leak"))
        if not isinstance(self.score, str) or self.score not in SCORES:
            raise ValueError(f"LI.score: found {self.score!r}; one of {', '.join(SCORES)}")
        if (self.score == "first") != (self.threshold is not None):
            raise ValueError(
                f"LI.threshold: found {self.threshold} with score {self.score!r}; score 'first' "
                "needs it, and no other has it"
            )
        if self.threshold is not None:
            value = integer("LI.threshold", self.threshold, 1, INT32_MAX)
            object.__setattr__(self, "threshold", value)

    @property
    def synapses(self) -> tuple[Synapse, ...]:
        """Its weights."""
        return (self.synapse,)

    def narrowed(self, given: Shape) -> LI:
        """Return what is left on the first channels of the last signal."""
        return replace(self, synapse=self.synapse.narrowed(given))

    def sums(self, most: int) -> Interval:
        """Return the range of sum_i codes[j, i] * x_i in a step, and of all its partial sums."""
        return self.synapse.sums(0, most)

    def reach(self, steps: int, levels: int) -> Reached:
        """Return what the membranes, and their sums, reach; ValueError beyond int32."""
        sums = self.sums(levels)
        current = self.synapse.current_range(sums)
        refuse_beyond_int32("current", current.hull(sums))
        found = integrate(self.leak, current, steps)
        refuse_beyond_int32("membrane", found.kept, partial_sums(self.leak))
        refuse_beyond_int32("membrane", found.after)
        if found.partial is not None and self.score == "sum":
            refuse_beyond_int32("score", found.partial)
        return found

    def range(self, size: int, steps: int, levels: int, early: bool) -> Interval:
        """Return the range of the scores."""
        found = self.reach(steps, levels)
        if self.score != "sum":
            return found.after
        assert found.total is not None
        assert found.partial is not None
        return found.partial if early else found.total

    def read(self, signal: Signal, made: NDArray[np.int64] | None, magnitude: int) -> Int32:
        """Return the scores after the last step, or after those that were made."""
        found = self.by_step(signal, magnitude)
        return found[:, -1] if made is None else found[np.arange(len(made)), made - 1]

    def by_step(self, signal: Signal, magnitude: int) -> Int32:
        """Return the scores as they are after every step."""
        v = self.membranes(signal, magnitude)
        if self.score == "max":
            return np.maximum.accumulate(v, axis=1)
        return np.cumsum(v, axis=1, dtype=np.int32) if self.score == "sum" else v

    def membranes(self, signal: Signal, magnitude: int) -> Int32:
        """Return v after every step, (batch, step, outputs)."""
        current = self.synapse.currents(signal, magnitude)
        v, kept = np.zeros_like(current[:, 0]), np.empty_like(current)
        for t in range(current.shape[1]):
            after = v - leak(v, self.leak) + current[:, t]
            v = np.where(self._reached(v)[:, None], v, after)
            kept[:, t] = v
        return kept

    def kept(self, signal: Signal, magnitude: int) -> Int32 | None:
        """Return the membranes after every step, (batch, step, outputs)."""
        return self.membranes(signal, magnitude)

    @property
    def keeps(self) -> bool:
        """True: its membranes."""
        return True

    def _reached(self, v: Int32) -> NDArray[np.bool_]:
        """Return where some membrane of (..., outputs) has reached the threshold."""
        largest = v.max(axis=-1)
        if self.threshold is None:
            return np.zeros(largest.shape, np.bool_)
        return np.asarray(largest >= self.threshold)

    def settled(self, scores: Int32) -> NDArray[np.bool_]:
        """Return after which steps some membrane has reached the threshold: they rest then."""
        return self._reached(scores)

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes of its weights and constants."""
        yield from self.synapse.digested()
        yield line("li", *self.leak, self.score, self.threshold)
