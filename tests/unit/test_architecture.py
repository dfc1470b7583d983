"""The rules that keep the house in order: who imports whom, what is in the tables."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kernel_models import MODELS

import codegen
from codegen.kernels import BYTES, COUNTS, KERNELS, SPIKES
from codegen.plan.build import HELPERS
from codegen.plan.choose import plan
from codegen.render import loop_template
from qat.model import INPUTS

ROOT = Path(codegen.__file__).parents[1]
QAT = sorted((ROOT / "qat").rglob("*.py"))
CODEGEN = sorted((ROOT / "codegen").rglob("*.py"))
COMMANDS = {"cli.py", "__main__.py"}
MACHINE = {f"qat.{name}" for name in ("bounded", "cache", "libraries", "programs", "scratch")}
"""What files, folders and programs of a machine need: of no package's subject."""

HOSTS = {"127.0.0.1", "cyclonedx.org", "doi.org", "www.qemu.org"}
"""What addresses of the tree may name; packages come from wherever the user's clients get them."""
HOST = re.compile(r"https?://([\w.-]+)")
OF_ONE_MACHINE = re.compile(r"/(?:home|root|Users|work)/(?!me\b)\w+|\bissue #?\d+", re.IGNORECASE)
"""Paths of somebody's machine, and numbers that mean nothing outside of a tracker."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module


@pytest.mark.parametrize("path", QAT, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_qat_never_imports_codegen(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0] == "codegen"]


@pytest.mark.parametrize("path", QAT, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_model_imports_nothing_else_of_qat(path: Path) -> None:
    if path.parent.name != "model":
        return
    names = [name for name in imports(path) if name.split(".")[0] == "qat"]
    own = {name for name in names if name == "qat.model" or name.startswith("qat.model.")}
    assert set(names) - own <= MACHINE


def test_what_is_of_the_machine_imports_nothing_else_of_qat() -> None:
    for module in MACHINE:
        path = ROOT / f"{module.replace('.', '/')}.py"
        assert {name for name in imports(path) if name.split(".")[0] == "qat"} <= MACHINE


@pytest.mark.parametrize("path", CODEGEN, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_codegen_sees_only_the_model(path: Path) -> None:
    if path.relative_to(ROOT / "codegen").parts[0] in ("cli", *COMMANDS):
        return
    names = {name for name in imports(path) if name.split(".")[0] == "qat"}
    assert names <= {"qat.model"} | MACHINE


def test_every_kernel_and_helper_has_its_template() -> None:
    rooms = ROOT / "codegen" / "kernels"
    for name in HELPERS:
        assert (rooms.parent / loop_template(name)).is_file()
    texts = {path: path.read_text() for path in rooms.rglob("*.j2")}
    included = "".join(texts.values())
    for path in texts:
        name = path.relative_to(rooms).as_posix()
        shared = {loop_template(helper).removeprefix("kernels/") for helper in HELPERS}
        own = path.name in ("layer.c.j2", "readout.c.j2") or path.parent.name == "encoders"
        assert name in shared or own or f"kernels/{name}" in included, f"{name} is in no C"
    for kernel in KERNELS:
        for reads, template in ((COUNTS, "readout"), (SPIKES, "layer"), (BYTES, "layer")):
            assert reads not in kernel.reads or (rooms / kernel.name / f"{template}.c.j2").is_file()


def test_every_kernel_and_input_is_run_on_the_cores() -> None:
    """What the costs choose for the models of tests/target is what is tested there."""
    chosen = {stage.kernel for model in MODELS.values() for stage in plan(model).stages}
    assert not {kernel.name for kernel in KERNELS} - chosen
    assert not set(INPUTS) - {type(model.input) for model in MODELS.values()}


def test_importing_codegen_loads_nothing_heavy() -> None:
    code = (
        "import sys, codegen; print(*[m for m in ('numpy', 'cffi', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def tracked() -> Iterator[tuple[str, str]]:
    """Yield name and text of every file under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0")[:-1]:
        yield name, (ROOT / name).read_bytes().decode(errors="replace")


def test_the_tree_names_no_machine_and_no_host_but_those_of_the_table() -> None:
    texts = dict(tracked())
    assert len(texts) > 200
    found = {name: OF_ONE_MACHINE.findall(text) for name, text in texts.items()}
    assert not {name: words for name, words in found.items() if words}
    hosts = {host for text in texts.values() for host in HOST.findall(text)}
    assert hosts == HOSTS
