"""The record of a bit-sliced layer: every number that its template prints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codegen import isa
from codegen.kernels.common import uniform
from codegen.kernels.memory import Table
from codegen.kernels.neurons import plan as neurons
from codegen.kernels.neurons.adaptation import Adaptation
from codegen.kernels.neurons.counting import Counting
from codegen.kernels.neurons.integration import Integration
from codegen.kernels.neurons.plan import Digit, Plane, Turn
from codegen.kernels.stage import Layer

PARTS = ("neurons", "reset", "saturate", "flow", "adapt")
"""Functions of a layer's neurons, each perhaps for four blocks as well."""


@dataclass(frozen=True, eq=False)
class Told:
    """How the probes tell u of a neuron without memory by the sum x that is compared.

    u = (x - less) * 2**fraction_bits + bias, or ((x - less + half) >> shift) + bias
    """

    less: int
    half: int
    shift: int
    fraction_bits: int
    bias: NDArray[np.int32]

    @property
    def own(self) -> bool:
        """True if the neurons do not share their bias."""
        return uniform(self.bias) is None

    def text(self, x: str, m: str) -> str:
        """Return C text of u of a neuron, but for a bias of its own; m: the model's name."""
        found = f"{x}{_plus(self.half - self.less)}"
        if self.shift:
            found = f"{m}_asr({found}, {self.shift}u)"
        elif self.fraction_bits:
            found = f"({found}) * {2**self.fraction_bits}"
        return found if self.own else found + _plus(int(self.bias[0]))


def _plus(value: int) -> str:
    """Return what adds a number in C; nothing for 0."""
    return f" {'-' if value < 0 else '+'} {abs(value)}" if value else ""


@dataclass(frozen=True, eq=False, kw_only=True)
class BitslicedLayer(Layer):
    """A ternary layer: 32 neurons a word, from weights to membrane.

    columns:     words of one block's weights
    lowered:     what u, computed less this, is compared with 0 instead of the threshold; 0: not so
    start:       what the sum starts with, besides -(number of active inputs)
    reach:       how far from 0 that start is
    sized:       True if a step counts the planes that its active inputs can fill
    inactive_width: planes of the number that they are subtracted from
    sum_width:   planes of the sum
    u_width:     planes of u
    v_width:     planes of the stored membrane
    current_width: planes of a cached current
    into_v:      what flows into the membrane; None without one
    into_c:      what flows into the synaptic current before it; None without one
    adapts:      how the threshold follows the spikes; None where it stays
    constants:   words of per-neuron constants a block (0: none)
    bias_words:  words of the bias added to a cached current (0: none)
    rounds:      the list may be too short for the digits of one input: it is worked off, and again
    inverse:     of the largest value of a byte modulo 2^32, where that has a list of its own
    dense:       instead of the weights on Helium, where bytes are seldom 0: four weights a byte,
                 and what is added to their sums; empty elsewhere
    counting:    the thresholds, where a neuron may emit several spikes or has no memory
    told:        how the probes tell u, of neurons without memory
    """

    columns: int
    blocks: int
    lowered: int
    start: int
    reach: int
    sized: bool
    inactive_width: int
    sum_width: int
    u_width: int
    v_width: int
    current_width: int
    into_v: Integration | None
    into_c: Integration | None
    adapts: Adaptation | None
    constants: int
    bias_words: int
    rounds: bool
    inverse: int
    dense: tuple[Table, ...]
    floor: tuple[Digit, ...]
    ceiling: tuple[Digit, ...]
    threshold: tuple[Digit, ...]
    reset_by: tuple[Digit, ...]
    reset_to: tuple[Digit, ...]
    counting: Counting | None = None
    told: Told | None = None

    @property
    def vectors(self) -> int:
        """Blocks that vectors compute four at once, where their offsets reach all constants."""
        return self.blocks // 4 * 4 if self.constants <= isa.reach() else 0

    @property
    def in_place(self) -> bool:
        """True if four blocks need no planes beside those of v: u is as wide, and not held."""
        held = self.floor or self.ceiling
        return self.u_width == self.v_width and self.counting is None and not held

    @property
    def planes(self) -> tuple[Plane, ...]:
        """The planes of u, each with what is added to v there."""
        return self.into_v.planes if self.into_v else ()

    @property
    def terms(self) -> tuple[int, ...]:
        """The terms of the leak that are added or subtracted."""
        return self.into_v.terms if self.into_v else ()

    @property
    def own_words(self) -> int:
        """Words of constants that are read where spikes are made."""
        flow = self.into_c.own if self.into_c else None
        return self.constants - self.bias_words - (flow.width if flow else 0)

    @property
    def own_apart(self) -> int:
        """Bytes from the constants of a block to those of the next."""
        return 4 * self.constants

    @property
    def replaced(self) -> tuple[str, ...]:
        """The tables that Helium has others for."""
        return (self.tables[0].name,) if self.dense else ()

    def without_vectors(self) -> BitslicedLayer:
        """Return the same layer without the weights that only Helium reads."""
        return replace(self, dense=())

    @property
    def apart(self) -> str:
        """Template of the reset, where it is a function: all neurons have the same, and not 0."""
        subtracts = self.reset == "subtract" and any(not turn.idle for turn in self.turns)
        own = subtracts and self.alike and self.counting is None
        return "neurons/reset.c.j2" if own else ""

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The digits of the reset that reach a plane of v, in their turn."""
        return neurons.turns(self.reset_by[: self.v_width])

    @property
    def reset_carries(self) -> bool:
        """True if a digit of the reset hands something on to one above."""
        return any(turn.carried or turn.digit.word is not None for turn in self.turns)

    @property
    def resets(self) -> tuple[tuple[Digit, ...], ...]:
        """For each bit of a count the digits of what it subtracts: 2^k times the constant.

        The zeros below the lowest other digit are left out: nothing borrows there.
        """
        if self.counting is None:
            return ()
        lowest = next((n for n, d in enumerate(self.reset_by) if d.bit != 0), len(self.reset_by))
        return tuple(
            tuple(
                replace(digit, plane=digit.plane + k)
                for digit in self.reset_by[lowest:]
                if digit.plane + k < self.v_width
            )
            for k in range(self.counting.planes)
        )

    @property
    def resets_own(self) -> bool:
        """True if what a spike of several subtracts is not the same for all neurons."""
        each = (*self.resets, self.reset_to)
        return any(digit.word is not None for digits in each for digit in digits)

    @property
    def resets_shared(self) -> bool:
        """True if some bit of it is."""
        return any(digit.word is None for digits in self.resets for digit in digits)

    @property
    def alike(self) -> bool:
        """True if all neurons are reset by the same constant."""
        return all(turn.digit.word is None for turn in self.turns)

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        i, own, single = self.index, super().functions, [f"{name}{self.index}" for name in PARTS]
        if self.counting is not None:
            parts = ("", *(f"_part{k}" for k in range(len(self.counting.parts))))
            single += [f"reset_several{i}", *(f"counts{i}{part}" for part in parts)]
        if self.source.planes > 1:
            single += [f"list_digits{i}", f"block_sums{i}"]
        own |= dict.fromkeys((f"{name}{four}" for name in single for four in ("", "_4")), self.part)
        if self.source.bits:
            currents = (f"block_currents{i}", f"block_currents{i}_4", "list_digits")
            own |= dict.fromkeys(currents, "currents")
        return own

    @property
    def arrays(self) -> tuple[Table, ...]:
        """Its constant arrays, whatever core they are for."""
        return (*self.tables, *self.dense)

    @property
    def along_lists(self) -> tuple[str, ...]:
        """Functions of its C that work along a list of inputs: an analysis keeps lengths apart."""
        i = self.index
        held = ("list_digits", f"currents{i}", f"block_currents{i}")
        if self.source.planes > 1:
            return (f"list_digits{i}", f"layer{i}", f"block_sums{i}")
        return held if self.source.bits else (f"layer{i}",)

    @property
    def list_lengths(self) -> int:
        """The digits of bytes are listed side by side: every combination of lengths is a state."""
        source = self.source
        if source.digits is None:
            return source.size + 1
        if not source.bits:
            return int((source.size + 1) ** source.digits.lists)
        rows = (source.size + 3) // 4 if source.size <= 28 else 8 * source.words
        return int((4 * rows + 1) ** source.digits.lists)

    @property
    def in_planes(self) -> bool:
        """True if its membranes are planes of 32 neurons, not integers."""
        return True

    @property
    def wide(self) -> bool:
        """True if it has work for a vector of four blocks."""
        return self.blocks >= 4

    @property
    def remainder(self) -> bool:
        """True if four at once leave blocks over where the inactive inputs are added."""
        return bool(self.complement and self.blocks % 4)
