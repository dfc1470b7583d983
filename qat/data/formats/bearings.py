"""Recordings of bearings: a MATLAB file or an .npz each, its class in the name of file or folder.

The layout of the Case Western Reserve University Bearing Data Center: X118_DE_time, X118_FE_time
and X118_BA_time, the accelerations at the drive end, the fan end and the base; .npz files of the
same hold DE, FE and BA. .mat files are read by SciPy (pip install scipy).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.arrays import Arrays, read_arrays
from qat.data.formats.found import Found, files_below
from qat.data.reading import Reading
from qat.machine.bounded import open_regular
from qat.machine.memory import require

PLACES = ("DE", "FE", "BA")
NAMES = {"DE": "drive end", "FE": "fan end", "BA": "base"}
SUFFIXES = (".mat", ".npz")
USES = ("window", "hop", "group", "unit", "rate")

BYTES_PER_BYTE = 6
"""Memory for a byte of a file, which may be compressed."""


def is_bearings(path: Path) -> bool:
    """Return True for a folder with .mat files, or .npz files in folders of its own or itself."""
    if not path.is_dir():
        return path.suffix.lower() == ".mat"
    places = [path, *(one for one in path.iterdir() if one.is_dir())]
    return any(one.suffix.lower() in SUFFIXES for place in places for one in place.iterdir())


def bearings(path: Path, how: Reading) -> Found:
    """Return the samples of recordings one behind the other, each with its class.

    path: a folder; its folders name the classes, or where it has none the files do: OR007@6_1.mat
          is of class OR007@6. x is float64, (samples, places), of the places that all files hold.

    Raises ValueError without a window, for files that hold none of the places, and where SciPy is
    not installed.
    """
    if how.window is None:
        raise ValueError("window: is needed: these are recordings; --window 1024, for instance")
    if not path.is_dir():
        raise ValueError("is one recording; give the folder with those of all classes")
    files = files_below(path, SUFFIXES)
    recordings = [_recording(file) for file in files]
    shared = [p for p in PLACES if all(p in found for found in recordings)]
    if not shared:
        raise ValueError(f"no place ({', '.join(PLACES)}) is recorded in all of its files")
    lengths = [min(len(found[p]) for p in shared) for found in recordings]
    require("the recordings", 16 * len(shared) * sum(lengths), "give fewer files")
    x = np.concatenate([
        np.stack([found[place][:length] for place in shared], axis=1)
        for found, length in zip(recordings, lengths, strict=True)
    ])  # fmt: skip
    words, y = np.unique([_class(file, path) for file in files], return_inverse=True)
    y = np.repeat(y, lengths)
    notes = (
        f"recordings: {len(files)}, of {', '.join(NAMES[p] for p in shared)}",
        f"classes by the names of {'folders' if _in_folders(files, path) else 'files'}",
    )
    return Found(
        {"x": x, "y": y, "runs": np.repeat(np.arange(len(files)), lengths)},
        None,
        notes,
        classes=tuple(map(str, words)),
        channels=tuple(shared),
        lines=True,
    )


def _in_folders(files: list[Path], folder: Path) -> bool:
    return any(file.parent != folder for file in files)


def _class(file: Path, folder: Path) -> str:
    """Return the class: the folder's name, else the file's without its load (_0 to _3)."""
    if file.parent != folder:
        return file.relative_to(folder).parts[0]
    return re.sub(r"_\d+$", "", file.stem)


def _recording(path: Path) -> Arrays:
    """Return the signals of a file by their places."""
    require(path.name, BYTES_PER_BYTE * path.stat().st_size, "leave it out")
    found: dict[str, NDArray[Any]] = {}
    for name, values in (_mat(path) if path.suffix.lower() == ".mat" else _npz(path)).items():
        match = re.fullmatch(r"(?:X\d+_?)?(DE|FE|BA)(?:_time)?", name)
        if match is None or not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
            continue
        if match[1] in found:
            raise ValueError(f"{path.name}: holds two recordings of {match[1]}; divide the file")
        found[match[1]] = values.reshape(-1).astype(np.float64)
    if not found:
        raise ValueError(f"{path.name}: holds no recording named like X118_DE_time, or DE")
    return found


def _npz(path: Path) -> Arrays:
    with open_regular(path) as file:
        try:
            return read_arrays(file, "an archive")
        except ValueError as error:
            raise ValueError(f"{path.name}: is not an .npz file of arrays ({error})") from None


def _mat(path: Path) -> Arrays:
    try:
        from scipy.io import loadmat  # noqa: PLC0415  # an extra
    except ImportError:
        raise ValueError(f"{path.name}: needs SciPy; install it: pip install scipy") from None
    with open_regular(path) as file:
        try:
            found: Arrays = loadmat(file)
        except NotImplementedError:
            raise ValueError(f"{path.name}: is of MATLAB 7.3; save it with -v7") from None
        except Exception as error:  # SciPy's reader raises what its parts raise
            raise ValueError(f"{path.name}: is no MATLAB file ({error})") from None
    return found
