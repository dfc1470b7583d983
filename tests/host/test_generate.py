"""What `generate` does without: it starts no process and reads no data unless asked to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.zoo.golden import analog

import codegen.cli.data
from codegen.cli import main
from codegen.package.packages import FORMATS
from qat.model import Model

EXAMPLE = Path(__file__).parents[1] / "examples" / "mnist-256.npz"


def refuse(*arguments: Any, **options: Any) -> Any:
    raise AssertionError(f"not needed: {arguments}")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be started, and no data set be loaded."""
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(codegen.cli.data, "load", refuse)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("form", FORMATS)
def test_a_package_needs_no_compiler_and_no_data(form: str, tmp_path: Path) -> None:
    """Its stack figures once took the ARM compiler for six cores, its vector all of MNIST."""
    assert main(["generate", str(EXAMPLE), "-o", str(tmp_path / "out"), "--format", form]) == 0


def test_the_same_bytes_come_whatever_data_a_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for here in (None, "digits"):
        monkeypatch.setattr(codegen.cli.data, "_data_here", lambda model, here=here: here)
        folder = tmp_path / str(here)
        assert main(["generate", str(EXAMPLE), "-o", str(folder)]) == 0
        made.append({f.name: f.read_bytes() for f in folder.rglob("*") if f.is_file()})
    assert made[0] == made[1]


def test_vectors_that_are_asked_for_come_from_the_data(tmp_path: Path) -> None:
    model = Model.load(EXAMPLE)
    assert model.input.size == 256
    command = ["generate", str(EXAMPLE), "-o", str(tmp_path), "--vectors", "3"]
    assert main(command) == 0
    assert "_VECTORS 3u" in (tmp_path / "example" / "vectors.h").read_text()


def test_a_path_with_spaces_and_quotes(root: Path, tmp_path: Path) -> None:
    """A checkout, a cache, a model and its C may lie where a shell would need quotes."""
    place = tmp_path / 'It\'s a "house" & rooms $HOME'
    place.mkdir()
    for name in ("qat", "codegen", "firmware", "boards"):
        shutil.copytree(root / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    analog().save(place / "my model.npz")
    folders = {"SPIKEMCU_CACHE": place / "a cache", "TMPDIR": place}
    surroundings = os.environ | {name: str(path) for name, path in folders.items()}

    def spikemcu(*words: str) -> str:
        command = [sys.executable, "-m", "codegen", *words]
        done = subprocess.run(
            command, cwd=place, env=surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = [sys.executable, "-c", "import codegen, qat; print(codegen.__file__, qat.__file__)"]
    found = subprocess.run(where, cwd=place, capture_output=True, text=True, check=True).stdout
    assert found.count(str(place)) == 2
    spikemcu("generate", "my model.npz", "-o", "the C")
    assert "host  0 of 28,032 spikes differ" in spikemcu("check", "my model.npz", "--code", "the C")
