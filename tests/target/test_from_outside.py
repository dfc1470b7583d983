"""Builds in folders of any name, firmware that was damaged, threads that share an emulator."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from support.zoo.small import small_model

from codegen.checks.equivalence import made_inputs
from codegen.render import render
from codegen.target.build import build
from codegen.target.emulated import TargetModel
from qat.model import Model

pytestmark = pytest.mark.target

BOARD = "qemu-m3"
HARM = "O'Brien; touch HARM; echo $(touch HARM) \"&(é)%\\\n#"
"""A name that a shell, SCons or a compiler would read as more than letters."""


def test_a_cache_of_any_name_and_firmware_that_was_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules in the working folder stay unread, the user's own settings unused."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPIKEMCU_CACHE", HARM)
    monkeypatch.setenv("PLATFORMIO_BUILD_FLAGS", "-DHARM=1 -Werror -bad")
    for name in ("serial.py", "json.py", "platformio.py"):
        (tmp_path / name).write_text("raise SystemExit('of the working folder')", "utf-8")
    files = render(small_model(threshold=44))
    elf = build(files, BOARD)[BOARD]
    assert elf.is_relative_to(tmp_path / HARM)
    content = elf.read_bytes()
    os.truncate(elf, 1000)
    assert build(files, BOARD)[BOARD].read_bytes()[:4] == content[:4]
    assert len(elf.read_bytes()) == len(content)
    assert not list(tmp_path.rglob("HARM"))


def test_threads_that_share_a_target_take_turns(model: Model, cache: Path) -> None:
    x = made_inputs(model, 12)
    wanted = model.run(x).scores
    found: list[object] = []

    def work() -> None:
        try:
            found.append(int((target.run(x).scores != wanted).sum()))
        except Exception as error:  # whatever it is, it is a result
            found.append(error)

    with TargetModel(model, BOARD) as target:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [0, 0, 0]


def test_an_empty_batch_on_a_target(model: Model, cache: Path) -> None:
    x = made_inputs(model, 3)[:0]
    with TargetModel(model, BOARD) as target:
        result = target.run(x, trace=True)
    by_model = model.run(x, trace=True)
    assert result.scores is not None
    assert by_model.scores is not None
    assert result.scores.shape == by_model.scores.shape
    assert [v.shape for v in result.state] == [v.shape for v in by_model.state]
