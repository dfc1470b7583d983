"""The verb demo: trained, generated, and equal here and on emulated cores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support import recorded
from support.contract import lost_keys

from codegen.cli import main
from codegen.target.boards import load_boards

BOARDS = ("qemu-m0", "qemu-m55")


@pytest.mark.target
@pytest.mark.usefixtures("recorded_builds")
def test_the_short_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On two cores; tests/package/test_wheel.py runs it on all, in the proof."""
    boards = {name: board for name, board in load_boards().items() if name in BOARDS}
    monkeypatch.setattr("codegen.cli.demo.load_boards", lambda: boards)
    flags: list[Sequence[str]] = []

    def noted(*given: Any, **options: Any) -> dict[str, Path]:
        flags.append(options.get("flags", ()))
        return recorded.build(*given, **options)

    monkeypatch.setattr("codegen.target.emulated.build", noted)
    folder = tmp_path / "out"
    assert main(["demo", "--short", "--json", "-o", str(folder)]) == 0
    values = json.loads(capsys.readouterr().out)
    assert lost_keys("demo", values) == set()
    assert not any(flags)  # the firmware that was compared is counted; no other is built
    assert values["differing"] == 0
    assert [result["differing"] for result in values["results"]] == [0] * len(BOARDS)
    assert all(result["compared"]["spikes"] > 0 for result in values["results"])
    assert values["accuracy"]["test"] > 0.85
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "digits.c",
        "digits.h",
        "digits.npz",
        "example",
        "manifest.json",
    ]
