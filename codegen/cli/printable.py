"""Text of files, boards and users, so that a terminal shows it and does not obey it."""

from __future__ import annotations


def printable(text: str, kept: str = "") -> str:
    """Return a text with the escapes of Python in place of what is not printed.

    These are control codes, also those that change the direction of writing, and bytes of a file
    name that are no text. kept: characters that stay, such as the end of a line
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else ascii(c)[1:-1] for c in text)
