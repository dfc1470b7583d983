"""Same input, same bytes: of save, generate and Model.run, whatever surrounds the process.

Hash seeds, locales, time zones, working folders; in the proof also locales with other commas, and
the oldest and the newest NumPy.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import determined
from support.zoo.golden import GOLDEN
from support.zoo.sized import MODELS

TESTS = Path(determined.__file__).parents[1]
ELSEWHERE: tuple[dict[str, str], ...] = (
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "Pacific/Kiritimati"},
    {"PYTHONHASHSEED": "4294967295", "LC_ALL": "C", "TZ": "America/St_Johns"}
    | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
)
LOCALES = ("tr_TR", "de_DE", "ar_EG", "hi_IN")
NEEDED = ("jinja2>=3.1,<4", "cffi>=1.16,<3")
NUMPY_OLDEST = "numpy==1.26.0"
NUMPY_NEWEST = "numpy<3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with models of every kind."""
    folder = tmp_path_factory.mktemp("models")
    for model in (*GOLDEN, *MODELS.values()):
        model.save(folder / f"{model.name}.npz")
    return folder


@pytest.fixture(scope="module")
def here(folder: Path) -> dict[str, str]:
    return determined.hashes(folder)


def there(folder: Path, python: str | Path, cwd: Path, **environment: str) -> Any:
    """Return what another process says, in another place."""
    done = subprocess.run(
        [str(python), "-m", "support.determined", str(folder)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS)))}
        | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("environment", ELSEWHERE)
def test_every_process_makes_the_same_bytes(
    environment: dict[str, str], folder: Path, here: dict[str, str], tmp_path: Path
) -> None:
    assert there(folder, sys.executable, tmp_path, **environment)["hashes"] == here


def test_another_model_makes_other_bytes(here: dict[str, str]) -> None:
    first, second = GOLDEN[:2]
    assert here[f"{first.name} save"] != here[f"{second.name} save"]
    assert here[f"{first.name} run"] != here[f"{second.name} run"]


@pytest.mark.proof
@pytest.mark.parametrize("name", LOCALES)
def test_every_locale_makes_the_same_bytes(
    name: str, folder: Path, here: dict[str, str], tmp_path: Path
) -> None:
    made = subprocess.run(
        ["localedef", "-i", name, "-f", "UTF-8", str(tmp_path / f"{name}.UTF-8")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / f"{name}.UTF-8").is_dir(), f"apt-get install locales: {made.stderr}"
    environment = {"LOCPATH": str(tmp_path), "LC_ALL": f"{name}.UTF-8"}
    assert there(folder, sys.executable, tmp_path, **environment)["hashes"] == here


@pytest.mark.proof
@pytest.mark.parametrize("requirement", [NUMPY_OLDEST, NUMPY_NEWEST])
def test_every_numpy_makes_the_same_bytes(
    requirement: str, folder: Path, here: dict[str, str], tmp_path: Path
) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        requirement,
        "jinja2>=3.1,<4",
        "cffi",
    ]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = there(folder, python, tmp_path)
    print(f"NumPy {found['numpy']}: {len(found['hashes'])} results, the same")
    assert found["hashes"] == here
    shutil.rmtree(tmp_path / "venv")
