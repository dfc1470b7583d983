"""Checks of what is to become a data set; each says what was found, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.quantize import finite
from qat.sensing import Real, shown

MAX_LABEL = 2**31


def checked_labels(what: str, y: ArrayLike, samples: int) -> NDArray[np.int64]:
    """Return labels as int64, (samples,); ValueError if they are no whole numbers from 0."""
    array = finite(what, y)
    if array.ndim != 1:
        raise ValueError(f"{what}: found shape {array.shape}; must be (samples,)")
    if len(array) != samples:
        raise ValueError(f"{what}: found {len(array)} labels for {samples} samples")
    if (array != np.rint(array)).any():
        raise ValueError(f"{what}: holds fractions; labels must be whole numbers from 0")
    wrong = array[(array < 0) | (array >= MAX_LABEL)]
    if len(wrong):
        raise ValueError(f"{what}: holds {wrong.min()}; labels must be whole numbers from 0")
    return array.astype(np.int64)


def checked_samples(what: str, x: ArrayLike, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Return samples as an array; shape: what one sample must have, None for any."""
    array = finite(what, x)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(
            f"{what}: found shape {array.shape}; must be (samples, inputs) or "
            "(samples, steps, inputs), none of them 0"
        )
    if shape is not None and array.shape[1:] != shape:
        raise ValueError(f"{what}: found samples of shape {array.shape[1:]}; x has {shape}")
    return array


def check_classes(labels: NDArray[np.int64], test: NDArray[np.int64]) -> None:
    """Refuse labels from which nothing can be learned."""
    classes = int(labels.max()) + 1
    if len(labels) < classes:
        raise ValueError(
            f"y: found {len(labels)} training samples and the label {classes - 1}; fewer samples "
            "than classes; labels must be whole numbers from 0, without gaps"
        )
    missing = np.flatnonzero(np.bincount(labels, minlength=classes) == 0)
    if len(missing):
        raise ValueError(
            f"y: holds the label {classes - 1}, but no sample of class {missing[0]}; labels must "
            "be whole numbers from 0, without gaps"
        )
    if classes == 1:
        raise ValueError("y: every sample has the label 0; needs at least two classes")
    if len(test) and test.max() >= classes:
        raise ValueError(f"y_test: holds {test.max()}; y has the classes 0 to {classes - 1}")


def check_features(x: NDArray[Any], each: bool, names: Sequence[str] = ()) -> None:
    """Refuse inputs that never change: all of them, or one that is to be scaled on its own."""
    flat = x.reshape(-1, x.shape[-1])
    constant = np.flatnonzero(flat.min(axis=0) == flat.max(axis=0))
    if len(constant) == flat.shape[1]:
        raise ValueError("x: every feature is constant; there is nothing to learn from")
    if each and len(constant):
        feature = constant[0]
        raise ValueError(
            f"x: feature {shown(feature, names)} is {flat[0, feature]:g} in every sample; leave "
            "it out"
        )


def check_samples(samples: NDArray[np.int16], unit: Real, names: Sequence[str] = ()) -> None:
    """Refuse a unit in which a channel that did change does not."""
    flat = samples.reshape(-1, samples.shape[-1])
    constant = np.flatnonzero(flat.min(axis=0) == flat.max(axis=0))
    if len(constant):
        channel = constant[0]
        raise ValueError(
            f"unit: feature {shown(channel, names)} never changes in samples of "
            f"{unit[channel]:g}; use a finer unit"
        )
