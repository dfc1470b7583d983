"""report of a model that does not fit: exit status 1, and the advice that build gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codegen.cli import main
from qat import Network, export


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model whose weights take 64 KB, as much as the board's whole flash."""
    path = tmp_path_factory.mktemp("large") / "large.npz"
    export(Network([512, 512, 4], 2, 4, input_range=(0, 1)), "large").save(path)
    return path


def test_report_says_what_build_says(large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = ["--board", "bluepill_f103c8"]
    assert main(["build", str(large), *board]) == 2
    advice = capsys.readouterr().err.removeprefix("spikemcu build: ").strip()
    assert "neurons in place of 512 it would fit" in advice
    assert main(["report", str(large), *board]) == 1
    streams = capsys.readouterr()
    assert f"does not fit: {advice}" in streams.err
    assert "TOO FEW" in streams.out
    assert main(["report", str(large), *board, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["fits"], found["advice"]) == (False, advice)


def test_what_fits_is_no_failure(large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(large), "--board", "qemu-m4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["fits"], found["advice"]) == (True, None)
