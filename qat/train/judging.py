"""How often a model is right: accuracy, by class, and which class was taken for which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE = 1000
"""Samples that are run at once, so that memory does not grow with the data."""

Progress = Callable[[int], object]
"""Called with how many samples are done."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Answers held against labels.

    confusion: (classes, classes) int64: samples of each class, a row, by what they were taken for
    """

    confusion: NDArray[np.int64]

    @property
    def samples(self) -> int:
        """How many were judged."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """How many answers were right."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """The part of the answers that is right, 0 to 1."""
        return self.right / self.samples

    @property
    def of_class(self) -> tuple[int, ...]:
        """Samples of each class."""
        return tuple(int(n) for n in self.confusion.sum(axis=1))

    @property
    def per_class(self) -> tuple[float | None, ...]:
        """The part of each class that was recognised, None for a class without samples."""
        right = np.diagonal(self.confusion)
        return tuple(
            float(hits / n) if n else None for hits, n in zip(right, self.of_class, strict=True)
        )

    def mistaken(self, label: int) -> tuple[int, int]:
        """Return (the other class that a class was most often taken for, how often)."""
        row = self.confusion[label].copy()
        row[label] = 0
        other = int(row.argmax())
        return other, int(row[other])


def in_pieces(samples: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield consecutive samples, PIECE at a time."""
    for start in range(0, len(samples), PIECE):
        yield samples[start : start + PIECE]


def judge(
    answer: Callable[[NDArray[Any]], NDArray[np.int64] | None],
    x: NDArray[Any],
    y: NDArray[np.int64],
    classes: int,
    progress: Progress | None = None,
) -> Judged:
    """Return how the answers to x compare with the labels y, (samples,) in [0, classes).

    answer: returns the class of every sample of a part of x

    Raises ValueError for no samples, labels that are no classes, or answers that are None.
    """
    if len(x) != len(y) or not len(y):
        raise ValueError(f"y: found {len(y)} labels for {len(x)} samples; needs one for each")
    if y.min() < 0 or y.max() >= classes:
        wrong = int(y.min() if y.min() < 0 else y.max())
        raise ValueError(f"y: holds class {wrong}; the model has the classes 0 to {classes - 1}")
    confusion, done = np.zeros((classes, classes), np.int64), 0
    for piece in in_pieces(x):
        answers = answer(piece)
        if answers is None:
            raise ValueError("a model that runs free gives no classes; needs one with a readout")
        np.add.at(confusion, (y[done : done + len(piece)], answers), 1)
        done += len(piece)
        if progress is not None:
            progress(done)
    return Judged(confusion)
