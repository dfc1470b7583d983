"""Files of data that are none: pipes, devices, sockets and folders under the names of data."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qat.data.formats.idx import idx_pair
from qat.data.named import load
from qat.data.tables.text import encoding_of, pieces


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # the whole path would be too long


def link_to_zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a socket": make_socket,
    "a device": link_to_zero,
}
NAMES = ("d.csv", "d.tsv", "d.txt", "d.parquet", "d.npz", "d-images-idx3-ubyte")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_no_data(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    KINDS[kind](Path(name))
    with pytest.raises(ValueError, match=f"^{name}: is {kind}; "):
        load(name)


def test_a_file_exchanged_for_a_pipe_meanwhile_is_not_waited_for(tmp_path: Path) -> None:
    """Each time that a file is opened it is looked at again."""
    path = tmp_path / "d.csv"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="is a pipe"):
        encoding_of(path)
    with pytest.raises(ValueError, match="is a pipe"):
        next(pieces(path, "utf-8"))


def test_pipes_beside_an_idx_file_are_passed_by(tmp_path: Path) -> None:
    images = np.zeros((3, 2, 2), np.uint8)
    head = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in images.shape)
    (tmp_path / "pictures").write_bytes(head + images.tobytes())
    (tmp_path / "words").write_bytes(b"\0\0\x08\x01\0\0\0\x03" + bytes(3))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert idx_pair(tmp_path / "pictures").notes == ("labels: words",)
