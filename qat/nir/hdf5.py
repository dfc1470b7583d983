"""HDF5 files from anywhere, as trees of plain arrays and texts.

A process of its own reads them (`qat.nir.child`): a file that was made to harm, or is damaged, can
crash the HDF5 library, and then is one line here.
"""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from os import PathLike, environ
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from qat.machine import programs
from qat.machine.bounded import require_regular
from qat.machine.scratch import scratch
from qat.model.archive import Archive
from qat.model.checks import plain
from qat.model.foreign import foreign, is_hdf5
from qat.nir.child import CPU_SECONDS, MOST_BYTES, REFUSED, TREE

Tree = dict[str, Any]
"""Names, each with a Tree, an array, a text (str), or rows of texts (list of lists)."""

WANTED = "h5py>=3.10,<4"

CHILD = "from qat.nir.child import main; sys.exit(main())"


def require_h5py() -> None:
    """Raise ValueError, with what to do, where h5py is not installed."""
    if find_spec("h5py") is None:
        raise ValueError(f"h5py is missing; NIR files need it: pip install '{WANTED}'")


def read_tree(path: str | PathLike[str]) -> Tree:
    """Return what an HDF5 file holds.

    Raises OSError, and ValueError, in words that follow the name of the file, for what is no
    regular file, no HDF5 file, or holds what is not read (see qat.nir.child).
    """
    require_h5py()
    path = Path(path).absolute()
    require_regular(path)
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES:,} bytes, the most that is read")
    with path.open("rb") as file:
        file.read(1)  # an OSError of ours, with its reason
    with scratch() as folder:
        target = folder / "tree.npz"
        _read_apart(path, target)
        with target.open("rb") as file:
            archive = Archive(file, "what was read", 2 * MOST_BYTES)
            return _tree(json.loads(archive.read(TREE)), archive)


def _read_apart(path: Path, target: Path) -> None:
    own = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = programs.own_python(CHILD, str(path), str(target))
    try:
        done = programs.run(command, environment={**environ, **own}, seconds=8.0 * CPU_SECONDS)
    except subprocess.TimeoutExpired:
        raise ValueError("takes too long to read; it may be damaged") from None
    if done.returncode == REFUSED:
        named = path.suffix.lower() in (".nir", ".h5", ".hdf5")  # what it should have been
        other = None if named or is_hdf5(path) else foreign(path)
        raise ValueError(other or plain(done.stdout))
    if done.returncode != 0 or not target.is_file():
        raise ValueError(
            f"cannot be read: the HDF5 library ended with status {done.returncode} on it; the file "
            "is damaged"
        )


def _tree(node: Tree, archive: Archive) -> Any:
    """Return a tree with its arrays and texts in their places."""
    if "group" in node:
        return {name: _tree(inner, archive) for name, inner in node["group"].items()}
    if "array" in node:
        found: NDArray[Any] = archive.array(node["array"])
        return found
    return node["text"] if "text" in node else node["texts"]
