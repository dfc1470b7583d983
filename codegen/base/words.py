"""Words from outside in generated C: names of classes, as string literals and in comments.

They come from a file that anyone may have written. What is printed is ASCII, of bounded length,
and can neither end the literal or the comment nor begin anything else there.
"""

from __future__ import annotations

import re

from qat.model import Model

LONGEST = 48
"""Bytes of a word in UTF-8; a longer one is cut."""

MOST_CLASSES = 256
"""Classes up to which a header has their names."""

CUT = "..."

PLAIN = re.compile(r"[A-Za-z0-9 _.,:;=<>()+\-/!#&'*@\[\]^{|}~$%]")
"""Characters that mean themselves in a string literal; no `?`, which may begin a trigraph."""


def shortened(word: str) -> bytes:
    """Return a word in UTF-8, cut between two characters where it is too long."""
    data = word.encode("utf-8", "replace")
    if len(data) <= LONGEST:
        return data
    return data[: LONGEST - len(CUT)].decode("utf-8", "ignore").encode() + CUT.encode()


def c_string(word: str) -> str:
    """Return a C string literal with the bytes of the word in UTF-8, cut to 48 of them.

    Other bytes than plain ASCII are written as three octal digits, which nothing can prolong.
    """
    letters = (chr(byte) if PLAIN.match(chr(byte)) else f"\\{byte:03o}" for byte in shortened(word))
    return f'"{"".join(letters)}"'


def c_comment(word: str) -> str:
    """Return the word as it may stand in a C comment: ASCII, on one line, not ending it."""
    text = shortened(word).decode("utf-8", "replace")
    plain = text.encode("ascii", "backslashreplace").decode()
    shown = "".join(letter if letter.isprintable() else "_" for letter in plain)
    if "/" in shown:
        shown = shown.replace("*", "_")
    return re.sub(r"\?{2,}", "?", shown).rstrip("\\ ")


def class_names(model: Model) -> tuple[str, ...]:
    """Return the names of a model's classes, as far as its C has them: () if there are none."""
    names = model.class_names if model.readout is not None else ()
    return names if len(names) <= MOST_CLASSES else ()
