"""Files of other programs in the place of a model or of data say what they are, and the way."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from qat.data.named import load
from qat.model import Model
from qat.model.foreign import HDF5, foreign

BY_NIR = "export the network to NIR where it was trained, then `spikemcu import`"
BY_TORCH = f"of a network of qat.torch, load it there and call qat.torch.export; else {BY_NIR}"


def pickled() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("net/data.pkl", b"cposix\nsystem\n")
    return buffer.getvalue()


FILES = {
    "net.pt": (pickled(), "is a checkpoint of torch; " + BY_TORCH),
    "weights": (pickled(), "is a checkpoint of torch; " + BY_TORCH),
    "net.pth": (b"\x80\x02", "is a checkpoint of torch; " + BY_TORCH),
    "net.onnx": (b"\x08\x07", "is an ONNX graph, which has no spiking neurons; " + BY_NIR),
    "net.tflite": (b"\x1c\0\0\0TFL3", "does not spike; train one with `spikemcu train`"),
    "model.bin": (b"\x1c\0\0\0TFL3", "is a TensorFlow Lite model"),
    "net.keras": (b"PK", "is a Keras model"),
    "net.nir": (HDF5, "is a network in NIR; make a model of it: `spikemcu import FILE -o MODEL`"),
    "net.h5": (HDF5, "is an HDF5 file; `spikemcu import` reads a network in NIR"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_in_the_place_of_a_model_says_the_way(name: str, tmp_path: Path) -> None:
    content, text = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=name) as error:
        Model.load(path)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["net.pt", "net.onnx", "net.tflite", "net.nir"])
def test_a_file_in_the_place_of_data_says_the_way(name: str, tmp_path: Path) -> None:
    content, text = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match="NIR") as error:
        load(path)
    assert text in str(error.value)


def test_our_own_files_and_missing_ones_are_not_foreign(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04")
    assert foreign(tmp_path / "a.npz") is None
    assert foreign(tmp_path / "not-there.pt") is None
