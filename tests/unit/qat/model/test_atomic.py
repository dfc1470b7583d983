"""What a file that is replaced keeps: its links, its permissions, its devices."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from qat.model import atomic, write_atomically


@pytest.fixture(params=["without a name", "with a name"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder, whose file system has files without a name or has not."""
    if request.param == "with a name":
        monkeypatch.setattr(atomic, "OPEN_FILES", tmp_path / "none")
    return tmp_path


def test_a_new_file_has_the_permissions_of_the_umask(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(folder / "a", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o640
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_permissions_stay(folder: Path) -> None:
    (folder / "a").write_bytes(b"old")
    (folder / "a").chmod(0o600)
    write_atomically(folder / "a", b"new")
    assert (folder / "a").read_bytes() == b"new"
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o600


@pytest.mark.parametrize("there", [True, False])
def test_links_stay(there: bool, folder: Path) -> None:
    (folder / "far").mkdir()
    if there:
        (folder / "far" / "a").write_bytes(b"old")
    (folder / "link").symlink_to("far/a")
    write_atomically(folder / "link", b"new")
    assert (folder / "link").is_symlink()
    assert (folder / "far" / "a").read_bytes() == b"new"


def test_devices_stay(folder: Path) -> None:
    write_atomically(Path("/dev/null"), b"new")
    assert Path("/dev/null").is_char_device()


def test_long_names_are_written(folder: Path) -> None:
    write_atomically(folder / ("a" * 255), b"new")
    assert (folder / ("a" * 255)).read_bytes() == b"new"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_leaves_nothing(call: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a").write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(folder / "a", b"new")
    assert (folder / "a").read_bytes() == b"old"
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_a_folder_is_no_file(folder: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write_atomically(folder, b"new")
