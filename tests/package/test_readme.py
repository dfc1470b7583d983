"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import codegen
from codegen.checks.host import WARNINGS, find_compiler
from codegen.cli import main
from codegen.cli.verbs import VERBS
from codegen.kernels.pack import pack_fields, ternary_planes
from qat.model import Model


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
        "README.md",
        "digits.c",
        "digits.h",
        "example",
        "manifest.json",
    ]


@pytest.fixture(scope="module")
def guide(root: Path) -> str:
    """Return the text that shows the C."""
    return (root / "codegen" / "README.md").read_text()


def test_the_c_that_is_shown_compiles_against_the_generated_pair(program: Path, guide: str) -> None:
    declared = "int32_t classify(const uint8_t pixels[DIGITS_INPUTS]);\n\nint32_t classify("
    source = block(guide, "c").replace("int32_t classify(", declared)
    (program / "out" / "main.c").write_text(source)
    command = [find_compiler(), *WARNINGS, "-fsyntax-only", "main.c"]
    subprocess.run(command, cwd=program / "out", check=True)


ACTIVITIES = {"rests": (0.0, 0.0), "walks": (1.8, 2.0), "runs": (2.9, 6.0)}
"""Swings a second and their size in m/s2."""


def recording(people: int = 6, seconds: int = 16, rate: int = 50) -> str:
    """Return the text of a recording: every person does all activities, in turn."""
    random, lines = np.random.default_rng(0), ["ax,ay,az,person,activity"]
    for person in range(people):
        for activity, (pace, size) in ACTIVITIES.items():
            t = np.arange(seconds * rate) / rate
            swing = size * np.sin(2 * np.pi * pace * random.uniform(0.9, 1.1) * t)
            force = np.stack([swing, swing / 2, 9.81 + np.abs(swing) / 3], axis=1)
            force += random.normal(0, 0.3, force.shape)
            lines += [f"{x:.3f},{y:.3f},{z:.3f},p{person},{activity}" for x, y, z in force]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def own_data(readme: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the commands for one's own data, all of them; return their folder."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "motion.csv").write_text(recording())
    commands = block(readme, "sh", "<!-- own data -->").splitlines()
    assert len(commands) < 10
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SPIKEMCU_CACHE", str(folder / "cache"))
        for command in commands:
            assert main(shlex.split(command, comments=True)[1:]) == 0
    return folder


def test_the_way_of_own_data_runs(own_data: Path) -> None:
    model = Model.load(own_data / "motion.npz")
    assert model.sensor is not None
    assert model.metadata["sample_unit"] == 0.001
    assert model.metadata["channels"] == ["ax", "ay", "az"]
    assert model.metadata["accuracy"]["test"] > 0.9
    assert codegen.check(model, code=own_data / "out") is None


def test_the_c_for_raw_samples_compiles_against_the_generated_pair(
    own_data: Path, guide: str
) -> None:
    declared = (
        "void timer_interrupt(void);\nvoid read_sensor(int16_t *);\nvoid show(int32_t);\n\n"
        "void timer_interrupt(void)\n{"
    )
    source = block(guide, "c", "<!-- own data in C -->")
    assert source.count("void timer_interrupt(void)\n{") == 1
    source = source.replace("void timer_interrupt(void)\n{", declared)
    (own_data / "out" / "main.c").write_text(source)
    command = [find_compiler(), *WARNINGS, "-fsyntax-only", "main.c"]
    subprocess.run(command, cwd=own_data / "out", check=True)


def test_every_verb_is_in_the_readme(readme: str) -> None:
    for verb in VERBS:
        assert f"`spikemcu {verb.name}" in readme


def test_ci_runs_the_test_command_of_the_readme(readme: str, root: Path) -> None:
    commands = [line for line in readme.splitlines() if "pip install -e '.[test]'" in line]
    assert len(commands) == 1
    assert "pip install -e '.\\[test\\]'" in (root / ".ci" / "run").read_text()


def test_it_is_one_page(readme: str) -> None:
    lines = readme.splitlines()
    assert len(lines) <= 150
    assert max(len(line) for line in lines) <= 150


SHELLS = [
    pytest.param(shell, marks=pytest.mark.proof if shell == "bash" else ())
    for shell in ("sh", "bash")
    if shutil.which(shell)
]
"""Each makes an environment; the ordinary run takes the shell that knows less."""


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_typed_after_the_first_command_works(
    shell: str, readme: str, tmp_path: Path
) -> None:
    """The shell finds `spikemcu` after the first command as it stands, with made tools."""
    command = block(readme, "sh")
    assert command.count(" && ") + command.count(" &&\n") == 4
    made = """
        sudo() { :; }
        pip() { echo 'echo "ran $1"' > .venv/bin/spikemcu && chmod +x .venv/bin/spikemcu; }
    """
    done = subprocess.run(
        [shell], input=f"{made}\n{command}\nspikemcu boards\n",
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["ran demo", "ran boards"]


def pages(root: Path) -> list[Path]:
    """Return every page for people: at the top, of the packages, of the project."""
    places = ("", ".github", "qat", "codegen", "boards", "qat/data", "tests/examples")
    return [page for place in places for page in sorted((root / place).glob("*.md"))]


def test_linked_files_exist(root: Path) -> None:
    for page in pages(root):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).is_file(), (page, link)


def test_the_tree_of_the_architecture_is_the_tree(root: Path) -> None:
    """Every package of the two halves has its line, in their order, and none is gone."""
    text = (root / ".github" / "ARCHITECTURE.md").read_text().split("## The order of imports")[0]
    for top in ("qat", "codegen"):
        part = text.split(f"\n    {top}/ ")[1].split("\n\n")[0]
        named = re.findall(r"^ {6}(\w+)/ ", part, re.MULTILINE)
        there = [path.parent.name for path in (root / top).glob("*/__init__.py")]
        assert sorted(named) == sorted(there), top


def test_no_text_installs_a_name_that_is_not_ours(root: Path) -> None:
    """`spikemcu` on PyPI may be anybody's: what is installed is the checkout, or a dependency."""
    tops = (root / top for top in ("qat", "codegen", "firmware", "tests/bench"))
    sources = [source for top in tops for source in top.rglob("*.py") if ".pio" not in source.parts]
    for source in (*sources, *pages(root)):
        assert not re.search(r"pip install[^`&\n]*\bspikemcu", source.read_text()), source


def test_the_memory_table_is_what_the_packers_give(root: Path) -> None:
    readme = (root / ".github" / "FIGURES.md").read_text()
    for n_in, n_out in ((784, 128), (64, 64), (128, 10)):
        codes = np.zeros((n_out, n_in), int)
        columns = np.ascontiguousarray(codes.T)
        packed = [pack_fields(columns, 8).nbytes, pack_fields(columns, 4).nbytes]
        true = [4 * codes.size, *packed, ternary_planes(codes).nbytes]
        row = next(r for r in readme.splitlines() if r.startswith(f"| {n_in} -> {n_out} |"))
        cells = [cell.split()[0] for cell in row.strip("|").split("|")[1:]]
        assert [int(cell.replace(",", "")) for cell in cells] == true
