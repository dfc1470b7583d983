"""Archives of arrays (.npz) from anywhere: every size is known before memory is taken.

A member may be stored or deflated, no more is read of it than its entry says, and what is read
of an archive in all is bounded, however often a member is asked for. Arrays are plain numbers or
text, never objects.
"""

from __future__ import annotations

import ast
import io
import struct
import zipfile
from math import prod
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Ways of compression: those of NumPy. The others of zipfile cannot be stopped midway."""

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""What reads the header of a .npy file, by its version."""

PLAIN = "biufcSU"
"""Kinds of array elements that hold nothing but themselves."""


class Archive:
    """The members of an archive; `most` is how many bytes may be read of it in all.

    Raises ValueError, in words that follow the name of the file, for whatever is wrong.
    """

    def __init__(self, file: BinaryIO, what: str, most: int) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OSError):
            raise ValueError(f"not {what}, or truncated") from None
        self._members = {info.filename: info for info in self._zip.infolist()}
        self._most = self._left = most

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the arrays."""
        return tuple(n.removesuffix(".npy") for n in self._members if n.endswith(".npy"))

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """Return how many bytes a member claims to have."""
        return self._members[name].file_size

    def read(self, name: str) -> bytes:
        """Return the content of a member."""
        if name not in self._members:
            raise ValueError(f"member {name} is missing")
        if self._members[name].compress_type not in METHODS:
            raise ValueError(f"member {name} is compressed in another way than deflate")
        self._left -= self.size(name)
        if self._left < 0:
            raise ValueError(f"its members hold more than {self._most:,} bytes")
        try:
            return self._zip.read(name)
        except Exception as error:  # zipfile and zlib: many kinds, some with no base but Exception
            raise ValueError(f"member {name} is damaged ({error})") from None

    def array(self, name: Any) -> NDArray[Any]:
        """Return an array, which cannot be written to."""
        return array_of(self.read(f"{name}.npy"), f"array {name}")


MAX_HEADER = 10_000
"""Bytes of a .npy header, as NumPy itself has it."""


def _require_literal(data: bytes, start: int, version: int) -> None:
    """Raise an error for a header that is no Python 3 literal.

    NumPy reads those of Python 2 with a warning. To make that an error takes filters that all
    threads share.
    """
    length = struct.Struct("<H" if version == 1 else "<I")
    (size,) = length.unpack_from(data, start)
    if size > MAX_HEADER:
        raise ValueError(f"it claims {size:,} bytes")
    start += length.size
    ast.literal_eval(data[start : start + size].decode("utf-8" if version > 2 else "latin-1"))


def array_of(data: bytes, what: str) -> NDArray[Any]:
    """Return the array of a .npy file, which cannot be written to; ValueError for what is none."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        _require_literal(data, stream.tell(), version[0])
        shape, fortran, dtype = HEADERS[version](stream)
    except Exception as error:  # numpy parses the header with ast: many kinds of error
        raise ValueError(f"{what} has a damaged header ({error})") from None
    if dtype.kind not in PLAIN or dtype.itemsize == 0:
        raise ValueError(f"{what} has dtype {dtype}; only plain numbers are read")
    size, have = dtype.itemsize * prod(shape), len(data) - stream.tell()
    if min(shape, default=0) < 0 or size != have:
        raise ValueError(f"{what} claims {size} bytes; it has {have}")
    return in_order(np.frombuffer(data, dtype, offset=stream.tell()), shape, fortran)


def in_order(values: NDArray[Any], shape: tuple[int, ...], fortran: bool) -> NDArray[Any]:
    """Return flat values in a shape, the first index running fastest if `fortran`."""
    return values.reshape(shape[::-1]).T if fortran else values.reshape(shape)
