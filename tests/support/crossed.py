"""Pairs of models and boards: some in the ordinary run, all of them in the proof."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pytest

ALIKE = ("qemu-m7", "qemu-m33")
"""Boards of the instruction set of qemu-m4: the same C becomes the same loops there."""


def crossed(
    rows: Iterable[Any],
    columns: Iterable[str],
    each: int | None = None,
    apart: Collection[str] = (),
) -> list[Any]:
    """Return every pair of a row and a column, for parametrize.

    The ordinary run takes `each` columns of a row, other ones for the next row; where no number is
    given, as few as it needs to see all columns but those `apart`. -m proof takes the other pairs.
    """
    names, ranks = tuple(columns), tuple(rows)
    seen = [name for name in names if name not in apart]
    each = each or -(-len(seen) // len(ranks))
    pairs = []
    for turn, row in enumerate(ranks):
        ours = {seen[(each * turn + step) % len(seen)] for step in range(each)}
        pairs += [
            pytest.param(row, name, marks=() if name in ours else pytest.mark.proof)
            for name in names
        ]
    return pairs


def some(names: Iterable[Any], ours: Collection[Any]) -> list[Any]:
    """Return all names, for parametrize: ours in the ordinary run, the others in -m proof."""
    return [pytest.param(name, marks=() if name in ours else pytest.mark.proof) for name in names]


def covering(parts: Mapping[str, Mapping[str, set[str]]]) -> list[Any]:
    """Return every pair of a row and a column, for parametrize.

    parts: {column: what each row is made of there}

    In the ordinary run every column meets every part that there is, in as few rows as a greedy
    choice needs, and every row at least one column; -m proof takes the other pairs.
    """
    names, ours, met = tuple(parts), set[tuple[str, str]](), set[str]()
    rows = tuple(parts[names[0]])
    for column, made in parts.items():
        missing = set[str]().union(*made.values())
        while missing:  # rows that no column has met come first among equals
            row = max(made, key=lambda row: (len(made[row] & missing), row not in met))
            missing -= made[row]
            met.add(row)
            ours.add((row, column))
    rest = (row for row in rows if row not in met)
    ours |= {(row, names[turn % len(names)]) for turn, row in enumerate(rest)}
    return [
        pytest.param(row, name, marks=() if (row, name) in ours else pytest.mark.proof)
        for row in rows
        for name in names
    ]
