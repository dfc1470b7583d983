"""Files of other programs in the place of a model or of data: what they are, and the way here.

They are told by their first bytes or by their name, and never opened further: a checkpoint of torch
is a pickle, which runs whatever it holds.
"""

from __future__ import annotations

import zipfile
from os import PathLike
from pathlib import Path

from qat.machine.bounded import open_regular

HDF5, TFLITE = b"\x89HDF\r\n\x1a\n", b"TFL3"

BY_NIR = "export the network to NIR where it was trained, then `spikemcu import` (qat/README.md)"

BY_TORCH = f"of a network of qat.torch, load it there and call qat.torch.export; else {BY_NIR}"

NAMED = {
    ".pt": f"is a checkpoint of torch; {BY_TORCH}",
    ".pth": f"is a checkpoint of torch; {BY_TORCH}",
    ".ckpt": f"is a checkpoint of training; {BY_NIR}",
    ".onnx": f"is an ONNX graph, which has no spiking neurons; {BY_NIR}",
    ".tflite": "is a TensorFlow Lite model, which does not spike; train one with `spikemcu train`, "
    f"or {BY_NIR}",
    ".keras": "is a Keras model, which does not spike; train one with `spikemcu train`, or "
    f"{BY_NIR}",
    ".h5": "is an HDF5 file; `spikemcu import` reads a network in NIR, and no weights of Keras",
    ".hdf5": "is an HDF5 file; `spikemcu import` reads a network in NIR, and nothing else",
    ".nir": "is a network in NIR; make a model of it: `spikemcu import FILE -o MODEL`",
}
"""What files of these endings are, in words that follow their name."""


def foreign(path: str | PathLike[str]) -> str | None:
    """Return what a file of another program is and what to do, in words that follow its name."""
    path = Path(path)
    ending = path.suffix.lower()
    try:
        with open_regular(path) as file:
            start = file.read(8)
    except (OSError, ValueError):  # a pipe or a device makes whoever opens it wait
        return None
    if start == HDF5:
        return NAMED[ending if ending in (".h5", ".hdf5") else ".nir"]
    if start[4:8] == TFLITE:
        return NAMED[".tflite"]
    if start[:2] == b"PK" and _is_pickled(path):
        return NAMED[".pt"]
    return NAMED.get(ending)


def is_hdf5(path: str | PathLike[str]) -> bool:
    """Return True for a file that begins as HDF5 does."""
    with open_regular(path) as file:
        return file.read(len(HDF5)) == HDF5


def _is_pickled(path: Path) -> bool:
    """Return True for an archive as torch writes it."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            return any(name.endswith("/data.pkl") for name in archive.namelist()[:64])
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False
