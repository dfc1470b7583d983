"""Model files: whatever is wrong with one is a ValueError that names the file."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.zoo.small import small_model

from qat.model import Model


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    small_model().save(path)
    return path


def rewrite(path: Path, changes: dict[str, Any]) -> None:
    """Replace members of an archive; a dict is merged into the JSON member."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        merged = isinstance(change, dict)
        members[name] = (
            json.dumps(json.loads(members[name]) | change).encode() if merged else change
        )
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)


def npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), **options)
    return buffer.getvalue()


CODES = "layers.0.synapse.codes.npy"


def header_of(shape: str) -> bytes:
    text = f"{{'descr': '|i1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + b"\0" * 16


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"header.json": {"format": 2}}, r"model format 2; .* reads 1; install a newer one"),
        ({"header.json": {"format": "x"}}, r"model format 'x'"),
        ({"header.json": b"{"}, r"header.json cannot be read"),
        ({"header.json": b"[" * 100000}, r"header.json cannot be read"),
        ({"header.json": b"[]"}, r"must be an object"),
        ({"header.json": None}, r"it has no header.json"),
        ({"header.json": {"layers": 3}}, r"layers must be a list"),
        ({"header.json": {"layers": [{"kind": "cube"}]}}, r"layers.0: unknown record 'cube'"),
        ({"header.json": {"input": {"kind": "spikes"}}}, r"input: .* missing fields \['size'\]"),
        (
            {"header.json": {"input": {"kind": "spikes", "size": 20, "delay": 1}}},
            r"unknown fields \['delay'\]",
        ),
        ({"header.json": {"input": {"kind": "spikes", "size": 2**40}}}, r"Spikes.size: found 1099"),
        ({"header.json": {"steps": 2**40}}, r"Model.steps: found 1099511627776"),
        ({"header.json": {"steps": 5}}, r"claims digest .*, the content has"),
        ({"header.json": {"name": "a;b"}}, r"must be a C identifier"),
        ({CODES: npy(np.array([{"a": 1}], object), allow_pickle=True)}, r"has dtype object"),
        ({CODES: pickle.dumps([1])}, r"damaged header"),
        ({CODES: npy(np.ones((40, 20)))}, r"has dtype float64"),
        ({CODES: npy(np.full((40, 20), 3, np.int8))}, r"codes at 2 bits: holds 3"),
        ({CODES: npy(np.zeros((40, 21), np.int8))}, r"layer 0: has 21 inputs; what precedes .* 20"),
        ({CODES: npy(np.zeros((40, 20), np.int8))}, r"claims digest"),
        ({CODES: header_of("(1099511627776, 2)")}, r"claims 2199023255552 bytes; it has 16"),
        ({CODES: header_of("__import__('os')")}, r"damaged header"),
        ({CODES: None}, r"member layers.0.synapse.codes.npy is missing"),
        ({"layers.0.neuron.threshold.npy": npy(np.int32(0))}, r"threshold: holds 0"),
    ],
)
def test_hostile_files_are_refused(saved: Path, changes: dict[str, Any], message: str) -> None:
    rewrite(saved, changes)
    with pytest.raises(ValueError, match=message) as caught:
        Model.load(saved)
    assert str(caught.value).startswith(str(saved))
    assert "\n" not in str(caught.value)


def test_missing_truncated_and_foreign_files_are_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        Model.load(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="is a folder; name a file"):
        Model.load(tmp_path)
    data = saved.read_bytes()
    for size in (0, 10, len(data) // 2, len(data) - 1):
        saved.write_bytes(data[:size])
        with pytest.raises(ValueError, match="not a model file"):
            Model.load(saved)
    np.savez(saved, x=np.ones(3))
    with pytest.raises(ValueError, match=r"it has no header\.json"):
        Model.load(saved)


def test_flipped_bytes_never_pass(saved: Path) -> None:
    data, digest = saved.read_bytes(), small_model().digest()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(data), 300):
        broken = bytearray(data)
        broken[place] ^= 1 << int(rng.integers(8))
        saved.write_bytes(bytes(broken))
        try:
            loaded = Model.load(saved)
        except ValueError:
            continue  # any other error is a failure
        assert loaded.digest() == digest


def test_a_failed_save_leaves_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ValueError, match=r"cannot be written .No space left"):
        small_model(threshold=50).save(saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


def test_saving_into_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        small_model().save(tmp_path / "no" / "model.npz")


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    for metadata in ({"a": deep}, {"a": "x" * 2**24}):
        with pytest.raises(ValueError, match="at most 268,435,456 and 16,777,216 are read"):
            replace(small_model(), metadata=metadata).save(tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())
