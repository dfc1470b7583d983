"""Compiled templates in the cache: whatever lies there, the same C is generated."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2.environment
import pytest
from support import models
from support.zoo.small import small_model

from codegen.package.packages import package
from codegen.render import environment
from codegen.render.bytecode import FOLDER
from codegen.render.templates import make_environment
from codegen.report import page

PROGRAM = """
import hashlib, sys
sys.path[:0] = [{tests!r}, {tests!r} + "/bench"]
from support.zoo.small import small_model
from codegen.package.packages import package
import jinja2.compiler
if {warm}:
    def generate(*arguments, **options):
        raise AssertionError("compiled again")
    jinja2.environment.generate = generate
print(hashlib.sha256(repr(package(small_model())).encode()).hexdigest())
"""


def generated(cache: Path, warm: bool = False) -> str:
    """Return a digest of a package that a new process makes; warm: nothing is to be compiled."""
    tests = str(Path(models.__file__).parents[1])
    command = [sys.executable, "-c", PROGRAM.format(tests=tests, warm=warm)]
    environment = {"SPIKEMCU_CACHE": str(cache), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout


def test_a_second_process_compiles_no_template_and_gives_the_same(tmp_path: Path) -> None:
    first = generated(tmp_path)
    assert len(list((tmp_path / FOLDER).iterdir())) > 20
    assert generated(tmp_path, warm=True) == first


def test_what_is_damaged_is_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut, emptied, with a bit changed, of another content: none of it is taken."""
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))
    environment.cache_clear()
    right = package(small_model())
    files = sorted((tmp_path / FOLDER).iterdir())
    whole = {path: path.read_bytes() for path in files}
    for number, (path, data) in enumerate(whole.items()):
        changed = bytearray(data)
        changed[len(data) // 2] ^= 1
        path.write_bytes((b"", data[: len(data) // 2], bytes(changed), b"no code")[number % 4])
    environment.cache_clear()
    assert package(small_model()) == right
    assert {path: path.read_bytes() for path in files} == whole
    environment.cache_clear()


@pytest.mark.parametrize("there", ["a file", "no folder can be made", "no home"])
def test_without_a_cache_it_works_as_well(
    there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "file"
    place.write_text("")
    monkeypatch.setenv("SPIKEMCU_CACHE", str(place if there == "a file" else place / "below"))
    if there == "no home":
        for name, value in (("SPIKEMCU_CACHE", ""), ("XDG_CACHE_HOME", ""), ("HOME", "nowhere")):
            monkeypatch.setenv(name, value)
    environment.cache_clear()
    assert "small.c" in package(small_model())
    environment.cache_clear()


def test_the_page_is_compiled_once_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another environment takes what the first one compiled, and one of other options does not."""
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))
    compiled: list[str] = []
    monkeypatch.setattr("jinja2.environment.generate", counting(compiled))
    for _ in range(2):
        page.environment.cache_clear()
        page.environment().get_template("page.html.j2")
        assert compiled == ["page.html.j2"]
    page.environment.cache_clear()
    for escaped in (False, True, False):
        make_environment("report/page", escaped=escaped).get_template("style.css")
    assert compiled == ["page.html.j2", "style.css", "style.css"]


def counting(compiled: list[str]) -> Callable[..., str]:
    """Return Jinja's own compiler, which writes down what it compiles."""
    real = jinja2.environment.generate

    def generate(node: Any, environment: Any, name: str, *rest: Any, **options: Any) -> str:
        compiled.append(name)
        return str(real(node, environment, name, *rest, **options))

    return generate
