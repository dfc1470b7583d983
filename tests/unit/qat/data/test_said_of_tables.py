"""What is said of a table that is odd: which column, and what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qat.data.named import load

WORDS = ["walk", "run"] * 12
LINES = [f"{i * 7 % 11}.5,{i * 5 % 13},{word}" for i, word in enumerate(WORDS)]


def written(folder: Path, *lines: str) -> Path:
    path = folder / "t.csv"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_column_that_falls_with_every_line_is_named(tmp_path: Path) -> None:
    rows = [f"{1000 - 20 * i},{line}" for i, line in enumerate(LINES)]
    data = load(written(tmp_path, "left,a,b,label", *rows))
    assert [line for line in data.warnings if "--ignore left" in line] == [
        "the column left falls with every line, as a time or a counter does, and is an input; "
        "--ignore left leaves it out"
    ]
    assert not load(written(tmp_path, "a,b,label", *LINES)).warnings


def test_a_word_where_the_label_was_guessed_may_be_the_label(tmp_path: Path) -> None:
    rows = [f"{word},{i % 5},{i % 3}" for i, word in enumerate(WORDS)]
    with pytest.raises(ValueError, match=r"line 1: .*; --label 1 if it is the label$"):
        load(written(tmp_path, *rows))
    with pytest.raises(ValueError, match=r"leaves the column out$"):
        load(written(tmp_path, *rows), label="last")
    assert load(written(tmp_path, *rows), label="1").class_names == ("run", "walk")


@pytest.mark.parametrize("cell", ['"open', '"1"2'])
def test_quotes_that_do_not_fit_say_what_to_do(cell: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 26: is not a .csv file .*; a cell in quotes"):
        load(written(tmp_path, "a,b,label", *LINES, f"{cell},2,run"))


def test_a_mark_written_twice_is_in_no_name(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,label", *LINES)
    path.write_text("\ufeff" + path.read_text("utf-8"), "utf-8-sig")
    assert load(path).channel_names == ("a", "b")


def test_arrays_that_change_little_on_a_large_offset_are_refused(tmp_path: Path) -> None:
    """All features of an .npz file share one scale: 101,325 Pa +- 3 would be one input."""
    x = 101_325 + np.random.RandomState(0).randint(-3, 4, (60, 2)).astype(float)
    np.savez(tmp_path / "t.npz", x=x, y=np.arange(60) % 3)
    offset = r"feature 0 goes from 101,322 to 101,328; subtract an offset such as 101,300 from it"
    with pytest.raises(ValueError, match=offset):
        load(tmp_path / "t.npz")
    np.savez(tmp_path / "u.npz", x=x - 101_300, y=np.arange(60) % 3)
    assert not load(tmp_path / "u.npz").warnings
    np.savez(tmp_path / "v.npz", x=np.c_[x, 1e3 * np.arange(60)], y=np.arange(60) % 3)
    assert "2 of 3 features change in the data" in load(tmp_path / "v.npz").warnings[0]
