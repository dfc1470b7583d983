"""Words of a file reach no terminal as control codes, wherever they are printed."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from pathlib import Path

import pytest

from codegen.cli import main
from codegen.cli.output import Output, table
from codegen.cli.printable import printable

HOSTILE = "\x1b]0;title\x07\x9b31m\u202egnp\u2028\udcff\r"
HARMLESS = r"\x1b]0;title\x07\x9b31m\u202egnp\u2028\udcff\r"


def test_control_codes_are_shown_as_escapes():
    assert printable(HOSTILE) == HARMLESS
    assert printable("m/s² é 世\n", "\n") == "m/s² é 世\n"
    assert printable("a\nb") == r"a\nb"


def test_all_that_is_printed_goes_through_it(capsys):
    out = Output(Namespace(json=False))
    out.say(HOSTILE)
    out.warn(HOSTILE)
    out.progress(HOSTILE, last=True)
    out.table([HOSTILE], [[HOSTILE]])
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [HARMLESS, HARMLESS, "-" * len(HARMLESS), HARMLESS]
    assert shown.err.splitlines() == [HARMLESS, HARMLESS]
    assert HARMLESS in table(["a"], [[HOSTILE]])


def data_file(folder: Path, name: str) -> Path:
    words = ("o\x1b[31mk", "no")
    rows = [f"{i * 7 % 11}.5,{i % 5},{words[i % 2]}" for i in range(60)]
    path = folder / name
    path.write_text("\n".join(["a\x1b[0m,b,label", *rows]))
    return path


@pytest.mark.parametrize("name", ["d.csv", "d\x1b[31m.csv", os.fsdecode(b"d\xff.csv")])
def test_the_words_of_a_data_file(name, tmp_path, capsys):
    path = data_file(tmp_path, name)
    assert main(["data", str(path)]) == 0
    assert main(["data", str(path), "--label", "x"]) == 2
    assert main(["data", str(path), "--json"]) == 0
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert r"o\x1b[31mk" in shown.out
    shown.out.encode()
    shown.err.encode()


def test_notes_and_warnings_of_a_file(tmp_path, capsys):
    path = tmp_path / "d.csv"
    rows = [f"{i};{i * 7 % 11},5;{'ab'[i % 2]}" for i in range(60)]
    path.write_text("\n".join(["t;v;kind", *rows]))
    assert main(["data", str(path)]) == 0
    shown = capsys.readouterr()
    assert "warning: the column t grows with every line" in shown.err
    for note in ("separator: semicolon", "decimal sign: comma", "label: column kind, the last one"):
        assert note in shown.out
    assert main(["data", str(path), "--json", "--ignore", "t", "--label", "kind"]) == 0
    shown = capsys.readouterr()
    said = json.loads(shown.out)
    assert (said["warnings"], shown.err) == ([], "")
    assert said["notes"] == ["separator: semicolon", "decimal sign: comma", "header: line 1"]
    how = ["--separator", "bar", "--decimal", "point", "--encoding", "latin-1"]
    assert main(["data", str(path), *how]) == 2
    assert "has no separator (bar)" in capsys.readouterr().err


def test_a_column_without_a_name_is_left_out(tmp_path, capsys):
    path = tmp_path / "d.csv"
    rows = [f"{i},{i * 7 % 11}.5,{'ab'[i % 2]}" for i in range(60)]
    path.write_text("\n".join([",v,label", *rows]))
    assert main(["data", str(path), "--ignore", "", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["sensor"]["channels"] == ["v"]
    assert shown.err == ""
