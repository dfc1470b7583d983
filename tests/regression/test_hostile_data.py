"""A hostile data file runs no code, takes no memory, and gets one line.

What fuzzing has found has a test here; tests/fuzz/findings keeps the inputs.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.fuzzing import check_line
from support.hostile import claiming, npy, pack

from qat.data.named import load
from qat.data.timeseries import ts


def npz(**arrays: Any) -> bytes:
    return pack({f"{name}.npy": npy(array) for name, array in arrays.items()})


X, Y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 2


@pytest.mark.parametrize(
    ("name", "content", "way", "message"),
    [
        ("a.npz", pack({"x.npy": claiming("<f8", "(1099511627776, 2)"), "y.npy": npy(Y)}), {},
         "claims 17592186044416 bytes; it has 0"),
        ("a.npz", npz(x=X, y=Y)[:-30], {}, "is not an .npz file of plain arrays"),
        ("a.npz", npz(x=X, y=Y, by=Y[:9]), {"by": "by"}, "by: found shape"),
        ("a.npz", npz(x=X, y=Y[:9], by=Y), {"by": "by"}, "y: found 9 labels for 30"),
        ("a.npz", npz(x=X, y=Y * 1e300), {}, "y: holds 1e.300; labels must be whole numbers"),
        ("a.npz", npz(x=X[0, 0], y=Y, by=Y[0]), {"by": "by"}, "x: found shape"),
        ("a.csv", b'"' + b"x" * 200_000 + b'",1\n2,3\n', {}, "is not a .csv file"),
        ("a.csv", b"\xff\xfe\0", {}, "is not utf-16-le text"),
        ("train-images-idx3-ubyte", b"\0\0\x08\0", {}, "should have 0 dimensions"),
        ("train-images-idx3-ubyte", b"\0\0\x08\x02" + b"\xff" * 8, {}, "needs about"),
        ("train-images-idx3-ubyte", b"\0\0\x08\xff" + b"\0\0\0\1" * 255, {}, "255 dimensions"),
    ],
)  # fmt: skip
def test_hostile_data_get_one_line(
    name: str, content: bytes, way: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load(path, **way)
    check_line(caught.value, f"{path}: ")


def test_an_array_that_does_not_inflate_is_refused(tmp_path: Path) -> None:
    data = bytearray(pack({"x.npy": npy(X), "y.npy": npy(Y)}, zipfile.ZIP_DEFLATED))
    place = data.index(b"x.npy") + 5
    data[place : place + 40] = b"\xff" * 40
    (tmp_path / "a.npz").write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"member x.npy is damaged"):
        load(tmp_path / "a.npz")


def test_a_ts_file_without_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="has no line @classLabel"):
        ts(b"@data\n1,2:a\n")
    with pytest.raises(ValueError, match="its samples are no channels of values"):
        ts(b"@classLabel true a\n@data\n")
