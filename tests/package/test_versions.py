"""The oldest and the newest versions that pyproject.toml allows, in an environment of their own.

The interpreter is this one, or SPIKEMCU_TEST_PYTHON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

pytestmark = [pytest.mark.proof, pytest.mark.target]

CORE = (
    "tests/unit",
    "tests/property",
    "tests/golden",
    "tests/host",
    "tests/formats",
    "tests/regression",
    "tests/target/test_target.py",
)
"""What is run with other versions."""

LENIENT = ("-W", "default::DeprecationWarning")
"""An old package may call a newer one, that it brings along, in a way that is deprecated there."""

INTERPRETER = os.environ.get("SPIKEMCU_TEST_PYTHON", sys.executable)
OURS = ("PYTHON", "PYTEST")
"""What variables begin with that are meant for this interpreter and this run."""


def requirements(root: Path) -> list[Requirement]:
    """Return what pyproject.toml asks for, to run and to test."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return [
        Requirement(text)
        for text in (*project["dependencies"], *project["optional-dependencies"]["test"])
    ]


def oldest(requirement: Requirement) -> str:
    """Return the lowest version that a requirement allows."""
    (lowest,) = (s.version for s in requirement.specifier if s.operator in (">=", "=="))
    return lowest


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command of another environment; return what it prints."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def installed(python: Path) -> dict[str, Version]:
    """Return the version of everything that is installed."""
    listed = json.loads(run(python, "-m", "pip", "list", "--format=json", cwd=python.parent))
    return {canonicalize_name(row["name"]): Version(row["version"]) for row in listed}


@pytest.mark.parametrize("age", ["oldest", "newest"])
def test_the_core_of_the_suite_passes(age: str, root: Path, tmp_path: Path) -> None:
    asked, constraints = requirements(root), tmp_path / "constraints.txt"
    bounds = {canonicalize_name(r.name): oldest(r) for r in asked if age == "oldest"}
    constraints.write_text("".join(f"{name}=={bound}\n" for name, bound in bounds.items()))
    run(INTERPRETER, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    said = run(python, "-m", "pip", "install", "-c", constraints, "-e", f"{root}[test]", cwd=root)
    assert "yanked" not in said  # a bound is a version that one should use
    found = installed(python)
    assert {name: found[name] for name in bounds} == {n: Version(b) for n, b in bounds.items()}
    print(run(python, "--version", cwd=root).strip(), end=", ")
    print(", ".join(f"{r.name} {found[canonicalize_name(r.name)]}" for r in asked))
    print(run(python, "-m", "pytest", "-q", *LENIENT, *CORE, cwd=root).splitlines()[-1])
