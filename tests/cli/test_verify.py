"""`spikemcu verify`: what ran, what did not, what failed, and the report."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.contract import lost_keys
from support.zoo.small import small_model

from codegen.checks.equivalence import made_inputs
from codegen.cli import main
from codegen.target.boards import find_boards
from codegen.verify import CHECKS, emulated, here
from codegen.verify.document import PROVED, to_markdown
from codegen.verify.records import Subject
from qat.model import LIF, Dense, Interval, Layer, Model, Spikes

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("recorded_builds")]


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "small.npz"
    small_model().save(path)
    return str(path)


def verify(
    model: str, *options: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any]]:
    status = main(["verify", model, "--board", "qemu-m0", "--json", *options])
    return status, json.loads(capsys.readouterr().out)


def path_without(folder: Path, *missing: str) -> str:
    """Return a PATH on which some programs are missing, or are files of the folder itself."""
    folder.mkdir(exist_ok=True)
    for entry in os.environ["PATH"].split(os.pathsep):
        for tool in Path(entry).iterdir() if Path(entry).is_dir() else ():
            link = folder / tool.name
            if tool.name not in missing and not link.is_symlink() and not link.exists():
                link.symlink_to(tool)
    return str(folder)


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the verb do these checks alone; the first test here does them all."""
    some = [check for check in CHECKS if check.name in names]
    assert len(some) == len(names)
    monkeypatch.setattr("codegen.verify.CHECKS", some)


def test_a_good_model_passes_every_check_that_can_run(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.md"
    status, found = verify(model, "-o", str(report), capsys=capsys)
    assert status == 0
    assert lost_keys("verify", found) == set()
    results = {outcome["name"]: outcome["status"] for outcome in found["outcomes"]}
    assert set(results) == {check.name for check in CHECKS}
    assert results.pop("equality on data") == "not run"
    assert set(results.values()) == {"passed"}
    assert found["model"]["digest"] == small_model().digest()
    assert found["made"] == 4 * 64
    assert set(found["files"]) == {"small.npz", "small.c", "small.h"}
    text = report.read_text()
    assert f"`spikemcu verify {model} --board qemu-m0 --json -o {report}`" in text
    assert found["model"]["digest"] in text
    for outcome in found["outcomes"]:
        assert f"## {outcome['name'].capitalize()}: {outcome['status']}" in text
        assert all(command in text for command in outcome["commands"])
    assert found["versions"]["QEMU"] in text
    assert len(CHECKS) == 8
    assert all(line in text for line in PROVED)


def test_what_did_not_run_has_not_passed(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", path_without(tmp_path / "bin", "qemu-system-arm", "clang"))
    only(monkeypatch, "equality", "emulated cores", "stack", "worst case")
    status, found = verify(model, capsys=capsys)
    assert status == 0
    results = {outcome["name"]: outcome for outcome in found["outcomes"]}
    for name in ("emulated cores", "stack", "worst case"):
        assert results[name]["status"] == "not run"
        assert "qemu-system-arm" in results[name]["summary"]
    assert "clang" not in str(results["equality"])
    assert found["versions"]["QEMU"] == "not here"
    only(monkeypatch, "emulated cores")
    assert verify(model, "--all", capsys=capsys)[0] == 1


MISCOMPILING = """#!/bin/sh
sed -i 's/n += 128;/n += 127;/' small.c
exec {compiler} "$@"
"""


def test_a_compiler_that_miscompiles_is_caught(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, compiler = tmp_path / "bin", shutil.which("gcc")
    folder.mkdir()
    wrapper = folder / "gcc"
    wrapper.write_text(MISCOMPILING.format(compiler=compiler))
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", path_without(folder))
    only(monkeypatch, "equality", "emulated cores")
    status, found = verify(model, capsys=capsys)
    assert status == 1
    results = {outcome["name"]: outcome for outcome in found["outcomes"]}
    assert results["equality"]["status"] == "failed"
    assert any("first difference" in line for line in results["equality"]["details"])
    assert results["emulated cores"]["status"] == "passed"


def test_a_board_that_is_not_there_is_said_at_once(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", model, "--board", "pico", "--port", "/dev/nowhere"]) == 1
    assert "pico: /dev/nowhere: there is no such port" in capsys.readouterr().err
    assert main(["verify", model, "--board", "qemu-m0", "--port", "/dev/nowhere"]) == 2
    assert "--port: qemu-m0 is emulated and has no serial port" in capsys.readouterr().err


# --------------------------------------------------------------------- single checks


def subject(path: str, seeds: int = 1, **changes: Any) -> Subject:
    """Return what is verified, without boards."""
    model = Model.load(path)
    made = np.concatenate([made_inputs(model, 64, seed) for seed in range(seeds)])
    given: dict[str, Any] = {"data": None, "samples": None, "steps": None, "boards": ()}
    return Subject(
        model=model, path=path, command="", made=made, seeds=seeds, origin="", **given | changes
    )


def compiling(folder: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Have gcc compile the C behind a change by sed, as a compiler with a bug would."""
    compiler = shutil.which("gcc")
    folder.mkdir()
    wrapper = folder / "gcc"
    wrapper.write_text(f"#!/bin/sh\nsed -i '{change}' small.c\nexec {compiler} \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(here, "LEVELS", ("-O0",))


def test_c_that_crashes_ends_neither_the_report_nor_the_other_builds(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiling(tmp_path / "bin", monkeypatch, "s/n += 128;/__builtin_trap();/")
    found = here.equal(subject(model))
    assert not found.passed
    bad, good = found.details
    assert bad.startswith("gcc -O0")
    assert "ended by SIG" in bad
    assert good.startswith("clang -O0")
    assert "0 of" in good


def test_inputs_are_made_by_several_seeds(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that one input alone shows, which the third seed makes."""
    x = made_inputs(Model.load(model), 64, 2)[9]
    only = " \\&\\& ".join(f"x[{i}] == {value}" for i, value in enumerate(x))
    fault = f"if ({only}) {{ state->current0[0][0] ^= 1u; }}"
    compiling(tmp_path / "bin", monkeypatch, f"s/small_currents0(state, x);/& {fault}/")
    monkeypatch.setattr(here, "COMPILERS", ("gcc",))
    assert here.equal(subject(model, seeds=2)).passed
    assert not here.equal(subject(model, seeds=3)).passed
    assert not here.trapped(subject(model, seeds=1, data=x[None])).passed
    assert not here.equal_on_data(subject(model, seeds=1, data=x[None])).passed


def test_a_neuron_outside_its_own_range_is_told(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = subject(model)
    good = here.ranges(given)
    assert good.passed
    assert all("% of that range" in line for line in good.details)
    proved, seen = here.proved_ranges(given.model), here.observed(given)
    assert list(proved) == ["layer 0, u", "layer 0, v", "layer 1, u", "layer 1, v", "scores"]
    quiet = int(seen["layer 1, v"].high.argmin())  # no outer end of the layer's range
    high = proved["layer 1, v"].hi.copy()
    high[quiet] = seen["layer 1, v"].high[quiet] - 1
    narrow = proved | {"layer 1, v": Interval(proved["layer 1, v"].lo, high)}
    monkeypatch.setattr(here, "proved_ranges", lambda _: narrow)
    bad = here.ranges(given)
    assert not bad.passed
    assert sum("1 neurons OUTSIDE" in line for line in bad.details) == 1


def test_a_board_on_which_the_model_does_not_fit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "large.npz"
    codes = np.ones((300, 1000), np.int64)
    Model(Spikes(1000), (Layer(Dense(codes, 8), LIF(9, (1,))),), name="large").save(path)
    given = subject(str(path), boards=find_boards("qemu-m0") + find_boards("qemu-m55"))
    fitting, others = emulated.boards_of(given)
    assert [board.name for board in fitting] == ["qemu-m55"]
    assert [line.split(" (")[0] for line in others] == ["NOT RUN on qemu-m0"]


def test_a_claim_that_was_not_checked_does_not_stand_there_as_one() -> None:
    values = {
        "name": "stack", "claim": "It holds.", "summary": "", "details": [], "commands": [],
        "seconds": 0,
    }  # fmt: skip
    texts = {"passed": "\nIt", "failed": "This does not hold: It", "not run": "Not shown: It"}
    for status, text in texts.items():
        report = to_markdown(
            {"model": {"name": "m", "digest": ""}, "files": {}, "made": 1, "seeds": 1}
            | dict.fromkeys(("path", "command", "origin", "date", "result"), "")
            | {"versions": {}, "proved": [], "connected": None}
            | {"outcomes": [values | {"status": status}]}
        )
        assert text in report


def test_a_model_of_maps_and_counts_passes(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ranges are those of channels, and a layer without memory has none of a membrane."""
    only(monkeypatch, "ranges", "undefined behaviour", "emulated cores", "stack", "worst case")
    path = root / "tests" / "contract" / "models" / "pictures.npz"
    status, found = verify(str(path), capsys=capsys)
    assert status == 0
    results = {outcome["name"]: outcome["status"] for outcome in found["outcomes"]}
    assert set(results.values()) == {"passed"}
