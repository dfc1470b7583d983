"""Folders and files in the cache: used if they are whole, else made again.

A file may be damaged after it was written: a disk that was full, a power cut, somebody's hand. So
the content of a folder is compared with what it was made from, and what is built carries its hash.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from codegen.base.paths import locked
from qat.machine.scratch import new_folder

LEFT_BY_TOOLS = (".pio", "__pycache__", ".vscode")
"""Folders that tools leave among our files; nothing is read from them."""


def keep(target: Path, files: Mapping[str, bytes], lock: Path) -> None:
    """Have the folder `target` hold these files and no other in their folders.

    lock: a file; whoever builds in the folder holds it, and a folder that is damaged is made
    anew behind it. Raises OSError if the cache cannot be written.
    """
    if is_whole(target, files):
        return
    if target.exists():
        with locked(lock):
            if not is_whole(target, files):
                shutil.rmtree(target, ignore_errors=True)
                _publish(target, files)
    else:
        _publish(target, files)


def is_whole(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Return True if the folder holds these files, and their folders nothing else."""
    tops = sorted({name.split("/")[0] for name in files})
    if {str(path) for path in files_below(folder, tops)} != set(files):
        return False
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def files_below(folder: Path, tops: Iterable[str]) -> list[Path]:
    """Return the files in some folders of a folder, relative to it, but for what tools leave."""
    found = [path for top in tops for path in (folder / top).rglob("*") if path.is_file()]
    names = [path.relative_to(folder) for path in found]
    return sorted(name for name in names if not set(LEFT_BY_TOOLS) & set(name.parts))


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, and the folders that they lie in."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _publish(target: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder `target` with these files, all at once; another process may be faster."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = new_folder(target.parent)
    try:
        write_files(temporary, files)
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


# ------------------------------------------------------------ what is built


def _seal(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def move_sealed(built: Path, target: Path) -> None:
    """Move a file that was built to its place, perhaps on another disk, with its hash beside it."""
    temporary = target.with_name(f".{target.name}.new")
    shutil.copyfile(built, temporary)
    seal = temporary.with_name(f"{temporary.name}.sha256")
    seal.write_text(_digest(temporary), "ascii")
    os.replace(temporary, target)
    os.replace(seal, _seal(target))


def is_sealed(path: Path) -> bool:
    """Return True if a file is there and has the hash that it was built with."""
    try:
        return _seal(path).read_bytes() == _digest(path).encode()
    except OSError:
        return False
