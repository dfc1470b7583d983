"""The record of a first layer on bytes with leaky neurons: the numbers of its template."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.bytes.layer import BytesLayer


@dataclass(frozen=True, kw_only=True)
class Term:
    """A term of the leak: fields shifted down by so many bits, what is left of each, its sign."""

    shift: int
    mask: int
    adds: bool


@dataclass(frozen=True, kw_only=True)
class Own:
    """A constant of a channel: C text where all share it, else the name of a table."""

    text: str
    table: str

    def of(self, m: str, channel: str) -> str:
        """Return C text of it, as a word with that number in every field but for the factor."""
        return f"{m}_{self.table}[{channel}]" if self.table else self.text


@dataclass(frozen=True, eq=False, kw_only=True)
class LeakyBytesLayer(BytesLayer):
    """A convolution on a map of bytes, and leaky neurons.

    terms:  of the leak
    back:   what makes a membrane of a field that is compared: the threshold, less half its range
    spent:  what a spike takes, or in place of the membrane leaves
    rest:   what is added to a sum that was shifted; None where sums are not
    """

    terms: tuple[Term, ...]
    back: Own
    spent: Own
    rest: Own | None

    @property
    def corners_apart(self) -> bool:
        """True: each of the four corners under a pool has a membrane."""
        return True

    @property
    def keeps_input(self) -> bool:
        """False: its currents are kept."""
        return False

    @property
    def channel_sums(self) -> int:
        """Words of a channel's currents, and of its membranes."""
        return self.geometry.sums

    @property
    def part_sums(self) -> int:
        """Words of these in a run of blocks."""
        return self.geometry.sums // self.geometry.parts

    @property
    def half(self) -> int:
        """Half the range of a field."""
        return int(2 ** (self.geometry.bits - 1))

    @property
    def membrane_text(self) -> str:
        """Name of the function that tells a membrane, without the model's prefix."""
        return f"membrane{self.index}"
