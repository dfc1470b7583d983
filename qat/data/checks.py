"""Checks of what is to become a data set; each says what was found, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.data.sensing import HIGH, Real, shown
from qat.model.checks import finite

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
        raise ValueError(
            f"{what}: holds {wrong.min()}; labels must be whole numbers from 0; number the "
            "classes anew"
        )
    return array.astype(np.int64)


def checked_samples(what: str, x: ArrayLike, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Return samples as an array; shape: what one sample must have, None for any."""
    array = finite(what, x)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(
            f"{what}: found shape {array.shape}; must be (samples, inputs), "
            "(samples, steps, inputs) or pictures (samples, height, width, channels), none of "
            "them 0"
        )
    check_magnitude(what, array)
    if shape is not None and array.shape[1:] != shape:
        raise ValueError(f"{what}: found samples of shape {array.shape[1:]}; x has {shape}")
    return array


LARGEST, SMALLEST = 1e100, 1e-100
"""The limits of values: the square of what lies beyond is no float."""


def check_magnitude(what: str, x: NDArray[Any]) -> None:
    """Refuse values, (..., features), so large or small that their statistics are no floats."""
    flat = x.reshape(-1, x.shape[-1])
    ends = (flat.max(axis=0).astype(np.longdouble), -flat.min(axis=0).astype(np.longdouble))
    most = np.maximum(*ends)  # neither the least integer nor a longer float is cut
    wrong = np.flatnonzero((most > LARGEST) | ((most > 0) & (most < SMALLEST)))
    if len(wrong):
        raise ValueError(
            f"{what}: feature {wrong[0]} holds values to {most[wrong[0]]!s}; allowed are "
            f"{SMALLEST:g} to {LARGEST:g}, and 0; give them in another unit"
        )


FEW = 8
"""Different samples of a channel that are few, where the values were more."""

PROBED = 4096
"""Lines in which different values are counted."""


def lost_values(
    values: NDArray[Any], samples: NDArray[np.int16], unit: Real, names: Sequence[str] = ()
) -> str | None:
    """Return what is wrong with a unit in which a channel keeps few of its values, else None.

    values, samples: (..., channels), the same in both; a channel that changes little on a large
    offset is such a one
    """
    real, whole = (part.reshape(-1, part.shape[-1]) for part in (values, samples))
    span = whole.max(axis=0).astype(np.int32) - whole.min(axis=0)
    real, whole = (part[:: max(1, len(part) // PROBED)] for part in (real, whole))
    for channel in np.flatnonzero(span < FEW):
        had, has = (len(np.unique(part[:, channel])) for part in (real, whole))
        if 2 * has < had:  # fewer for another reason than that there were few
            return _lost(real[:, channel], float(unit[channel]), shown(int(channel), names), has)
    return None


def _lost(values: NDArray[Any], unit: float, name: str, left: int) -> str:
    low, high = float(values.min()), float(values.max())
    finer = ", or use a finer unit" if max(high, -low) <= HIGH * unit / 10 else ""
    return (
        f"unit: feature {name} goes from {low:,.7g} to {high:,.7g}; in samples of {unit:g} only "
        f"{left} different values are left of that; subtract an offset such as "
        f"{float(f'{low:.4g}'):,.7g} from it, here and on the device{finer}"
    )


def hidden(
    values: NDArray[Any], inputs: NDArray[Any], names: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return a warning for features that change in the values, and not in inputs of one scale.

    Raises ValueError if no feature is left that changes.
    """
    before, after = (part.reshape(-1, part.shape[-1]) for part in (values, inputs))
    still = np.flatnonzero(after.min(axis=0) == after.max(axis=0))
    still = still[before[:, still].min(axis=0) != before[:, still].max(axis=0)]
    if not len(still):
        return ()
    if not (after.min(axis=0) != after.max(axis=0)).any():
        first = before[:, still[0]]
        raise ValueError(
            "x: no feature changes in the inputs, which share one scale: feature "
            f"{shown(int(still[0]), names)} goes from {first.min():,.7g} to {first.max():,.7g}; "
            f"subtract an offset such as {float(f'{first.min():.4g}'):,.7g} from it, here and on "
            "the device"
        )
    return (
        f"{len(still)} of {after.shape[1]} features change in the data and not in the inputs, "
        f"which share one scale; the first is feature {shown(int(still[0]), names)}; "
        "columns of a CSV table are scaled one by one, arrays by each_feature=True in Python",
    )


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
            "be whole numbers from 0, without gaps; number the classes anew"
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
