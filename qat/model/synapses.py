"""Synapses: what arrives at a neuron."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qat.model.checks import (
    INT32_MAX,
    MAX_SHIFT,
    IntArray,
    integer,
    integers,
    must_match,
    per_layer_or_neuron,
)

CODE_RANGE: dict[int, tuple[int, int]] = {
    2: (-1, 1),
    4: (-8, 7),
    8: (-128, 127),
    16: (-32768, 32767),
}
"""Allowed codes for each number of weight bits; 2 bits are ternary."""


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
