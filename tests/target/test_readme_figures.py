"""The figures beside CMSIS-NN in FIGURES.md are what is measured now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bench import map_layers, tables
from support.compiler import SLACK, same_compiler

from codegen.render import render
from codegen.report.report import report
from codegen.target.boards import load_boards
from codegen.target.compiler import size_of
from qat.model import Model

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("recorded_builds")]

FIGURES = Path(".github") / "FIGURES.md"

NEAR = 0.1
"""By how much a prediction for all images may miss the mean of a few that are counted."""


def rows(text: str, name: str) -> dict[str, list[str]]:
    """Return the rows of a marked table by their first cell."""
    part = text.split(f"<!-- {name} -->\n")[1].split(f"<!-- end {name} -->", maxsplit=1)[0]
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in part.splitlines()]
    return {row[0].strip("*"): row[1:] for row in cells[2:]}


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def same(ours: str, fresh: str) -> bool:
    """Return True if a written figure is the fresh one; near it with another compiler."""
    if same_compiler():
        return ours == fresh
    first, second = (number(cell.removesuffix(" x")) for cell in (ours, fresh))
    return first <= SLACK * second and second <= SLACK * first


def test_the_layer_table_is_what_the_command_measures(root: Path) -> None:
    text = (root / FIGURES).read_text()
    written = rows(text, "layer table")
    fresh = rows(tables.updated(text, "layer table", tables.layer_table()), "layer table")
    assert written.keys() == fresh.keys()
    for core, cells in written.items():
        assert all(same(a, b) for a, b in zip(cells, fresh[core], strict=True)), (core, fresh[core])


MAPS = (0, 5, 9)
"""Rows of the table of maps that are counted again: first layers, windows, depthwise ones."""


@pytest.mark.parametrize("number", MAPS)
def test_the_map_table_is_what_the_command_counts(number: int, root: Path) -> None:
    written = rows((root / FIGURES).read_text(), "map table")
    every = list(map_layers.rows())
    assert list(written) == [row.title for row in every]
    row = every[number]
    macs, kernel, _, cell, *_ = written[row.title]
    assert (macs, kernel) == (f"{row.macs:,}", row.kernels[row.stage])
    assert same(cell, f"{map_layers.counted(row, 'qemu-m4', row.kernels):,}")


@pytest.mark.parametrize(
    "board",
    [
        board if board == "qemu-m4" else pytest.param(board, marks=pytest.mark.proof)
        for board in tables.INFERENCE_BOARDS
    ],
)
def test_the_encoder_table_is_what_the_command_measures(board: str, root: Path) -> None:
    written = rows((root / FIGURES).read_text(), "encoder table")
    marks = "<!-- encoder table -->\n{}<!-- end encoder table -->"
    ((core, fresh),) = rows(marks.format(tables.encoder_table([board])), "encoder table").items()
    assert len(written) == len(tables.INFERENCE_BOARDS)
    for ours, now in zip(written[core], fresh, strict=True):
        counts = (re.findall(r"[\d,]+", cell) for cell in (ours, now))
        assert all(same(a, b) for a, b in zip(*counts, strict=True)), (core, fresh)


@pytest.mark.parametrize("name", tables.EXAMPLES)
def test_the_network_table_is_near_what_is_predicted(name: str, root: Path) -> None:
    written = rows((root / FIGURES).read_text(), "network table")
    model = Model.load(root / name)
    cells = written[f"spikemcu {tables.EXAMPLES[name]}"]
    assert cells[0] == f"{100 * model.metadata['accuracy']['test']:.2f} %"
    *counts, worst = cells[3:]
    assert number(worst) == pytest.approx(report(model, tables.WORST_BOARD).worst, rel=NEAR)
    for board, cell in zip(tables.INFERENCE_BOARDS, counts, strict=True):
        found = report(model, load_boards()[board])
        assert number(cell) == pytest.approx(found.instructions, rel=NEAR)
        assert number(cells[2]) == found.ram
        if board == "qemu-m4" and same_compiler():
            assert number(cells[1]) == size_of(render(model), board).flash


def test_what_is_measured_elsewhere_stands_as_it_was_measured(root: Path) -> None:
    written = rows((root / FIGURES).read_text(), "network table")
    for name, accuracy, flash, ram, counts in tables.NETWORKS:
        assert written[name] == [accuracy, *(f"{n:,}" for n in (flash, ram, *counts)), ""]


def test_marks_that_are_missing_are_said() -> None:
    with pytest.raises(ValueError, match="no marks"):
        tables.updated("text", "layer table", "")
