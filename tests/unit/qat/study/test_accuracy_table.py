"""The script of the accuracy table: what it trains, what it keeps, what it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import accuracy as script
from bench.rows import ROWS, Row

from qat.model import Model

QUICK = Row("digits", (12,), (2, 2), goal=0.9, seeds=2, training={"epochs": 2})


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> dict[str, Row]:
    table = {"quick": QUICK, "other": replace(QUICK, hidden=(8,), goal=None, within=0.01)}
    monkeypatch.setattr(script, "ROWS", table)
    return table


def measured(path: Path, *more: str) -> dict[str, Any]:
    assert script.main(["-o", str(path), *more]) == 0
    return dict(json.loads(path.read_text())["rows"])


def test_results_are_kept_and_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    first = measured(path, "--row", "quick", "--seeds", "1", "--float-seeds", "0")
    assert set(first) == {"quick"}
    assert set(first["quick"]["trained"]) == {"0"}
    assert first["quick"]["float"] == {}
    second = measured(path, "--row", "quick")
    assert second["quick"]["trained"]["0"] == first["quick"]["trained"]["0"]
    assert set(second["quick"]["trained"]) == set(second["quick"]["float"]) == {"0", "1"}
    monkeypatch.setattr(script, "measure", None)  # nothing is left to be trained
    assert measured(path, "--row", "quick") == second
    capsys.readouterr()


def test_the_table_says_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    rows = measured(path, "--row", "quick")
    out = capsys.readouterr().out
    tests = [100 * trial["test"] for trial in rows["quick"]["trained"].values()]
    assert "Accuracy on the test part" in out
    assert f"{sum(tests) / 2:.2f} ({min(tests):.2f} to {max(tests):.2f})" in out
    assert "64-12-10 all ternary, T = 8" in out
    assert "other" not in out


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        ((2, 2), "all ternary"),
        ((4, 4), "all 4-bit"),
        ((2, 8), "ternary, 8-bit output layer"),
        ((8, 4), "8-bit, 4-bit output layer"),
    ],
)
def test_the_table_says_the_bits(bits: tuple[int, int], words: str) -> None:
    trial = {"test": 0.9, "firing_rates": [0.1]}
    results = {"quick": {"trained": {"0": trial}, "float": {}}}
    (line,) = script.text_rows(results, {"quick": replace(QUICK, bits=bits)})[1]
    assert line[1] == f"64-12-10 {words}, T = 8"


def test_other_settings_are_trained_anew(
    tmp_path: Path, rows: dict[str, Row], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    measured(path, "--seeds", "1", "--float-seeds", "0")
    rows["quick"] = replace(QUICK, steps=4)
    found = measured(path, "--seeds", "1", "--float-seeds", "0")
    assert found["quick"]["settings"]["steps"] == 4
    assert "quick: its settings have changed" in capsys.readouterr().err


def test_the_table_goes_into_a_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, readme = tmp_path / "a.json", tmp_path / "README.md"
    readme.write_text(f"before\n{script.BEGIN}\nold\n{script.END}\nafter\n")
    rows = measured(path, "--seeds", "1", "--float-seeds", "1", "--markdown", str(readme))
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert script.markdown(rows, script.ROWS) in text
    assert "| other | 64-8-10 all ternary, T = 8 |" in text
    assert "float - 1.0" in text
    assert "- `quick`: epochs 2, batch size 32, learning rate 0.005" in text
    capsys.readouterr()


def test_a_row_is_held_against_another(
    tmp_path: Path, rows: dict[str, Row], capsys: pytest.CaptureFixture[str]
) -> None:
    rows["sparse"] = replace(
        QUICK, goal=None, within=0.001, against="quick", firing=0.06, training={"epochs": 1}
    )
    path, few = tmp_path / "a.json", ("--seeds", "2", "--float-seeds", "0")
    alone = measured(path, "--row", "sparse", *few)
    assert "against" not in capsys.readouterr().out  # nothing to be held against yet
    found = alone | measured(path, "--row", "quick", *few)
    out = capsys.readouterr().out
    tests, rates = (
        {
            name: [100 * np.mean(trial[what]) for trial in found[name]["trained"].values()]
            for name in ("sparse", "quick")
        }
        for what in ("test", "firing_rates")
    )
    lost = np.mean(tests["sparse"]) - np.mean(tests["quick"])
    assert lost != 0
    assert (
        f"`sparse` against `quick`: {np.mean(rates['sparse']):.1f} % in place of "
        f"{np.mean(rates['quick']):.1f} % spikes, {lost:+.2f} points"
    ) in out
    assert "quick - 0.1 at 6 % spikes" in out


def test_rows_of_one_float_network_share_it(tmp_path: Path, rows: dict[str, Row]) -> None:
    rows["coarse"] = replace(QUICK, bits=(2, 8), network={"resolution": 2})
    rows["apart"] = replace(QUICK, network={"threshold": "neuron"})
    few = ("--seeds", "1", "--float-seeds", "1")
    found = measured(tmp_path / "a.json", "--row", "quick,coarse,apart", *few)
    assert [len(found[name]["float"]) for name in ("quick", "coarse", "apart")] == [1, 0, 1]
    shown = {line[0]: line[2] for line in script.text_rows(found, rows)[1]}
    assert shown["coarse"] == shown["quick"] == f"{100 * found['quick']['float']['0']['test']:.2f}"
    rows["quick"] = replace(QUICK, steps=4)  # what was measured holds no longer
    shown = {line[0]: line[2] for line in script.text_rows(found, rows)[1]}
    assert shown["coarse"] == "-"


def test_a_row_learns_from_the_models_of_another(
    tmp_path: Path, rows: dict[str, Row], capsys: pytest.CaptureFixture[str]
) -> None:
    """They are trained where they are missing, and refused where they are others."""
    rows["taught"] = replace(QUICK, hidden=(8,), teachers="quick", seeds=1)
    path, keep = tmp_path / "a.json", tmp_path / "models"
    once = ("--seeds", "1", "--float-seeds", "0")
    assert script.main(["-o", str(path), "--row", "taught", *once]) == 2
    assert "--keep DIR: is needed, for the models of quick, which teach" in capsys.readouterr().err
    keep.mkdir()
    taught = measured(path, "--row", "taught", "--keep", str(keep), *once)["taught"]
    assert {file.name for file in keep.iterdir()} == {"quick-0.npz", "quick-1.npz", "taught-0.npz"}
    digests = [Model.load(keep / f"quick-{seed}.npz").digest() for seed in range(2)]
    assert Model.load(keep / "taught-0.npz").metadata["training"]["teacher"] == digests
    alone = measured(tmp_path / "b.json", "--row", "quick", *once)["quick"]
    assert alone["trained"]["0"]["digest"] == digests[0]
    rows["alone"] = replace(rows["taught"], teachers=None)
    untaught = measured(tmp_path / "b.json", "--row", "alone", *once)["alone"]
    assert untaught["trained"]["0"]["digest"] != taught["trained"]["0"]["digest"]
    (keep / "quick-0.npz").write_bytes((keep / "quick-1.npz").read_bytes())
    words = ["--row", "quick,taught", "--keep", str(keep), "-o", str(tmp_path / "b.json"), *once]
    assert script.main(words) == 2
    assert "quick-0.npz: is another model than" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--row", "quick,slow"], "row 'slow': is not known; use quick, other"),
        (["-o", "{tmp}/text"], "text: is no file of results"),
        (["-o", "{tmp}/list"], "list: is no file of results"),
        (["-o", "{tmp}/later"], "format 2; this reads 1"),
        (["-o", "{tmp}/no/a.json", "--seeds", "1"], "cannot be written"),
        (["-o", "{tmp}/a", "--table-only", "--markdown", "{tmp}/text"], "must hold one line <!--"),
        (["-o", "{tmp}/a", "--table-only", "--markdown", "{tmp}/none"], "cannot be written"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("text")
    (tmp_path / "list").write_text("[]")
    (tmp_path / "later").write_text('{"format": 2, "rows": {}}')
    words = [word.format(tmp=tmp_path) for word in arguments]
    assert script.main(words) == 2
    err = capsys.readouterr().err.splitlines()
    assert said in err[-1]


def test_measured_rows_are_those_of_the_table(root: Path) -> None:
    """What the repository holds was measured with the settings that the rows have now."""
    rows = script.read_results(root / "tests" / "examples" / "accuracy.json")
    for name, result in rows.items():
        assert script.up_to_date(ROWS[name], result), name
    pages = [root / "README.md", *(root / ".github").glob("*.md")]
    shown = [text for text in (page.read_text() for page in pages) if script.BEGIN in text]
    assert len(shown) == 1
    assert script.markdown(rows, ROWS) in shown[0]


def test_what_was_meant_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--row", "quik"]) == 2
    assert (
        capsys.readouterr().err
        == "accuracy: row 'quik': is not known; use quick, other; did you mean quick?\n"
    )


def test_it_is_a_script(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(root / "tests" / "bench" / "accuracy.py"), "--table-only"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "Accuracy on the test part" in done.stdout
