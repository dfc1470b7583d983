"""Suggestions for a word that is not known: the known word that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST = 2
"""Words that a hint names."""


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words that look like `word`, or that it is a part of.

    The most alike come first; capitals are ignored, and a single letter is a part of no word.
    """
    plain, own = {name.casefold(): name for name in known}, word.casefold()
    found = difflib.get_close_matches(own, plain, n=MOST, cutoff=0.6)
    if len(own) > 1:
        found += [name for name in plain if own in name and name not in found]
    return [plain[name] for name in found[:MOST]]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean A or B?" for the end of a line, empty where no known word is near."""
    near = nearest(word, known)
    return f"; did you mean {' or '.join(near)}?" if near else ""
