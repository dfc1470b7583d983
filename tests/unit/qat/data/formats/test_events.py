"""N-MNIST, SHD and SSC: events of files that the tests write, as steps of inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import qat
import qat.datasets
from qat.model import Shape

Sample = list[tuple[int, int, int, int]]
"""(x, y, polarity, microseconds) of each event."""


def write(path: Path, events: Sample) -> None:
    """Write events of 5 bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [[x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255] for x, y, p, t in events]
    path.write_bytes(bytes(np.array(cells, np.uint8).reshape(-1).tobytes()))


def folder_of(place: Path, count: int = 10) -> Path:
    """Write Train and Test of two classes, told apart by where the events lie."""
    for part, many in (("Train", count), ("Test", 4)):
        for sample in range(many):
            label = sample % 2
            events = [(10 * label + sample % 3, 5, 1, 1000 * i) for i in range(5)]
            write(place / part / str(label) / f"{sample:05}.bin", events)
    return place


def test_events_fall_into_bins(tmp_path: Path) -> None:
    write(tmp_path / "Train/0/1.bin", [(3, 1, 0, 0), (3, 1, 0, 1999), (3, 1, 1, 2000)])
    write(tmp_path / "Train/0/2.bin", [(33, 33, 1, 7999)])
    for i in range(3, 6):
        write(tmp_path / f"Train/1/{i}.bin", [(0, 0, 0, 10), (1, 0, 0, 5000)])
    data = qat.datasets.load(tmp_path, bins=4, most=3)
    assert data.grid == Shape(34, 34, 2)
    every = np.concatenate([data.x_train, data.x_validation, data.x_test])
    assert every.shape == (5, 4, 34 * 34 * 2)
    at = (1 * 34 + 3) * 2
    first = next(x for x in every if x[0, at])
    assert first[0, at] == 2
    assert first[1, at + 1] == 1
    assert first.sum() == 3
    last = next(x for x in every if x[3, -1])
    assert last.sum() == 1
    assert "bins: 4 of 2 ms; counts of up to 3" in data.notes


def test_the_clock_of_a_bin_file_runs_over(tmp_path: Path) -> None:
    write(tmp_path / "Train/0/1.bin", [(1, 1, 0, 8000), (0, 240, 0, 0), (2, 1, 0, 100)])
    for i in range(2, 6):
        write(tmp_path / f"Train/1/{i}.bin", [(i, 0, 0, 10)])
    data = qat.datasets.load(tmp_path, bins=9, span=0.009)
    every = np.concatenate([data.x_train, data.x_validation, data.x_test])
    (two,) = [x for x in every if x.sum() == 2]
    steps, _ = np.nonzero(two)
    assert steps.tolist() == [8, 8]  # 8000 us, and 100 us after 8192


def test_one_bin_is_a_picture_of_counts(tmp_path: Path) -> None:
    data = qat.datasets.load(folder_of(tmp_path), bins=1)
    assert data.x_train.shape[1:] == (34 * 34 * 2,)
    assert int(data.x_train.max()) == 5
    assert len(data.x_test) == 4


def test_events_behind_the_last_bin_are_told_of_every_part(tmp_path: Path) -> None:
    data = qat.datasets.load(folder_of(tmp_path), bins=2, span=0.003)  # of 5, a ms apart, three
    assert "train part: 20 of 50 events come later: left out" in data.notes
    assert "test part: 8 of 20 events come later: left out" in data.notes
    late = [(5, 5, 1, 0), (5, 5, 1, 9000)]
    write(tmp_path / "Test" / "0" / "00000.bin", late)  # the longest that trains has 5 ms
    told = [n for n in qat.datasets.load(tmp_path, bins=5).notes if "come later" in n]
    assert told == ["test part: 1 of 17 events come later: left out"]


def test_neighbours_are_merged(tmp_path: Path) -> None:
    data = qat.datasets.load(folder_of(tmp_path), bins=1, merge=2)
    assert data.grid == Shape(17, 17, 2)
    assert data.x_train.sum() == 5 * len(data.x_train)


def test_lists_name_samples_and_classes(tmp_path: Path) -> None:
    for i in range(1, 9):
        write(tmp_path / f"{i}.bs2", [(i, i, 1, 100 * i)])
    (tmp_path / "train1K.txt").write_text("#sample\t#class\n1\t0\n2\t1\n3\t0\n4\t1\n5\t0\n6\t1\n")
    (tmp_path / "test100.txt").write_text("7\t0\n8\t1\n")
    data = qat.datasets.load(tmp_path, bins=2)
    assert data.y_test.tolist() == [0, 1]
    assert len(data.x_train) + len(data.x_validation) == 6


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([(34, 0, 0, 5)], "event 1 lies at (34, 0), outside of the sensor of 34 x 34"),
        ([(1, 0, 0, 5), (1, 0, 0, 4)], "event 2 comes at 4 us, after one at 5 us"),
        ([], "holds no event"),
    ],
)
def test_bad_events_are_named(tmp_path: Path, events: Sample, said: str) -> None:
    folder_of(tmp_path)
    write(tmp_path / "Train/0/00000.bin", events)
    with pytest.raises(ValueError, match=r"00000\.bin: ") as caught:
        qat.datasets.load(tmp_path)
    assert said in str(caught.value)


def test_half_an_event_and_a_list_without_its_sample(tmp_path: Path) -> None:
    folder_of(tmp_path)
    (tmp_path / "Train/0/00000.bin").write_bytes(b"1234567")
    with pytest.raises(ValueError, match="7 bytes; an event has 5"):
        qat.datasets.load(tmp_path)
    other = tmp_path / "other"
    write(other / "1.bs2", [(1, 1, 1, 1)])
    (other / "train.txt").write_text("2 0\n")
    with pytest.raises(ValueError, match=r"train\.txt: line 1: 2\.bs2 is not there"):
        qat.datasets.load(other)


def test_what_events_do_not_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"window: found 5; N-MNIST.*takes bins"):
        qat.datasets.load(folder_of(tmp_path), window=5)
    with pytest.raises(ValueError, match=r"bins: found 0"):
        qat.datasets.load(folder_of(tmp_path), bins=0)


def test_another_folder_is_read_as_the_one_that_trained(tmp_path: Path) -> None:
    data = qat.datasets.load(folder_of(tmp_path / "a", 20), bins=2, merge=5, span=0.004)
    net = qat.Network((data.inputs, 8, 2), steps=2, input="frames")
    qat.fit(net, data, epochs=1)
    model = qat.export(net)
    other = folder_of(tmp_path / "b", 6)
    read, trained = qat.datasets.load_for(model, other)
    assert not trained
    expected = qat.datasets.load(other, bins=2, merge=5, span=0.004)
    assert sorted(read.x_test.reshape(10, -1).tolist()) == sorted(
        np.concatenate([expected.x_train, expected.x_validation, expected.x_test])
        .reshape(10, -1)
        .tolist()
    )
    again, trained = qat.datasets.load_for(model, tmp_path / "a")
    assert trained
    assert np.array_equal(again.x_test, data.x_test)


# ------------------------------------------------------------------------ SHD


def heidelberg(path: Path, samples: list[tuple[list[float], list[int]]], labels: list[int]) -> Path:
    """Write a file as SHD's authors do."""
    with h5py.File(path, "w") as file:
        kinds: dict[str, Any] = {"times": np.float16, "units": np.uint16}
        for at, (name, kind) in enumerate(kinds.items()):
            rows = file.create_dataset(
                f"spikes/{name}", (len(samples),), h5py.vlen_dtype(np.dtype(kind))
            )
            for i, sample in enumerate(samples):
                rows[i] = np.array(sample[at], kind)
        file["labels"] = np.array(labels, np.uint16)
        file["extra/keys"] = np.array([b"zero", b"one"])
    return path


SPIKES = [([0.0, 0.5], [0, 699]), ([0.25], [70])]


def test_spikes_of_the_inner_ear(tmp_path: Path) -> None:
    path = heidelberg(tmp_path / "shd_train.h5", SPIKES * 5, [0, 1] * 5)
    heidelberg(tmp_path / "shd_test.h5", SPIKES, [0, 1])
    data = qat.datasets.load(path, bins=4, span=1.0, merge=70)
    assert data.class_names == ("zero", "one")
    assert data.x_test.shape == (2, 4, 10)
    assert np.argwhere(data.x_test).tolist() == [[0, 0, 0], [0, 2, 9], [1, 1, 1]]
    assert "test part: shd_test.h5" in data.notes


def test_spikes_behind_the_last_bin_are_told_of_every_part(tmp_path: Path) -> None:
    path = heidelberg(tmp_path / "shd_train.h5", SPIKES * 5, [0, 1] * 5)
    heidelberg(tmp_path / "shd_test.h5", [([0.1, 0.75], [0, 1]), ([0.9], [2])], [0, 1])
    told = [n for n in qat.datasets.load(path, bins=2, span=0.6).notes if "come later" in n]
    assert told == ["test part: 2 of 3 events come later: left out"]


def test_the_authors_validation_part_validates(tmp_path: Path) -> None:
    path = heidelberg(tmp_path / "ssc_train.h5", SPIKES * 5, [0, 1] * 5)
    heidelberg(tmp_path / "ssc_valid.h5", [([0.1], [5]), ([0.1], [9])], [0, 1])
    data = qat.datasets.load(path, bins=2)
    assert data.x_validation.reshape(2, 2, 700).nonzero()[2].tolist() == [5, 9]


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (([0.1], [700]), "unit 700 is none"),
        (([0.2, 0.1], [1, 1]), "must be in the order of time"),
        (([0.1, 0.2], [1]), "2 times and 1 units"),
        (([float("nan")], [1]), "no finite number"),
    ],
)
def test_bad_spikes_are_named(tmp_path: Path, sample: Any, said: str) -> None:
    path = heidelberg(tmp_path / "shd_train.h5", [*SPIKES, sample], [0, 1, 1])
    with pytest.raises(ValueError, match="sample 2: ") as caught:
        qat.datasets.load(path)
    assert said in str(caught.value)


def test_another_layout_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"no array spikes/times .*\(it holds images\)"):
        qat.datasets.load(path)
    path.write_bytes(b"no such thing")
    with pytest.raises(ValueError, match="is no HDF5 file"):
        qat.datasets.load(path)


def test_a_file_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    real = heidelberg(tmp_path / "real.h5", SPIKES, [0, 1])
    path = tmp_path / "links.h5"
    with h5py.File(path, "w") as file:
        file["spikes/times"] = h5py.ExternalLink(str(real), "spikes/times")
        file["spikes/units"] = h5py.ExternalLink(str(real), "spikes/units")
        file["labels"] = np.zeros(2)
    with pytest.raises(ValueError, match="no array spikes/times"):
        qat.datasets.load(path)
