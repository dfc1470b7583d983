"""Neurons that count: a number in planes against several thresholds, then the count in planes.

Each threshold is compared plane by plane, from the lowest on: `reached` holds where the planes so
far are at least as large as the threshold's. A bit that all neurons share takes one operation, an
own one four and a load; zeros below the lowest 1 take none, so a power of two is cheap, and 0 is
the sign alone. The thresholds do not decrease, so bit k of the count is 1 where an odd number of
the multiples of 2^k has been reached: an exclusive or of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.common import width_of
from codegen.kernels.neurons.constants import Constants
from codegen.kernels.neurons.plan import Digit
from qat.model import Burst, Conv, Dense

OWN, SUBTRACTED = 5, 7
"""Operations of a plane against an own bit of a threshold; of subtracting an own bit."""

SHARED = 6
"""What another plane of x costs, in digits: it is summed as well."""

LINES = 90
"""Lines of C that compare planes in one function."""

REACH = 64
"""How far beyond the thresholds `best_start` looks."""


@dataclass(frozen=True)
class Compared:
    """A digit of one comparison, in the plane's turn.

    which: the threshold, from 1 on
    first: nothing has been compared below it
    sign:  it is that of the sign, where 1 is less than 0
    """

    which: int
    digit: Digit
    first: bool
    sign: bool


@dataclass(frozen=True)
class Counting:
    """A number x in planes, the thresholds that it is compared with, and the count's planes.

    given:   planes of x that there are; its sign is the last one
    width:   planes that are compared; those beyond the given ones repeat the sign
    less:    digits of an own first threshold that x is lowered by before anything; () if it is not
    digits:  of each threshold, the lowest first, from the lowest 1 on; the last is the sign's
    """

    given: int
    width: int
    less: tuple[Digit, ...]
    digits: tuple[tuple[Digit, ...], ...]

    @property
    def most(self) -> int:
        """The largest count."""
        return len(self.digits)

    @property
    def planes(self) -> int:
        """Bit planes of the count."""
        return self.most.bit_length()

    @property
    def bits(self) -> tuple[tuple[int, ...], ...]:
        """For each plane of the count, the thresholds of which an odd number must be reached."""
        return tuple(tuple(range(1 << k, self.most + 1, 1 << k)) for k in range(self.planes))

    @property
    def always(self) -> tuple[int, ...]:
        """The thresholds without a digit: every number reaches them."""
        return tuple(d for d, digits in enumerate(self.digits, 1) if not digits)

    def turns(self, plane: int) -> tuple[Compared, ...]:
        """Return what is compared in one plane."""
        return tuple(
            Compared(which, digit, digit is digits[0], plane == self.width - 1)
            for which, digits in enumerate(self.digits, 1)
            for digit in digits
            if digit.plane == plane
        )

    @property
    def parts(self) -> tuple[tuple[int, ...], ...]:
        """The planes that matter, in parts of no more than LINES comparisons; () for none."""
        found: list[list[int]] = []
        lines = LINES
        for plane in range(self.first, self.width):
            more = 1 + len(self.turns(plane))
            if lines + more > LINES:
                found.append([])
                lines = 0
            found[-1].append(plane)
            lines += more
        return tuple(map(tuple, found))

    @property
    def first(self) -> int:
        """The lowest plane that matters."""
        return 0 if self.less else min((d[0].plane for d in self.digits if d), default=self.width)

    @property
    def shared_digits(self) -> int:
        """Digits of thresholds that all neurons share."""
        return sum(digit.word is None for digits in self.digits for digit in digits)

    @property
    def own_digits(self) -> int:
        """Digits of thresholds of each neuron."""
        return sum(digit.word is not None for digits in self.digits for digit in digits)

    @property
    def owns(self) -> bool:
        """True if it reads constants of each neuron."""
        return any(d.word is not None for digits in (self.less, *self.digits) for d in digits)

    @property
    def operations(self) -> frozenset[str]:
        """Functions of planes that its code calls."""
        return frozenset({"subtract"} if self.less else ())


@dataclass(frozen=True)
class Alike(Counting):
    """Thresholds of as many own planes each, which a loop compares one after the other.

    It takes half of the code, and an instruction more for a plane: those of x are loaded anew for
    each threshold. What is told is which thresholds are reached.

    own: planes of a threshold
    """

    own: int

    @property
    def planes(self) -> int:
        """A word for each threshold."""
        return self.most

    @property
    def bits(self) -> tuple[tuple[int, ...], ...]:
        """Each threshold alone."""
        return tuple((which,) for which in range(1, self.most + 1))


def alike(
    constants: Constants,
    values: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    given: int,
) -> Alike | None:
    """Return how x is compared with thresholds that a loop reads; None where some are negative.

    The arguments are those of `counting`.
    """
    values = _drawn(values, low, high)
    if values.min() < 0:
        return None
    width = width_of(int(min(low.min(), 0)), int(max(high.max(), values.max())))
    own = _planes_of(values)
    digits = tuple(_own(row, width, constants.add(row, own), own) for row in values)
    return Alike(given, width, (), digits, own)


def _bits(value: int, width: int) -> list[int]:
    """Return the two's complement of a threshold that all share, the lowest digit first."""
    return [value >> b & 1 for b in range(width)]


def _shared(value: int, width: int) -> tuple[Digit, ...]:
    """Return the digits of a threshold that all share, from its lowest 1 on, and its sign."""
    found = [Digit(b, bit=bit) for b, bit in enumerate(_bits(value, width))]
    if value == -(1 << (width - 1)):
        return ()  # the least that there is
    lowest = next((d.plane for d in found if d.bit), width - 1)
    return tuple(found[min(lowest, width - 1) :])


def _own(values: NDArray[Any], width: int, start: int, planes: int) -> tuple[Digit, ...]:
    """Return the digits of thresholds whose planes begin at word `start` of the constants."""
    negative = (values < 0).any()
    own = [Digit(b, word=start + min(b, planes - 1)) for b in range(width)]
    high = [] if negative else [Digit(b, bit=0) for b in range(planes, width)]
    return tuple(own[: width - len(high)] + high)


def _planes_of(values: NDArray[Any]) -> int:
    """Return the planes that hold numbers, without a sign where none is negative."""
    low, high = int(values.min()), int(values.max())
    return width_of(low, high) - (low >= 0)


def _cost(values: NDArray[Any], width: int) -> int:
    """Return the operations of comparing with one threshold."""
    if (values == values[0]).all():
        return len(_shared(int(values[0]), width))
    planes = _planes_of(values) if (values >= 0).all() else width
    return OWN * planes + width - planes


def _drawn(
    values: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return thresholds (D, channels), none further than just outside of what x can reach.

    What all channels share stays so: its ends are those of all.
    """
    rows = [
        np.clip(row, low.min(), high.max() + 1)
        if (row == row[0]).all()
        else np.clip(row, low, high + 1)
        for row in values
    ]
    return np.array(rows)


def counting(
    constants: Constants,
    values: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    given: int,
) -> Counting:
    """Return how x in `given` planes is compared with thresholds (D, channels), D from 1 on.

    low, high: (channels,), what x can reach. Thresholds beyond are drawn to its ends, which
    changes no count. constants: collects the planes of what each channel has of its own.
    """
    values = _drawn(values, low, high)
    direct = width_of(int(min(low.min(), values.min())), int(max(high.max(), values.max())))
    rest = values - values[0]
    lowered = width_of(int((low - values[0]).min()), int(max((high - values[0]).max(), rest.max())))
    first_own = (values[0] != values[0][0]).any()
    plain = sum(_cost(row, direct) for row in values)
    less = SUBTRACTED * lowered + sum(_cost(row, lowered) for row in rest)
    if not (first_own and len(values) > 1 and less < plain):
        return Counting(given, direct, (), _digits(constants, values, direct))
    taken = values[0]
    planes = _planes_of(taken)
    digits = _own(taken, lowered, constants.add(taken, planes), planes)
    return Counting(given, lowered, digits, _digits(constants, rest, lowered))


def _digits(
    constants: Constants, values: NDArray[np.int64], width: int
) -> tuple[tuple[Digit, ...], ...]:
    found = []
    for row in values:
        if (row == row[0]).all():
            found.append(_shared(int(row[0]), width))
        else:
            planes = _planes_of(row)
            found.append(_own(row, width, constants.add(row, planes), planes))
    return tuple(found)


def folded(synapse: Dense | Conv, neuron: Burst, of_bytes: bool) -> NDArray[np.int64]:
    """Return the thresholds (D, channels) of the sum a: bias, shift and fraction are in them.

    u >= t is a * 2**F + bias >= t, or ((a + half) >> s) + bias >= t where the sum is one of bytes.
    """
    shape = (neuron.most, synapse.channels)
    bare = np.broadcast_to(neuron.by_channel, shape).astype(np.int64) - synapse.bias
    if not of_bytes:
        return -(-bare >> synapse.fraction_bits)
    return (bare << synapse.input_shift) - ((1 << synapse.input_shift) >> 1)


def best_start(values: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]) -> int:
    """Return what is best added to x and to its thresholds (D, channels) before they are compared.

    Where each threshold is common to all channels: what leaves the fewest digits, in no more
    planes than x needs. Else what makes the least of all thresholds 0, so that all have as few
    planes as can be and no sign. low, high: (channels,), what x can reach.
    """
    if not (values == values[:, :1]).all():
        return -int(_drawn(values, low, high).min())
    row = np.clip(values[:, 0], low.min(), high.max() + 1)
    least, most = int(min(low.min(), row.min())), int(max(high.max(), row.max()))
    ends = [-int(value) + away for value in row for away in range(-REACH, REACH + 1)]
    return min(ends, key=lambda start: _shared_cost(row + start, least + start, most + start))


def _shared_cost(row: NDArray[np.int64], low: int, high: int) -> tuple[int, int]:
    """Return the cost of thresholds that all share, for numbers from low to high."""
    width = width_of(low, high)
    return SHARED * width + sum(len(_shared(int(value), width)) for value in row), abs(low)
