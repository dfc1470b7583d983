"""Readouts: how spikes become scores, and when an inference may end."""

from __future__ import annotations

from dataclasses import dataclass

from qat.model.checks import (
    INT32_MAX,
    integer,
    of_kind,
)
from qat.model.synapses import Dense


@dataclass(frozen=True, eq=False)
class Accumulate:
    """A non-spiking output layer: its current, summed over the T steps, is the score.

    With n_i the spike counts of the last spiking layer,

        score_j = 2**fraction_bits * sum_i codes[j, i] * n_i + T * bias_j        (int32)

    and the first maximum is the prediction.
    """

    synapse: Dense

    def __post_init__(self) -> None:
        of_kind("Accumulate.synapse", self.synapse, Dense)


@dataclass(frozen=True)
class Count:
    """The scores are the spike counts of the last layer; the first maximum wins."""


Readout = Accumulate | Count


@dataclass(frozen=True)
class EarlyStop:
    """When an inference may end before its last step.

    After step t >= first the scores so far are formed, those of `Accumulate` with t in place of
    T. Where the largest leads the second largest by `margin` or more, they are the result, and
    no further step is made.

    margin: in units of the scores, 1 to 2**31 - 1
    first:  the first step after which an inference may end, from 1
    """

    margin: int
    first: int = 1

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "margin", integer("EarlyStop.margin", self.margin, 1, INT32_MAX))
        set_(self, "first", integer("EarlyStop.first", self.first, 1, 2**24))
