"""The record of a bit-sliced layer: every number that its template prints."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.stage import Layer, Table


@dataclass(frozen=True)
class Plane:
    """One bit plane of u = v - leak(v) + I.

    leak:    (operation, plane of v) per term: "subtract" or "add"
    current: plane of the current, None below its fraction bits
    bias:    word of the constants, None without a bias of its own
    one:     True where the low bits of a common bias add a 1
    """

    index: int
    v: int
    leak: tuple[tuple[str, int], ...]
    current: int | None
    bias: int | None
    one: bool


@dataclass(frozen=True)
class Digit:
    """One digit of a comparison or a subtraction: a plane of u against a constant's bit.

    bit:  the bit of a constant common to all neurons; None if each has its own
    word: the word of the constants that holds the neurons' own bits
    """

    plane: int
    bit: int | None = None
    word: int | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class BitslicedLayer(Layer):
    """A ternary layer: 32 neurons a word, from weights to membrane.

    columns:     words of one block's weights
    lowered:     what u, computed less this, is compared with 0 instead of the threshold; 0: not so
    start:       what the sum starts with, besides -(number of active inputs)
    reach:       how far from 0 that start is
    sized:       True if a step counts the planes that its active inputs can fill
    complement:  active inputs above which the inactive ones are added (0: never)
    inactive_width: planes of the number that they are subtracted from
    sum_width:   planes of the sum
    u_width:     planes of u
    v_width:     planes of the stored membrane
    current_width: planes of a cached current
    constants:   words of per-neuron constants a block (0: none)
    bias_words:  words of the bias added to a cached current (0: none)
    rounds:      the list may be too short for the digits of one input: it is worked off, and again
    inverse:     of the largest value of a byte modulo 2^32, where that has a list of its own
    dense:       instead of the weights on Helium, where bytes are seldom 0: four weights a byte,
                 and what is added to their sums; empty elsewhere
    """

    columns: int
    blocks: int
    lowered: int
    start: int
    reach: int
    sized: bool
    complement: int
    inactive_width: int
    sum_width: int
    u_width: int
    v_width: int
    current_width: int
    constants: int
    bias_words: int
    rounds: bool
    inverse: int
    dense: tuple[Table, ...]
    planes: tuple[Plane, ...]
    floor: tuple[Digit, ...]
    ceiling: tuple[Digit, ...]
    threshold: tuple[Digit, ...]
    reset_by: tuple[Digit, ...]
    chains: tuple[str, ...]

    @property
    def vectors(self) -> int:
        """Blocks that Helium computes four at once; an offset reaches 128 words of constants."""
        return self.blocks // 4 * 4 if self.constants <= 128 else 0
