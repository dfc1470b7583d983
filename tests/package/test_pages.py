"""What the pages name is there: files, public names, verbs and scripts with their options."""

from __future__ import annotations

import importlib
import re
import subprocess
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import codegen
from codegen.cli import parser

ROOT = Path(codegen.__file__).parents[1]
PLACES = ("", ".github", "qat", "codegen", "boards", "qat/data", "tests/examples")
PAGES = [page for place in PLACES for page in sorted((ROOT / place).glob("*.md"))]

FILE = re.compile(r"[\w./-]+\.(?:py|c|h|j2|json|ini|cfg)$")
"""What is a file of the project, where it stands alone in backticks."""


@cache
def tracked() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return tuple(f"/{name}" for name in listed.stdout.decode().split("\0")[:-1])


def in_backticks(text: str) -> list[str]:
    """Return what stands in backticks of running text and tables."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def commands(text: str) -> list[str]:
    """Return every command of the project's own, in text or in a block."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    found = [piece.strip() for line in [*lines, *in_backticks(text)] for piece in line.split("&&")]
    return [piece.split("  #")[0] for piece in found if piece]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_that_is_named_is_there(page: Path) -> None:
    """A name may begin at any folder: `kernels/common.py` is that of codegen."""
    for name in in_backticks(page.read_text()):
        if "/" in name and FILE.match(name):
            assert any(path.endswith(f"/{name}") for path in tracked()), name
        elif re.fullmatch(r"(?:qat|codegen|tests|kernels|firmware|boards)/[\w/.-]+", name):
            assert any(f"/{name.rstrip('/')}/" in f"{path}/" for path in tracked()), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_public_name_is_there(page: Path) -> None:
    """Dotted names of the two halves, as `qat.datasets.load` or `codegen.HostModel`."""
    for name in re.findall(r"\b(?:qat|codegen)(?:\.\w+)+", page.read_text()):
        if FILE.match(name):
            continue
        if name.startswith("qat.torch."):  # needs an extra
            assert f'"{name.split(".")[2]}"' in (ROOT / "qat/torch/__init__.py").read_text(), name
            continue
        found: object = importlib.import_module(name.split(".")[0])
        for part in name.split(".")[1:]:
            if not hasattr(found, part):
                assert isinstance(found, ModuleType), name
                found = importlib.import_module(f"{found.__name__}.{part}")
            else:
                found = getattr(found, part)


@cache
def options() -> dict[str, set[str]]:
    """Return the options of every verb."""
    verbs = next(a for a in parser()._actions if a.dest == "verb").choices
    assert isinstance(verbs, dict)
    return {name: set(sub._option_string_actions) for name, sub in verbs.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_is_one_that_there_is(page: Path) -> None:
    every = set().union(*options().values())
    scripts = [ROOT / "tests/conftest.py", *(ROOT / "tests/bench").glob("*.py")]
    quoted = {o for path in scripts for o in re.findall(r'"(--[a-z-]+)"', path.read_text())}
    for command in commands(page.read_text()):
        words = command.split()
        named = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
        if words[0] == "spikemcu" and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in options() or words[1] == "VERB", command
            assert not named - options().get(words[1], every), command
        elif words[0] in ("python", "pytest"):
            paths = [word for word in words[1:] if re.match(r"(?:tests|qat|codegen)/", word)]
            assert all((ROOT / path.split("::")[0]).exists() for path in paths), command
            if words[0] == "python" and paths:
                text = (ROOT / paths[0]).read_text()
                known = set(re.findall(r'"(?:--)?([a-z][\w-]*)"', text.replace("_", "-")))
                assert not {option[2:] for option in named} - known, command
        elif words[0].startswith("--"):
            assert not named - every - quoted, command
