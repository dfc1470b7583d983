"""Synapses: how inputs become the currents of neurons.

A synapse answers for itself: the shape that it makes of another, the range of its sums on the
way, its currents, what the digest hashes. Whoever runs or bounds a model asks it and knows no
kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import (
    INT32_MAX,
    MAX_SHIFT,
    IntArray,
    first_channels,
    integer,
    integers,
    must_match,
    per_layer_or_neuron,
)
from qat.model.digest import line, spread
from qat.model.intervals import Interval, refuse_beyond_int32
from qat.model.shape import Shape

Int32 = NDArray[np.int32]

DIGESTED = 2**20
"""Codes that are digested at a time: they take four bytes there."""

CODE_RANGE: dict[int, tuple[int, int]] = {
    2: (-1, 1),
    4: (-8, 7),
    8: (-128, 127),
    16: (-32768, 32767),
}
"""Allowed codes for each number of weight bits; 2 bits are ternary."""


def exact_matmul(x: NDArray[Any], codes: NDArray[Any], magnitude: int) -> NDArray[Any]:
    """Return x @ codes.T as int64, by BLAS in a float type that is exact up to `magnitude`."""
    dtype = np.float32 if magnitude < 2**24 else np.float64
    return np.rint(x.astype(dtype) @ codes.T.astype(dtype)).astype(np.int64)


class Synapse(ABC):
    """What every kind of synapse answers.

    bits: what a weight takes in flash, 0 where there are none
    bias: what is added to the currents, one for all or one for each channel
    fraction_bits: binary digits by which its sums are moved to become currents
    delayed: what of its input may have a delay of its own, one for each of `in_channels`
    """

    bits: int
    bias: IntArray
    fraction_bits: int
    delayed: ClassVar[str] = "input"

    @property
    @abstractmethod
    def weights(self) -> IntArray:
        """Its weights, the first axis that of the outputs; empty where it has none."""

    @property
    @abstractmethod
    def n_in(self) -> int:
        """Number of inputs."""

    @property
    @abstractmethod
    def in_channels(self) -> int:
        """Number of inputs at each position: what a delay may be one for each of."""

    @property
    @abstractmethod
    def n_out(self) -> int:
        """Number of currents."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Number of currents at each position: what a constant may be one for each of."""

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """The shape of its currents."""

    @property
    def in_words(self) -> str:
        """What it makes, for people, such as "10 neurons"."""
        return f"{self.n_out} neurons"

    @property
    def values_at_once(self) -> int:
        """Values that lie side by side while the currents of one input are computed."""
        return self.n_in

    @abstractmethod
    def output_shape(self, given: Shape) -> Shape:
        """Return the shape of the currents; ValueError for a signal that it cannot read."""

    @abstractmethod
    def check_reads(self, spiking: bool) -> None:
        """Raise ValueError for a field that has no meaning for spikes, or for values."""

    @abstractmethod
    def sums(self, low: int, high: int) -> Interval:
        """Return the range of the sums of each channel, and of all partial sums on the way.

        low, high: range of the inputs
        """

    @abstractmethod
    def current_range(self, sums: Interval) -> Interval:
        """Return the range of the currents; ValueError where a value leaves int32."""

    @abstractmethod
    def currents(self, x: NDArray[Any], magnitude: int) -> Int32:
        """Return the currents, (..., n_out), of inputs (..., n_in); `magnitude` bounds the sums."""

    @abstractmethod
    def narrowed(self, given: Shape | None = None, channels: int | None = None) -> Synapse:
        """Return what is left on the first channels of the signal, or of the first channels.

        given:    the signal that is left, with as many positions as before; None: all of it
        channels: of the currents; None: all
        """

    @abstractmethod
    def pictures(self, given: Shape) -> IntArray:
        """Return the weights of each channel as they lie on the map that is read.

        given: the signal. Returns (channels, height, width, channels of the map).
        """

    @abstractmethod
    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""


class Weighted(Synapse):
    """What synapses of weights share: how sums become currents, their ranges, what is hashed.

    codes: the first axis that of the channels; the other fields as in Dense
    """

    codes: IntArray
    input_shift: int

    def _check_numbers(self, axes: str) -> None:
        """Normalise bits, codes, bias and shifts, or raise ValueError.

        axes: names of the axes of the codes, as an error says them
        """
        kind, set_ = type(self).__name__, object.__setattr__
        if not isinstance(self.bits, int | np.integer) or self.bits not in CODE_RANGE:
            raise ValueError(f"{kind}.bits: found {self.bits!r}; allowed are 2, 4, 8 and 16")
        set_(self, "bits", int(self.bits))
        low, high = CODE_RANGE[self.bits]
        dtype = np.int16 if self.bits == 16 else np.int8
        name = f"{kind}.codes at {self.bits} bits"
        set_(self, "codes", integers(name, self.codes, low, high, dtype))
        if self.codes.ndim != axes.count(",") + 1 or 0 in self.codes.shape:
            raise ValueError(f"{kind}.codes: found shape {self.codes.shape}; must be ({axes})")
        set_(self, "bias", per_layer_or_neuron(f"{kind}.bias", self.bias, -INT32_MAX))
        must_match(f"{kind}.bias", self.bias, self.channels)
        for name in ("fraction_bits", "input_shift"):
            set_(self, name, integer(f"{kind}.{name}", getattr(self, name), 0, MAX_SHIFT))

    @property
    def weights(self) -> IntArray:
        """The codes."""
        return self.codes

    def check_reads(self, spiking: bool) -> None:
        """Refuse fraction bits of values, and an input shift of spikes."""
        unused = "input_shift" if spiking else "fraction_bits"
        if getattr(self, unused):
            kind = "spiking input" if spiking else "analog input"
            raise ValueError(f"{unused} is {getattr(self, unused)}; must be 0 for {kind}")

    def sums(self, low: int, high: int) -> Interval:
        """Return the range of sum_i q_ji * x_i of each channel and of all its partial sums."""
        codes = self.codes.reshape(len(self.codes), -1)
        positive = np.where(codes > 0, codes, 0).sum(axis=1, dtype=np.int64)
        negative = np.where(codes < 0, codes, 0).sum(axis=1, dtype=np.int64)
        low, high = min(low, 0), max(high, 0)  # a partial sum has left inputs out: they count as 0
        return Interval(positive * low + negative * high, positive * high + negative * low)

    def current_range(self, sums: Interval) -> Interval:
        """Return the range of I; ValueError where it, or a value on the way, leaves int32."""
        half = (1 << self.input_shift) >> 1
        refuse_beyond_int32("current", Interval(sums.lo, sums.hi + half))
        scale = 2**self.fraction_bits
        found = Interval(
            ((sums.lo + half) >> self.input_shift) * scale + self.bias,
            ((sums.hi + half) >> self.input_shift) * scale + self.bias,
        )
        refuse_beyond_int32("current", found)
        return found

    def _scaled(self, a: NDArray[np.int64]) -> Int32:
        """Return I for sums a, (..., channels)."""
        half = (1 << self.input_shift) >> 1
        shifted = (a + half) >> self.input_shift
        return (shifted * 2**self.fraction_bits + self.bias).astype(np.int32)

    def _digested_numbers(self) -> Iterator[bytes]:
        """Yield what the digest hashes of codes and bias, in order."""
        codes = self.codes.ravel()
        for start in range(0, codes.size, DIGESTED):
            yield codes[start : start + DIGESTED].astype("<i4").tobytes()
        yield spread("bias", self.bias, self.channels)


@dataclass(frozen=True, eq=False)
class Dense(Weighted):
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
        self._check_numbers("n_out, n_in")

    @property
    def n_out(self) -> int:
        """Number of neurons that receive a current."""
        return int(self.codes.shape[0])

    @property
    def channels(self) -> int:
        """Number of neurons: there is one position."""
        return self.n_out

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return int(self.codes.shape[1])

    @property
    def in_channels(self) -> int:
        """Number of inputs: each may have a delay of its own."""
        return self.n_in

    @property
    def shape(self) -> Shape:
        """A vector."""
        return Shape.vector(self.n_out)

    def output_shape(self, given: Shape) -> Shape:
        """Return a vector of `n_out` currents; any signal of `n_in` values is read as it lies."""
        if given.size != self.n_in:
            raise ValueError(f"has {self.n_in} inputs; what precedes it has {given.size}")
        return self.shape

    def currents(self, x: NDArray[Any], magnitude: int) -> Int32:
        """Return I for inputs of shape (..., n_in)."""
        return self._scaled(exact_matmul(x, self.codes, magnitude))

    def narrowed(self, given: Shape | None = None, channels: int | None = None) -> Dense:
        """Return what is left on the first channels of each position, or of the first neurons."""
        codes = self.codes[:channels]
        if given is not None:
            by_position = codes.reshape(len(codes), given.positions, -1)
            codes = by_position[..., : given.channels].reshape(len(codes), given.size)
        return replace(self, codes=codes, bias=first_channels(self.bias, channels))

    def pictures(self, given: Shape) -> IntArray:
        """Return the weights of each neuron on the whole map."""
        return self.codes.reshape(self.n_out, *given.sides)

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        yield line("dense", *self.codes.shape, self.fraction_bits, self.input_shift)
        yield from self._digested_numbers()
