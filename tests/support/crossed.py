"""Pairs of models and boards: some in the ordinary run, all of them in the proof."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def crossed(rows: Iterable[str], columns: Iterable[str], each: int = 2) -> list[Any]:
    """Return every pair of a row and a column, for parametrize.

    The ordinary run takes `each` columns of a row, other ones for the next row, so that it sees
    all rows and, where there are enough of them, all columns; -m proof takes the other pairs.
    """
    names = tuple(columns)
    pairs = []
    for turn, row in enumerate(rows):
        ours = {names[(each * turn + step) % len(names)] for step in range(each)}
        pairs += [
            pytest.param(row, name, marks=() if name in ours else pytest.mark.proof)
            for name in names
        ]
    return pairs
