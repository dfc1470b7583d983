"""What a search is stored in: a journal or a database, of one search of that name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from qat.study.search.storage import opened, study_of


def new_study(path: Path, **settings: Any) -> optuna.Study:
    return study_of(opened(str(path)), "a task", settings)


def test_another_search_of_the_same_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "search.journal"
    new_study(path, epochs=5)
    with pytest.raises(ValueError, match=r"one with epochs 5; this one has 7; go on with the same"):
        new_study(path, epochs=7)


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "notes.txt").write_text("not a journal\n")
    with pytest.raises(ValueError, match=r"notes.txt: is no journal of a search"):
        opened(str(path))
    with pytest.raises(ValueError, match="is a folder; name a file in it"):
        opened(str(tmp_path))


def test_a_database_that_does_not_answer_is_one_line_without_the_password() -> None:
    with pytest.raises(ValueError, match="does not answer") as told:
        opened("postgresql://me:secret@127.0.0.1:9/none")
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)
