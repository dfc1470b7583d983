"""A chip of 16 KB of flash and 4 KB of RAM: test vectors from flash, and budgets of its memory."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support.compiler import allowed, same_compiler
from support.hunters import HUNTERS
from support.models import inputs_for, steps_for
from support.recorded import firmware
from support.zoo.small import small_model

import qat
from codegen.base.errors import CrashError, InconsistentError, TooLargeError
from codegen.checks.comparison import Comparison
from codegen.checks.equivalence import compare_on
from codegen.cli import main
from codegen.render import render
from codegen.target.boards import find_board, find_boards, lean_boards
from codegen.target.emulated import TargetModel
from codegen.target.lean import COUNTS, LeanModel
from qat.model import Model

pytestmark = pytest.mark.target

BOARD = "qemu-m0-16k-4k"
EXAMPLES = Path(__file__).parents[1] / "examples"
BUDGETS = Path(__file__).parents[1] / "budgets.json"
KINDS = ("small", "free", "frames", "spikes of a held input without memory", "stop", "sensor, held")


def lean(model: Model, flags: tuple[str, ...] = ()) -> LeanModel:
    """Return a model on the chip, from recorded commands."""
    return LeanModel(model, BOARD, elf=firmware(render(model), BOARD, flags), flags=flags)


@cache
def digits() -> tuple[Model, np.ndarray]:
    """Return a network 64-64-10 of the UCI digits, trained for a moment, and test data."""
    data = qat.datasets.load("digits")
    net = qat.Network([64, 64, 10], bits=[2, 2], steps=8)
    qat.fit(net, data, seed=0, epochs=1)
    return qat.export(net, name="digits"), data.x_test


def mnist() -> tuple[Model, np.ndarray]:
    """Return the example 256-128-10, and inputs: the extremes, then random ones."""
    model = Model.load(EXAMPLES / "mnist-256.npz")
    return model, inputs_for(model, 40, 1)


EXAMPLE = {"digits": digits, "mnist-256": mnist}

# --------------------------------------------------------------- the same integers


def test_the_board_is_asked_for_by_name() -> None:
    assert list(lean_boards()) == [BOARD]
    board = find_board(BOARD)
    assert (board.flash, board.ram, board.lean) == (16384, 4096, True)
    assert board not in find_boards("all")


@pytest.mark.parametrize("name", EXAMPLE)
def test_the_examples_run_from_flash(name: str) -> None:
    """More vectors than it holds at once, and every score equal."""
    model, x = EXAMPLE[name]()
    with lean(model) as chip:
        found = sum(compare_on(model, chip, x[:40]), Comparison())
        at_once = chip.at_once
    assert (found.differing, found.scores) == (0, 40 * 11)
    assert 8 <= at_once < 200


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_call(name: str) -> None:
    hunter = HUNTERS[name]
    model, steps = hunter.model, steps_for(hunter.model)
    x = inputs_for(model, 4, 3)
    with lean(model) as chip:
        (found,) = compare_on(model, chip, x, steps)
    assert found.differing == 0, found.first
    assert found.spikes + found.scores > 0


def test_another_model_shows() -> None:
    model, other = small_model(), small_model(threshold=20)
    x = inputs_for(model, 6, 0)
    with LeanModel(model, BOARD, elf=firmware(render(other), BOARD)) as chip:
        (found,) = compare_on(model, chip, x)
    assert found.differing_scores > 0
    assert found.first is not None


def test_a_crash_is_told() -> None:
    files, reset = render(small_model()), "    small_reset(state);"
    fault = '    __asm__ volatile("udf #0");'
    call = "    return small_classify("
    text = files["binding.h"]
    assert reset in text
    assert text.count(call) == 1
    files["binding.h"] = text.replace(call, f"{fault}\n{call}")
    with (
        LeanModel(small_model(), BOARD, elf=firmware(files, BOARD)) as chip,
        pytest.raises(CrashError, match=f"{BOARD}: HardFault in "),
    ):
        chip.run(inputs_for(small_model(), 1, 0))


# -------------------------------------------------------------------------- counts


def test_instructions_are_those_of_the_core() -> None:
    """Beside what calls the model, some instructions."""
    model = small_model()
    x = inputs_for(model, 3, 1)
    with lean(model, COUNTS) as chip:
        ours = chip.instructions(x)
    with TargetModel(model, "qemu-m0", elf=firmware(render(model), "qemu-m0")) as target:
        theirs = target.benchmark(x).infer
    assert theirs is not None
    assert (np.abs(ours - theirs) <= 12).all()
    assert len(set(ours.tolist())) > 1


def test_a_timer_that_counts_no_instructions_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    with lean(model) as chip, pytest.raises(ValueError, match="does not count"):
        chip.instructions(inputs_for(model, 1, 1))
    with lean(model, COUNTS) as chip:
        run = chip._run
        monkeypatch.setattr(chip, "_run", lambda x, steps, counting: run(x, steps, False))
        with pytest.raises(InconsistentError, match="does not count instructions"):
            chip.instructions(inputs_for(model, 1, 1))


# --------------------------------------------------------------------- what is refused


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TooLargeError, match=rf"{BOARD}: the model takes \d+ bytes of flash"):
        LeanModel(Model.load(EXAMPLES / "mnist-784.npz"), BOARD)
    model, _ = mnist()
    small = replace(find_board(BOARD), flash=13700)
    with (
        LeanModel(model, small, elf=firmware(render(model), BOARD)) as chip,
        pytest.raises(TooLargeError, match=r"a test vector takes 256 bytes of flash and 8"),
    ):
        chip.run(inputs_for(model, 1, 0))


def test_what_needs_a_link_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=rf"{BOARD}: its firmware has no link and runs test"):
        TargetModel(small_model(), BOARD)
    with pytest.raises(ValueError, match="qemu-m0: its firmware has a link"):
        LeanModel(small_model(), "qemu-m0")
    assert main(["bench", "--layer", "64x32", "--board", BOARD]) == 2
    assert "has no link" in capsys.readouterr().err


def test_the_verbs_take_the_chip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.npz"
    small_model().save(path)
    assert main(["run", str(path), "--board", BOARD]) == 0
    said = capsys.readouterr().out
    assert "test vectors from flash" in said
    assert "0 of 0 membranes" in said
    assert main(["bench", str(path), "--board", BOARD, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["results"]
    assert (row["layer"], row["instructions"] > 100) == ("inference", True)


# ------------------------------------------------------------------------- budgets


def measured(name: str) -> dict[str, int]:
    """Return the bytes of flash and RAM that all takes, of the stack as used, and the vectors."""
    model, x = EXAMPLE[name]()
    with lean(model) as chip:
        chip.run(x[:1])
        flash = chip.board.flash - chip.free[1]
        ram = _ram(chip.elf)
        return {
            "flash": flash,
            "ram": ram,
            "stack_used": chip.stack_used,
            "vectors": chip.vectors(model.steps or 1),
        }


def _ram(elf: Path) -> int:
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415

    with elf.open("rb") as file:
        sections = ELFFile(file).iter_sections()
        return sum(s["sh_size"] for s in sections if s["sh_flags"] & 2 and s["sh_addr"] >= 1 << 29)


@pytest.mark.parametrize("name", EXAMPLE)
def test_memory_is_within_its_budget(name: str, request: pytest.FixtureRequest) -> None:
    found = measured(name)
    budgets = json.loads(BUDGETS.read_text())
    if request.config.getoption("--update-budgets"):
        budgets.setdefault(BOARD, {})[name] = found
        BUDGETS.write_text(json.dumps(budgets, indent=1) + "\n")
    budget = budgets[BOARD][name]
    assert found["flash"] <= min(16384, allowed(budget["flash"]))
    assert found["ram"] <= min(4096, allowed(budget["ram"]))
    assert found["stack_used"] <= allowed(budget["stack_used"]) < find_board(BOARD).stack
    if same_compiler():
        assert found == budget, "smaller than the budget: lower it with --update-budgets"
