"""What reads an HDF5 file, in a process of its own: a damaged file may crash the HDF5 library.

It writes what the file holds as an .npz that only has plain numbers and a JSON tree, or prints
one line about what is wrong and ends with the status REFUSED. Every object is looked at before it
is read: links to other files, references, filters of others and sizes beyond a limit are refused.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from math import prod
from typing import Any

import numpy as np

try:
    import resource
except ImportError:  # there is none on Windows
    resource = None  # type: ignore[assignment]

REFUSED = 3
"""Exit status: the line that was printed says why."""

MOST_BYTES = 2**28
"""Of a file, and of all values that are read of it; more fits no microcontroller."""
MOST_OBJECTS = 20_000
MOST_DEPTH = 16
MOST_TEXT = 4096
"""Bytes of a text."""
MOST_NAME = 256
"""Characters of a name."""
CPU_SECONDS, ADDRESSES = 15, 2**32
"""What the process may use."""

FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 32000: "lzf"}
"""Filters of a data set that are read: those that h5py brings; others would load a library."""

TREE = "tree.json"


class RefusedError(ValueError):
    """A file that is not read, in words that follow its name."""


class Reader:
    """Reads one file into a JSON tree and a list of arrays.

    A tree is {"group": {name: tree}}, {"array": number}, {"text": word} or {"texts": rows}.
    """

    def __init__(self) -> None:
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.objects, self.left = 0, MOST_BYTES

    def group(self, group: Any, where: str, above: tuple[int, ...] = ()) -> dict[str, Any]:
        """Return the tree of a group; `above` are the addresses of the groups that hold it."""
        import h5py  # noqa: PLC0415  # an extra

        address = int(h5py.h5o.get_info(group.id).addr)
        if address in above:
            raise RefusedError(f"{where} holds itself")
        if len(above) >= MOST_DEPTH:
            raise RefusedError(f"{where}: groups are nested more than {MOST_DEPTH} deep")
        found = {}
        for name in group:
            self.objects += 1
            if self.objects > MOST_OBJECTS:
                raise RefusedError(f"holds more than {MOST_OBJECTS:,} objects")
            if len(name) > MOST_NAME:
                raise RefusedError(f"{where}: a name has more than {MOST_NAME} characters")
            link = group.get(name, getclass=True, getlink=True)
            if link is not h5py.HardLink:
                raise RefusedError(f"{where}/{name} is a link; only objects of the file are read")
            found[name] = self._object(group[name], f"{where}/{name}", (*above, address))
        return {"group": found}

    def _object(self, item: Any, where: str, above: tuple[int, ...]) -> dict[str, Any]:
        import h5py  # noqa: PLC0415  # an extra

        if isinstance(item, h5py.Group):
            return self.group(item, where, above)
        if isinstance(item, h5py.Dataset):
            return self._dataset(item, where)
        raise RefusedError(f"{where} is a {type(item).__name__}; groups and data sets are read")

    def _dataset(self, item: Any, where: str) -> dict[str, Any]:
        import h5py  # noqa: PLC0415  # an extra

        if item.shape is None:
            raise RefusedError(f"{where} is empty")
        if item.external or item.is_virtual:
            raise RefusedError(f"{where} lies in another file; only what is in the file is read")
        plist = item.id.get_create_plist()
        filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
        if other := [code for code in filters if code not in FILTERS]:
            raise RefusedError(
                f"{where}: filter {other[0]}; {', '.join(FILTERS.values())} are read"
            )
        string = h5py.check_string_dtype(item.dtype)
        size = prod(item.shape) * (MOST_TEXT if string and string.length is None
                                   else item.dtype.itemsize)  # fmt: skip
        self.left -= size
        if self.left < 0 or size > MOST_BYTES:
            raise RefusedError(
                f"{where} claims shape {item.shape}; at most {MOST_BYTES:,} bytes are read"
            )
        if string is not None:
            return self._text(item, where)
        if h5py.check_enum_dtype(item.dtype) is not None:
            raise RefusedError(f"{where} is an enumeration; numbers and texts are read")
        if item.dtype.kind not in "fiub" or item.dtype.itemsize > 8:
            raise RefusedError(f"{where} has dtype {item.dtype}; numbers and texts are read")
        self.arrays.append(np.asarray(item[()]))
        return {"array": len(self.arrays) - 1}

    def _text(self, item: Any, where: str) -> dict[str, Any]:
        values = np.asarray(item[()], dtype=object)

        def plain(value: Any) -> str:
            raw = value if isinstance(value, bytes) else str(value).encode()
            if len(raw) > MOST_TEXT:
                raise RefusedError(f"{where}: a text has more than {MOST_TEXT} bytes")
            return raw.decode("utf-8", "replace")

        if values.ndim == 0:
            return {"text": plain(values.item())}
        if values.ndim > 2:
            raise RefusedError(f"{where}: texts of shape {values.shape}; a list or a table is read")
        rows: Any = values.reshape(len(values), -1) if values.size else []
        return {"texts": [[plain(value) for value in row] for row in rows]}


def _limit() -> None:
    """Bound what this process may use, where the system can."""
    if resource is None:
        return
    limits = ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, ADDRESSES),
              (resource.RLIMIT_CORE, 0))  # fmt: skip
    for which, most in limits:
        hard = resource.getrlimit(which)[1]
        if hard == resource.RLIM_INFINITY or hard > most:
            resource.setrlimit(which, (most, hard))


def read(path: str, target: str) -> None:
    """Read a file and write what it holds to `target`; RefusedError for what is not read."""
    import h5py  # noqa: PLC0415  # an extra

    reader = Reader()
    try:
        with h5py.File(path, "r", locking=False) as file:
            tree = reader.group(file, "")
    except RefusedError:
        raise
    except MemoryError:
        raise RefusedError("needs more memory than is allowed for it") from None
    except Exception as error:  # h5py: many kinds, some with no base but Exception
        raise RefusedError(f"is no readable HDF5 file ({' '.join(str(error).split())})") from None
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(TREE, json.dumps(tree))
        for number, array in enumerate(reader.arrays):
            little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
            with archive.open(f"{number}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, little.reshape(array.shape), version=(1, 0),
                                          allow_pickle=False)  # fmt: skip


def main() -> int:
    """Be the child: `path target` are its arguments."""
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"  # no filter of others is ever looked for
    _limit()
    try:
        read(sys.argv[1], sys.argv[2])
    except RefusedError as error:
        print(str(error))
        return REFUSED
    return 0
