"""HDF5 files that mean harm, and how a process of its own reads those that do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.nir.saved import saved
from support.nir.writer import affine, chain, ends, leaky, write_nir

from qat.nir import child
from qat.nir.graph import read_graph
from qat.nir.hdf5 import read_tree

EDGES = chain("input", "fc", "lif", "output")


def simple() -> dict[str, Any]:
    return {**ends([4], [2]), "fc": affine(np.eye(2, 4), [0, 0]), "lif": leaky(0.9, 2)}


def _links(file: Any) -> None:
    file["node"]["outside"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft(file: Any) -> None:
    file["node"]["soft"] = h5py.SoftLink("/node")


def _cycle(file: Any) -> None:
    file["node"]["nodes"]["again"] = file["node"]


def _deep(file: Any) -> None:
    group = file["node"]
    for _ in range(20):
        group = group.create_group("g")


def _huge(file: Any) -> None:
    file["node"].create_dataset("big", shape=(2**20, 2**20), dtype="f4", chunks=(1, 1024))


def _reference(file: Any) -> None:
    file["node"]["ref"] = file["node"].ref


def _compound(file: Any) -> None:
    file["node"].create_dataset("pairs", data=np.zeros(3, dtype=[("a", "i4"), ("b", "f4")]))


def _enumerated(file: Any) -> None:
    named = h5py.enum_dtype({"a": 0, "b": 1}, "i4")
    file["node"].create_dataset("words", data=np.zeros(3, "i4"), dtype=named)


def _outside(file: Any) -> None:
    file["node"].create_dataset("away", (4,), "u1", external=[("/etc/hostname", 0, 4)])


def _type(file: Any) -> None:
    file["node"]["named"] = np.dtype("f8")


@pytest.mark.parametrize(
    ("harm", "text"),
    [
        (_links, "/node/outside is a link"),
        (_soft, "/node/soft is a link"),
        (_cycle, "holds itself"),
        (_deep, "nested more than 16 deep"),
        (_huge, r"/node/big claims shape \(1048576, 1048576\)"),
        (_reference, "/node/ref has dtype object"),
        (_compound, "/node/pairs has dtype"),
        (_enumerated, "/node/words is an enumeration"),
        (_outside, "/node/away lies in another file"),
        (_type, "/node/named is a Datatype"),
    ],
)
def test_hostile_files_are_refused_in_one_line(
    harm: Callable[[Any], None], text: str, tmp_path: Path
) -> None:
    path = write_nir(tmp_path / "a.nir", simple(), EDGES)
    with h5py.File(path, "a") as file:
        harm(file)
    with pytest.raises(child.RefusedError, match=text) as error:
        child.read(str(path), str(tmp_path / "out.npz"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is no readable HDF5 file"),
        (b"\x89HDF\r\n\x1a\n", "is no readable HDF5 file"),
        (b"PK\x03\x04", "is no readable HDF5 file"),
    ],
)
def test_no_hdf5_is_one_line(content: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "a.nir").write_bytes(content)
    with pytest.raises(ValueError, match=text) as error:
        read_tree(tmp_path / "a.nir")
    assert "\n" not in str(error.value)


def test_a_crash_of_the_library_is_one_line(tmp_path: Path, monkeypatch: Any) -> None:
    path = write_nir(tmp_path / "a.nir", simple(), EDGES)
    monkeypatch.setattr("qat.nir.hdf5.CHILD", "import os, signal; os.kill(os.getpid(), 11)")
    with pytest.raises(ValueError, match="ended with status -11 on it; the file is damaged"):
        read_tree(path)


def test_an_hdf5_file_without_a_graph_is_said(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(ValueError, match="an HDF5 file without a NIR graph"):
        read_graph(tmp_path / "a.h5")


def test_the_child_and_the_parent_agree_on_what_a_file_holds(tmp_path: Path) -> None:
    path, _ = saved("snntorch_rleaky", tmp_path)
    tree = read_tree(path)
    with h5py.File(path) as file:
        weight = file["node/nodes/0/weight"][()]
    assert (tree["node"]["nodes"]["0"]["weight"] == weight).all()
    assert tree["node"]["nodes"]["0"]["type"] == "Affine"
