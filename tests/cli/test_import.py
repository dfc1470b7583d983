"""The verb import: what it prints, what it writes, and its statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.nir.saved import saved
from support.nir.writer import affine, chain, ends, fire, write_nir

from codegen.cli import main
from qat import Model


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    status = main(["import", *map(str, words)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_proved_network_becomes_a_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, reference = saved("snntorch_conv", tmp_path)
    target = tmp_path / "net.npz"
    status, text, _ = run(capsys, path, "-o", target, "--reference", reference, "--bits", "8")
    assert status == 0
    assert "dialect snntorch (guessed: the r of its neurons is tau / 1e-4 s)" in text
    assert "reference: 0 of 18,560 values differ" in text
    assert "reset 1: subtract, 4: zero, 7: subtract" in text
    assert "rate float / integer" in text
    assert "4: leak rounded" in text
    assert Model.load(target).digest() in text


def test_json_has_the_reference_the_reading_and_the_drift(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, reference = saved("spikingjelly_if", tmp_path)
    target = tmp_path / "net.npz"
    status, text, _ = run(
        capsys, path, "-o", target, "--reference", reference, "--bits", "8", "--json"
    )
    found: dict[str, Any] = json.loads(text)
    assert status == 0
    assert found["reference"]["differing"] == 0
    assert found["reference"]["first"] is None
    assert found["reference"]["of"] == 1664
    assert found["dialect"] == "spikingjelly"
    assert found["bits"] == [8, 8]
    assert found["drift"]["worst"] == 0
    assert [layer["node"] for layer in found["drift"]["layers"]] == ["_1", "_3"]
    assert found["digest"] == Model.load(target).digest()


def test_a_reference_that_is_not_reproduced_is_status_1_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, reference = saved("spikingjelly_if", tmp_path)
    arrays = dict(np.load(reference))
    arrays["output"] = 1 - arrays["output"]
    np.savez(reference, **arrays)
    target = tmp_path / "net.npz"
    status, text, err = run(capsys, path, "-o", target, "--reference", reference, "--json")
    assert status == 1
    found = json.loads(text)["reference"]
    assert 0 < found["differing"] <= found["of"]
    assert set(found["first"]) == {"node", "step", "sample", "index", "reference", "found"}
    assert "is not what the reference shows" in err
    assert err.count("\n") == 1
    assert not target.exists()


def test_drift_above_the_bar_is_status_1_with_the_model_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, reference = saved("spikingjelly_half", tmp_path)
    target = tmp_path / "net.npz"
    words = (path, "-o", target, "--reference", reference, "--bits", "2,8", "--drift", "0.1%")
    status, text, err = run(capsys, *words, "--json")
    assert status == 1
    assert json.loads(text)["over_the_bar"] is True
    assert "--drift allows 0.1 %" in err
    assert Model.load(target).layers[0].synapse.bits == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "leaves open --reset subtract (a spike subtracts the threshold) | zero"),
        (("--dialect", "plain"), "needs the seconds of a step; give --dt"),
        (("--reset", "often"), "--reset often: use subtract, zero"),
        (("--reset", "zero"), "--steps: without data and reference the model needs their number"),
        (("--reset", "zero", "--steps", "4", "--bits", "3"), "--bits 3: use 2, 4, 8 or 16"),
        (("--reset", "zero", "--data", "{tmp}/no.npz"), "no.npz: cannot be read (No such file"),
        (("--reference", "{tmp}/no.npz"), "no.npz: cannot be read (No such file"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    words: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, _ = saved("snntorch_conv", tmp_path)
    given = [word.replace("{tmp}", str(tmp_path)) for word in words]
    status, out, err = run(capsys, path, "-o", tmp_path / "net.npz", *given)
    assert status == 2
    assert text in err.splitlines()[-1]
    assert "Traceback" not in out + err


def test_data_may_have_the_samples_first(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    nodes = {**ends([6], [4]), "a": affine(rng.integers(-9, 12, (4, 6)) / 8), "n": fire(4)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "a", "n", "output"))
    x = (rng.random((9, 5, 6)) < 0.5).astype(np.uint8)
    np.savez(tmp_path / "d.npz", x=x, y=np.zeros(9, np.int64))
    words = (path, "-o", tmp_path / "n.npz", "--dialect", "spikingjelly", "--data")
    status, text, _ = run(capsys, *words, tmp_path / "d.npz", "--bits", "8")
    assert status == 0
    assert "x is (batch, time, ...): its first axis has the labels" in text
    assert "accuracy: " in text
    assert Model.load(tmp_path / "n.npz").steps == 5


def test_export_writes_a_file_and_counts_what_it_changes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, reference = saved("spikingjelly_if", tmp_path)
    model, target = tmp_path / "net.npz", tmp_path / "net.nir"
    run(capsys, path, "-o", model, "--reference", reference, "--bits", "8")
    words = ["export", str(model), "-o", str(target), "--dialect", "spikingjelly", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["differing"] == {"0": 0.0, "1": 0.0}
    assert found["reset"] == {"0": "zero", "1": "zero"}
    assert target.stat().st_size > 0
    assert main([*words[:4], "--dialect", "spikingjelly"]) == 0
    assert "net.nir: spikingjelly_if as spikingjelly loads it" in capsys.readouterr().out
