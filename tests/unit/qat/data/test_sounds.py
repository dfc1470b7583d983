"""Recordings of sound: folders, patterns and lists, windows, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.sounds import RATE, WORDS, spoken, write_patterned, write_riff, write_wav, write_words

from qat.data.formats.sounds import framed
from qat.data.formats.wav import read_wav
from qat.data.heard import Heard
from qat.data.hearing import Hearing
from qat.data.named import load
from qat.data.speech import speech_of
from qat.model import Spectrum

HEARING = Hearing(bands=8, frame=128, hop=64)


def test_a_folder_of_a_class_each(tmp_path: Path) -> None:
    write_words(tmp_path / "words")
    write_wav(tmp_path / "words" / "_noise" / "fan.wav", spoken("low", 9))
    data = load(tmp_path / "words", spectrum=HEARING)
    assert data.class_names == tuple(WORDS)
    assert [len(y) for y in (data.y_train, data.y_validation, data.y_test)] == [42, 6, 12]
    assert isinstance(data.raw, Heard)
    assert isinstance(data.sensor, Spectrum)
    window = data.raw.train.shape[1]
    assert window == data.sensor.samples_of(data.x_train.shape[1])
    assert data.x_train.shape[2] == 8
    assert np.array_equal(data.sensor.scale(data.raw.test, -128, 127), data.x_test)
    levels = data.sensor.levels(data.raw.train).reshape(-1, 8)
    assert np.abs(levels.mean(axis=0) - data.sensor.mean).max() <= 0.5
    assert data.input_range == (-128, 127)


def test_a_pattern_tells_class_and_speaker(tmp_path: Path) -> None:
    write_patterned(tmp_path / "all")
    how = {"spectrum": HEARING, "pattern": "{label}_{speaker}_*"}
    data = load(tmp_path / "all", **how)
    assert data.class_names == tuple(WORDS)
    assert data.division is not None
    assert data.division.rule == "classes"
    by = load(tmp_path / "all", by="speaker", **how)
    assert by.division is not None
    assert by.division.rule == "recordings"
    assert len(by.division.tests) == len(by.division.validates) == 1
    assert len(by.y_test) == 15
    deep = load(tmp_path, spectrum=HEARING, pattern="all/{label}_?_{n}.wav")
    assert np.array_equal(deep.x_train, data.x_train)


def test_a_list_of_paths_says_who_tests(tmp_path: Path) -> None:
    write_patterned(tmp_path / "all", each=9)
    lines = ["Path;label;part;who"]
    for file in sorted((tmp_path / "all").iterdir()):
        word, who, number = file.stem.split("_")
        part = {0: "test", 1: "validation"}.get(int(number) % 3, "train")
        lines.append(f"all/{file.name};{word};{part};{who}")
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    data = load(tmp_path / "list.csv", spectrum=HEARING)
    assert data.division is not None
    assert data.division.rule == "given"
    assert [len(y) for y in (data.y_train, data.y_validation, data.y_test)] == [9, 9, 9]
    assert len(load(tmp_path / "list.csv", spectrum=HEARING, by="who").y_test) > 0


def test_lists_of_speech_commands_are_obeyed(tmp_path: Path) -> None:
    write_words(tmp_path, each=6)
    for name, who in (("testing_list.txt", "a"), ("validation_list.txt", "b")):
        files = sorted(tmp_path.glob(f"*/{who}_*.wav"))
        lines = [file.relative_to(tmp_path).as_posix() for file in files]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    data = load(tmp_path, spectrum=HEARING)
    assert [len(y) for y in (data.y_train, data.y_validation, data.y_test)] == [6, 6, 6]


def test_a_recording_becomes_its_loudest_part_or_lies_in_noise() -> None:
    rng = np.random.default_rng(0)
    quiet = np.rint(rng.normal(0, 10, 4000)).astype(np.int16)
    loud = quiet.copy()
    loud[2500:3000] += 5000
    kept = framed(loud, 600)
    assert np.abs(kept).max() > 4000
    assert any(np.array_equal(kept, loud[i : i + 600]) for i in range(2400, 2501))
    long = framed(quiet[:1000], 3000)
    assert np.array_equal(long[1000:2000], quiet[:1000])
    assert 5 < long[:1000].std() < 15
    assert np.array_equal(long, framed(quiet[:1000], 3000))
    assert not framed(np.zeros(10, np.int16), 100).any()


def test_settings_of_the_rate_come_from_the_sound(tmp_path: Path) -> None:
    write_words(tmp_path, rate=16000)
    for file in tmp_path.glob("*/*.wav"):
        write_wav(file, read_wav(file).samples, 16000)
    data = load(tmp_path, spectrum=Hearing())
    assert isinstance(data.sensor, Spectrum)
    assert (data.sensor.length, data.sensor.group, data.sensor.rate) == (512, 256, 16000)
    assert Hearing.parse("bands=12, low=100.5,hop=80") == Hearing(12, hop=80, low=100.5)


# ------------------------------------------------------------------- what is refused

TONE = spoken("low", 1)


def _float(path: Path) -> None:
    write_riff(path, 3, 32, TONE.astype("<f4").tobytes())


def _cut(path: Path) -> None:
    write_wav(path, TONE)
    path.write_bytes(path.read_bytes()[:-100])


BAD = {
    "stereo": (lambda p: write_wav(p, np.repeat(TONE, 2), channels=2), "has 2 channels; only mono"),
    "24 bits": (lambda p: write_wav(p, TONE, width=3), "has samples of 24 bits; only 16"),
    "8 bits": (lambda p: write_wav(p, np.abs(TONE) % 100, width=1), "has samples of 8 bits"),
    "float": (_float, "holds float samples; only PCM of 16 bits is read: convert it"),
    "mu-law": (lambda p: write_riff(p, 7, 8, b"\x55" * 900), "holds mu-law samples"),
    "empty": (lambda p: write_wav(p, []), "holds no sample; leave it out"),
    "rate": (lambda p: write_wav(p, TONE, 16000), "has 16,000 samples a second; those before have"),
    "cut": (_cut, "claims 2,417 samples; it has 2,367: it was cut short"),
    "text": (lambda p: p.write_text("sound"), "is no .wav file, or damaged"),
    "nothing": (lambda p: p.write_bytes(b""), "is no .wav file, or damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_heard_is_one_line(name: str, tmp_path: Path) -> None:
    write_words(tmp_path, each=3)
    make, says = BAD[name]
    make(tmp_path / "rise" / "zz.wav")
    with pytest.raises(ValueError, match=re.escape(f"rise/zz.wav: {says}")) as caught:
        load(tmp_path, spectrum=HEARING)
    assert "\n" not in str(caught.value)


def test_the_rate_of_the_spectrum_must_be_theirs(tmp_path: Path) -> None:
    write_words(tmp_path, each=3)
    with pytest.raises(ValueError, match="the spectrum is made for 16,000"):
        load(tmp_path, spectrum=Hearing(rate=16000))


def test_silent_and_clipped_sound_is_told(tmp_path: Path) -> None:
    write_words(tmp_path, each=5)
    write_wav(tmp_path / "low" / "silent.wav", np.zeros(2000))
    write_wav(tmp_path / "high" / "loud.wav", np.clip(spoken("high", 3) * 1e3, -32768, 32767))
    silent, clipped = load(tmp_path, spectrum=HEARING).warnings
    assert silent.startswith("silent, every sample the same: 1 of 17 recordings ('low/silent.wav')")
    assert "clipped, over 0.1% of the samples" in clipped
    assert "1 of 17 recordings ('high/loud.wav')" in clipped
    for file in tmp_path.glob("*/*.wav"):
        write_wav(file, np.zeros(2000))
    with pytest.raises(ValueError, match="is silent, every sample is the same; so are all others"):
        load(tmp_path, spectrum=HEARING)


LAYOUTS = {
    "no class": ({}, "lies in no folder of a class; move it there, or tell the pattern"),
    "no label": ({"pattern": "{word}_*"}, "must have {label} once"),
    "twice": ({"pattern": "{label}_{label}"}, "no other field twice"),
    "other names": ({"pattern": "{label}-{n}"}, "does not fit the pattern '{label}-{n}'"),
    "no such field": ({"pattern": "{label}_*", "by": "speaker"}, "the pattern '{label}_*' has no"),
    "by alone": ({"by": "speaker"}, "goes with a pattern that has {speaker} in it"),
    "hop": ({"pattern": "{label}_*", "window": 1600, "hop": 100}, "must be a multiple of 64"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_folder_that_is_laid_out_otherwise_is_one_line(name: str, tmp_path: Path) -> None:
    write_patterned(tmp_path, each=4)
    how, says = LAYOUTS[name]
    with pytest.raises(ValueError, match=re.escape(says)):
        load(tmp_path, spectrum=HEARING, **how)


LISTS = {
    "empty": ("", "is empty"),
    "no path": ("label,x\n", "has no column of paths"),
    "no label": ("path,word\n", "has no column of labels"),
    "ragged": ("path,label\na.wav\n", "line 2: has 1 cells"),
    "not there": ("path,label\nb.wav,x\n", "line 2: b.wav is not there"),
    "no word": ("path,label\na.wav,\n", "line 2: lacks a label"),
    "part": ("path,label,part\na.wav,x,maybe\n", "line 2: part is 'maybe'"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_does_not_fit_is_one_line(name: str, tmp_path: Path) -> None:
    text, says = LISTS[name]
    write_wav(tmp_path / "a.wav", TONE)
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(ValueError, match=re.escape(says)):
        load(tmp_path / "list.csv", spectrum=HEARING)


@pytest.mark.parametrize(
    "text", ["bands", "band=3", "bands=x", "bands=0", "hop=1,hop=2", "rate=-1"]
)
def test_settings_that_are_none_are_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"spectrum: found"):
        Hearing.parse(text)


def test_sound_needs_a_spectrum_and_others_take_none(tmp_path: Path) -> None:
    write_words(tmp_path / "words", each=3)
    with pytest.raises(ValueError, match="is sound: say how it is heard, --spectrum"):
        load(tmp_path / "words")
    with pytest.raises(ValueError, match="spectrum and pattern go with"):
        load("digits", spectrum=HEARING)
    np.savez(tmp_path / "x.npz", x=np.eye(4), y=[0, 1, 0, 1])
    with pytest.raises(ValueError, match="spectrum: found"):
        load(tmp_path / "x.npz", spectrum=HEARING)
    write_wav(tmp_path / "one.wav", TONE, RATE)
    with pytest.raises(ValueError, match="is one recording without a class"):
        load(tmp_path / "one.wav", spectrum=HEARING)


def test_maps_of_sound_are_0_and_above_in_either_order(tmp_path: Path) -> None:
    write_words(tmp_path / "words", each=8)
    frames = load(tmp_path / "words", spectrum=HEARING)
    maps, few = frames.as_maps(), frames.with_input_bits(4)
    assert frames.input_range == (-128, 127)
    assert maps.input_range == (0, 255)
    np.testing.assert_array_equal(
        maps.x_test.reshape(frames.x_test.shape), frames.x_test.astype(int) + 128
    )
    np.testing.assert_allclose(
        maps.x_test[0, :8] * np.array(maps.x_scale) + maps.x_offset,
        frames.x_test[0, 0] * np.array(frames.x_scale) + frames.x_offset,
    )
    one, other = few.as_maps(), maps.with_input_bits(4)
    assert one.input_range == other.input_range == (0, 15)
    for name in ("x_train", "x_validation", "x_test", "x_offset", "originals"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for data in (maps, one, other):
        assert data.raw is not None
        assert data.sensor is not None
        found = data.sensor.scale(data.raw.test, *data.input_range)
        np.testing.assert_array_equal(found.reshape(data.x_test.shape), data.x_test)
        again = data.training_batch(np.arange(3), lambda x: x)
        np.testing.assert_array_equal(again, data.x_train[:3])
        assert speech_of(data).high == data.input_range[1]
