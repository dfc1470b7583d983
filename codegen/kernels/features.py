"""What a part of a call does, in numbers: the base of every kernel's cost features.

A kernel's cost.py has a frozen dataclass for each kind of part. A field is a feature: a count of
something that the code does, such as words listed, or active inputs times blocks. A field may be
a record of features itself, for what is done in two ways. By the names of the fields, joined by a
dot, stand the coefficients in costs.json.
"""

from __future__ import annotations

from collections.abc import ItemsView
from dataclasses import dataclass, field, fields
from typing import Any, Self

EXPECTED = "expected"
"""The key of a field's metadata: instructions that a feature should take; absent: unknown."""


@dataclass(frozen=True, kw_only=True)
class Features:
    """Numbers of what a part does; they can be scaled, added and told by name."""

    def scaled(self, factor: float) -> Self:
        """Return the features of what happens `factor` times."""
        return type(self)(**{name: _times(value, factor) for name, value in self._items()})

    def __add__(self, other: Self) -> Self:
        """Return the features of both."""
        assert type(self) is type(other)
        theirs = dict(other._items())
        return type(self)(**{name: value + theirs[name] for name, value in self._items()})

    def numbers(self) -> dict[str, float]:
        """Return the features by name; those that are 0 left out."""
        found: dict[str, float] = {}
        for name, value in self._items():
            if isinstance(value, Features):
                found |= {f"{name}.{one}": n for one, n in value.numbers().items()}
            elif value:
                found[name] = float(value)
        return found

    @classmethod
    def names(cls) -> dict[str, float]:
        """Return the names of all features, each with its expected instructions; 0: unknown."""
        found: dict[str, float] = {}
        for one in fields(cls):
            if isinstance(one.default, Features):
                found |= {f"{one.name}.{name}": n for name, n in one.default.names().items()}
            else:
                found[one.name] = one.metadata.get(EXPECTED, 0.0)
        return found

    def _items(self) -> ItemsView[str, Any]:
        return vars(self).items()


def _times(value: Any, factor: float) -> Any:
    return value.scaled(factor) if isinstance(value, Features) else value * factor


def expected(instructions: float) -> Any:
    """Return a field whose feature should take so many instructions, as the C tells."""
    return field(default=0.0, metadata={EXPECTED: instructions})


@dataclass(frozen=True, kw_only=True)
class Listed(Features):
    """Active inputs listed: words looked through, inputs found.

    On Helium by a table as well; far: in lists whose entries are words, by portable C.
    """

    words: float = 0.0
    inputs: float = 0.0
    words_by_table: float = 0.0
    inputs_by_table: float = 0.0
    words_far: float = expected(8)
    inputs_far: float = expected(8)


@dataclass(frozen=True, kw_only=True)
class Adder(Features):
    """Weights of listed inputs added to blocks of neurons.

    calls:   calls with an input at least
    active:  inputs
    height:  planes of the sum, each call
    carries: binary logarithm of the batches of inputs, each call
    """

    calls: float = 0.0
    active: float = 0.0
    height: float = 0.0
    carries: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Added(Features):
    """The same, by the adder for long lists or by the one for short lists.

    far: by portable C, of lists whose entries are words
    """

    long: Adder = Adder()
    short: Adder = Adder()
    far: Adder = Adder()


@dataclass(frozen=True, kw_only=True)
class Codes(Features):
    """Codes added to totals; those of columns of a power of two.

    rest: codes that are left of columns, which loops take by pairs, or by bytes
    """

    codes: float = expected(5)
    power_of_two: float = 0.0
    rest: float = expected(9)


@dataclass(frozen=True, kw_only=True)
class Few(Features):
    """Columns of so few codes that the loop over them is written out; those of 4 bits apart."""

    one: float = expected(9)
    two: float = expected(13)
    one4: float = expected(10)
    two4: float = expected(15)
    three4: float = expected(25)


@dataclass(frozen=True, kw_only=True)
class FewOfTwoBits(Features):
    """The same of 2 bits."""

    one: float = expected(10)
    two: float = expected(15)
    three: float = expected(25)


@dataclass(frozen=True, kw_only=True)
class Columns(Features):
    """Columns of codes added to totals, which are cleared first.

    few:                        columns over which the loop is written out
    columns:                    all others
    codes4, codes8, codes16:    codes of these, by bits
    cleared:                    totals
    cleared_some, cleared_many: times the totals are cleared in a loop, by cores
    """

    few: Few = Few()
    columns: float = expected(9)
    codes4: Codes = Codes()
    codes8: Codes = Codes()
    codes16: Codes = Codes()
    cleared: float = expected(1)
    cleared_some: float = 0.0
    cleared_many: float = 0.0


@dataclass(frozen=True, kw_only=True)
class AllColumns(Columns):
    """Columns of any bits."""

    few2: FewOfTwoBits = FewOfTwoBits()
    codes2: Codes = Codes()


@dataclass(frozen=True, kw_only=True)
class Products(Features):
    """Codes that are multiplied by counts, by their bits: without a product a core needs less."""

    codes2: float = 0.0
    codes4: float = 0.0
    codes8: float = 0.0
    codes16: float = 0.0
