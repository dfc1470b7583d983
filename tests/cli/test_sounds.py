"""Words from a folder of .wav files: trained, told, checked, run, answered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.contract import lost_keys
from support.sounds import WORDS, spoken, write_wav, write_words

import qat
from codegen.cli import main
from qat.model import Detector, Spectrum

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


@pytest.mark.parametrize("layers", ["16", "8c5-pg"])
def test_recordings_are_said_otherwise(
    layers: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"--spectrum bands=8,frame=128,hop=64 --layers {layers} --epochs 2 --seed 1".split()
    models = {}
    for name, more in {"plain": (), "said": ("--speech",), "again": ("--speech",)}.items():
        path = folder / f"{name}.npz"
        found = told(capsys, "train", folder / "words", *words, *more, "-o", path)
        models[name] = qat.Model.load(path).digest()
        augment = found["settings"]["augment"]
        values = "low=-128, high=127" if layers == "16" else "low=0, high=255"
        assert augment is None if name == "plain" else augment.startswith(f"Speech({values}")
    assert models["plain"] != models["said"] == models["again"]


BAD = {
    "train words --spectrum --speech --shift 2 -o x.npz": "recordings as well; leave --shift and",
    "train digits --speech -o x.npz": "speech: digits is no sound of a spectrum; use --spectrum",
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


def test_a_report_and_a_budget_have_what_sound_takes(capsys: pytest.CaptureFixture[str]) -> None:
    model = Path(__file__).parents[1] / "contract" / "models" / "hearing.npz"
    found = told(capsys, "report", model, "--board", "qemu-m4")
    parts = {part["part"]: part for part in found["parts"]}
    assert parts["sensor"]["worst"] > parts["sensor"]["instructions"] > 1_000
    network = found["worst"] - parts["sensor"]["worst"]
    limit = f"instructions={network + 500}"  # the network alone would keep it
    assert run("report", model, "--board", "qemu-m4", "--budget", limit) == 1
    said = capsys.readouterr().out
    assert "budget exceeded: instructions" in said
    assert "instructions a second" in said


def said_in(folder: Path) -> tuple[Path, Path]:
    """Write a long recording of words in a faint noise, and the list of what is said in it."""
    rng, pieces, rows, at = np.random.default_rng(8), [], ["start,end,label"], 0
    for i in range(16):
        word, pause = sorted(WORDS)[i % 3], int(rng.integers(2400, 5000))
        said = spoken(word, 9000 + i)
        pieces += [np.rint(rng.normal(0, 8, pause)), said]
        rows.append(f"{(at + pause) / 8000},{(at + pause + len(said)) / 8000},{word}")
        at += pause + len(said)
    write_wav(folder / "said.wav", np.concatenate([*pieces, np.zeros(3000)]))
    (folder / "said.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder / "said.wav", folder / "said.csv"


def test_a_detector_is_chosen_by_one_half_and_judged_by_the_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wav, events = said_in(folder)
    model, listens = folder / "words.npz", folder / "listens.npz"
    own = ("listen", model, "--data", wav, "--events", events)
    found = told(capsys, *own, "--smooth", "0,1", "-o", listens)
    assert not lost_keys("listen", found)
    assert 7 <= found["hits"] + found["misses"] <= 9  # those of the second half
    assert found["hits"] >= 5
    assert found["false_accepts_an_hour"] == pytest.approx(found["false_accepts"] / found["hours"])
    assert {row["smooth"] for row in found["tried"]} == {0, 1}
    least = min(row["misses"] + row["false_accepts"] for row in found["tried"])
    chosen = {key: found["detector"][key] for key in ("threshold", "smooth")}
    (row,) = (r for r in found["tried"] if {key: r[key] for key in chosen} == chosen)
    assert row["misses"] + row["false_accepts"] == least
    loaded = qat.Model.load(listens)
    assert loaded.detector is not None
    assert loaded.detector.threshold == found["detector"]["threshold"]
    assert loaded.sensor is not None
    assert loaded.sensor.hop == (loaded.window or 1) // 4

    whole = told(capsys, "listen", listens, "--data", wav, "--events", events)
    assert whole["hits"] + whole["misses"] == 16
    assert whole["tried"] == []
    checked = told(capsys, "check", listens, "--data", wav)
    assert checked["differing"] == 0

    assert run("listen", listens, "--data", wav, "--events", events) == 0
    said = capsys.readouterr().out
    assert f"{whole['hits']} of 16 events detected" in said


def test_recordings_that_validate_choose_and_those_that_test_judge(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", folder / "words", "--background", "low", "--at-most", "600")
    assert run("listen", folder / "words.npz", *data) == 0
    said = capsys.readouterr().out
    assert "windows slide by a quarter" in said
    assert "recordings choose" in said
    assert "chosen" in said


UNHEARD = {
    "listen MODEL --events said.csv": "--events: needs the recording, --data FILE.wav",
    "listen MODEL --data said.wav --events other.csv": "line 2: 'word' is no class; the model has",
    "listen MODEL --data said.wav --events turned.csv": "line 2: ends at 1, not after its start",
    "listen MODEL --data said.wav --events late.csv": "an event ends at 999.00 s; said.wav ends at",
    "listen MODEL --data said.wav --events text.csv": "'one' or '2' is no number of seconds",
    "listen MODEL --data said.wav --events none.csv": "one half of the recording holds no event",
    "listen MODEL --data said.wav --events columns.csv": "has no column label",
    "listen MODEL --data silent.wav --events said.csv": "is silent; needs sound of two windows",
    "listen MODEL --data brief.wav --events said.csv": "has 900 samples; needs sound of two",
    "listen MODEL --data fast.wav --events said.csv": "has 16,000 samples a second; the model",
    "listen MODEL --data gone.wav --events said.csv": "gone.wav: No such file",
    "listen MODEL --data said.wav": "is sound without classes",
    "listen MODEL --data words --slide 100": "--slide: found 100; must be a multiple of 64",
    "listen MODEL --data words --background loud": "--background: 'loud' is no class; known are",
    "listen MODEL --data words --smooth 30": "--smooth: found 30; with the scores of",
    "listen DETECTS --data words --smooth 1": "--smooth: goes with a detector that is chosen",
    "listen DEAF --data words": "hears no windows; listen needs a spectrum, and scores",
}


@pytest.mark.parametrize("command", UNHEARD)
def test_what_cannot_be_listened_to_is_one_line(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    said_in(folder)
    lists = {
        "other": "0,1,word", "turned": "2,1,low", "late": "0,999,low", "text": "one,2,low",
        "none": "1,2,low",
    }  # fmt: skip
    for name, row in lists.items():
        (folder / f"{name}.csv").write_text(f"start,end,label\n{row}\n", "utf-8")
    (folder / "columns.csv").write_text("start,end\n1,2\n", "utf-8")
    write_wav(folder / "silent.wav", np.zeros(20_000))
    write_wav(folder / "brief.wav", spoken("low", 1)[:900])
    write_wav(folder / "fast.wav", np.tile(spoken("low", 1), 9), 16000)
    words = qat.Model.load(folder / "words.npz")
    replace(words, detector=Detector(9)).save(folder / "detects.npz")
    replace(words, sensor=None).save(folder / "deaf.npz")
    files = {"MODEL": "words.npz", "DETECTS": "detects.npz", "DEAF": "deaf.npz"}
    assert run(*(files.get(word, word) for word in command.split())) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert UNHEARD[command] in lines[-1]
