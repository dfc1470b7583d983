"""Recordings of a sensor, sample after sample, as a data set of windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from qat.data.checks import (
    check_classes,
    check_features,
    check_magnitude,
    check_samples,
    checked_labels,
    lost_values,
)
from qat.data.dataset import UNKNOWN, Dataset, from_raw
from qat.data.division import TEST, VALIDATION, Division
from qat.data.sensing import Raw, check_fit, given_unit, own_unit, to_samples
from qat.machine.memory import BYTES_PER_INPUT, require
from qat.model.checks import finite

TRIALS = 100
"""Divisions of whole recordings that are tried until every class has some that train."""

TRAIN, VALIDATE, TESTS, LEFT_OUT = 0, 1, 2, -1


@dataclass(frozen=True)
class Windowing:
    """Samples of a window, from one to the next, and of the group that is a step.

    Raises ValueError for numbers that do not go together.
    """

    window: int
    hop: int | None = None
    group: int = 1

    def __post_init__(self) -> None:
        found = f"window {self.window}, hop {self.every}, group {self.group}"
        if min(self.window, self.every, self.group) < 1:
            raise ValueError(f"{found}: each must be 1 or more")
        for name, value in (("window", self.window), ("hop", self.every)):
            if value % self.group:
                raise ValueError(f"{found}: the {name} must be a multiple of the group")

    @property
    def every(self) -> int:
        """Samples from one window to the next."""
        return self.window if self.hop is None else self.hop

    def starts(self, start: int, end: int) -> range:
        """Return where the windows of samples start .. end - 1 begin."""
        return range(start, end - self.window + 1, self.every)


def runs_of(*columns: NDArray[Any]) -> list[tuple[int, int]]:
    """Return (start, end) of every stretch of lines in which no column changes."""
    changes = [np.flatnonzero(column[1:] != column[:-1]) + 1 for column in columns]
    edges = [0, *np.unique(np.concatenate(changes)).tolist(), len(columns[0])]
    return list(pairwise(edges))


def divide_in_time(starts: NDArray[np.int64], labels: NDArray[np.int64], window: int) -> Any:
    """Return the part of every window: of every class the last fifth in time tests.

    The tenth before that validates, what is earlier trains; a window that shares samples with
    one of a later part is left out. starts: in the order of time. Returns (windows,) of TRAIN,
    VALIDATE, TESTS and LEFT_OUT.
    """
    parts = np.full(len(starts), LEFT_OUT)
    for label in np.unique(labels):
        left = np.flatnonzero(labels == label)
        count = len(left)
        for part, fraction in ((TESTS, TEST), (VALIDATE, VALIDATION), (TRAIN, 1.0)):
            taken = left[-max(1, round(fraction * count)) :]
            parts[taken] = part
            left = left[starts[left] + window <= starts[taken[0]]] if len(taken) else taken
    return parts


def divide_by(names: NDArray[Any], labels: NDArray[np.int64], seed: int) -> Any:
    """Return the part of every sample or window: whole recordings, those of one name together.

    About a fifth of the names test and a tenth validate, at least one each, drawn by seed so
    that every class has some that train. ValueError where that cannot be.
    """
    known, which = np.unique(names, return_inverse=True)
    if len(known) < 3:
        raise ValueError(
            f"by: found {len(known)} recordings ({', '.join(map(str, known))}); needs at least 3, "
            "to train, to validate and to test"
        )
    tests, validates = (max(1, round(f * len(known))) for f in (TEST, VALIDATION))
    random = np.random.RandomState(seed)  # its numbers never change with the version of NumPy
    for _ in range(TRIALS):
        parts = np.full(len(known), TRAIN)
        order = random.permutation(len(known))
        parts[order[:tests]], parts[order[tests : tests + validates]] = TESTS, VALIDATE
        if len(np.unique(labels[parts[which] == TRAIN])) == len(np.unique(labels)):
            return parts[which]
    raise ValueError(
        "by: a class is in so few recordings that none is left to train; record it more often, "
        "or divide in time, without `by`"
    )


def by_recordings(names: NDArray[Any], parts: Any, seed: int) -> Division:
    """Return what `divide_by` did, with the names of the recordings that were held out."""
    tests, validates = (
        tuple(map(str, np.unique(names[parts == part]))) for part in (TESTS, VALIDATE)
    )
    return Division("recordings", int(seed), tests, validates)


def _check_parts(
    parts: Any, labels: NDArray[np.int64], names: Sequence[str], timing: Windowing, by: bool
) -> None:
    """Refuse classes without windows enough."""
    for label, name in enumerate(names):
        own = parts[labels == label]
        if (own == TRAIN).any() and (by or len(np.unique(own[own != LEFT_OUT])) == 3):
            continue
        raise ValueError(
            f"class {name}: has {len(own)} windows of {timing.window} samples (one every "
            f"{timing.every}), too few to train, to validate and to test; record more, or use a "
            "shorter window"
        )


def from_recording(
    x: ArrayLike,
    y: ArrayLike,
    window: int,
    hop: int | None = None,
    group: int = 1,
    *,
    by: ArrayLike | None = None,
    runs: ArrayLike | None = None,
    unit: ArrayLike | None = None,
    seed: int = 0,
    class_names: tuple[str, ...] = (),
    channel_names: tuple[str, ...] = (),
    name: str = "recording",
    source: str = "given by the user",
    licence: str = UNKNOWN,
) -> Dataset:
    """Return the windows of recordings as a Dataset of frames, with the Sensor that makes them.

    x: (samples, channels), in the order of time
    y: (samples,) whole numbers from 0; a window never crosses a change of label
    window, hop, group: samples of a window, from one to the next (None: the next begins where
       one ends), and of a step, which is their mean; window and hop are multiples of the group
    by: (samples,) which recording a sample is of, or None. A window never crosses its change.
       With it whole recordings test (a fifth) and validate (a tenth), drawn by `seed`; without,
       of every class the last fifth of the windows in time tests, the tenth before validates,
       and windows that share samples with a later part are left out
    runs: (samples,) numbers whose change a window never crosses, such as that of the file
    unit: the real value of 1 in a sample of the device, one or one per channel; by default 1 for
       whole numbers that fit int16, else a power of ten with room for twice what training holds

    Every channel is scaled on its own, from mean and deviation of its groups in training.
    Raises ValueError, in one line, for what does not fit.
    """
    timing = Windowing(window, hop, group)
    array = finite("x", x).astype(np.float64)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"x: found shape {array.shape}; must be (samples, channels)")
    check_magnitude("x", array)
    labels = checked_labels("y", y, len(array))
    columns = [np.asarray(column) for column in (labels, by, runs) if column is not None]
    starts, stretches = cut(columns, timing)
    check_classes(labels, labels[:0])
    classes = class_names or tuple(map(str, range(int(labels.max()) + 1)))
    names = None if by is None else columns[1][starts]
    parts, rule = _parts(starts, labels[starts], names, classes, timing, seed=seed)
    needed = len(starts) * array.shape[1] * (2 * window + BYTES_PER_INPUT * (window // group))
    require(f"{len(starts):,} windows", needed, "use a larger hop")
    divided = [starts[parts == part] for part in (TRAIN, VALIDATE, TESTS)]
    raw, warnings = _raw(array, divided, timing, unit, channel_names)
    return from_raw(
        raw,
        *(labels[part] for part in divided),
        class_names=class_names,
        channel_names=channel_names,
        warnings=warnings,
        name=name,
        source=f"{source}; {stretches}",
        licence=licence,
        starts=divided[2],
    ).divided_by(rule)


def _parts(
    starts: NDArray[np.int64],
    labels: NDArray[np.int64],
    names: NDArray[Any] | None,
    classes: Sequence[str],
    timing: Windowing,
    *,
    seed: int,
) -> tuple[Any, Division]:
    """Return the part of every window and the rule; ValueError where a class has too few.

    labels, names: of every window; without names the windows are divided in time
    """
    if names is None:
        parts, rule = divide_in_time(starts, labels, timing.window), Division("time")
    else:
        parts = divide_by(names, labels, seed)
        rule = by_recordings(names, parts, seed)
    _check_parts(parts, labels, classes, timing, names is not None)
    return parts, rule


def cut(columns: list[NDArray[Any]], timing: Windowing) -> tuple[NDArray[np.int64], str]:
    """Return where windows begin, and in words how many stretches they come from."""
    runs = runs_of(*columns)
    starts = [timing.starts(*run) for run in runs]
    longest, short = max(end - start for start, end in runs), sum(not len(s) for s in starts)
    if short == len(runs):
        raise ValueError(
            f"window: found {timing.window} samples; the longest stretch of one label has "
            f"{longest}; use a shorter window"
        )
    said = f"{len(runs)} stretches of one label"
    if short:
        said += f", {short} of them shorter than a window and left out"
    return np.concatenate([np.array(s, np.int64) for s in starts]), said


def covered(starts: NDArray[np.int64], window: int, lines: int) -> NDArray[np.bool_]:
    """Return which of the lines lie in a window."""
    edges = np.zeros(lines + 1, np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + window, -1)
    return np.cumsum(edges[:-1]) > 0


def _raw(
    array: NDArray[np.float64],
    starts: Sequence[NDArray[np.int64]],
    timing: Windowing,
    unit: ArrayLike | None,
    names: Sequence[str],
) -> tuple[Raw, tuple[str, ...]]:
    """Return the samples of the windows of the three parts, and what is wrong with their unit."""
    trains = covered(starts[0], timing.window, len(array))
    check_features(array[trains], True, names)
    if unit is None:
        units = own_unit(array[trains], each=True)
    else:
        units = given_unit(unit, array.shape[1])
        check_fit(array, units, names)
    samples = to_samples(array, units)
    check_samples(samples[trains], units, names)
    lost = lost_values(array[trains], samples[trains], units, names)
    if lost is not None and unit is None:
        raise ValueError(lost)
    every = sliding_window_view(samples, timing.window, axis=0).transpose(0, 2, 1)
    train, validation, test = (every[part] for part in starts)
    hop = timing.every // timing.group
    raw = Raw(train, validation, test, units, True, True, timing.group, hop)
    return raw, () if lost is None else (lost,)
