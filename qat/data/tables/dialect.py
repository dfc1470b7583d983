"""The form of a table in text: separator, decimal sign, comments, header, units.

All of it is found in the head of the file, by rules that are few and can be told; whoever knows
better says so. DuckDB's sniffer takes a numeric header for data and decimal commas for words, and
where a line is ragged another separator, so it is not asked.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from qat.data.reading import LABELS, SEPARATORS, Reading
from qat.data.tables.numerals import FRACTION, is_missing, is_number

COMMENTS = ("#", "//")
"""How a line begins that is no part of the table."""

SEP_LINE = re.compile(r'"?sep=(.)"?[ \t]*', re.IGNORECASE)
"""What a spreadsheet writes in front, to say what separates."""

QUOTES = '; a cell in quotes begins and ends with them, and "" stands for one within'
"""What to do about a record that cannot be taken apart."""

UNEVEN = 0.7
"""What a separator counts that divides the first line into another number of cells."""


class Record(NamedTuple):
    """The cells of a record, and the line of the file on which it begins, from 1."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Dialect:
    """The form of a table.

    separator, decimal: as `Reading` has them
    header:   the names of the columns as they stand there, or None
    first:    the line on which the first sample begins
    width:    cells of a line
    trailing: every line ends in a separator behind which nothing stands: a cell more
    notes:    what was found or guessed, a line each
    """

    separator: str
    decimal: str
    header: tuple[str, ...] | None
    first: int
    width: int
    trailing: bool
    notes: tuple[str, ...] = ()


# ------------------------------------------------------------------- comments


def is_comment(line: str) -> bool:
    """Return True for a line that is no part of the table."""
    return line.lstrip().startswith(COMMENTS)


def without_comments(text: str) -> tuple[str, list[int]]:
    """Return a text with an empty line in place of every comment, and which lines these were.

    Lines count from 0. A line of a quoted cell may look like a comment and is none.
    """
    if not any(mark in text for mark in COMMENTS):
        return text, []
    quoted, found, lines = False, [], text.split("\n")
    for i, line in enumerate(lines):
        if not quoted and is_comment(line):
            lines[i] = ""
            found.append(i)
        else:
            quoted ^= line.count('"') % 2 == 1
    return "\n".join(lines), found


# -------------------------------------------------------------------- records


def records(text: str, separator: str, line: int = 1) -> Iterator[Record]:
    """Yield the records of a text whose first line has a number; empty lines are none.

    Raises ValueError for a cell that is too long.
    """
    reader = csv.reader(
        io.StringIO(text, newline="\n"), delimiter=separator, skipinitialspace=True, strict=True
    )
    begins = line
    try:
        for cells in reader:
            if cells:
                yield Record(begins, cells)
            begins = line + reader.line_num
    except csv.Error as error:
        raise ValueError(f"line {begins}: is not a .csv file ({error}){QUOTES}") from None


def find(head: str, how: Reading) -> Dialect:
    """Return the form of the table that begins with `head`, as far as `how` leaves it open.

    Raises ValueError where there is no table.
    """
    text, comments = without_comments(head)
    text, told = _sep_line(text)
    wanted = how.separator or told
    forms = [_Form.of(text, sign, how.decimal) for sign in ([wanted] if wanted else SEPARATORS)]
    best = max(forms, key=lambda form: form.score)
    if len(best.rows) < 3:
        list(records(text, best.separator))  # raises what cut them short
    if not best.rows:
        raise ValueError("holds nothing but comments" if comments else "is empty")
    if best.width < 2 and how.labelled:
        signs = " ".join(SEPARATORS.values()) if not wanted else SEPARATORS[wanted]
        raise ValueError(
            f"line {best.rows[0].line}: has no separator ({signs}): {best.rows[0].cells[0]!r}; "
            "needs at least a feature and a label"
        )
    before = [i for i in comments if i + 1 < best.rows[0].line]
    remark = head.split("\n")[before[-1]] if before else None
    return _described(best, remark, told is not None)


def _sep_line(text: str) -> tuple[str, str | None]:
    """Return a text without the line that says what separates, and that."""
    start = len(text) - len(text.lstrip("\n"))
    line, end, rest = text[start:].partition("\n")
    found = SEP_LINE.fullmatch(line)
    if found is None:
        return text, None
    if found[1] not in SEPARATORS:
        raise ValueError(
            f"line {text.count(chr(10), 0, start) + 1}: says {line!r}; known separators are "
            f"{', '.join(SEPARATORS.values())}"
        )
    return text[:start] + end + rest, found[1]


@dataclass(frozen=True)
class _Form:
    """What a text looks like with a certain separator.

    width: cells of most records; share: the part of the records that has them, less if the first
    has not; numeric: the part of their cells that are numbers
    """

    separator: str
    decimal: str
    rows: list[Record]
    width: int
    share: float
    numeric: float

    @classmethod
    def of(cls, text: str, separator: str, decimal: str | None) -> _Form:
        """Return what the text looks like."""
        rows: list[Record] = []
        with suppress(ValueError):  # its reader will name the line, if this is the separator
            rows.extend(records(text, separator))
        if not rows:
            return cls(separator, decimal or ".", [], 0, 0.0, 0.0)
        width, count = Counter(len(row.cells) for row in rows).most_common(1)[0]
        cells = [cell for row in rows if len(row.cells) == width for cell in row.cells]
        sign = decimal or _decimal(cells, separator)
        signs = "." if separator == "," else ".,"
        numeric = sum(any(is_number(cell, known) for known in signs) for cell in cells) / len(cells)
        even = count / len(rows) * (1.0 if len(rows[0].cells) == width else UNEVEN)
        return cls(separator, sign, rows, width, even, numeric)

    @property
    def score(self) -> float:
        """How well that fits: even widths and many numbers."""
        return self.share * (0.1 + self.numeric) if self.width > 1 else -1.0 + bool(self.rows) / 2


def _decimal(cells: Sequence[str], separator: str) -> str:
    """Return the decimal sign of most fractions."""
    if separator == ",":
        return "."
    commas, points = (
        sum(FRACTION[sign].fullmatch(cell) is not None for cell in cells) for sign in (",", ".")
    )
    return "," if commas > points else "."


# --------------------------------------------------------------------- header


def _described(form: _Form, remark: str | None, told: bool) -> Dialect:
    """Return the dialect of a form; remark: the comment before its first record."""
    notes = [
        f"separator: {SEPARATORS[form.separator]}" + (", as its first line says" if told else "")
    ]
    if form.decimal == ",":
        notes.append("decimal sign: comma")
    rows, width, trailing = _trimmed(form)
    if trailing:
        notes.append("the separator at the end of every line is left out")
    header, units = _header(rows, form.decimal, notes)
    if header is None and remark is not None:
        header = _from_comment(remark, form.separator, width, notes)
        below = rows
    else:
        below = rows[(header is not None) + units :]
    if not below:
        raise ValueError("holds a header and no samples")
    names = None if header is None else tuple(name.strip() for name in header)
    return Dialect(
        form.separator, form.decimal, names, below[0].line, width, trailing, tuple(notes)
    )


def _trimmed(form: _Form) -> tuple[list[Record], int, bool]:
    """Return the records and their width without a last cell that is empty in all of them."""
    width, (first, *rest) = form.width, form.rows
    body = [row for row in rest if len(row.cells) == width]
    trailing = width > 2 and bool(body) and not any(row.cells[-1].strip() for row in body)
    cells = first.cells
    if trailing and len(cells) == width and cells[-1].strip():
        trailing = False  # the last column has a name: its values are missing
    width -= trailing
    if len(cells) == width + 1 and not cells[-1].strip():
        first = Record(first.line, cells[:width])
    if len(first.cells) != width:
        raise ValueError(
            f"line {first.line} has {len(first.cells)} cells, most lines have {width}; every line "
            "needs as many; put # before a line that is no part of the table"
        )
    cut = [Record(row.line, row.cells[:width]) for row in rest]
    return [first, *cut], width, trailing


def _columns(rows: Sequence[Record], width: int) -> list[list[str]]:
    """Return the cells of records column by column; those of other widths are left out."""
    return [
        list(column)
        for column in zip(*(r.cells for r in rows if len(r.cells) == width), strict=True)
    ]


def _numeric(columns: Sequence[Sequence[str]], decimal: str) -> list[int]:
    """Return the columns of numbers, if of the other decimal sign: hardly anything else there."""
    found = []
    for i, column in enumerate(columns):
        known = [cell for cell in column if not is_missing(cell)]
        signs = (decimal, "," if decimal == "." else ".")
        most = max(sum(is_number(cell, sign) for cell in known) for sign in signs)
        if known and most >= 0.8 * len(known):
            found.append(i)
    return found


def _header(
    rows: Sequence[Record], decimal: str, notes: list[str]
) -> tuple[list[str] | None, bool]:
    """Return the header, if the first record is one, and whether a line of units follows."""
    first, *rest = rows
    columns = _columns(rest[1:] or rest, len(first.cells))
    numeric = _numeric(columns, decimal)
    if not columns:
        numbers = sum(is_number(cell, decimal) for cell in first.cells)
        return (None if numbers else first.cells), False
    words = [i for i in numeric if not _is_value(first.cells[i], decimal)]
    why = "" if words else _counts(first.cells, _columns(rest, len(first.cells)), numeric)
    if not words and not why:
        return None, False
    notes.append(f"header: line {first.line}{why}")
    units = len(rest) > 1 and _are_units(rest[0].cells, columns, numeric, decimal)
    if units:
        shown = ", ".join(cell.strip() for cell in rest[0].cells)
        notes.append(f"line {rest[0].line} is taken for units, not for a sample: {shown}")
    return first.cells, units


def _is_value(cell: str, decimal: str) -> bool:
    return is_missing(cell) or is_number(cell, decimal)


def _counts(cells: Sequence[str], columns: Sequence[Sequence[str]], numeric: Sequence[int]) -> str:
    """Return why a first record of numbers is a header all the same, "" if it is a sample."""
    others = [i for i in range(len(cells)) if i not in numeric]
    new = [i for i in others if cells[i].strip() and cells[i] not in columns[i]]
    if any(cells[i].strip().lower() in LABELS for i in new):
        return " (it names a label, and no sample has that)"
    counted = len(numeric) + len(others) > 2 and any(
        all(cells[i].strip() in (str(i + start), "") for i in numeric) for start in (-1, 0, 1)
    )
    if counted and new == others and any(cells[i].strip() for i in numeric):
        return " (its numbers count the columns; if it is a sample, put a line of names before it)"
    return ""


def _are_units(
    cells: Sequence[str], columns: Sequence[Sequence[str]], numeric: Sequence[int], decimal: str
) -> bool:
    """Return True for words where numbers stand below, and no word that a sample has elsewhere."""
    if len(cells) != len(columns):
        return False
    words = [i for i in numeric if not is_missing(cells[i])]
    others = [i for i in range(len(cells)) if i not in numeric and cells[i].strip()]
    return (
        bool(words)
        and not any(is_number(cells[i], decimal) for i in numeric)
        and not any(cells[i] in columns[i] for i in others)
    )


def _from_comment(remark: str, separator: str, width: int, notes: list[str]) -> list[str] | None:
    """Return the names that a comment before a table without header holds, or None."""
    text = remark.strip().lstrip("#/").strip()
    cells = next(iter(records(text, separator)), Record(1, [])).cells
    if len(cells) != width or any(is_number(cell) for cell in cells):
        return None
    notes.append(f"header: the comment before the first sample: {text}")
    return cells
