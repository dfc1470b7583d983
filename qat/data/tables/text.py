"""The text of a file in pieces that end with a line: encoding, ends of lines, line numbers."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qat.machine.bounded import open_regular

PIECE = 2**23
"""Bytes that are read at a time."""

FIRST = 2**18
"""Bytes that are read first, at least."""

HEAD = 2**16
"""Characters from which the form of a file is found."""

LONGEST_RECORD = 2**26
"""Characters without an end of a record: beyond, a quote was opened and never closed."""

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte order marks."""

UNKNOWN_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

EUROPEAN = range(0x80, 0xA0)
"""Bytes that are letters and signs in cp1252, and control codes in Latin-1."""


def size_of(path: Path) -> int:
    """Return the size of a regular file in bytes; ValueError for another one or an empty one."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
    if not size:
        raise ValueError("is empty")
    return size


# ------------------------------------------------------------------- encoding


def encoding_of(path: Path) -> tuple[str, bool]:
    """Return the encoding of a file, and True if it is certain rather than a guess.

    A byte order mark tells; else zero bytes in every other place are UTF-16, what is valid UTF-8
    is UTF-8, and the rest Latin-1, or cp1252 if it has bytes that have no meaning there.
    Raises ValueError for what is no text.
    """
    with open_regular(path) as file:
        start = file.read(HEAD)
    if start.startswith(UNKNOWN_MARKS):
        raise ValueError("is UTF-32 text; save it as UTF-8")
    for mark, name in MARKS.items():
        if start.startswith(mark):
            return name, True
    if b"\0" in start:
        return _wide(start), False
    if (bytes_of := _not_utf8(path)) is None:
        return "utf-8", True
    return ("cp1252" if bytes_of & set(EUROPEAN) else "latin-1"), False


def _wide(start: bytes) -> str:
    """Return which UTF-16 text without a mark is: its letters have a zero byte each."""
    odd, even = start[1::2].count(0), start[::2].count(0)
    for name, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > 0.7 * (len(start) // 2) and others < 0.05 * len(start):
            return name
    raise ValueError("is not text: it holds zero bytes; give a .csv file, or save it as UTF-8")


def _not_utf8(path: Path) -> set[int] | None:
    """Return which bytes from 128 on a file holds, or None if all of it is UTF-8."""
    decoder, valid, high = codecs.getincrementaldecoder("utf-8")(), True, set[int]()
    with open_regular(path) as file:
        while piece := file.read(PIECE):
            high |= {byte for byte in EUROPEAN if byte in piece}
            try:
                decoder.decode(piece) if valid else None
            except UnicodeDecodeError:
                valid = False
    try:
        decoder.decode(b"", final=True) if valid else None
    except UnicodeDecodeError:
        valid = False
    return None if valid else high


# --------------------------------------------------------------------- pieces


@dataclass(frozen=True)
class Piece:
    """A piece of a text.

    text: whole records, each of its lines ended by a line feed alone
    line: the number of its first line, from 1
    read: bytes of the file that were read when it was made
    """

    text: str
    line: int
    read: int


def lines_to(text: str) -> int:
    """Return how many lines end in a text; CR LF, CR and LF each end one."""
    return text.count("\n")


def pieces(path: Path, encoding: str) -> Iterator[Piece]:
    """Yield the text of a file piece by piece, each of whole lines and whole quoted cells.

    Raises ValueError, with the line, for bytes that are no such text.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    kept, line, read, first = "", 1, 0, True
    with open_regular(path) as file:
        while True:
            wanted = max(PIECE, FIRST) if first else PIECE
            content = file.read(wanted)
            more = len(content) == wanted  # of a regular file
            read += len(content)
            text = _decoded(decoder, content, kept, line, more)
            kept = _plain_lines(kept + (text.lstrip("\ufeff") if first else text), more)
            first, cut = first and not text, len(kept)
            if more:
                cut = _last_end(kept)
                if not cut and len(kept) > LONGEST_RECORD:
                    raise ValueError(f"line {line}: has no end; a quote was opened and not closed")
            if cut:
                yield Piece(kept[:cut], line, read)
                line += lines_to(kept[:cut])
                kept = kept[cut:]
            if not more:
                return


def _decoded(
    decoder: codecs.IncrementalDecoder, content: bytes, kept: str, line: int, more: bool
) -> str:
    try:
        text = decoder.decode(content, final=not more)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(error.encoding, "replace")
        line += lines_to(_plain_lines(kept + before, more=False))
        raise ValueError(
            f"line {line}: is not {error.encoding} text; save the file as UTF-8"
        ) from None
    if "\0" in text:
        line += lines_to(_plain_lines(kept + text[: text.index("\0")], more=False))
        raise ValueError(f"line {line}: holds a zero byte; the file is damaged or no text")
    return text


def _plain_lines(text: str, more: bool) -> str:
    """Return a text with a line feed behind every line; a last CR waits for what follows."""
    held = "\r" if more and text.endswith("\r") else ""
    text = text[: len(text) - len(held)]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text + held


def _last_end(text: str) -> int:
    """Return where the last whole record ends; 0 if none does."""
    cut = text.rfind("\n") + 1
    odd = text.count('"', 0, cut) % 2
    while cut and odd:
        earlier = text.rfind("\n", 0, cut - 1) + 1
        odd ^= text.count('"', earlier, cut) % 2
        cut = earlier
    return cut
