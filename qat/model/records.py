"""The records a model is made of: synapses, neurons, readouts, each with its equation.

A record is a frozen value. Its constructor normalises the fields (lists become
read-only integer arrays) and refuses what the equation does not allow, naming the
field, what was found and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from qat.model.checks import (
    INT32_MAX,
    IntArray,
    integer,
    integers,
    must_match,
    of_kind,
    per_layer_or_neuron,
)

MAX_LEAK_TERMS = 3
MAX_SHIFT = 15

CODE_RANGE: dict[int, tuple[int, int]] = {
    2: (-1, 1),
    4: (-8, 7),
    8: (-128, 127),
    16: (-32768, 32767),
}
"""Allowed codes for each number of weight bits; 2 bits are ternary."""


# ---------------------------------------------------------------- synapses


@dataclass(frozen=True, eq=False)
class Dense:
    """Fully connected synapses: the current of every neuron from its inputs.

    With a_j = sum_i codes[j, i] * x_i, the current is

        I_j = a_j * 2**fraction_bits + bias_j                                (spiking input)
        I_j = ((a_j + 2**(input_shift-1)) >> input_shift) + bias_j           (analog, frames)

    with the arithmetic shift `>>` (floor), and no rounding term at input_shift = 0.

    codes:         (n_out, n_in), int8 for 2, 4 and 8 bits, int16 for 16; 2 bits are
                   ternary {-1, 0, +1}, the others two's complement.
    bits:          2, 4, 8 or 16: what a code takes in flash.
    bias:          int32, one for the layer or one per neuron, in units of the current.
    fraction_bits: F, fraction bits of the membrane; spiking input only. 0 to 15.
    input_shift:   s, low bits rounded away; analog input and frames only. 0 to 15.
    """

    codes: IntArray
    bits: int = 2
    bias: IntArray = field(default_factory=lambda: np.zeros((), np.int32))
    fraction_bits: int = 0
    input_shift: int = 0

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        if not isinstance(self.bits, int | np.integer) or self.bits not in CODE_RANGE:
            raise ValueError(f"Dense.bits: found {self.bits!r}; allowed are 2, 4, 8 and 16")
        set_(self, "bits", int(self.bits))
        low, high = CODE_RANGE[self.bits]
        dtype = np.int16 if self.bits == 16 else np.int8
        name = f"Dense.codes at {self.bits} bits"
        set_(self, "codes", integers(name, self.codes, low, high, dtype))
        if self.codes.ndim != 2 or 0 in self.codes.shape:
            raise ValueError(f"Dense.codes: found shape {self.codes.shape}; must be (n_out, n_in)")
        set_(self, "bias", per_layer_or_neuron("Dense.bias", self.bias, -INT32_MAX))
        must_match("Dense.bias", self.bias, self.n_out)
        for name in ("fraction_bits", "input_shift"):
            set_(self, name, integer(f"Dense.{name}", getattr(self, name), 0, MAX_SHIFT))

    @property
    def n_out(self) -> int:
        """Number of neurons that receive a current."""
        return int(self.codes.shape[0])

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return int(self.codes.shape[1])


# ----------------------------------------------------------------- neurons


def leak_fraction(leak: tuple[int, ...]) -> Fraction:
    """Return lambda, the fraction of the membrane that leaks per step: sum of +-2**-k."""
    return sum((Fraction(-1 if k < 0 else 1, 2 ** abs(k)) for k in leak), Fraction(0))


def _leak_terms(leak: Any) -> tuple[int, ...]:
    if not isinstance(leak, Iterable):
        raise ValueError(f"LIF.leak: found {leak!r}; must be shifts, such as (3,), or none: ()")
    terms = tuple(integer("LIF.leak", k, -MAX_SHIFT, MAX_SHIFT) for k in leak)
    if len(terms) > MAX_LEAK_TERMS:
        raise ValueError(f"LIF.leak: found {len(terms)} terms; at most {MAX_LEAK_TERMS}")
    fraction = leak_fraction(terms)
    if terms and not 0 < fraction <= 1:
        raise ValueError(
            f"LIF.leak: {terms} leaks {fraction} of the membrane per step and never settles; "
            "the sum of its terms must be above 0 and at most 1, or give no term at all"
        )
    return tuple(sorted(terms, key=lambda k: (abs(k), k < 0)))


@dataclass(frozen=True, eq=False)
class LIF:
    """Leaky integrate-and-fire neurons. One step, with the current I and v(0) = 0.

        u_j = v_j - leak(v_j) + I_j            leak(v) = sum over the terms of +-(v >> k)
        u_j = min(max(u_j, floor), ceiling)    only where given, before the comparison
        S_j = u_j >= threshold_j
        v_j = u_j - S_j * reset_by_j           reset = "subtract"
        v_j = 0 where S_j, else u_j            reset = "zero"

    threshold: int32 >= 1, one for the layer or one per neuron. A strict `>` of another
               framework is this comparison with threshold + 1.
    leak:      at most three signed shifts: k stands for +(v >> k), -k for -(v >> k). Empty
               means integrate-and-fire. A term -(v >> 0) cannot be written; no leak that
               settles needs one, for v >> 0 is exact and would cancel another term.
    reset:     "subtract" or "zero".
    reset_by:  int32 >= 0, one or one per neuron; None means the threshold.
    floor, ceiling: the optional saturation, the only clamp in the model.
    """

    threshold: IntArray
    leak: tuple[int, ...] = ()
    reset: Literal["subtract", "zero"] = "subtract"
    reset_by: IntArray | None = None
    floor: int | None = None
    ceiling: int | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "threshold", per_layer_or_neuron("LIF.threshold", self.threshold, 1))
        set_(self, "leak", _leak_terms(self.leak))
        if not isinstance(self.reset, str) or self.reset not in ("subtract", "zero"):
            raise ValueError(f"LIF.reset: found {self.reset!r}; allowed are 'subtract' and 'zero'")
        if self.reset_by is not None:
            if self.reset == "zero":
                raise ValueError("LIF.reset_by: a reset to zero has no constant; leave it out")
            set_(self, "reset_by", per_layer_or_neuron("LIF.reset_by", self.reset_by, 0))
        self._check_saturation()

    def _check_saturation(self) -> None:
        set_ = object.__setattr__
        if self.floor is not None:
            set_(self, "floor", integer("LIF.floor", self.floor, -INT32_MAX, 0))
        if self.ceiling is not None:
            set_(self, "ceiling", integer("LIF.ceiling", self.ceiling, 1, INT32_MAX))

    @property
    def subtracted(self) -> IntArray:
        """r, what a spike subtracts from the membrane: `reset_by`, by default the threshold."""
        return self.threshold if self.reset_by is None else self.reset_by


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
