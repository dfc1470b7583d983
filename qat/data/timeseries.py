"""Time series of equal lengths, with classes, from .ts files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ts(content: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[str, ...]]:
    """Return x (samples, steps, channels), y and class names of a .ts file of equal lengths.

    Header lines start with @ or #; a sample is its channels and the label, divided by colons,
    each channel its values, divided by commas.
    """
    lines = content.decode("utf-8").splitlines()
    header = [line for line in lines if line.startswith("@")]
    named = [line.split()[2:] for line in header if line.lower().startswith("@classlabel")]
    if not named:
        raise ValueError("is no .ts file of classes: it has no line @classLabel")
    classes = named[0]
    rows = [line.split(":") for line in lines if line and line[0] not in "@#"]
    x = np.array([[channel.split(",") for channel in row[:-1]] for row in rows], np.float64)
    if x.ndim != 3:
        raise ValueError("is a damaged .ts file: its samples are no channels of values")
    y = np.array([classes.index(row[-1].strip()) for row in rows])
    return x.transpose(0, 2, 1), y, tuple(classes)
