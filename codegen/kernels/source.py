"""Where a stage's input comes from: planes of a signal, or bytes that are cut into digits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Digits:
    """The digits of a byte input: each is a list of the inputs that have it.

    A list of level k adds or takes away 2^k times the weights of its inputs. The lists that take
    away come first; where `top` is set there is one, of the inputs that have the largest value
    2^bits - 1, which then have no other digit.

    kind:   "binary", "top" (binary, but for the largest value) or "signed" (non-adjacent form)
    adds:   number of lists that add, from level 0 on
    takes:  number of lists that take away
    first:  level of the first one that takes away
    """

    kind: str
    adds: int
    takes: int
    first: int = 0

    @property
    def top(self) -> bool:
        """True if the largest value has a list of its own."""
        return self.kind == "top"

    @property
    def lists(self) -> int:
        """All lists."""
        return self.adds + self.takes

    @property
    def levels(self) -> int:
        """Levels of the sum that a list may start at."""
        return max(self.adds, self.first + self.takes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """Where a layer's input comes from: the planes of a signal, or bytes cut into digits.

    size:     inputs
    words:    32-bit words of one bit plane of the input
    planes:   bit planes of the signal, 1 for spikes; 0 for bytes
    analog:   the vector is held, and its currents are cached in the state
    bits:     bits of a byte value; 0 for spikes
    negative: True if the highest bit counts negatively (int8)
    ctype:    C type of an input byte
    shift:    s of (a + 2^(s-1)) >> s
    digits:   of a byte value; None for spikes
    """

    size: int
    words: int
    planes: int = 1
    analog: bool = False
    bits: int = 0
    negative: bool = False
    ctype: str = ""
    shift: int = 0
    digits: Digits | None = None
