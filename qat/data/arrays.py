"""Files of arrays (.npz) that another program wrote."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, BinaryIO

from numpy.typing import NDArray

from qat.machine.memory import require
from qat.model.archive import Archive

Arrays = dict[str, NDArray[Any]]


def read_arrays(file: BinaryIO, what: str, names: Iterable[str] | None = None) -> Arrays:
    """Return the arrays of an archive, all or those named.

    Raises ValueError for what is none, is damaged, or would not fit into the memory.
    """
    archive = Archive(file, what, sys.maxsize)
    wanted = archive.arrays if names is None else tuple(names)
    known = (f"{name}.npy" for name in wanted if f"{name}.npy" in archive)
    require("its arrays", sum(map(archive.size, known)), "divide the file")
    return {name: archive.array(name) for name in wanted}
