"""Data sets by name and from files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from qat.data import fetch, sources
from qat.data.alike import fitted, load_like, timing_of
from qat.data.arrays import Arrays
from qat.data.dataset import Dataset
from qat.data.division import Division, stratified
from qat.data.elsewhere import where
from qat.data.encode import resample
from qat.data.files import KINDS, from_file, is_file_of_data
from qat.data.own import from_arrays
from qat.data.reading import Progress, Reading
from qat.data.recordings import from_recording
from qat.machine.cache import NoCacheError
from qat.model import Model, Shape, did_you_mean
from qat.model.checks import plain
from qat.model.foreign import foreign

__all__ = [
    "DATASETS",
    "Dataset",
    "Named",
    "Reading",
    "from_arrays",
    "from_recording",
    "load",
    "load_for",
    "stratified",
]

Found = TypeVar("Found")

PIXELS, SMALL = 28, 16
"""Rows and columns of MNIST's images, and of the small ones made of them."""

IMAGES_THAT_VALIDATE = 5_000
"""So many of the 60,000 training images of MNIST and Fashion-MNIST validate."""


@dataclass(frozen=True)
class Named:
    """A data set that has a name.

    shape:   of one sample: (inputs,), or (steps, inputs) for frames
    classes: number of classes
    samples: in the training, validation and test parts
    licence: of the data
    source:  whom to cite
    make:    returns the Dataset of (name, row); of a sensor, also with the unit of samples
    fetched: where its arrays come from, None for what ships with the package
    """

    shape: tuple[int, ...]
    classes: int
    samples: tuple[int, int, int]
    licence: str
    source: str
    make: Callable[..., Dataset]
    fetched: fetch.Source | None = None

    @property
    def ready(self) -> bool:
        """True if nothing has to be downloaded."""
        try:
            return self.fetched is None or self.fetched.kept.exists()
        except NoCacheError:  # nothing can be kept for this user
            return False


def _digits(name: str, row: Named) -> Dataset:
    packed = files("qat.data").joinpath("digits.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    table = np.loadtxt(lines, dtype=np.uint8, delimiter=",")
    data = from_arrays(
        table[:, :-1], table[:, -1], name=name, source=row.source, licence=row.licence
    )
    return replace(data, input_range=(0, 16), grid=Shape(8, 8, 1))


def _fetched(row: Named) -> Arrays:
    assert row.fetched is not None
    return fetch.arrays(row.fetched)


def _images(name: str, row: Named) -> Dataset:
    """Return 8-bit images; the same 5,000 training images validate for everybody."""
    parts = _fetched(row)
    validates = np.zeros(len(parts["y"]), np.bool_)
    count = min(IMAGES_THAT_VALIDATE, len(validates) // 5)
    validates[np.random.RandomState(0).permutation(len(validates))[:count]] = True
    return Dataset(
        parts["x"][~validates],
        parts["y"][~validates].astype(np.int64),
        parts["x"][validates],
        parts["y"][validates].astype(np.int64),
        parts["x_test"],
        parts["y_test"].astype(np.int64),
        row.classes,
        name,
        row.source,
        row.licence,
        (0, 255),
        grid=Shape(PIXELS, PIXELS, 1),
    )


def _images_16(name: str, row: Named) -> Dataset:
    """Return the middle 24 x 24 of 28 x 28 pixels at 16 x 16; digits hardly reach the margin."""
    small = partial(resample, to=SMALL, margin=2)
    return _images(name, row).through(small, grid=Shape(SMALL, SMALL, 1))


def _series(name: str, row: Named, unit: ArrayLike | None = None) -> Dataset:
    """Return frames scaled by channel, divided by the kept mask of samples that validate."""
    parts = _fetched(row)
    return from_arrays(
        parts["x"],
        parts["y"],
        parts["x_test"],
        parts["y_test"],
        each_feature=True,
        sensor=False,
        unit=unit,
        validates=parts["validates"],
        name=name,
        source=row.source,
        licence=row.licence,
    )


WATCH_TEST, WATCH_VALIDATION = (9, 10), (8,)
"""The subjects of `watch` who test and validate; the other seven train."""

WATCH_SUBJECTS = 10


def _watch(name: str, row: Named, unit: ArrayLike | None = None) -> Dataset:
    return _by_subject(name, row, WATCH_TEST, WATCH_VALIDATION, unit)


def watch_fold(fold: int) -> Dataset:
    """Return `watch` divided anew: subject fold + 1 tests, the next one validates, eight train.

    fold: 0 to 9; ValueError for another
    """
    if not 0 <= fold < WATCH_SUBJECTS:
        raise ValueError(f"fold: found {fold}; must be 0 to {WATCH_SUBJECTS - 1}")
    next_one = (fold + 1) % WATCH_SUBJECTS
    return _by_subject("watch", DATASETS["watch"], (fold + 1,), (next_one + 1,))


def _by_subject(
    name: str,
    row: Named,
    tests: tuple[int, ...],
    validates: tuple[int, ...],
    unit: ArrayLike | None = None,
) -> Dataset:
    """Return frames scaled by channel, divided by the subject who made them."""
    parts = _fetched(row)
    held_out = np.isin(parts["subject"], tests)
    return from_arrays(
        parts["x"][~held_out],
        parts["y"][~held_out],
        parts["x"][held_out],
        parts["y"][held_out],
        each_feature=True,
        sensor=False,
        unit=unit,
        validates=np.isin(parts["subject"][~held_out], validates),
        name=name,
        source=row.source,
        licence=row.licence,
    )


_MNIST = (
    (55_000, 5_000, 10_000),
    "CC BY-SA 3.0, as its distributors state",
    "Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits",
)

DATASETS: Mapping[str, Named] = MappingProxyType(
    {
        "digits": Named(
            (64,),
            10,
            (1295, 143, 359),
            "CC BY 4.0",
            "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine "
            "Learning Repository, 1998, DOI 10.24432/C50P49",
            _digits,
        ),
        "mnist": Named((784,), 10, *_MNIST, _images, sources.MNIST),
        "mnist-16": Named((256,), 10, *_MNIST, _images_16, sources.MNIST),
        "fashion-mnist": Named(
            (784,),
            10,
            (55_000, 5_000, 10_000),
            "MIT",
            "H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, 2017, arXiv:1708.07747",
            _images,
            sources.FASHION_MNIST,
        ),
        "basic-motions": Named(
            (100, 6),
            4,
            (32, 8, 40),
            "not stated; distributed with aeon",
            "J. Clements, BasicMotions, UEA archive, 2018: four activities by smart watch",
            _series,
            sources.BASIC_MOTIONS,
        ),
        "japanese-vowels": Named(
            (25, 12),
            9,
            (216, 54, 370),
            "CC BY 4.0",
            "M. Kudo, J. Toyama and M. Shimbo, Japanese Vowels, UCI Machine Learning Repository, "
            "1999, DOI 10.24432/C5NS47, resampled to 25 steps by the UEA archive",
            _series,
            sources.JAPANESE_VOWELS,
        ),
        "pickup-gestures": Named(
            (361, 1),
            10,
            (40, 10, 50),
            "not stated; distributed with aeon",
            "J. Guna, I. Humar and M. Pogacnik, gestures of picking up a Wiimote by ten people, "
            "the axis z, 2012; of equal lengths in the UCR archive, 2018",
            _series,
            sources.PICKUP_GESTURES,
        ),
        "watch": Named(
            (32, 6),
            7,
            (2460, 372, 773),
            "BSD 3-clause, with seglearn",
            "D. Burns, shoulder physiotherapy exercises by smart watch, 2018: subjects 9 and 10 "
            "test, 8 validates",
            _watch,
            sources.WATCH,
        ),
    }
)
"""The data sets that have a name; mnist-16 is the middle of mnist at 16 x 16 pixels, as
qat.data.encode.resample says."""


def load(
    name_or_path: str | PathLike[str],
    seed: int = 0,
    label: str | None = None,
    *,
    like: Model | None = None,
    progress: Progress | None = None,
    **how: Any,
) -> Dataset:
    """Return a data set by name (a row of DATASETS) or from a file of your own.

    The named ones are divided once and for all; what has to be downloaded is kept in the user's
    cache. A file is
    - .npz with x and y as `from_arrays` takes them, and x_test and y_test if there are any,
    - .csv, .tsv or .txt with a sample a line, a header or none, numbers scaled feature by feature;
      separator, decimal sign, encoding and header are found, and told in the data's notes,
    - .parquet, likewise,
    - any of them with a `window`: the samples of a sensor in the order of time, as
      `from_recording` takes them,
    - an IDX file of images, plain or .gz, known by its content, its labels beside it, and with
      them its test part if there is one (train-images-idx3-ubyte, t10k-images-idx3-ubyte),
    - a file or a folder of a format of qat.data.formats: CIFAR-10's binary version, N-MNIST, SHD
      and SSC, strokes of a wand, heartbeats, UCI-HAR, bearings;
    what it does not divide is divided by `seed`.

    label: the label column of a table: its name, its number from 1, "first" or "last"; by default
           the column named label, class, activity or target, else y, else the last one
    how:   by, ignore, window, hop, group, unit, separator, decimal, encoding: see
           qat.data.reading.Reading. A named set of a sensor
           takes `unit` alone: its inputs are then made of samples, and the model has a Sensor;
           by default they are the numbers of the accuracy table, which no samples reproduce
    like:  a model: the file is read as the data that trained it were, without telling anything
           again, and divided as `load_for` says
    progress: called with a line about what is being done, while a large file is read

    Raises ValueError, in one line, for an unknown name, a file that is missing or damaged, and
    data that `from_arrays` or `from_recording` refuses.
    """
    if like is not None:
        return load_for(like, name_or_path, label=label, progress=progress, **how)[0]
    reading = Reading(label, **how)
    if name_or_path in DATASETS:
        return _named(str(name_or_path), reading)
    return _of_file(name_or_path, lambda path: from_file(path, seed, reading, progress))


def load_for(
    model: Model,
    name_or_path: str | PathLike[str],
    *,
    divided: bool | None = None,
    progress: Progress | None = None,
    **how: Any,
) -> tuple[Dataset, bool]:
    """Return (data as the model takes them, whether they are what trained it).

    A file is read by what the model knows of its training data (DataOrigin): columns and
    labels are found by their names, whatever their order; columns that training did not have
    are left out; windows, unit and scale are the model's own, and another window, hop or group is
    refused. `notes` and `warnings` of the Dataset say what was done, and whether samples of
    another file are among those that trained the model.

    name_or_path: as for `load`; a named data set keeps its division
    divided: None: what trained the model is divided as it was then, by the rule and the seed of
             training; another file is in the test part, all of it, in its order, since none of
             it trained the model. True: divided by the rule of training in any case. False: all
             in the test part in any case
    how:     what is otherwise in this file: label, by, ignore, unit, separator, decimal, encoding;
             labelled=False for a file that may lack the labels, which then are -1

    Raises ValueError, in one line, for a class or column that does not fit the model, for a
    model file that does not know its data, and as `load` does.
    """
    if name_or_path in DATASETS:
        how = {**own_unit(model, DATASETS[str(name_or_path)]), **how}
        named = fitted(model, _named(str(name_or_path), Reading(**how)))
        return named, trained_on(model) == name_or_path
    timing = timing_of(model)
    if timing is not None:
        how = {"window": timing.window, **how}
    reading = Reading(**how)
    return _of_file(
        name_or_path,
        lambda path: load_like(path, model, reading, divided=divided, progress=progress),
    )


def own_unit(model: Model, row: Named) -> dict[str, Any]:
    """Return the unit of samples in which a model reads a named data set; images have none."""
    return {} if len(row.shape) == 1 else {"unit": model.metadata.get("sample_unit")}


def trained_on(model: Model) -> str | None:
    """Return the named data set that trained a model, None for other data."""
    training, data = (model.metadata.get(key) for key in ("training", "data"))
    name = training.get("data") if isinstance(training, dict) else None
    division = data.get("division") if isinstance(data, dict) else None
    if isinstance(division, dict) and division.get("rule") != "named":
        return None  # a file, or arrays, of the same name
    return name if isinstance(name, str) and name in DATASETS else None


def _of_file(name_or_path: str | PathLike[str], read: Callable[[Path], Found]) -> Found:
    """Return what `read` finds in a file; its errors name the file."""
    path = Path(name_or_path)
    if not is_file_of_data(path):
        elsewhere = foreign(path) or where(str(name_or_path))
        if elsewhere is not None:
            raise ValueError(f"data set {str(name_or_path)!r}: {elsewhere}")
        raise ValueError(
            f"data set {str(name_or_path)!r}: is not known; use {', '.join(DATASETS)}, or a {KINDS}"
            + did_you_mean(str(name_or_path), DATASETS)
        )
    try:
        return read(path)
    except ValueError as error:
        raise ValueError(f"{path}: {plain(error)}") from None
    except MemoryError:
        raise ValueError(f"{path}: needs more memory than there is") from None


def _named(name: str, how: Reading) -> Dataset:
    row = DATASETS[name]
    if how.window is not None or how.by is not None or how.ignore:
        raise ValueError(f"{name}: window, hop, group, by and ignore go with a file of your own")
    if how.spectrum is not None or how.pattern is not None:
        raise ValueError(f"{name}: spectrum and pattern go with .wav files of your own")
    if how.unit is not None and len(row.shape) == 1:
        raise ValueError(f"{name}: unit goes with the data of a sensor; these are images")
    data = row.make(name, row) if how.unit is None else row.make(name, row, unit=how.unit)
    return replace(data, division=replace(data.division or Division("named"), rule="named"))
