"""What is killed while it writes, as functions of a folder and as a program.

    python -m support.interrupted save FOLDER MATERIAL

does a deed once, after chdir(FOLDER), by which strace's log tells where it begins.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import qat
from codegen.checks.equivalence import read_code
from codegen.package.write import files_of, write_files
from qat.data.dataset import Dataset
from qat.data.own import from_arrays
from qat.model import LIF, Accumulate, Analog, Dense, Layer, Model

MODEL, BEGUN = "model.npz", "begun"
EPOCHS = 6
Files = dict[str, str]


@dataclass(frozen=True)
class Material:
    """What the deeds write: made once, so that a process has only to write.

    models:   two, of the same name and shape, whose files take several writes
    packages: what `generate` writes for two others, by file
    data:     samples that are trained on in milliseconds
    """

    models: tuple[Model, Model]
    packages: tuple[Files, Files]
    data: Dataset


def _model(seed: int) -> Model:
    rng = np.random.default_rng(seed)
    layer = Layer(Dense(rng.integers(-128, 128, (500, 300)), 8), LIF(900, (3,)))
    readout = Accumulate(Dense(rng.integers(-8, 8, (10, 500)), 4))
    return Model(Analog(300, 0, 3), (layer,), readout, 4, "net")


def _package(neurons: int) -> Files:
    layer = Layer(Dense([[1, 0, -1]] * neurons), LIF(2, (1,)))
    return files_of(Model(Analog(3, 0, 3), (layer,), name="net"))


@cache
def material() -> Material:
    """Return the material, in which nothing is random."""
    x = np.random.default_rng(0).integers(0, 16, (60, 6))
    data = from_arrays(x, np.arange(60) % 3, name="small")
    return Material((_model(0), _model(1)), (_package(4), _package(5)), data)


# --------------------------------------------------------------------------------- deeds


def save(folder: Path, made: Material) -> None:
    """Write one model, then the other, over a file."""
    for model in made.models:
        model.save(folder / MODEL)


def save_plainly(folder: Path, made: Material) -> None:
    """Do the same as one must not."""
    for model in made.models:
        model.save(folder / "good.npz")
        (folder / MODEL).write_bytes((folder / "good.npz").read_bytes())


def generate(folder: Path, made: Material) -> None:
    """Write the package of one model, then of the other, over a folder."""
    for files in made.packages:
        write_files(folder, files)


def train(folder: Path, made: Material) -> None:
    """Train into a run folder, going on where there is a checkpoint; then save the model."""
    net = qat.Network([6, 8, 3], bits=[2, 2], steps=3, input_range=(0, 15))
    resume = (folder / "run" / "checkpoint.npz").exists()
    qat.fit(net, made.data, epochs=EPOCHS, batch_size=8, run=folder / "run", resume=resume)
    qat.export(net).save(folder / MODEL)


DEEDS: dict[str, Callable[[Path, Material], None]] = {
    deed.__name__: deed for deed in (save, save_plainly, generate, train)
}


def again_and_again(deed: str, folder: str, made: Material) -> None:
    """Do a deed until this process is killed, after a sign that it has begun."""
    Path(folder, BEGUN).touch()
    while True:
        DEEDS[deed](Path(folder), made)


def once(deed: str, folder: str, made: Material) -> None:
    """Do a deed."""
    DEEDS[deed](Path(folder), made)


# -------------------------------------------------------------------------------- checks


def check_model(folder: Path, made: Material) -> None:
    """Fail unless the file is one of both models, in every byte."""
    loaded = Model.load(folder / MODEL)
    assert loaded.digest() in [model.digest() for model in made.models]


def check_package(folder: Path, made: Material) -> None:
    """Fail unless every file is whole, and a folder of two sets is noticed."""
    sets = made.packages
    present = {name: (folder / name).read_text() for name in sets[0] if (folder / name).exists()}
    for name, text in present.items():
        assert text in [files[name] for files in sets], f"{name} is broken"
    if "manifest.json" in present and present not in sets:
        assert noticed(folder, made), "a folder of two sets went unnoticed"


def noticed(folder: Path, made: Material) -> bool:
    """Return True if the check refuses a folder."""
    try:
        read_code(made.models[0], folder)
    except ValueError as error:
        return "were not generated together" in str(error)
    return False


def check_run(folder: Path, made: Material) -> None:
    """Fail unless all that was written so far is whole."""
    run = folder / "run"
    for path in (run / "model.npz", folder / MODEL):
        if path.exists():
            Model.load(path)
    if (run / "checkpoint.npz").exists():
        with np.load(run / "checkpoint.npz", allow_pickle=False) as arrays:
            assert all(len(arrays[name].dtype.str) for name in arrays.files)


CHECKS: dict[str, Callable[[Path, Material], None]] = {
    "save": check_model,
    "save_plainly": check_model,
    "generate": check_package,
    "train": check_run,
}


def leftovers(folder: Path) -> list[Path]:
    """Return temporary files that were left behind."""
    return [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


if __name__ == "__main__":
    sys.modules["support.interrupted"] = sys.modules[
        "__main__"
    ]  # where the pickle looks for Material
    _known = pickle.loads(Path(sys.argv[3]).read_bytes())
    os.chdir(sys.argv[2])
    once(sys.argv[1], ".", _known)
