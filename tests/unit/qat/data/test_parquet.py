"""Parquet files: columns by name, numbers as they are, what is missing by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from qat.data.named import load
from qat.data.reading import Reading
from qat.data.tables import parquet
from qat.data.tables.parquet import parquet_table
from qat.data.tables.table import Table


def table_of(
    folder: Path, select: str, rows: int = 40, name: str = "d.parquet", **how: Any
) -> Table:
    """Return the table that a SELECT of i = 0 .. rows - 1 gives."""
    path = folder / name
    quoted = str(path).replace("'", "''")
    with duckdb.connect() as base:
        base.execute(
            f"COPY (SELECT {select} FROM range({rows}) t(i)) TO '{quoted}' (FORMAT parquet)"
        )
    return parquet_table(path, Reading(**how))


COLUMNS = (
    "(i * 7 % 11) / 8 AS a, (i * 3 % 5)::TINYINT AS \"b c\", ['run', 'sit'][i % 2 + 1] AS label"
)


def test_a_table_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 7)
    table = table_of(tmp_path, COLUMNS)
    i = np.arange(40)
    np.testing.assert_array_equal(table.x, np.stack([i * 7 % 11 / 8, i * 3 % 5], axis=1))
    assert [table.classes[n] for n in table.y] == ["run", "sit"] * 20
    assert (table.names, table.label, table.separator) == (("a", "b c"), "label", None)
    said: list[tuple[str, bool]] = []
    parquet_table(tmp_path / "d.parquet", Reading(), lambda *line: said.append(line))
    assert said[-1] == ("reading d.parquet: 100 %", True)


@pytest.mark.parametrize("name", ["D.PARQUET", "a*.parquet", "[x].parquet", "o'd\"d.parquet"])
def test_any_name_is_that_of_one_file(name, tmp_path):
    table_of(tmp_path, "i AS a, 'x' || (i % 2) AS label", name="ab.parquet")
    table_of(tmp_path, COLUMNS, name="other")
    (tmp_path / "other").rename(tmp_path / name)
    data = load(tmp_path / name)
    assert data.channel_names == ("a", "b c")
    assert data.reading is not None
    assert data.reading.label == "label"


def test_by_and_ignore(tmp_path):
    select = f"i AS n, {COLUMNS}, 'p' || (i // 10) AS who"
    table = table_of(tmp_path, select, by="who", ignore=("n",))
    assert table.by is not None
    assert sorted(set(table.by)) == ["p0", "p1", "p2", "p3"]
    assert table.names == ("a", "b c")
    assert "the column n grows" in table_of(tmp_path, select, by="who").warnings[0]


@pytest.mark.parametrize(
    ("select", "said"),
    [
        (f"CASE WHEN i = 8 THEN NULL ELSE i END AS v, {COLUMNS}", "row 9: feature v is missing"),
        (
            f"CASE WHEN i = 8 THEN 'inf'::DOUBLE ELSE i END AS v, {COLUMNS}",
            "row 9: feature v is inf",
        ),
        (f"'2024' AS v, {COLUMNS}", "feature v is of type VARCHAR, not of numbers; --ignore v"),
        ("i AS a, CASE WHEN i = 3 THEN NULL ELSE 'x' END AS label", "row 4: a label is missing"),
        ("i AS a, 'x' AS label", "needs at least two classes"),
        ("i AS a", "no feature left"),
    ],
)
def test_what_is_wrong_is_named(select, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        table_of(tmp_path, select)


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" + bytes(60) + b"PAR1", b"a,b\n1,2\n"])
def test_what_is_no_parquet_file_gets_a_line(content, tmp_path):
    (tmp_path / "d.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"is not a \.parquet file") as caught:
        load(tmp_path / "d.parquet")
    assert "\n" not in str(caught.value)


def test_no_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no samples"):
        table_of(tmp_path, COLUMNS, rows=0)
