"""CIFAR-10's binary version, in files that the tests make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import qat.datasets
from qat.model import Shape

WORDS = "airplane automobile bird cat deer dog frog horse ship truck".split()


def write(path: Path, labels: np.ndarray, seed: int) -> np.ndarray:
    """Write pictures as the records of a file, and return them as (n, row, column, colour)."""
    pictures = np.random.RandomState(seed).randint(0, 256, (len(labels), 32, 32, 3), np.uint8)
    records = np.concatenate(
        [labels[:, None].astype(np.uint8), pictures.transpose(0, 3, 1, 2).reshape(len(labels), -1)],
        axis=1,
    )
    path.write_bytes(records.tobytes())
    return pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for batch in (1, 2):
        write(tmp_path / f"data_batch_{batch}.bin", np.arange(40) % 10, batch)
    write(tmp_path / "test_batch.bin", np.arange(20) % 10, 9)
    (tmp_path / "batches.meta.txt").write_text("\n".join(WORDS) + "\n\n")
    return tmp_path


def test_a_folder_is_read_whole(folder: Path) -> None:
    data = qat.datasets.load(folder)
    assert data.grid == Shape(32, 32, 3)
    assert data.class_names == tuple(WORDS)
    assert len(data.x_train) + len(data.x_validation) == 80
    wanted = write(folder / "test_batch.bin", np.arange(20) % 10, 9)
    assert np.array_equal(data.x_test.reshape(-1, 32, 32, 3), wanted)
    assert np.array_equal(data.y_test, np.arange(20) % 10)
    assert "2 of 5 training files are there" in data.warnings


def test_one_file_and_the_test_part_beside_it(folder: Path) -> None:
    data = qat.datasets.load(folder / "data_batch_2.bin")
    assert len(data.x_train) + len(data.x_validation) == 40
    assert len(data.x_test) == 20
    write(folder / "test_batch.bin", np.arange(100) % 10, 9)
    alone = qat.datasets.load(folder / "test_batch.bin")
    assert (len(alone.x_train), len(alone.x_validation), len(alone.x_test)) == (70, 10, 20)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x" * 3072, "3,072 bytes; CIFAR-10 has 3,073 for each picture"),
        (b"", "0 bytes"),
        (bytes(3074), "it may be CIFAR-100"),
        (bytes([10]) + bytes(3072), "picture 1 has label 10; CIFAR-10 has 0 to 9"),
    ],
)
def test_damaged_files_are_refused(folder: Path, content: bytes, said: str) -> None:
    (folder / "data_batch_1.bin").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        qat.datasets.load(folder)


def test_a_folder_without_pictures_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="CIFAR-10"):
        qat.datasets.load(tmp_path)
