"""The cells of a piece of a table as arrays, read by DuckDB; the line of a cell that is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qat.data.tables.columns import Columns
from qat.data.tables.dialect import QUOTES, Dialect, Record, records
from qat.data.tables.numerals import is_missing, is_number
from qat.data.tables.wide import NO_LABEL, WIDEST, Found, cells_of, check_width

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LARGEST = 1e100
"""The largest value: what lies beyond has no square, and no sensor measures it."""

NONE = f"'{NO_LABEL}'"
"""The SQL of the label where there is none."""

MOST_MEMORY = "400MB"
"""That DuckDB may take for a piece."""


def connection(file: Path) -> DuckDBPyConnection:
    """Return DuckDB as a reader of one file: one thread, no network, nothing else of the disk."""
    import duckdb  # noqa: PLC0415  # 0.2 s that only a table needs

    settings: dict[str, str | int | float | list[str]]
    settings = {"threads": 1, "memory_limit": MOST_MEMORY, "temp_directory": ""}
    settings |= {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    found = duckdb.connect(":memory:", config=settings)
    quoted = str(file).replace("'", "''")
    found.execute(f"SET allowed_paths = ['{quoted}']")
    found.execute("SET enable_external_access = false")
    found.execute("SET lock_configuration = true")
    return found


@dataclass(frozen=True, eq=False)
class Cells:
    """What a piece of a table holds.

    x:     (lines, features) float64, or the least integers that hold the same
    label: (lines,) words
    by:    (lines,) words, or None
    """

    x: NDArray[Any]
    label: list[str]
    by: list[str] | None


@dataclass(frozen=True)
class Reader:
    """Reads pieces of a table, which it writes into a file for DuckDB.

    Raises ValueError, with line and column, for a line of other length, for a missing value, and
    for what is no number.
    """

    file: Path
    dialect: Dialect
    columns: Columns

    def read(self, base: DuckDBPyConnection, text: str, line: int) -> Cells:
        """Return the cells of a text whose first line has this number in the file."""
        found = (self._wide if self.dialect.width > WIDEST else self._fetched)(base, text, line)
        label = [word.strip() for word in found.label]
        by = None if found.by is None else [word.strip() for word in found.by]
        cells = Cells(found.x, label, by)
        self._check(text, line, cells, found.more)
        return replace(cells, x=least(found.x))

    def _wide(self, _: DuckDBPyConnection, text: str, line: int) -> Found:
        return cells_of(text, line, self.dialect, self.columns)

    def _fetched(self, base: DuckDBPyConnection, text: str, line: int) -> Found:
        """Return what DuckDB makes of a text."""
        import duckdb  # noqa: PLC0415  # 0.2 s that only a table needs

        self.file.write_bytes(text.encode())
        try:
            found = base.execute(self._query(), [str(self.file)]).fetchnumpy()
        except duckdb.Error as error:
            for record in records(text, self.dialect.separator, line):
                check_width(record, self.dialect)
            raise ValueError(f"is not a .csv file ({first_line(error)}){QUOTES}") from None
        x = np.empty((len(found["label"]), len(self.columns.features)))
        for i in range(x.shape[1]):
            x[:, i] = found[f"x{i}"]
        by = found["by"].tolist() if "by" in found else None
        return Found(x, found["label"].tolist(), by, found.get("more"))

    def _query(self) -> str:
        sign, width = self.dialect.separator, self.dialect.width + self.dialect.trailing
        kinds = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
        columns = [f"{_number(i, self.dialect.decimal)} AS x{k}"
                   for k, i in enumerate(self.columns.features)]  # fmt: skip
        label = self.columns.label
        word = NONE if label is None else f"coalesce(c{label}, '')"
        columns.append(f"{word} AS label")
        if self.columns.by is not None:
            columns.append(f"coalesce(c{self.columns.by}, '') AS by")
        if self.dialect.trailing:
            columns.append(f"coalesce(trim(c{width - 1}), '') <> '' AS more")
        return (
            f"SELECT {', '.join(columns)} FROM read_csv(?, auto_detect=false, header=false, "
            f"delim='{sign}', quote='\"', escape='\"', comment='', new_line='\\n', "
            f"columns={{{kinds}}})"
        )

    def _check(self, text: str, line: int, cells: Cells, more: NDArray[np.bool_] | None) -> None:
        """Raise ValueError for the first cell that is missing, or no number."""
        bad = ~(np.abs(cells.x) <= LARGEST)
        faults = [(int(row), self.columns.features[int(bad[row].argmax())])
                  for row in np.flatnonzero(bad.any(axis=1))[:1]]  # fmt: skip
        for words, column in (
            (cells.label, self.columns.label),
            (cells.by, self.columns.by),
        ):
            if words is not None and column is not None:
                missing = {word for word in set(words) if is_missing(word)}
                faults += [(min(map(words.index, missing)), column)] if missing else []
        if more is not None and more.any():
            faults.append((int(more.argmax()), self.dialect.width))
        if faults:
            row, column = min(faults)
            record = next(islice(records(text, self.dialect.separator, line), row, None))
            raise ValueError(self._fault(record, column))

    def _fault(self, record: Record, column: int) -> str:
        """Return what is wrong with a cell."""
        cell, where = record.cells[column], f"line {record.line}: "
        if column == self.dialect.width:
            return f"{where}has the cell {cell!r} behind the last column"
        if column in (self.columns.label, self.columns.by):
            what = "label" if column == self.columns.label else "name of a recording"
            name = self.columns.shown(column)
            return f"{where}a {what} is missing: {name} holds {cell!r}{_word(cell)}"
        name = self.columns.called(column)
        wrong = _wrong(cell, self.dialect, name)
        label = f"; --label {name} if it is the label" if self.columns.guessed else ""
        return f"{where}{self.columns.feature(column)} {wrong}{label}"


def _word(cell: str) -> str:
    return "; write another word if it is one" if cell.strip() else "; leave the line out"


def _wrong(cell: str, dialect: Dialect, name: str) -> str:
    """Return what is wrong with a cell that is to be a number."""
    if not cell.strip():
        return "is missing; fill it in, or leave the line out"
    if is_missing(cell):
        return f"is missing: {cell!r}; fill it in, or leave the line out"
    if is_number(cell, dialect.decimal):
        return f"is {cell.strip()}; values go to {LARGEST:g}, either way"
    other = "," if dialect.decimal == "." else "."
    if is_number(cell, other):
        signs = {".": "point", ",": "comma"}
        return (
            f"is {cell!r}, not a number where decimals are written with a "
            f"{signs[dialect.decimal]}; write all of them in the same way"
        )
    return f"is {cell!r}, not a number; --ignore {name} leaves the column out"


def _number(column: int, decimal: str) -> str:
    """Return the SQL of a column as numbers; NaN for what is none."""
    cell = f"c{column}"
    odd = f"contains({cell}, '_')"  # DuckDB reads 1_5 as 15
    if decimal == ",":
        odd, cell = f"{odd} OR contains({cell}, '.')", f"replace({cell}, ',', '.')"
    return (
        f"CASE WHEN {odd} THEN 'nan'::DOUBLE ELSE coalesce(try_cast({cell} AS DOUBLE), 'nan') END"
    )


def first_line(error: Exception) -> str:
    """Return the first line of what DuckDB says."""
    return next(iter(str(error).splitlines()), type(error).__name__)


INTEGERS = (np.uint8, np.int8, np.int16, np.int32)


def least(x: NDArray[np.float64]) -> NDArray[Any]:
    """Return whole numbers in the least integers that hold them, others as they are."""
    if not x.size or not (x == np.rint(x)).all():
        return x
    low, high = x.min(), x.max()
    for kind in INTEGERS:
        about = np.iinfo(kind)
        if about.min <= low and high <= about.max:
            return x.astype(kind)
    return x


def numbered(words: list[str], known: dict[str, int]) -> NDArray[np.int32]:
    """Return the number of every word; a new word gets the next one."""
    for word in dict.fromkeys(words):
        known.setdefault(word, len(known))
    return np.array([known[word] for word in words], np.int32)
