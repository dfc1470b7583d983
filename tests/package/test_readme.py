"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from codegen.cli import main
from codegen.cli.verbs import VERBS
from codegen.host import WARNINGS, find_compiler
from codegen.pack import pack_fields, ternary_planes


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text()


def block(text: str, language: str, mark: str = "") -> str:
    """Return the first block of a language, or the one behind a mark."""
    found = re.search(rf"{mark}.*?```{language}\n(.*?)```", text, re.DOTALL)
    assert found, (language, mark)
    return found[1]


@pytest.fixture(scope="module")
def program(readme: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the program of the README in a folder of its own; return the folder."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "program.py").write_text(block(readme, "python", "<!-- program -->"))
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split("accuracy ")[1]) > 0.9
    return folder


def test_the_program_runs(program: Path) -> None:
    assert sorted(path.name for path in (program / "out").iterdir()) == [
        "digits.c",
        "digits.h",
        "manifest.json",
    ]


def test_the_c_of_the_readme_compiles_against_the_generated_pair(
    program: Path, readme: str
) -> None:
    declared = "int32_t classify(const uint8_t pixels[DIGITS_INPUTS]);\n\nint32_t classify("
    source = block(readme, "c").replace("int32_t classify(", declared)
    (program / "out" / "main.c").write_text(source)
    command = [find_compiler(), *WARNINGS, "-fsyntax-only", "main.c"]
    subprocess.run(command, cwd=program / "out", check=True)


def test_the_way_of_own_data_runs(
    readme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2, 300)
    rows = [f"{20 + 5 * k + random.normal():.2f},{k + random.normal():.3f}" for k in kinds]
    table = [f"{row},{['sits', 'runs'][k]}" for row, k in zip(rows, kinds, strict=True)]
    (tmp_path / "sensors.csv").write_text("\n".join(["heat,motion,activity", *table]))
    monkeypatch.chdir(tmp_path)
    commands = block(readme, "sh", "<!-- own data -->").splitlines()
    assert len(commands) < 10
    for command in commands:
        words = shlex.split(command, comments=True)[1:]
        if words[0] != "build":  # tests/target builds
            assert main([*words, *(["--epochs", "2"] if words[0] == "train" else [])]) == 0
    assert (tmp_path / "out" / "sensors.c").exists()


def test_every_verb_is_in_the_readme(readme: str) -> None:
    for verb in VERBS:
        assert f"`spikemcu {verb.name}" in readme


def test_ci_runs_the_test_command_of_the_readme(readme: str, root: Path) -> None:
    commands = [line for line in readme.splitlines() if "pip install -e '.[test]'" in line]
    assert len(commands) == 1
    assert "pip install -e '.\\[test\\]'" in (root / ".ci" / "run").read_text()


def test_linked_files_exist(readme: str, root: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert links
    for link in links:
        assert (root / link).is_file(), link


def test_the_memory_table_is_what_the_packers_give(readme: str) -> None:
    for n_in, n_out in ((784, 128), (64, 64), (128, 10)):
        codes = np.zeros((n_out, n_in), int)
        columns = np.ascontiguousarray(codes.T)
        packed = [pack_fields(columns, 8).nbytes, pack_fields(columns, 4).nbytes]
        true = [4 * codes.size, *packed, ternary_planes(codes).nbytes]
        row = next(r for r in readme.splitlines() if r.startswith(f"| {n_in} -> {n_out} |"))
        cells = [cell.split()[0] for cell in row.strip("|").split("|")[1:]]
        assert [int(cell.replace(",", "")) for cell in cells] == true
