"""How C reads, generated or not: what stands where, and that clang-format would change nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from support.zoo import counting, heard
from support.zoo.golden import GOLDEN, example
from support.zoo.tiny import MODELS

from codegen import isa
from codegen.package.packages import FORMATS, package
from codegen.render import render, render_program
from qat.model import Model

EXAMPLES = Path(__file__).parents[1] / "examples"
SHIPPED = {path.stem: Model.load(path) for path in sorted(EXAMPLES.glob("*.npz"))}
BY_HAND = ("firmware", "codegen/checks", "tests/bench")
"""Where C lies that no template has written, but for the copies in firmware/lib."""

COLUMNS = 120
FUNCTION_LINES = 120
LETTERS = 10
"""Of a model's name for which lines are short enough: its user chooses it."""
NETWORK_LINES = 300
"""By then the interface is over and the first layer begins; the network's constants came before."""

CONTENTS = ("Machine", "Network", "Layers", "Loops", "Weights")


@cache
def files_of(name: str) -> dict[str, str]:
    if name in MODELS:
        return render_program(MODELS[name].program())
    if name in OTHERS:
        return render(OTHERS[name])
    if name in SHIPPED:
        return render(replace(SHIPPED[name], name=SHIPPED[name].name[:LETTERS]))
    models = {model.name: model for model in (*GOLDEN, example())}
    return render(models[name])


OTHERS = counting.MODELS | heard.MODELS
NAMES = (*(model.name for model in (*GOLDEN, example())), *SHIPPED, *MODELS, *OTHERS)


@pytest.fixture(params=NAMES)
def files(request: pytest.FixtureRequest) -> dict[str, str]:
    """The pair and the binding of a model: golden, shipped, or one of each kernel and input."""
    return files_of(request.param)


def source_of(files: dict[str, str]) -> list[str]:
    return next(text for name, text in files.items() if name.endswith(".c")).split("\n")


def functions(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Yield (line before its brace, lines) of every function."""
    start = 0
    for number, line in enumerate(lines):
        if line == "{" and lines[number - 1].endswith(")"):
            start = number
        elif line == "}" and start:
            yield lines[start - 1], number - start + 1
            start = 0


def faults(lines: list[str]) -> Iterator[str]:
    """Yield what a generator does and a hand would not."""
    for number, (line, after) in enumerate(pairwise(lines), 1):
        if len(line) > COLUMNS and "#error" not in line:
            yield f"{number}: {len(line)} columns"
        if re.match(r"#(if|el)", line) and re.match(r"#(el|endif)", after):
            yield f"{number}: nothing behind {line}"
        if not line and after.strip().startswith("}"):
            yield f"{number}: an empty line before a brace"
        if not line and not after and number < len(lines) - 1:
            yield f"{number}: two empty lines"


def test_no_line_looks_generated(files: dict[str, str]) -> None:
    assert {name: [*faults(text.split("\n"))] for name, text in files.items()} == {
        name: [] for name in files
    }


def test_functions_are_short(files: dict[str, str]) -> None:
    found = [*functions(source_of(files))]
    assert found
    assert [row for row in found if row[1] > FUNCTION_LINES] == []


def test_the_network_comes_first(files: dict[str, str]) -> None:
    lines = source_of(files)
    heads = [line.split()[1] for line in lines[:12] if re.match(r" \* [A-Z]\w+  ", line)]
    assert tuple(heads) == CONTENTS
    first = next(n for n, line in enumerate(lines, 1) if line.startswith(" * Layer 0: "))
    assert first <= NETWORK_LINES
    places = [next((n for n, line in enumerate(lines) if line.endswith(f"- {part} */")), -1)
              for part in ("machine", "network", "layers", "loops", "weights")]  # fmt: skip
    assert [n for n in places if n >= 0] == sorted(n for n in places if n >= 0)
    assert first - 1 > places[2]


@pytest.mark.parametrize("core", [core for row in isa.SETS for core in row.cores])
@pytest.mark.parametrize("name", SHIPPED)
def test_the_c_for_one_core_has_no_text_that_none_compiles(name: str, core: str) -> None:
    files = render(SHIPPED[name], core, only=core)
    assert not re.findall(r"^#(?:el)?if 0\b.*", "\n".join(files.values()), re.MULTILINE)


def test_clang_format_finds_nothing(root: Path, tmp_path: Path) -> None:
    assert shutil.which("clang-format"), "no clang-format: apt-get install clang-format"
    for number, model in enumerate(NAMES):
        for name, text in files_of(model).items():
            (tmp_path / f"{number}_{name}").write_text(text)
    style = f"--style=file:{root / '.clang-format'}"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) > 2 * len(NAMES)
    command = ["clang-format", "--dry-run", "-Werror", style, *names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("model", GOLDEN, ids=lambda model: model.name)
def test_what_stands_beside_the_pair_reads_as_well(
    model: Model, form: str, root: Path, tmp_path: Path
) -> None:
    """Examples, test vectors and recordings of every format: their layout, and short functions."""
    for number, (path, text) in enumerate(package(model, form).items()):
        if path.endswith((".c", ".h", ".ino")):
            suffix = ".cpp" if path.endswith(".ino") else Path(path).suffix
            (tmp_path / f"{number}_{Path(path).stem}{suffix}").write_text(text)
            found = [*functions(text.split("\n"))]
            assert [row for row in found if row[1] > FUNCTION_LINES] == [], path
    style = f"--style=file:{root / '.clang-format'}"
    command = ["clang-format", "--dry-run", "-Werror", style, *sorted(map(str, tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("fault", ["}\n\n\n#if 0\n#endif\n", "x" * (COLUMNS + 1) + "\n", "\n}\n"])
def test_a_fault_is_seen(fault: str) -> None:
    assert [*faults(fault.split("\n"))]


def by_hand(root: Path) -> list[Path]:
    """Return the files of the firmware, of the host check and of the counting program."""
    found = [path for folder in BY_HAND for path in (root / folder).rglob("*.[ch]*")]
    return sorted(path for path in found if path.suffix in {".c", ".h", ".cpp"})


def test_c_by_hand_reads_as_well(root: Path) -> None:
    """One style, short lines and functions; what is copied to firmware/lib is tested above."""
    files = [path for path in by_hand(root) if "lib" not in path.relative_to(root).parts]
    assert {"driver.c", "count.c", "protocol.h", "startup.c", "check.h", "main.cpp"} <= {
        path.name for path in files
    }
    texts = {str(path.relative_to(root)): path.read_text().split("\n") for path in files}
    assert {name: [*faults(lines)] for name, lines in texts.items()} == {name: [] for name in texts}
    long = [row for lines in texts.values() for row in functions(lines) if row[1] > FUNCTION_LINES]
    assert long == []
    command = ["clang-format", "--dry-run", "-Werror", f"--style=file:{root / '.clang-format'}"]
    done = subprocess.run([*command, *texts], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
