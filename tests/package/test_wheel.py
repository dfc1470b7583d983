"""The wheel: what it holds, the same twice, and installed outside the checkout it works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.metadata import Metadata
from support.building import Built

from codegen.target.boards import load_boards


def test_the_wheel_holds_what_it_needs_and_nothing_else(wheel: Path, root: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {"qat", "codegen"} < tops
    assert all(top in ("qat", "codegen") or top.endswith(".dist-info") for top in tops)
    firmware = {path.name for path in (root / "firmware").iterdir() if path.name[0] != "."}
    packed = {name.split("/")[3] for name in names if name.startswith("codegen/_assets/firmware/")}
    assert packed == firmware
    for needed in (
        "qat/data/digits.csv.gz",
        "codegen/render/model.c.j2",
        "codegen/checks/driver.c",
        "codegen/report/page/style.css",
        "codegen/_assets/boards/qemu-m4.json",
        "codegen/_assets/boards/hardware/pico.json",
        "codegen/_assets/firmware/src/arduino/main.cpp",
        "codegen/_assets/firmware/platformio.ini",
    ):
        assert needed in names
    assert not [name for name in names if ".pio/" in name or name.endswith(".pyc")]


def test_two_builds_give_the_same_bytes(built: Built) -> None:
    names = sorted(path.name for path in built.first.iterdir())
    assert len(names) == 2
    assert sorted(path.name for path in built.second.iterdir()) == names
    for name in names:
        first, second = ((folder / name).read_bytes() for folder in (built.first, built.second))
        assert first == second, name


def test_the_metadata_are_valid_and_complete(built: Built, readme: str) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        found = Metadata.from_email(archive.read(name), validate=True)
        assert archive.read(name.replace("METADATA", "licenses/LICENSE"))
    assert found.license_expression == "MIT"
    assert found.license_files == ["LICENSE"]
    assert found.description_content_type == "text/markdown"
    assert found.description == readme
    assert found.summary
    assert str(found.requires_python) == ">=3.11"


@pytest.mark.proof
def test_the_description_can_be_shown(built: Built) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", built.wheel, built.source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "No module named twine" not in done.stderr, "pip install -e '.[proof]'"
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own, away from the checkout."""

    folder: Path

    def say(self, *words: str) -> Any:
        """Run the command; return what it prints with --json."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment["SPIKEMCU_CACHE"] = str(self.folder / "cache")
        done = subprocess.run(
            [self.folder / "venv" / "bin" / "spikemcu", *words, "--json"],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Installed:
    python = tmp_path / "venv" / "bin" / "python"
    made = [sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"]
    subprocess.run(made, check=True)
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    install = [*pip, "--no-compile", wheel]  # Python compiles what it imports, not all there is
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Installed(tmp_path)


@pytest.mark.target
def test_a_model_is_trained_built_and_run_from_the_wheel(installed: Installed) -> None:
    """Data, templates, firmware and boards are there, and nothing is built in site-packages."""
    installed.say("train", "digits", "--epochs", "1", "--hidden", "8", "-o", "digits.npz")
    values = installed.say("run", "digits.npz", "--board", "qemu-m0", "--limit", "4")
    assert [result["differing"] for result in values["results"]] == [0, 0]
    assert all(result["compared"]["spikes"] > 0 for result in values["results"])
    assert not list((installed.folder / "venv").rglob("*.o"))


@pytest.mark.proof
@pytest.mark.target
def test_the_demo_runs_from_the_wheel(installed: Installed) -> None:
    """tests/cli/test_demo.py looks at what it says."""
    values = installed.say("demo", "--short", "-o", "out")
    assert [result["differing"] for result in values["results"]] == [0] * len(load_boards())
    assert not list((installed.folder / "venv").rglob("*.o"))
