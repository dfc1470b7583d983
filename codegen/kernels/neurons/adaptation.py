"""What raises the threshold of bit-sliced neurons, in planes: b = b - (b >> k) + q S.

b is never negative, and its bound is proved: the planes below its sign are all that it needs, and
the arithmetic is modulo 2**planes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from codegen.kernels.neurons.plan import Digit


@dataclass(frozen=True)
class Adapted:
    """A plane of b: the plane that the leak takes from it, None where only a borrow may be left.

    digit:   of q
    carried: a digit of q below it was no 0 for all
    """

    plane: int
    leak: int | None
    digit: Digit
    carried: bool

    @property
    def adds(self) -> bool:
        """True if q has a digit there that is not 0 for all."""
        return self.digit.bit != 0


@dataclass(frozen=True)
class Adaptation:
    """How b follows the spikes, and how u is compared with it.

    leak:    k
    width:   planes of b, without its sign
    digits:  of q, one for each plane
    u_width: planes of u
    """

    leak: int
    width: int
    digits: Sequence[Digit]
    u_width: int

    @cached_property
    def planes(self) -> tuple[Adapted, ...]:
        """The planes of b, the lowest first."""
        first = next((n for n, digit in enumerate(self.digits) if digit.bit != 0), self.width)
        return tuple(
            Adapted(
                plane=n,
                leak=n + self.leak if n + self.leak < self.width else None,
                digit=self.digits[n],
                carried=n > first,
            )
            for n in range(self.width)
        )

    @property
    def borrows(self) -> bool:
        """True if the leak takes anything at all: b reaches 2**k."""
        return self.width > self.leak

    @property
    def beyond(self) -> tuple[int, ...]:
        """Planes of b that no u reaches which is not negative: one of them is more than any u."""
        return tuple(range(self.u_width - 1, self.width))

    @property
    def owns(self) -> bool:
        """True if the neurons do not share q."""
        return any(digit.word is not None for digit in self.digits)
