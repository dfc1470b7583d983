"""CSV as people and their instruments write it: read right, or refused with line and column."""

from __future__ import annotations

import codecs
import csv
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qat.data.named import load
from qat.data.reading import SEPARATORS, Reading
from qat.data.tables import cells, text
from qat.data.tables.csvfile import csv_table
from qat.data.tables.table import Table

X = [[i * 0.25 - 3, (i * 7) % 11 * 1.5] for i in (4, 1, 7, 0, 9, 2, 8, 3, 6, 5, 11, 10)]
WORDS = ["walk", "run", "sit"] * 4


def lines(separator: str = ",", decimal: str = ".", end: str = "") -> list[str]:
    return [
        separator.join([*(str(v).replace(".", decimal) for v in row), word]) + end
        for row, word in zip(X, WORDS, strict=True)
    ]


def table_of(folder: Path, content: str | bytes, **how: Any) -> Table:
    path = folder / "data.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return csv_table(path, Reading(**how))


def check_whole(table: Table, names: tuple[str, ...] = ("a", "b")) -> None:
    """The table is that of X and WORDS."""
    np.testing.assert_array_equal(table.x, X)
    assert [table.classes[i] for i in table.y] == WORDS
    assert table.names == names


HEADER = "a,b,label"


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("header", [True, False])
def test_separators_and_decimal_signs(separator, decimal, header, tmp_path):
    if separator == decimal:
        return
    rows = lines(separator, decimal)
    if header:
        rows.insert(0, HEADER.replace(",", separator))
    table = table_of(tmp_path, "\n".join(rows))
    check_whole(table, ("a", "b") if header else ())
    assert (table.separator, table.decimal) == (separator, decimal)
    assert f"separator: {SEPARATORS[separator]}" in table.notes
    assert ("decimal sign: comma" in table.notes) == (decimal == ",")


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("\n".join(["sep=;", HEADER.replace(",", ";"), *lines(";")]), "as its first line says"),
        ("\n".join(["# a logger's", "// file", "", HEADER, *lines()]), "header: line 4"),
        ("\n".join([HEADER, *lines()[:5], "# pause", "  // more", *lines()[5:]]), "2 comments"),
        ("\n".join([HEADER, "[m/s²],°C,", *lines()]), "line 2 is taken for units"),
        ("\n".join([HEADER, "g,g,-", *lines()]), "line 2 is taken for units"),
        ("\n".join(["# " + HEADER, *lines()]), "header: the comment"),
        ("\r\n".join([HEADER, *lines()]), "header: line 1"),
        ("\r".join([HEADER, *lines()]), "header: line 1"),
        ("\r\r\n".join([HEADER, *lines()]), "header: line 1"),
        ("\n\n".join([HEADER, *lines()]) + "\n\n\n", "header: line 1"),
        ("\n".join([HEADER + ",", *lines(end=",")]), "at the end of every line"),
        ("\n".join([HEADER, *lines(end=",")]), "at the end of every line"),
        ("\n".join([HEADER, *(line.replace(",", '","').join('""') for line in lines())]), "header"),
        ("\n".join([HEADER, *(line.replace(",", " , ") + " " for line in lines())]), "header"),
        (codecs.BOM_UTF8 + "\n".join([HEADER, *lines()]).encode(), "header: line 1"),
        ("\n".join([HEADER, *lines()]).encode("utf-16"), "header: line 1"),
        ("\n".join([HEADER, *lines()]).encode("utf-16-le"), "encoding: utf-16-le"),
        ("\n".join([HEADER, *lines()]).encode("utf-16-be"), "encoding: utf-16-be"),
    ],
)  # fmt: skip
def test_forms_of_one_table(content, note, tmp_path):
    table = table_of(tmp_path, content)
    check_whole(table)
    assert any(note in line for line in table.notes), table.notes


def test_units_in_latin_1_and_cp1252(tmp_path):
    for sign, encoding in (("m/s²", "latin-1"), ("m/s², 5 €", "cp1252")):
        header = f'"a [{sign}]",b,label'
        table = table_of(tmp_path, "\n".join([header, *lines()]).encode(encoding))
        check_whole(table, (f"a [{sign}]", "b"))
        assert table.encoding == encoding
        assert f"encoding: {encoding}, a guess" in table.notes


def test_quoted_cells_hold_separators_ends_of_lines_quotes_and_comments(tmp_path):
    words = {"walk": 'walk, "fast"', "run": "run\n# up\nhill", "sit": "sit"}
    quoted = {key: '"' + word.replace('"', '""') + '"' for key, word in words.items()}
    rows = [line.replace(word, quoted[word]) for line, word in zip(lines(), WORDS, strict=True)]
    table = table_of(tmp_path, "\n".join(['a,"b, c",label', *rows]))
    assert [table.classes[i] for i in table.y] == [words[word] for word in WORDS]
    assert table.names == ("a", "b, c")


# -------------------------------------------------------------------- columns


def test_a_numeric_header(tmp_path):
    check_whole(table_of(tmp_path, "\n".join(["0,1,label", *lines()])), ("0", "1"))
    check_whole(table_of(tmp_path, "\n".join(["0,1,2", *lines()])), ("0", "1"))
    numbers = [f"{i % 7},{i % 5}.5,{i % 3},{i % 2}" for i in range(20)]
    table = table_of(tmp_path, "\n".join(["0,1,2,3", *numbers]))
    assert (len(table.x), table.names) == (20, ("0", "1", "2"))
    assert any("count the columns" in line for line in table.notes)
    table = table_of(tmp_path, "\n".join(["250,500,label", *lines()]))
    check_whole(table, ("250", "500"))
    with pytest.raises(ValueError, match="label 'kind', which no other line has"):
        table_of(tmp_path, "\n".join(["250,500,kind", *lines()]))


@pytest.mark.parametrize("name", ["", '""', "Unnamed: 0"])
def test_the_index_of_a_data_frame(name, tmp_path):
    rows = [f"{name},{HEADER}", *(f"{i},{line}" for i, line in enumerate(lines()))]
    table = table_of(tmp_path, "\n".join(rows))
    called = "column1" if "U" not in name else name
    assert table.names == (called, "a", "b")
    assert [w for w in table.warnings if f"--ignore {called} " in w and "grows" in w]
    for ignore in ("1", called, "" if called == "column1" else called):
        table = table_of(tmp_path, "\n".join(rows), ignore=(ignore,))
        check_whole(table)
        assert (table.warnings, table.ignored) == ((), (called,))


def test_a_time_that_begins_anew_is_told(tmp_path):
    rows = [f"{i % 20 / 50},{i * 7 % 11},{'ab'[i // 20 % 2]},p{i // 20}" for i in range(80)]
    content = "\n".join(["t,v,label,who", *rows])
    assert "the column t grows" in table_of(tmp_path, content, by="who").warnings[0]
    assert table_of(tmp_path, content, by="who", ignore=("t",)).warnings == ()
    assert "the column t grows" not in str(table_of(tmp_path, content, ignore=("who",)).notes)


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("x,y,z,label", "label"),
        ("class,y,z,x", "class"),
        ("y,Activity,b,c", "Activity"),
        ("a,b,TARGET,c", "TARGET"),
        ("class,b,c,label", "label"),
        ("a,y,c,d", "y"),
        ("x,y,z,state", "state"),
        ("a,b,c,d", "d"),
    ],
)
def test_the_label_that_nobody_named(header, label, tmp_path):
    rows = [f"{i % 3},{(i + 1) % 3},{(i + 2) % 3},{i * 2 % 3}" for i in range(12)]
    table = table_of(tmp_path, "\n".join([header, *rows]))
    assert table.label == label
    assert any(f"label: column {label}" in line for line in table.notes)
    assert any("class is an input" in w for w in table.warnings) == (header == "class,b,c,label")


def test_axes_are_no_labels(tmp_path):
    with pytest.raises(ValueError, match="axes x, y and z and no label column; name it with"):
        table_of(tmp_path, "\n".join(["x,y,z", *("1,2,0", "2,1,1") * 6]))


def test_columns_by_number(tmp_path):
    turned = [",".join(line.split(",")[i] for i in (0, 2, 1)) for line in lines()]
    table = table_of(tmp_path, "\n".join(turned), label="2")
    check_whole(table, ())
    assert table.label == "2"
    table = table_of(tmp_path, "\n".join(["a,kind,b", *turned]), label="2")
    check_whole(table)
    assert table.label == "kind"
    assert "label: column kind" in table.notes
    for wrong in ("0", "4", "-1", "1.0", "9" * 30):
        with pytest.raises(ValueError, match="use first, last or a number from 1 to 3"):
            table_of(tmp_path, "\n".join(turned), label=wrong)


def test_a_name_twice(tmp_path):
    rows = [f"{line.rsplit(',', 1)[0]},{line}" for line in lines()]
    table = table_of(tmp_path, "\n".join(["a,b,a,b,label", *rows]))
    assert table.names == ("a", "b", "a_2", "b_2")
    assert "column 3 has the name 'a' again: it is called a_2" in table.notes
    assert table_of(tmp_path, "\n".join(["a,b,a,b,label", *rows]), ignore=("a_2", "4")).names == (
        *("a", "b"),
    )
    for how in ({"ignore": ("a",)}, {"label": "a"}, {"by": "a"}):
        with pytest.raises(ValueError, match="the columns 1, 3 are called 'a'; give a number"):
            table_of(tmp_path, "\n".join(["a,b,a,b,label", *rows]), **how)
    with pytest.raises(ValueError, match="the columns 2, 3 are called 'label'"):
        table_of(tmp_path, "\n".join(["a,label,label", *("1,x,y", "2,y,x") * 6]))


def test_a_column_is_one_thing(tmp_path):
    content = "\n".join([HEADER, *lines()])
    for how, said in (
        ({"label": "a", "by": "a"}, "as label and as by"),
        ({"label": "a", "ignore": ("a",)}, "as label and as ignored"),
        ({"by": "a", "ignore": ("a",)}, "as by and as ignored"),
        ({"ignore": ("a", "b")}, "no feature left"),
        ({"ignore": ("a", "b", "label")}, "no column left for the label"),
        ({"ignore": ("time",)}, r"no column 'time' \(ignore\); it has the columns a, b, label"),
    ):
        with pytest.raises(ValueError, match=said):
            table_of(tmp_path, content, **how)


# ---------------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("", "line 15: feature b is missing; fill"),
        ('" "', "line 15: feature b is missing; fill"),
        *((word, f"line 15: feature b is missing: '{word}'") for word in ("nan", "NaN", "NA")),
        ("null", "line 15: feature b is missing"),
        ("1e400", r"line 15: feature b is 1e400; values go to 1e\+100"),
        ("-1e101", "line 15: feature b is -1e101; values go to"),
        ("1_5", "line 15: feature b is '1_5', not a number; --ignore b leaves"),
        ("0x10", "line 15: feature b is '0x10', not a number"),
        ("inf", "line 15: feature b is 'inf', not a number"),
        ("-Infinity", "line 15: feature b is '-Infinity', not a number"),
        ("1 5", "line 15: feature b is '1 5', not a number"),
        ('"1,5"', "line 15: feature b is '1,5', not a number where decimals .* a point"),
        ("\u0661", "line 15: feature b is .\u0661., not a number"),
        ("true", "line 15: feature b is 'true', not a number"),
        ("12:30:01", "line 15: feature b is '12:30:01', not a number"),
        ("oops", "line 15: feature b is 'oops', not a number"),
        ("\x1b[31m", r"line 15: feature b is '\\x1b\[31m', not a number"),
        ("1,2", "line 15 has 4 cells, line 2 has 3"),
        ('"2"x', "line 15: is not a .csv file"),
        ('"2', "line 1[56]: is not a .csv file"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_a_wrong_cell_is_named(cell, said, end, tmp_path, monkeypatch):
    if end == "\r\n":  # read as a table of very many columns is
        monkeypatch.setattr(cells, "WIDEST", 0)
    content = end.join([HEADER, *lines(), "", f"1,{cell},walk", "2,2,run"])
    if end == "\r\r\n":
        wanted = (
            said.replace("15", "29").replace("1[56]", "[23][0-9]").replace("line 2 ", "line 3 ")
        )
    else:
        wanted = said
    with pytest.raises(ValueError, match=wanted) as caught:
        table_of(tmp_path, content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", ["", "nan", "NaN", "NA", "null", " "])
def test_a_missing_label_is_named(word, tmp_path):
    with pytest.raises(ValueError, match="line 14: a label is missing: label holds"):
        table_of(tmp_path, "\n".join([HEADER, *lines(), f"1,2,{word}", *lines()]))
    rows = [f"{line},{'' if i == 5 else 'me'}" for i, line in enumerate(lines())]
    with pytest.raises(ValueError, match="line 7: a name of a recording is missing: who holds"):
        table_of(tmp_path, "\n".join([HEADER + ",who", *rows]), by="who")


def test_a_point_where_decimals_have_commas(tmp_path):
    content = "\n".join(["a;b;label", *lines(";", ","), "1.5;2;run"])
    with pytest.raises(ValueError, match=r"line 14: feature a is '1.5', .* with a comma"):
        table_of(tmp_path, content)
    with pytest.raises(ValueError, match=r"line 2: feature a is '-2,0', .* with a point"):
        table_of(tmp_path, content, decimal=".")


def test_lines_of_the_file_count_quoted_ends_of_lines(tmp_path):
    content = "\n".join([HEADER, '1,2,"run\nup\nhill"', *lines(), "1,,walk"])
    with pytest.raises(ValueError, match="line 17: feature b is missing"):
        table_of(tmp_path, content)


# --------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("labels", "classes", "y"),
    [
        ("012", (), (0, 1, 2)),
        ("123", ("1", "2", "3"), (0, 1, 2)),
        (("-1", "1.0", "1"), ("-1", "1"), (0, 1, 1)),
        (("5", "3", "900"), ("3", "5", "900"), (1, 0, 2)),
        (("1", "2", "x"), ("1", "2", "x"), (0, 1, 2)),
        (("walk ", "walk", " run"), ("run", "walk"), (1, 1, 0)),
    ],
)
def test_labels_become_classes(labels, classes, y, tmp_path):
    rows = [f"{i * 7 % 5}.5,{i * 3 % 4},{labels[i % 3]}" for i in range(12)]
    table = table_of(tmp_path, "\n".join(["a,b,label", *rows]))
    assert table.classes == classes
    np.testing.assert_array_equal(table.y, y * 4)
    named = bool(classes) and all(map(str.lstrip, classes)) and classes[0].lstrip("-").isdigit()
    assert any(line.startswith("labels: ") for line in table.notes) == (named and "x" not in labels)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("walk",), "every label is 'walk' .column label.; needs at least two classes"),
        (("3", "3.0"), "needs at least two classes"),
        (("0", "1", "0.5"), r"y: holds fractions, such as 0.5 \(column label\)"),
        (("0", "1e30"), r"y: holds 1e30 \(column label\)"),
        ([str(i) for i in range(12)], "are 12 different ones in 12 lines; --label names another"),
    ],
)
def test_labels_that_are_no_classes(labels, said, tmp_path):
    rows = [f"{i * 7 % 5}.5,{i * 3 % 4},{labels[i % len(labels)]}" for i in range(12)]
    with pytest.raises(ValueError, match=said):
        table_of(tmp_path, "\n".join(["a,b,label", *rows]))


def test_words_that_differ_in_capitals_are_told(tmp_path):
    content = "\n".join([HEADER, *lines(), "1,2,Walk", "2,1,Walk"])
    assert "'Walk' and 'walk' differ" in table_of(tmp_path, content).warnings[0]


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n\n", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (b"# nothing\n# else\n", "holds nothing but comments"),
        (b"a,b,label\n", "holds a header and no samples"),
        (b"a,b,label\nm,s,-\n", "not a number"),
        (b"abc\ndef\n", "line 1: has no separator"),
        (b"1\n2\n3\n", "line 1: has no separator"),
        (b"sep=x\na,b\n1,2\n", "line 1: says 'sep=x'; known separators are comma"),
        (b"Logger 5\n1,2,x\n2,3,y\n3,4,x\n", "line 1 has 1 cells, most lines have 3; .* put #"),
        (b"\0\1\2\3" * 20, "is not text: it holds zero bytes"),
        (b"a,b,label\n" + b"1,2,x\n" * 20_000 + b"1,2\0,y\n", "line 20002: holds a zero byte"),
        (codecs.BOM_UTF32_LE + b"a\0\0\0", "is UTF-32 text"),
        (codecs.BOM_UTF16_LE + "1,2,x\n".encode("utf-16-le") + b"\0", "is not utf-16-le text"),
        (b"a,b,label\n" + b"1,2," + b"x" * 3_000_000 + b"\n1,2,y\n", "is not a .csv file"),
    ],
)
def test_files_that_are_no_tables(content, said, tmp_path):
    with pytest.raises(ValueError, match=said) as caught:
        table_of(tmp_path, content)
    assert "\n" not in str(caught.value)


NAMES = ["DATA.CSV", "d.TSV", "d.txt", "d'a\"t.csv", "a*b.csv", "[x].csv", "ä ö.csv", "$H\n;.csv"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_files_are_taken_as_they_are(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "[odd] 'place'*"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    for other in ("ab.csv", "axb.csv", "x.csv"):
        (tmp_path / other).write_text("wrong")
    (tmp_path / name).write_text("\n".join([HEADER, *lines() * 3]))
    before = sorted(tmp_path.rglob("*"))
    assert load(tmp_path / name).class_names == ("run", "sit", "walk")
    assert load(name).class_names == ("run", "sit", "walk")
    assert sorted(tmp_path.rglob("*")) == before


def test_very_wide_tables(tmp_path):
    names = [f"c{i}" for i in range(5000)]
    rows = [[(i * j) % 7 for i in range(5000)] for j in range(12)]
    content = [",".join([*map(str, row), WORDS[j]]) for j, row in enumerate(rows)]
    table = table_of(tmp_path, "\n".join([",".join([*names, "label"]), *content]))
    np.testing.assert_array_equal(table.x, rows)
    assert table.names == tuple(names)


def test_folders_and_pipes_are_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("folder.csv", "pipe.csv"):
        with pytest.raises(ValueError, match=r"is a (folder|pipe); "):
            load(tmp_path / name)
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "none.csv")


def test_a_file_in_pieces_is_the_same_and_names_the_same_lines(tmp_path, monkeypatch):
    words = {"walk": '"walk,\n# fast"', "run": "run", "sit": '"sit ""up"""'}
    rows = [line.replace(word, words[word]) for line, word in zip(lines(), WORDS, strict=True)]
    content = "\r\n".join([HEADER, *rows, "", "# pause", *rows])
    whole = table_of(tmp_path, content)
    said: list[tuple[str, bool]] = []
    for size in (7, 64, 101):
        monkeypatch.setattr(text, "PIECE", size)
        monkeypatch.setattr(text, "FIRST", 150)
        monkeypatch.setattr("qat.data.tables.csvfile.PATIENCE", -1.0)
        (tmp_path / "data.csv").write_bytes(content.encode())
        table = csv_table(tmp_path / "data.csv", Reading(), lambda *line: said.append(line))
        np.testing.assert_array_equal(table.x, whole.x)
        np.testing.assert_array_equal(table.y, whole.y)
        assert (table.classes, table.notes) == (whole.classes, whole.notes)
        assert said[-1] == ("reading data.csv: 100 %", True)
        with pytest.raises(ValueError, match="line 36: feature b is 'zz'"):
            table_of(tmp_path, content + "\r\n1,zz,run")


def test_what_was_settled_reads_the_same_again(tmp_path):
    rows = [f"{i},{line}" for i, line in enumerate(lines(";", ","))]
    content = "\n".join(
        [f";{HEADER.replace(',', ';')}", *(r.replace(",", ";", 1) for r in rows * 3)]
    )
    path = tmp_path / "data.csv"
    path.write_bytes(content.encode("utf-16"))
    data = load(path, ignore=("",))
    how = data.reading
    assert how is not None
    assert (how.separator, how.decimal, how.encoding) == (";", ",", "utf-16-le")
    assert (how.label, how.ignore) == ("label", ("column1",))
    again = load(path, **vars(how))
    np.testing.assert_array_equal(again.x_train, data.x_train)
    assert again.reading == how


NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(float),
    st.floats(-1e99, 1e99, allow_nan=False),
    st.sampled_from([0.0, -128.0, 255.0, -32768.0, 5e-324, 1e-5]),
)
CELL = st.text(st.sampled_from("ab \"',;\t|\n\r#/é=._-"), min_size=1, max_size=6).map(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_table_in_any_form_is_read_back(data: Any, tmp_path: Path) -> None:
    separator = data.draw(st.sampled_from(tuple(SEPARATORS)))
    decimal = data.draw(st.sampled_from(".," if separator != "," else "."))
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    words = data.draw(st.lists(CELL.filter(bool), min_size=2, max_size=3, unique=True))
    rows = data.draw(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=6, max_size=12))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["first one", "second", "label"])
    for i, row in enumerate(rows):
        writer.writerow([*(repr(v).replace(".", decimal) for v in row), words[i % len(words)]])
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    how = {"separator": separator, "decimal": decimal}
    table = table_of(tmp_path, out.getvalue().encode(encoding), **how)
    np.testing.assert_array_equal(table.x, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "WIDEST", 0)
        plainly = csv_table(tmp_path / "data.csv", Reading(**how))
    np.testing.assert_array_equal(plainly.x, rows)
    np.testing.assert_array_equal(plainly.y, table.y)
    assert plainly.classes == table.classes
    wanted = [
        words[i % len(words)].replace("\r\n", "\n").replace("\r", "\n") for i in range(len(rows))
    ]
    if not all(w.strip(".0123456789") == "" for w in words):
        assert [table.classes[i] for i in table.y] == wanted
