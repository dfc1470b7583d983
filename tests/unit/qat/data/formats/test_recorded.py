"""Strokes, heartbeats, activities and bearings, in files that the tests write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

import qat
import qat.datasets
from qat.data.formats.heartbeats import marks, twelve_bits
from qat.data.formats.strokes import resampled

# -------------------------------------------------------------------- strokes


def stroke(label: str, points: list[tuple[float, float]]) -> dict[str, Any]:
    return {"index": 0, "label": label, "strokePoints": [{"x": x, "y": y} for x, y in points]}


def drawn(path: Path, count: int = 10) -> Path:
    """Write strokes of two classes; the last of each is drawn twice as large."""
    strokes = []
    for i in range(count):
        size = 2.0 if i == count - 1 else 1.0 + i / 100
        strokes.append(stroke("up", [(0, 0), (0, size)]))
        strokes.append(stroke("right", [(0, 0), (size, 0)]))
    path.write_text(json.dumps({"strokes": strokes}))
    return path


def test_strokes_have_equal_points(tmp_path: Path) -> None:
    data = qat.datasets.load(drawn(tmp_path / "wand.json"), bins=5)
    assert data.class_names == ("right", "up")
    assert data.x_train.shape[1:] == (5, 2)
    assert len(data.x_test) == 4  # the last fifth of each, in order
    assert data.raw is not None
    last = data.raw.test[-1] * data.raw.unit
    assert last[:, data.y_test[-1]].tolist() == pytest.approx([0, 0.5, 1, 1.5, 2])


def test_points_lie_on_the_lines_between() -> None:
    line = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 4.0]])
    assert resampled(line, 5).tolist() == [[0, 0], [1, 0], [2, 0], [2, 2], [2, 4]]
    assert resampled(line[:1], 3).tolist() == [[0, 0]] * 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON"),
        ('{"a": 1}', 'has no list "strokes"'),
        ('{"strokes": [{"label": "1", "strokePoints": []}]}', "stroke 0: has no points"),
        ('{"strokes": [{"strokePoints": [{"x": 1, "y": 1}]}]}', "stroke 0: has no label"),
        ('{"strokes": [{"label": "1", "strokePoints": [{"x": "a"}]}]}', "no pair of numbers"),
        ('{"strokes": [{"label": "1", "strokePoints": [{"x": NaN, "y": 1}]}]}', "no finite"),
    ],
)
def test_bad_strokes_are_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "w.json").write_text(content)
    with pytest.raises(ValueError, match=r"w\.json: ") as caught:
        qat.datasets.load(tmp_path / "w.json")
    assert said in str(caught.value)


# ----------------------------------------------------------------- heartbeats

N, V, NOTE, RHYTHM = 1, 5, 22, 28


def annotated(beats: list[tuple[int, int]], rhythm: str = "(N\0") -> bytes:
    """Return annotations of (sample, code) in MIT format, with a text and a far jump."""
    words = bytearray()
    words += ((RHYTHM << 10) | 0).to_bytes(2, "little")
    words += ((63 << 10) | len(rhythm)).to_bytes(2, "little")
    words += rhythm.encode() + b"\0" * (len(rhythm) % 2)
    before = 0
    for sample, code in beats:
        gap = sample - before
        if gap >= 1024:
            words += (59 << 10).to_bytes(2, "little")
            words += (gap >> 16).to_bytes(2, "little") + (gap & 0xFFFF).to_bytes(2, "little")
            gap = 0
        words += (code << 10 | gap).to_bytes(2, "little")
        words += ((61 << 10) | 3).to_bytes(2, "little")  # a subtype belongs to the beat before
        before = sample
    return bytes(words + b"\0\0")


def record(place: Path, name: str, beats: list[tuple[int, int]], rate: int = 100) -> np.ndarray:
    """Write a record of two signals of 4,000 samples in format 212, and return them."""
    signal = np.random.RandomState(len(name)).randint(-2048, 2048, (4000, 2))
    low, high = (signal & 0xFFF).T
    cells = np.stack([low & 255, low >> 8 | high >> 8 << 4, high & 255], axis=1)
    (place / f"{name}.dat").write_bytes(cells.astype(np.uint8).tobytes())
    (place / f"{name}.hea").write_text(
        f"{name} 2 {rate} 4000\n{name}.dat 212 200 11 1024 995 -22131 0 MLII\n"
        f"{name}.dat 212 200 11 1024 1011 20052 0 V5\n# remark\n"
    )
    (place / f"{name}.atr").write_bytes(annotated(beats))
    return signal


BEATS = [
    (2, N),
    *((200 + 100 * i, V if i % 4 == 3 else N) for i in range(12)),
    (3000, V),
    (3999, N),
]


def test_beats_are_cut_around_their_marks(tmp_path: Path) -> None:
    signal = record(tmp_path, "100", BEATS)
    data = qat.datasets.load(tmp_path, window=50)
    assert data.class_names == ("N", "V")
    assert data.channel_names == ("MLII", "V5")
    assert data.raw is not None
    every = np.concatenate([data.raw.train, data.raw.validation, data.raw.test])
    inside = [sample for sample, _ in BEATS if sample not in (2, 3999)]
    expected = [signal[s - 20 : s + 30].tolist() for s in inside]
    assert sorted(every.tolist()) == sorted(expected)
    assert "2 beats too near to an end of a record are left out" in data.notes
    assert "no beat is of class S, F, Q" in data.notes


def test_whole_records_are_divided(tmp_path: Path) -> None:
    for name in ("100", "101", "102", "103"):
        record(tmp_path, name, BEATS)
    data = qat.datasets.load(tmp_path)
    assert data.division is not None
    assert data.division.rule == "recordings"
    assert data.x_train.shape[1:] == (70, 2)  # 0.7 s


def test_jumps_texts_and_subtypes_of_annotations(tmp_path: Path) -> None:
    (tmp_path / "a.atr").write_bytes(annotated([(5, N), (70_000, V), (70_010, N)]))
    times, codes = marks(tmp_path / "a.atr")
    assert times.tolist() == [0, 5, 70_000, 70_010]
    assert codes.tolist() == [RHYTHM, N, V, N]


def test_twelve_bits_have_a_sign() -> None:
    cells = np.array([[0xFF, 0x8F, 0x00], [0xFF, 0x07, 0x01]], np.uint8)
    assert twelve_bits(cells).tolist() == [[-1, -2048], [2047, 1]]


def test_bad_records_are_named(tmp_path: Path) -> None:
    record(tmp_path, "100", BEATS)
    (tmp_path / "100.atr").write_bytes(b"\1\4")
    with pytest.raises(ValueError, match=r"100\.atr: ends before its end mark"):
        qat.datasets.load(tmp_path)
    record(tmp_path, "100", BEATS)
    record(tmp_path, "101", BEATS, rate=250)
    with pytest.raises(ValueError, match=r"101\.hea: has 250 samples a second, 100\.hea 100"):
        qat.datasets.load(tmp_path)
    (tmp_path / "101.dat").write_bytes(b"123")
    (tmp_path / "100.hea").unlink()
    with pytest.raises(ValueError, match=r"101\.dat: holds 1 samples .* says 4,000"):
        qat.datasets.load(tmp_path)
    (tmp_path / "101.hea").write_text("101 1 360 10\n101.dat 310 200\n")
    with pytest.raises(ValueError, match="1 signals of format 310"):
        qat.datasets.load(tmp_path)


# ----------------------------------------------------------------- activities

KINDS = [f"{kind}_{axis}" for kind in ("body_acc", "body_gyro", "total_acc") for axis in "xyz"]


def phone(place: Path) -> Path:
    """Write a folder as UCI-HAR's authors hand it out: two activities, ten subjects."""
    place.mkdir()
    (place / "activity_labels.txt").write_text("1 WALKING\n2 SITTING\n")
    for part, subjects in (("train", range(1, 9)), ("test", (9, 10))):
        signals = place / part / "Inertial Signals"
        signals.mkdir(parents=True)
        who = np.repeat(list(subjects), 4)
        y = np.arange(len(who)) % 2 + 1
        np.savetxt(place / part / f"y_{part}.txt", y, "%d")
        np.savetxt(place / part / f"subject_{part}.txt", who, "%d")
        random = np.random.RandomState(len(who))
        for kind in KINDS:
            np.savetxt(signals / f"{kind}_{part}.txt", random.randn(len(who), 128), "%.4e")
    return place


def test_activities_keep_the_authors_parts(tmp_path: Path) -> None:
    data = qat.datasets.load(phone(tmp_path / "UCI HAR Dataset"))
    assert data.class_names == ("walking", "sitting")
    assert data.channel_names == tuple(KINDS)
    assert [len(x) for x in (data.x_train, data.x_validation, data.x_test)] == [28, 4, 8]
    assert data.notes == ("subjects who validate: 8; the test part is the authors'",)
    assert data.reading is not None
    assert data.reading.rate == 50


def test_activities_that_trained_are_known_again(tmp_path: Path) -> None:
    data = qat.datasets.load(phone(tmp_path / "har"))
    net = qat.Network((9, 8, 2), steps=128, input="frames")
    qat.fit(net, data, epochs=1)
    model = qat.export(net)
    again, trained = qat.datasets.load_for(model, tmp_path / "har")
    assert trained
    assert np.array_equal(again.x_test, data.x_test)
    assert np.array_equal(again.y_validation, data.y_validation)


def test_a_signal_of_another_length_is_named(tmp_path: Path) -> None:
    path = phone(tmp_path / "har")
    (path / "train/Inertial Signals/body_acc_y_train.txt").write_text("1 2 3\n")
    with pytest.raises(ValueError, match=r"body_acc_y_train\.txt: has shape \(1, 3\)"):
        qat.datasets.load(path)


# ------------------------------------------------------------------- bearings


def machine(place: Path) -> Path:
    """Write four recordings, two of a class."""
    place.mkdir()
    random = np.random.RandomState(0)
    for number, name in enumerate(("normal_0", "normal_1", "IR007_0", "IR007_1")):
        signal = random.randn(1000, 1) * (1 + number // 2)
        kept = {f"X{90 + number:03}_DE_time": signal, f"X{90 + number:03}_FE_time": signal[:990]}
        if number < 3:
            savemat(place / f"{name}.mat", {**kept, "X097RPM": 1796})
        else:
            np.savez(place / f"{name}.npz", DE=signal, FE=signal)
    return place


def test_recordings_are_cut_into_windows(tmp_path: Path) -> None:
    data = qat.datasets.load(machine(tmp_path / "cwru"), window=64, hop=32, group=2)
    assert data.class_names == ("IR007", "normal")
    assert data.channel_names == ("DE", "FE")
    assert data.x_train.shape[1:] == (32, 2)
    # 29 windows in each of the 990 samples of a file, none across two; of every class the last
    # fifth (12) tests, the tenth before (6) validates; windows on the borders are left out
    assert len(data.x_test) == 24
    assert len(data.x_validation) == 12


def test_windows_never_cross_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="longest stretch of one label has 1000"):
        qat.datasets.load(machine(tmp_path / "cwru"), window=1100)


def test_bad_recordings_are_named(tmp_path: Path) -> None:
    path = machine(tmp_path / "cwru")
    with pytest.raises(ValueError, match="window: is needed"):
        qat.datasets.load(path)
    np.savez(path / "other.npz", speed=np.zeros(5))
    with pytest.raises(ValueError, match=r"other\.npz: holds no recording"):
        qat.datasets.load(path, window=64)
    (path / "other.npz").unlink()
    (path / "IR007_0.mat").write_bytes(b"no such thing" * 20)
    with pytest.raises(ValueError, match=r"IR007_0\.mat: is no MATLAB file"):
        qat.datasets.load(path, window=64)
