"""How a row of a map becomes rows of images: words, their shifts, and what no row fills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codegen.kernels.bytes.geometry import Geometry

STRAIGHT = 16
"""Words of the images of a row up to which they are written out, not made in loops."""

RUNS = 6
"""Borders that are filled one by one; where there are more, all words are filled first."""


@dataclass(frozen=True)
class Shift:
    """An image of a row: two neighbours among the words of every S-th value of the row.

    j: of the image; remainder: of the values, by S
    words: from word i of the image to the first of the two; bits: that the pair is shifted by
    """

    j: int
    remainder: int
    words: int
    bits: int


@dataclass(frozen=True)
class Borders:
    """Runs of words that are filled: `times` of `count` words, `apart` from one to the next."""

    first: int
    count: int
    times: int
    apart: int


@dataclass(frozen=True)
class Store:
    """A word of an image: of `low` and `high`, two words by their names; "" beyond the map."""

    at: int
    low: str
    high: str
    bits: int


@dataclass(frozen=True)
class Images:
    """How the images of a map are made; `negative`: its values are int8."""

    geometry: Geometry
    negative: bool = False

    @property
    def fill(self) -> int:
        """A word beyond the map: 0 in every field, or 128, which stands for it."""
        return 128 * self.geometry.ones if self.negative else 0

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """The images of a row."""
        g = self.geometry
        found = []
        for j in range(g.columns):
            apart, remainder = divmod(j - g.pad[1], g.spacing)
            words, field = divmod(apart, g.fields)
            found.append(Shift(j, remainder, words, field * g.bits))
        return tuple(found)

    @property
    def straight(self) -> bool:
        """True if the words of a row are written out: few of them, of whole words of the map."""
        g = self.geometry
        whole = g.grid.width % (g.spacing * (4 if g.bits == 8 else 1) if g.spacing == 2 else 4)
        fits = g.grid.channels == 1 and g.spacing <= 2 and whole == 0 and g.grid.width % 4 == 0
        return fits and g.row_words * g.columns <= STRAIGHT

    # -------------------------------------------------------------- in loops

    def values(self, remainder: int) -> int:
        """Return how many values of a row have a remainder by S."""
        g = self.geometry
        return len(range(remainder, g.grid.width, g.spacing))

    @property
    def guard(self) -> int:
        """Words in front of those of a row."""
        return max(0, -min(shift.words for shift in self.shifts))

    @property
    def length(self) -> int:
        """Words of a row, with what is beyond it on both sides."""
        g = self.geometry
        reach = max(shift.words + g.row_words + (shift.bits > 0) for shift in self.shifts)
        return self.guard + max(reach, -(-self.values(0) // g.fields))

    # ------------------------------------------------------------ written out

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Return (name, expression) of the words of a row; NAME of the prefix is `{m}`."""
        g = self.geometry
        found = [(f"word{n}", f"{{m}}_row_word(from + {4 * n}u)") for n in range(g.grid.width // 4)]
        needed = {name for store in self.stores for name in (store.low, store.high)}
        made = [
            (f"row{r}_{n}", self._part(r, n))
            for r in range(g.spacing)
            for n in range(self.values(r) // g.fields)
        ]
        return (*found, *((name, text) for name, text in made if name in needed))

    @property
    def halved(self) -> int:
        """Words of every other byte that a row is written out from."""
        g = self.geometry
        apart = self.straight and g.spacing == 2 and g.bits == 8
        return sum(name.startswith("row") for name, _ in self.parts) if apart else 0

    def _part(self, remainder: int, n: int) -> str:
        g = self.geometry
        if g.spacing == 1 and g.bits == 8:
            return f"word{n}"
        if g.spacing == 1:
            return f"{{m}}_two(word{n // 2}{' >> 16' if n % 2 else ''})"
        shift = " >> 8" if remainder else ""
        if g.bits == 8:
            return f"{{m}}_even(word{2 * n}{shift}, word{2 * n + 1}{shift})"
        return f"(word{n}{shift}) & 0x00ff00ffu" if shift else f"word{n} & 0x00ff00ffu"

    @property
    def stores(self) -> tuple[Store, ...]:
        """The words of the images of a row."""
        return tuple(self._stores())

    def _stores(self) -> Iterator[Store]:
        g = self.geometry
        for shift in self.shifts:
            whole = self.values(shift.remainder) // g.fields
            for i in range(g.row_words):
                pair = (shift.words + i, shift.words + i + 1)
                low, high = (f"row{shift.remainder}_{n}" if 0 <= n < whole else "" for n in pair)
                yield Store(self.at(shift.j, i), low, high, shift.bits)

    def at(self, j: int, i: int) -> int:
        """Return where word i of image j of a row lies, from word 0 of image 0."""
        g = self.geometry
        return g.word(0, j, 0, i) - g.word(0, 0, 0, 0)

    # ---------------------------------------------------------------- borders

    @property
    def borders(self) -> tuple[Borders, ...]:
        """What is filled; () where there is nothing, or too much to fill it one by one."""
        found: list[Borders] = []
        for first, count in self.geometry.borders:
            last = found[-1] if found else None
            if last and last.count == count and last.times == 1:
                found[-1] = Borders(last.first, count, 2, first - last.first)
            elif last and last.count == count and first == last.first + last.times * last.apart:
                found[-1] = Borders(last.first, count, last.times + 1, last.apart)
            else:
                found.append(Borders(first, count, 1, 0))
        return tuple(found) if len(found) <= RUNS else ()
