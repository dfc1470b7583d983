"""What qat/README.md shows of networks of others works as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from support.nir.environment import run
from support.nir.saved import saved
from support.nir.table import table

from codegen.cli import main

README = (Path(__file__).parents[4] / "qat" / "README.md").read_text()

NETWORKS = {
    "snntorch": "snntorch_conv",
    "norse": "norse_conv",
    "spikingjelly": "spikingjelly_conv",
}


def block(mark: str, language: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n```{language}\n(.*?)```", README, re.DOTALL)
    assert found, mark
    return found[1]


def lines() -> list[list[str]]:
    """Return the command lines behind `spikemcu`."""
    return [shlex.split(line, comments=True)[1:] for line in block("checked", "sh").splitlines()]


def test_a_page_has_less_than_15_lines() -> None:
    for framework in NETWORKS:
        program = [line for line in block(framework, "python").splitlines() if line]
        assert len(program) <= 12
        assert len(program) + len(lines()) < 15


@pytest.mark.target
@pytest.mark.usefixtures("recorded_builds")
@pytest.mark.parametrize("framework", NETWORKS)
def test_files_of_a_framework_become_a_checked_firmware(
    framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, reference = saved(NETWORKS[framework], tmp_path)
    shutil.move(path, tmp_path / "net.nir")
    shutil.move(reference, tmp_path / "reference.npz")
    monkeypatch.chdir(tmp_path)
    for words in lines():
        assert main(words) == 0, words


@pytest.mark.proof
@pytest.mark.parametrize("framework", NETWORKS)
def test_the_program_of_a_page_writes_what_is_imported(
    framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page.py").write_text(block(framework, "python"))
    run("pages.py", framework, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(lines()[0]) == 0
    assert main(lines()[1]) == 0


@pytest.mark.usefixtures("inside")
def test_the_table_of_drifts_is_what_is_measured() -> None:
    shown = README.split("<!-- drift -->\n")[1].split("\n\n")[0] + "\n"
    assert shown == table()
