"""What a user has stays: verbs, options, exit statuses, keys, names, parameters.

record.py wrote down what there was; additions are free, a removal fails here.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support import contract

import qat
from codegen.cli import main

HERE = Path(__file__).parent
RUN = HERE / "run"
HELD = HERE / "models" / "held.npz"


def recorded(name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((HERE / name).read_text())
    return values


# --------------------------------------------------------------------- verbs


def test_every_verb_keeps_its_arguments() -> None:
    now = contract.verbs()
    for verb, arguments in recorded("verbs.json").items():
        assert verb in now
        assert now[verb]["places"] == arguments["places"], verb
        assert not set(arguments["options"]) - set(now[verb]["options"]), verb


@pytest.mark.target
@pytest.mark.usefixtures("recorded_builds")
def test_every_result_keeps_its_keys(tmp_path: Path) -> None:
    results = contract.run_all(tmp_path)
    missing = {name: contract.lost_keys(name, result) for name, result in results.items()}
    assert {name: lost for name, lost in missing.items() if lost} == {}


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("--version", 0),
        ("train --help", 0),
        ("info {held}", 0),
        ("check {held} --data {held}", 2),
        ("report {held} --board qemu-m0 --budget flash=100,ram=100", 1),
        ("report {held} --board qemu-m0 --budget flash=32Q", 2),
        ("report {held} --board no-such-board", 2),
        ("info {folder}/missing.npz", 2),
        ("info {code}/held.c", 2),
        ("train no-such-data -o {folder}/x.npz", 2),
        ("train digits --epochs 1", 2),
        ("generate {held}", 2),
        ("generate {held} -o {folder} --format no-such-format", 2),
        ("no-such-verb", 2),
        ("info {held} --no-such-option", 2),
        ("", 2),
    ],
)
@pytest.mark.target
def test_exit_statuses(line: str, status: int, tmp_path: Path, cache: Path) -> None:
    words = line.format(held=HELD, folder=tmp_path, code=HERE / "code").split()
    try:
        found: Any = main(words)
    except SystemExit as exit_:  # argparse ends this way
        found = exit_.code
    assert (found or 0) == status


def test_the_package_is_a_command() -> None:
    command = [sys.executable, "-m", "codegen", "--version"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.startswith("spikemcu ")


# --------------------------------------------------------------------- names


@pytest.mark.parametrize(("module", "names"), recorded("names.json").items())
def test_public_names_stay(module: str, names: list[str]) -> None:
    there = import_module(module)
    assert [name for name in names if not hasattr(there, name)] == []


def test_modules_of_the_package_are_found_as_attributes() -> None:
    """`import qat` is enough for `qat.datasets.load`, in a process that has seen nothing yet."""
    own = [name for name in contract.MODULES if name.startswith("qat.") and name != "qat.model"]
    program = f"import qat; [{', '.join(own)}]; qat.Model; qat.quantize._ste_quantize"
    subprocess.run([sys.executable, "-c", program], check=True)


RESULTS = {"Bounds", "Comparison", "Difference", "Epoch", "History", "LayerBounds", "Rates",
           "Result", "Stopped"}  # fmt: skip
"""Records that are read, not made: a new field needs no default, an old one may be computed."""


def test_parameters_keep_their_names_and_their_order() -> None:
    for path, had in recorded("parameters.json").items():
        value = _at(path)
        if not callable(value):
            continue
        now = inspect.signature(value).parameters
        if path.rsplit(".", 1)[-1] in RESULTS:
            assert [name for name in had if name not in now and not hasattr(value, name)] == [], (
                path
            )
            continue
        assert [name for name in now if name in had] == had, path
        new = [p for name, p in now.items() if name not in had]
        free = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        assert all(p.kind in free or p.default is not p.empty for p in new), path


def _at(path: str) -> Any:
    """Return what a dotted path names: a public name of a module, or a member of one."""
    module = max((m for m in recorded("names.json") if path.startswith(f"{m}.")), key=len)
    value: Any = import_module(module)
    for word in path.removeprefix(f"{module}.").split("."):
        value = getattr(value, word)
    return value


# --------------------------------------------------------------------- fixtures of an earlier day


def test_a_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """An earlier version wrote the folder; the goal is the same run without interruption."""
    for path in RUN.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    model = tmp_path / "trained.npz"
    line = contract.RUN_LINE.format(folder=tmp_path, model=model)
    assert main([*line.split(), "--resume"]) == 0
    expected, history = recorded("run.json"), json.loads((tmp_path / "history.json").read_text())
    assert qat.Model.load(model).digest() == expected["digest"]
    assert [epoch["loss"] for epoch in history] == pytest.approx(expected["losses"], 1e-4)


def test_code_of_an_earlier_day_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """The generated folder still equals the model that it was made of."""
    assert main(["check", str(HELD), "--code", str(HERE / "code"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differing"] == 0


def test_code_that_was_spoiled_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("held.c", "held.h", "manifest.json"):
        (tmp_path / name).write_bytes((HERE / "code" / name).read_bytes())
    source = (tmp_path / "held.c").read_text()
    assert contract.SPOILED[0] in source
    (tmp_path / "held.c").write_text(source.replace(*contract.SPOILED, 1))
    assert main(["check", str(HELD), "--code", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["first_difference"] is not None


@pytest.mark.parametrize("name", recorded("models/results.json"))
def test_model_files_keep_their_digest_and_what_they_compute(name: str) -> None:
    model = qat.Model.load(HERE / "models" / name)
    assert contract.results(model) == recorded("models/results.json")[name]
    made = {model.name: model for model in contract.models()}[model.name]
    assert made.digest() == model.digest()


def test_a_file_of_every_record_is_there() -> None:
    from qat.model.file import RECORDS  # noqa: PLC0415  # moves with the modules

    kinds: set[str] = set()
    for path in (HERE / "models").glob("*.npz"):
        kinds |= contract.kinds(path)
    assert kinds == set(RECORDS)


def test_the_examples_keep_their_digests(root: Path) -> None:
    found = {
        path.name: qat.Model.load(path).digest()
        for path in (root / "tests" / "examples").glob("*.npz")
    }
    assert found.items() >= recorded("examples.json").items()
