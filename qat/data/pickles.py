"""Pickled .npy files of plain arrays, read without running anything that they hold."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.archive import in_order
from qat.model.checks import plain


class _Dtype:
    """Stands for a NumPy dtype while a pickle is read."""

    def __init__(self, text: object, *_: object) -> None:
        if not isinstance(text, str) or not re.fullmatch(r"[biufOSU]\d{1,6}", text):
            raise ValueError(f"holds an array of {text!r}; only plain types are admitted")
        self.text, self.order = text, "="

    def __setstate__(self, state: Any) -> None:
        self.order = {"<": "<", ">": ">", "|": "|"}.get(state[1], "=")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type itself."""
        return np.dtype(self.order + self.text)


class _Array:
    """Stands for a NumPy array while a pickle is read: nothing of NumPy sees its state as it is."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        self.state = tuple(state)

    def array(self, made: Callable[[Any], Any]) -> NDArray[Any]:
        """Return the array; `made` makes what an array of objects holds."""
        _, shape, kind, fortran, content = self.state
        if kind.text[0] != "O":
            return in_order(np.frombuffer(content, kind.dtype), shape, fortran)
        values = np.empty(len(content), object)
        for i, value in enumerate(content):
            values[i] = made(value)
        return values.reshape(shape)


class _Arrays(pickle._Unpickler):
    """Rebuilds plain values and what stands for arrays, and nothing else.

    The one in Python, whose memory is bounded by the content.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ADMITTED:
            return _ADMITTED[module, name]
        raise ValueError(f"holds {module}.{name}; only NumPy arrays are admitted")


def _bytes_of(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"holds text in {encoding!r}; only latin1 is admitted")
    return text.encode("latin1")


def _reconstruct(*_: object) -> _Array:
    return _Array()


_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _bytes_of,
}


def _made(value: Any, known: dict[int, Any]) -> Any:
    """Return a value with arrays in place of what stands for them; known: what was made, by id."""
    if id(value) in known or not isinstance(value, dict | list | tuple | _Array):
        return known.get(id(value), value)
    made: Any
    if isinstance(value, _Array):
        made = value.array(lambda inner: _made(inner, known))
    elif isinstance(value, dict):
        made = {key: _made(inner, known) for key, inner in value.items()}
    else:
        made = type(value)(_made(inner, known) for inner in value)
    known[id(value)] = made
    return made


def pickled(content: bytes) -> Any:
    """Return the object of a pickled .npy file whose contents are NumPy arrays and plain values.

    Raises ValueError for anything else in it; nothing of that is imported or called.
    """
    file = io.BytesIO(content)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("it is no .npy file of version 1.0")
        np.lib.format.read_array_header_1_0(file)
        array = _made(_Arrays(file).load(), {})
    except Exception as error:  # a pickle is a program: any kind of error may come of it
        raise ValueError(f"is a damaged pickle ({plain(error)})") from None
    return array.item() if isinstance(array, np.ndarray) and array.ndim == 0 else array
