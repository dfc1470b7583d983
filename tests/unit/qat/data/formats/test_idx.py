"""IDX files are known by their content, and what lies beside them is found and said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

import qat
from codegen.cli import main
from qat.data.named import load

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (40, 5, 4), np.uint8)
LABELS = (np.arange(40) % 4).astype(np.uint8)


def packed(values: np.ndarray, name: str) -> bytes:
    sizes = b"".join(n.to_bytes(4, "big") for n in values.shape)
    content = bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()
    return gzip.compress(content) if name.endswith(".gz") else content


def put(folder: Path, images: str, labels: str | None = None, samples: int = 40) -> Path:
    (folder / images).write_bytes(packed(IMAGES[:samples], images))
    if labels is not None:
        (folder / labels).write_bytes(packed(LABELS[:samples], labels))
    return folder / images


PAIRS = [
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
    ("train-images-idx3-ubyte.gz", "train-labels.idx1-ubyte"),
    ("TRAIN-IMAGES.IDX3", "train_labels.idx1"),
    ("mine-train-images.idx", "mine-train-labels.idx"),
    ("pictures", "numbers"),
    ("pictures.gz", "numbers.gz"),
]


@pytest.mark.parametrize(("images", "labels"), PAIRS)
def test_a_pair_is_found_whatever_its_name(images, labels, tmp_path):
    data = load(put(tmp_path, images, labels))
    assert (data.classes, data.inputs) == (4, 20)
    assert data.notes == (f"labels: {labels}",)


@pytest.mark.parametrize(("images", "labels"), PAIRS[:4])
@pytest.mark.parametrize("twin", ["t10k", "test"])
def test_a_test_part_beside_it_is_used_and_said(images, labels, twin, tmp_path):
    path = put(tmp_path, images, labels)
    names = [name.lower().replace("train", twin) for name in (images, labels)]
    put(tmp_path, names[0], names[1], samples=16)
    data = load(path)
    assert len(data.y_test) == 16
    assert data.notes[1] == f"test part: {names[0]}, with {names[1]}"
    (tmp_path / names[1]).unlink()
    with pytest.raises(ValueError, match=r"its labels, .* are not beside"):
        load(path)


def test_the_test_part_alone_says_what_else_is_there(tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    path = put(tmp_path, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    assert "train-images-idx3-ubyte lies beside it and is not used" in load(path).warnings[0]


@pytest.mark.parametrize("name", ["train-labels-idx1-ubyte", "numbers"])
def test_labels_in_place_of_images_get_a_line(name, tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", name)
    with pytest.raises(ValueError, match="is given by its images file"):
        load(tmp_path / name)


def test_files_that_may_all_be_the_labels_are_refused(tmp_path):
    path = put(tmp_path, "pictures", "numbers")
    put(tmp_path, "more", "others")
    with pytest.raises(ValueError, match="more than one file may be them; name the two files"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\x08\0", b"\x1f\x8b", b"\x1f\x8b\x08" * 9])
def test_what_is_no_idx_file_is_not_taken_for_one(content, tmp_path):
    (tmp_path / "pictures").write_bytes(content)
    with pytest.raises(ValueError, match="is not known; use"):
        load(tmp_path / "pictures")
    with pytest.raises(ValueError, match="is not known; use"):
        load(tmp_path)


def test_a_second_file_of_images_goes_with_a_model(tmp_path, capsys):
    """What is given with --data is judged as a whole, by its own labels; others are refused."""
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    trained = put(one, "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    net = qat.Network([20, 6, 4], steps=2)
    qat.fit(net, load(trained), epochs=1)
    qat.export(net, name="pictures").save(tmp_path / "m.npz")
    model = qat.Model.load(tmp_path / "m.npz")

    images = np.random.default_rng(1).integers(0, 256, (24, 5, 4), np.uint8)
    labels = (np.arange(24) * 3 % 4).astype(np.uint8)
    (two / "more").write_bytes(packed(images, "more"))
    (two / "numbers").write_bytes(packed(labels, "numbers"))
    assert main(["evaluate", str(tmp_path / "m.npz"), "--data", str(two / "more"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    predicted = model.run(images.reshape(24, -1)).predictions
    assert found["samples"] == 24
    assert found["accuracy"] == pytest.approx(np.mean(predicted == labels))
    assert main(["check", str(tmp_path / "m.npz"), "--data", str(two / "more")]) == 0

    (two / "wide").write_bytes(packed(np.zeros((24, 5, 5), np.uint8), "wide"))
    (two / "more").unlink()
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "m.npz"), "--data", str(two / "wide")]) == 2
    said = capsys.readouterr().err
    assert "25" in said
    assert "20" in said
    assert said.count("\n") == 1
