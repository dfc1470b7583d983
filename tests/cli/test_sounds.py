"""Words from a folder of .wav files: trained, told, checked, run, answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.sounds import WORDS, spoken, write_wav, write_words

import qat
from codegen.cli import main
from qat.model import Spectrum

TRAIN = "--spectrum bands=8,frame=128,hop=64 --hidden 24 --epochs 25 --batch-size 16 --seed 1"


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of words, and a model that was trained on them."""
    folder = tmp_path_factory.mktemp("sounds")
    write_words(folder / "words", each=24)
    model = folder / "words.npz"
    assert run("train", folder / "words", *TRAIN.split(), "-o", model, "--json") == 0
    return folder


def told(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    assert run(*words, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_model_hears(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = qat.Model.load(folder / "words.npz")
    assert isinstance(model.sensor, Spectrum)
    assert model.class_names == tuple(WORDS)
    assert model.metadata["accuracy"]["test"] >= 0.8
    found = told(capsys, "info", folder / "words.npz")["sensor"]
    assert found["sound"]["bands"] == 8
    assert found["sound"]["rate"] == 8000
    assert run("info", folder / "words.npz") == 0
    text = capsys.readouterr().out
    assert "sound: int16, 8,000 samples a second; frames of 128 samples, one every 64" in text


def test_the_same_folder_is_known_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = qat.Model.load(folder / "words.npz")
    found = told(capsys, "evaluate", folder / "words.npz", "--data", folder / "words")
    assert found["trained_on"]
    assert found["accuracy"] == model.metadata["accuracy"]["test"]


def test_the_c_hears_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, data = folder / "words.npz", folder / "words"
    found = told(capsys, "check", model, "--data", data, "--limit", "4")
    assert found["differing"] == 0


@pytest.mark.target
def test_a_core_hears_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(
        capsys, "run", folder / "words.npz", "--data", folder / "words", "--limit", "2",
        "--board", "qemu-m4",
    )  # fmt: skip
    assert found["differing"] == 0


def test_a_long_recording_is_answered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = qat.Model.load(folder / "words.npz")
    assert model.sensor is not None
    assert model.window is not None
    pieces = []
    for i, word in enumerate(WORDS):
        window = np.zeros(model.window * model.sensor.group, np.int16)
        window[100:1600] = spoken(word, 5000 + i)[:1500]
        pieces.append(window)
    sound = np.concatenate([*pieces, np.zeros(400, np.int16)])
    write_wav(folder / "long.wav", sound)
    assert run("predict", folder / "words.npz", "--data", folder / "long.wav") == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == list(WORDS)
    wanted = model.run(model.inputs_of(sound[:, None])).scores
    assert wanted is not None
    assert [list(map(int, row.split(",")[4:])) for row in rows[1:]] == wanted.tolist()
    checked = told(capsys, "check", folder / "words.npz", "--data", folder / "long.wav")
    assert checked["differing"] == 0


def test_maps_of_bands_over_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = folder / "maps.npz"
    words = "--spectrum bands=8,frame=128,hop=64 --layers 8c5-8c3-pg --epochs 2 --seed 1"
    assert run("train", folder / "words", *words.split(), "-o", model, "--json") == 0
    capsys.readouterr()
    loaded = qat.Model.load(model)
    assert loaded.sensor is not None
    assert loaded.sensor.vectors == loaded.input.shape.width
    found = told(capsys, "check", model, "--data", folder / "words", "--limit", "4")
    assert found["differing"] == 0


BAD = {
    "evaluate MODEL --data words --spectrum": "spectrum: the model has its own",
    "evaluate MODEL --data other": "has 16,000 samples a second; the spectrum is made for 8,000",
    "evaluate MODEL --data strange": "has the class 'word', which the model does not know",
    "evaluate MODEL --data plain.wav": "is sound without classes: give a folder a class",
    "predict MODEL --data short.wav": "has 900 samples; a window has",
    "check MODEL --data words --window 77": "window: found 77; the model has",
    "train words --spectrum bands=40,frame=64 -o x.npz": "lies between two bins of 125 Hz",
    "train words --spectrum bands=1,low -o x.npz": "--spectrum: found 'low'; must be NAME=NUMBER",
}


@pytest.mark.parametrize("command", BAD)
def test_what_does_not_fit_is_one_line(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    write_words(folder / "other", each=2, rate=16000)
    for file in (folder / "other").glob("*/*.wav"):
        write_wav(file, spoken("low", 1), 16000)
    write_wav(folder / "strange" / "word" / "a.wav", spoken("low", 1))
    write_wav(folder / "short.wav", spoken("low", 1)[:900])
    write_wav(folder / "plain.wav", np.tile(spoken("low", 1), 3))
    status = 2
    try:
        assert run(*command.replace("MODEL", "words.npz").split()) == 2
    except SystemExit as left:
        status = int(left.code or 0)
    assert status == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert BAD[command] in lines[-1]


def test_a_report_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    model = Path(__file__).parents[1] / "contract" / "models" / "hearing.npz"
    assert run("report", model, "--board", "qemu-m4") == 0
    assert "left out: what the front end makes of sound" in capsys.readouterr().err
