"""The files of a package as a .zip, with the same bytes wherever and whenever it is made."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from qat.model import write_file, writing

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in it: the earliest that the format has."""

MODE = 0o100644 << 16
"""A plain file that its owner may write and everyone may read."""


def zipped(files: Mapping[str, str], top: str) -> bytes:
    """Return a .zip of {path: text} below one folder, not compressed: libraries for that differ."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path, text in files.items():
            entry = zipfile.ZipInfo(f"{top}/{path}", EPOCH)
            entry.create_system, entry.external_attr = 3, MODE  # as on Unix, whatever this is
            archive.writestr(entry, text.encode())
    return content.getvalue()


def write_zip(path: Path, files: Mapping[str, str], top: str) -> dict[str, Path]:
    """Write {file: text} as a .zip, whole or not at all; return {its name: its path}.

    Raises ValueError if it cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, zipped(files, top))
    return {path.name: path}
