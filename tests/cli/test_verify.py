"""`spikemcu verify`: what ran, what did not, what failed, and the report."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.analysed import MODELS as ANALYSED
from support.models import small_model

from codegen.cli import main
from codegen.verification import CHECKS

pytestmark = pytest.mark.target

ANALYSIS = "abstract interpretation"


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "small.npz"
    small_model().save(path)
    return str(path)


def verify(
    model: str, *options: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any]]:
    status = main(["verify", model, "--board", "qemu-m0", "--json", *options])
    return status, json.loads(capsys.readouterr().out)


def path_without(folder: Path, *missing: str) -> str:
    """Return a PATH on which some programs are missing, or are files of the folder itself."""
    folder.mkdir(exist_ok=True)
    for entry in os.environ["PATH"].split(os.pathsep):
        for tool in Path(entry).iterdir() if Path(entry).is_dir() else ():
            link = folder / tool.name
            if tool.name not in missing and not link.is_symlink() and not link.exists():
                link.symlink_to(tool)
    return str(folder)


def test_a_good_model_passes_every_check_that_can_run(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.md"
    status, found = verify(model, "-o", str(report), capsys=capsys)
    assert status == 0
    results = {outcome["name"]: outcome["status"] for outcome in found["outcomes"]}
    assert set(results) == {check.name for check in CHECKS}
    assert results.pop("equality on data") == "not run"
    assert results.pop(ANALYSIS) == "not run"  # twenty bytes have many digits
    assert set(results.values()) == {"passed"}
    assert found["model"]["digest"] == small_model().digest()
    text = report.read_text()
    assert found["model"]["digest"] in text
    for outcome in found["outcomes"]:
        assert f"## {outcome['name'].capitalize()}: {outcome['status']}" in text
        assert all(command in text for command in outcome["commands"])
    assert found["versions"]["QEMU"] in text


def test_what_did_not_run_has_not_passed(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", path_without(tmp_path / "bin", "qemu-system-arm", "clang"))
    status, found = verify(model, capsys=capsys)
    assert status == 0
    results = {outcome["name"]: outcome for outcome in found["outcomes"]}
    for name in ("emulated cores", "stack", "worst case"):
        assert results[name]["status"] == "not run"
        assert "qemu-system-arm" in results[name]["summary"]
    assert "clang" not in str(results["equality"])
    assert found["versions"]["QEMU"] == "not here"
    assert verify(model, "--all", capsys=capsys)[0] == 1


def test_a_model_that_eva_ends_with_is_analysed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shutil.which("frama-c"), "no frama-c: apt-get install frama-c-base"
    path = tmp_path / "net.npz"
    ANALYSED["sparse"].model.save(path)
    monkeypatch.setattr("codegen.verification.CHECKS", [c for c in CHECKS if c.name == ANALYSIS])
    assert main(["verify", str(path), "--board", "qemu-m0", "--json"]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)["outcomes"]
    assert (outcome["status"], outcome["summary"]) == (
        "passed",
        "0 alarms, 0 assertions not proved",
    )
    monkeypatch.setenv("PATH", path_without(tmp_path / "bin", "frama-c"))
    main(["verify", str(path), "--board", "qemu-m0", "--json"])
    (outcome,) = json.loads(capsys.readouterr().out)["outcomes"]
    assert outcome["status"] == "not run"
    assert "apt-get install frama-c-base" in outcome["summary"]


MISCOMPILING = """#!/bin/sh
sed -i 's/n += 128;/n += 127;/' small.c
exec {compiler} "$@"
"""


def test_a_compiler_that_miscompiles_is_caught(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, compiler = tmp_path / "bin", shutil.which("gcc")
    folder.mkdir()
    wrapper = folder / "gcc"
    wrapper.write_text(MISCOMPILING.format(compiler=compiler))
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", path_without(folder))
    status, found = verify(model, capsys=capsys)
    assert status == 1
    results = {outcome["name"]: outcome for outcome in found["outcomes"]}
    assert results["equality"]["status"] == "failed"
    assert any("first difference" in line for line in results["equality"]["details"])
    assert results["emulated cores"]["status"] == "passed"


def test_a_board_of_hardware_is_refused(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", model, "--board", "pico"]) == 2
    assert "board of hardware" in capsys.readouterr().err
