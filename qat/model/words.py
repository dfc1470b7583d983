"""What was meant by a word that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST = 2
"""Words that a hint names."""


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words that look like `word`, the most alike first, capitals ignored."""
    plain = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), plain, n=MOST, cutoff=0.6)
    return [plain[name] for name in found]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean A or B?" for the end of a line, empty where no known word is near."""
    near = nearest(word, known)
    return f"; did you mean {' or '.join(near)}?" if near else ""
