"""A number in planes that leaks and takes a current: x - leak(x) + I, for membranes and currents.

All arithmetic is modulo 2**planes in two's complement, so only the result needs to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from codegen.kernels.neurons.plan import Loads, Picked, Plane, loads, near

EXTENDED = 2
"""Planes of a mere sign from which on it pays to add them in a way of their own."""


@dataclass(frozen=True)
class Given:
    """What is handed on: by the synapse to the membrane, say.

    width:  planes of the current, for bytes of the cached one
    cached: the current is that of a byte input, without fraction bits of its own here
    folded: the bias is in it, as far as its whole bits go
    """

    width: int
    cached: bool
    folded: bool


@dataclass(frozen=True)
class Own:
    """A bias that each neuron has for itself: the word of the constants where it starts, planes."""

    word: int
    width: int


@dataclass(frozen=True)
class Pick:
    """A term of the leak that is another one for neurons of another class, or that some lack.

    negative: it adds
    choices:  (shift, word of the constants with the neurons that have it)
    """

    negative: bool
    choices: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Integration:
    """What is added, plane by plane.

    leak:     the terms of x's leak, those that all neurons have
    picks:    the others
    kept:     planes of x; width: planes of the result
    given:    the current; fraction: its fraction bits
    own:      a bias of each neuron; None without
    extends:  planes where only the sign is left of what is added take less
    low_bits: a common bias, whose bits below the current are added plane by plane; else 0
    """

    leak: tuple[int, ...]
    kept: int
    width: int
    given: Given
    fraction: int = 0
    own: Own | None = None
    low_bits: int = 0
    extends: bool = False
    picks: tuple[Pick, ...] = ()

    @cached_property
    def halved(self) -> bool:
        """True if x - (x >> 1) is (x >> 1) + (x & 1): no term, but a carry to begin with.

        The sum with the current takes that carry, so there must be one.
        """
        return 1 in self.leak and self._flows

    @cached_property
    def _flows(self) -> bool:
        """True if some plane has a bit of the current, or of a common bias below it."""
        return self.width > self.fraction or any(self.low_bits >> b & 1 for b in range(self.width))

    @cached_property
    def terms(self) -> tuple[int, ...]:
        """The terms of the leak that are added or subtracted."""
        terms = list(self.leak)
        if self.halved:
            terms.remove(1)
        return tuple(terms)

    @cached_property
    def planes(self) -> tuple[Plane, ...]:
        """The planes of the result, each with what is added to x there."""
        top, current_top, own = self.kept - 1, self.given.width - 1, self.own
        return tuple(
            Plane(
                index=b,
                v=min(b + self.halved, top),
                leak=self._leak(b),
                current=min(b - self.fraction, current_top) if b >= self.fraction else None,
                bias=None if own is None else own.word + min(b, own.width - 1),
                one=b < self.fraction and bool(self.low_bits >> b & 1),
                flows="extend" if b >= self._from(self.fraction + self.given.width) else "add",
                turned=self._turned(b),
                picked=tuple(self._picked(pick, b) for pick in self.picks),
            )
            for b in range(self.width)
        )

    def _from(self, planes: int) -> int:
        """Return from which plane on a number of so many planes has only its sign, if that pays."""
        signs = self.width - max(planes, 0)
        return max(planes, 0) if self.extends and signs >= EXTENDED else self.width

    def _leak(self, plane: int) -> tuple[tuple[str, int], ...]:
        """Return what a plane loses or gains: (operation, plane of x) for every term."""
        words = {False: ("subtract", "add"), True: ("reduce", "extend")}
        return tuple(
            (words[plane >= self._from(self.kept - abs(k))][k < 0],
             min(plane + abs(k), self.kept - 1))
            for k in self.terms
        )  # fmt: skip

    def _picked(self, pick: Pick, plane: int) -> Picked:
        """Return what a plane loses or gains by a term that not all neurons have."""
        return Picked(
            "add" if pick.negative else "subtract",
            tuple((min(plane + shift, self.kept - 1), word) for shift, word in pick.choices),
        )

    def _turned(self, plane: int) -> tuple[tuple[str, str, int], ...]:
        """Return the carries of numbers of which from this plane on only the sign is left."""
        given = self.given.width
        found = [
            (f"leak{term}", "v", self.kept - 1)
            for term, k in enumerate(self.terms)
            if plane == self._from(self.kept - abs(k))
        ]
        if plane == self._from(self.fraction + given):
            found.append(("inflow", "current", given - 1))
        return tuple(found)

    def signs(self, plane: int) -> tuple[tuple[str, int], ...]:
        """Return the numbers of which from this plane on only the sign is left: (name, its plane).

        A number is named once, by "v" or "current", whatever many terms take it.
        """
        ours = {name: place for _, name, place in self.planes[plane].turned}
        before = {name for p in self.planes[:plane] for _, name, _ in p.turned}
        return tuple((name, place) for name, place in ours.items() if name not in before)

    def sign_held(self, name: str, plane: int, source: int) -> bool:
        """Return True if plane `source` of a number is a sign that was loaded up to this plane.

        name: "current", or anything else for the number that leaks
        """
        which = "current" if name == "current" else "v"
        return any(
            which == own and source == place
            for p in self.planes[: plane + 1]
            for _, own, place in p.turned
        )

    @cached_property
    def chains(self) -> tuple[str, ...]:
        """The names of the carries that ripple through the planes."""
        names = [f"leak{term}" for term in range(len(self.terms) + len(self.picks))]
        if self._flows:
            names.append("inflow")
        if self.own is not None:
            names.append("bias")
        return tuple(names)

    @property
    def operations(self) -> frozenset[str]:
        """Functions that add and subtract planes, as far as it calls them."""
        used = {operation for p in self.planes for operation, _ in p.leak}
        used |= {"add" if pick.negative else "subtract" for pick in self.picks}
        if {"inflow", "bias"} & set(self.chains):
            used.add("add")
        if "inflow" in self.chains:
            used |= {p.flows for p in self.planes}
        return frozenset(used)

    @property
    def loads(self) -> tuple[Loads | None, ...]:
        """What is loaded ahead of each plane; nothing where the leak reaches far, or is picked."""
        return (None,) * len(self.planes) if self.picks else ahead(self.planes, self.terms)

    @property
    def near(self) -> bool:
        """True if the planes that are added are held in registers."""
        return near(self.terms) and not self.picks


def ahead(planes: Sequence[Plane], terms: Sequence[int]) -> tuple[Loads | None, ...]:
    """Return what is loaded ahead of each plane; nothing where the leak reaches far."""
    found = loads(planes)
    return found if near(terms) else (None,) * len(found)
