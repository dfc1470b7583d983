"""A .parquet file as a table, read by DuckDB."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qat.data.reading import Progress, Reading
from qat.data.tables.cells import LARGEST, NONE, connection, first_line, least, numbered
from qat.data.tables.columns import Columns, settle
from qat.data.tables.numerals import is_missing
from qat.data.tables.table import Table, assembled
from qat.data.tables.text import size_of
from qat.machine.memory import require

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BYTES_PER_CELL = 40
"""Memory that a cell takes while a file is read."""

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL",
           "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "BOOLEAN")  # fmt: skip
"""Types that a feature may have."""

ROWS = 2**18
"""Rows that are read at a time."""


def parquet_table(path: Path, how: Reading, progress: Progress | None = None) -> Table:
    """Return what a .parquet file holds; its columns have names, and numbers are numbers.

    Raises ValueError, in one line, for columns of other types and for missing values, with their
    row from 1.
    """
    import duckdb  # noqa: PLC0415  # 0.2 s that only a table needs

    size_of(path)
    with tempfile.TemporaryDirectory(prefix="spikemcu-") as folder:
        file = Path(folder) / "table.parquet"
        file.symlink_to(path.resolve())  # a name in which nothing stands for other names
        with connection(file) as base:
            try:
                return _table(base, _Source(str(file), path.name, progress), how)
            except duckdb.Error as error:
                line = first_line(error).replace(str(file), path.name)
                raise ValueError(f"is not a .parquet file ({line})") from None


@dataclass(frozen=True)
class _Source:
    """A file, how often progress is said, and its SQL."""

    path: str
    name: str
    progress: Progress | None

    @property
    def sql(self) -> str:
        quoted = self.path.replace("'", "''")
        return f"read_parquet('{quoted}', file_row_number=true)"

    def read(self, rows: int, all_rows: int) -> None:
        """Say how much is read."""
        if self.progress is not None and all_rows > ROWS:
            self.progress(f"reading {self.name}: {100 * rows // all_rows} %", rows >= all_rows)


def _table(base: DuckDBPyConnection, source: _Source, how: Reading) -> Table:
    about = base.execute(f"DESCRIBE SELECT * EXCLUDE file_row_number FROM {source.sql}").fetchall()
    header = [row[0] for row in about]
    columns = settle(header, len(header), how)
    rows = base.execute(f"SELECT count(*) FROM {source.sql}").fetchall()[0][0]
    if not rows:
        raise ValueError("holds no samples")
    require("reading it", BYTES_PER_CELL * rows * len(header), "give fewer lines or columns")
    for i in columns.features:
        kind = str(about[i][1])
        if not kind.startswith(NUMBERS):
            raise ValueError(
                f"feature {columns.names[i]} is of type {kind}, not of numbers; --ignore "
                f"{columns.names[i]} leaves the column out"
            )
    return _read(base, source, columns, _query(source, header, columns), rows)


def _read(
    base: DuckDBPyConnection, source: _Source, columns: Columns, query: str, rows: int
) -> Table:
    known: tuple[dict[str, int], dict[str, int]] = ({}, {})
    x, labels, names = [], [], []
    for start in range(0, rows, ROWS):
        found = base.execute(query, [start, start + ROWS - 1]).fetchnumpy()
        x.append(_numbers(found, columns, start))
        labels.append(numbered(_words(found["label"], "label", start), known[0]))
        if columns.by is not None:
            names.append(numbered(_words(found["by"], "name of a recording", start), known[1]))
        source.read(min(start + ROWS, rows), rows)
    by = np.array(list(known[1]))[np.concatenate(names)] if names else None
    return assembled(np.concatenate(x), tuple(known[0]), np.concatenate(labels), by, columns)


def _query(source: _Source, header: list[str], columns: Columns) -> str:
    own = ['"' + name.replace('"', '""') + '"' for name in header]
    wanted = [f"coalesce(CAST({own[i]} AS DOUBLE), 'nan') AS x{k}"
              for k, i in enumerate(columns.features)]  # fmt: skip
    label = columns.label
    words = NONE if label is None else f"coalesce(CAST({own[label]} AS VARCHAR), '')"
    wanted.append(f"{words} AS label")
    if columns.by is not None:
        wanted.append(f"coalesce(CAST({own[columns.by]} AS VARCHAR), '') AS by")
    return (
        f"SELECT {', '.join(wanted)} FROM {source.sql} WHERE file_row_number BETWEEN ? AND ? "
        "ORDER BY file_row_number"
    )


def _numbers(found: dict[str, Any], columns: Columns, start: int) -> NDArray[Any]:
    x = np.empty((len(found["label"]), len(columns.features)))
    for i in range(x.shape[1]):
        x[:, i] = found[f"x{i}"]
    bad = ~(np.abs(x) <= LARGEST)
    if bad.any():
        row = int(np.flatnonzero(bad.any(axis=1))[0])
        i = int(bad[row].argmax())
        name, value = columns.names[columns.features[i]], x[row, i]
        what = "is missing" if np.isnan(value) else f"is {value:g}; values go to {LARGEST:g}"
        raise ValueError(f"row {start + row + 1}: feature {name} {what}")
    return least(x)


def _words(found: NDArray[Any], what: str, start: int) -> list[str]:
    words = [word.strip() for word in found.tolist()]
    for missing in {word for word in set(words) if is_missing(word)}:
        row = start + words.index(missing) + 1
        raise ValueError(f"row {row}: a {what} is missing: found {missing!r}")
    return words
