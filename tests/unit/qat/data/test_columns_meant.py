"""Columns and boards that are not there: the near ones are named at the end of the line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from codegen.target.boards import find_board
from qat.data.named import load
from qat.data.reading import NoColumnError, Reading
from qat.data.tables.columns import settle
from qat.model import did_you_mean

HEADER = ("acc_x", "acc_y", "temperature", "activity")


@pytest.mark.parametrize(
    ("how", "near"),
    [
        (Reading(label="activty"), "activity"),
        (Reading(label="ACTIVITY"), "activity"),
        (Reading(by="temprature"), "temperature"),
        (Reading(ignore=("acc",)), "acc_y or acc_x"),
        (Reading(channels=("acc_x", "acc_z"), training=False), "acc_y"),
    ],
)
def test_the_column_that_was_meant(how: Reading, near: str) -> None:
    with pytest.raises(NoColumnError, match=f"; did you mean {near}\\?$"):
        settle(HEADER, len(HEADER), how)


def test_without_a_header_nothing_is_meant() -> None:
    with pytest.raises(NoColumnError, match=r"a number from 1 to 4$"):
        settle(None, 4, Reading(label="activity"))


def test_the_array_that_was_meant(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.zeros((4, 2)), y=np.arange(4) % 2, subject=np.arange(4))
    with pytest.raises(ValueError, match=r"no array 'subjects'.*; did you mean subject\?$"):
        load(tmp_path / "d.npz", by="subjects")


def test_the_board_that_was_meant() -> None:
    with pytest.raises(ValueError, match=r"found 'F401RE'; did you mean nucleo_f401re\?$"):
        find_board("F401RE")


def test_a_part_of_a_word_is_enough_but_not_a_letter() -> None:
    assert did_you_mean("acc", HEADER) == "; did you mean acc_y or acc_x?"
    assert did_you_mean("t", HEADER) == ""
