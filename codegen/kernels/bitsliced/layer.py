"""The record of a bit-sliced layer: every number that its template prints."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen import isa
from codegen.kernels.neurons import plan as neurons
from codegen.kernels.neurons.plan import Digit, Loads, Plane, Turn
from codegen.kernels.stage import Layer, Table

PARTS = ("neurons", "reset", "saturate")
"""Functions of a layer's neurons, each perhaps for four blocks as well."""


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
        """Blocks that vectors compute four at once, where their offsets reach all constants."""
        return self.blocks // 4 * 4 if self.constants <= isa.reach() else 0

    @property
    def in_place(self) -> bool:
        """True if four blocks need no planes beside those of v: u is lowered and as wide."""
        return self.lowered > 0 and self.u_width == self.v_width

    @property
    def loads(self) -> tuple[Loads | None, ...]:
        """What is loaded ahead of each plane of u; nothing where the leak reaches far."""
        ahead = neurons.loads(self.planes)
        return ahead if neurons.near(self.leak) else (None,) * len(ahead)

    @property
    def near(self) -> bool:
        """True if the planes that u is made of are held in registers."""
        return neurons.near(self.leak)

    def without_vectors(self) -> BitslicedLayer:
        """Return the same layer without the weights that only Helium reads."""
        return replace(self, dense=())

    @property
    def apart(self) -> str:
        """Template of the reset, where it is a function: all neurons have the same."""
        return "neurons/reset.c.j2" if self.reset == "subtract" and self.alike else ""

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The digits of the reset that reach a plane of v, in their turn."""
        return neurons.turns(self.reset_by[: self.v_width])

    @property
    def alike(self) -> bool:
        """True if all neurons are reset by the same constant."""
        return all(turn.digit.word is None for turn in self.turns)

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        i, own = self.index, super().functions
        names = tuple(f"{name}{i}{four}" for name in PARTS for four in ("", "_4"))
        own |= dict.fromkeys(names, self.part)
        if self.source.bits:
            names = (f"block_currents{i}", f"block_currents{i}_4", "list_digits")
            own |= dict.fromkeys(names, "currents")
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
        return held if self.source.bits else (f"layer{i}",)

    @property
    def list_lengths(self) -> int:
        """The digits of bytes are listed side by side: every combination of lengths is a state."""
        source = self.source
        if source.digits is None:
            return source.size + 1
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
