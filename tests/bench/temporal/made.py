"""Tasks that need no file: the order of two events, and digits a column of pixels a step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qat.data.dataset import Dataset
from qat.data.named import load

LINES, VOLLEY, STEPS, NOISE = 8, 6, 50, 0.01
"""Of an event: input lines, how many of them spike; of a recording: steps, the share of noise."""

QUIET = 10
"""Steps before the first event."""

GAPS = 5, 30
"""Steps between the events, at least and at most."""

PARTS = {"train": 4000, "validation": 500, "test": 2000}
"""Recordings."""


def order_of_events(seed: int) -> Dataset:
    """Return which of two events came first as a data set, x of (samples, STEPS, 2 * LINES) spikes.

    An event is a volley on 6 of its 8 lines in one step, somewhere in the recording, and 1 spike in
    100 is noise. Both orders have the same spikes: only when they fall tells the class.
    """
    rng = np.random.default_rng(seed)
    parts = {name: _recordings(rng, count) for name, count in PARTS.items()}
    arrays = {
        f"{axis}_{name}": pair[i] for name, pair in parts.items() for i, axis in enumerate("xy")
    }
    about = {"name": "order", "source": "made", "licence": "none needed"}
    return Dataset(input_range=(0, 1), classes=2, **about, **arrays)


def _recordings(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Return (spikes, which event came first) of some recordings."""
    y = rng.integers(0, 2, count)
    gap = rng.integers(GAPS[0], GAPS[1], count, endpoint=True)
    first = rng.integers(QUIET, STEPS - gap)
    x = rng.random((count, STEPS, 2 * LINES)) < NOISE
    x[:, 0] = True  # a step in which all lines spike says where time begins
    for event, at in ((0, first), (1, first + gap)):
        lines = np.argsort(rng.random((count, LINES)), axis=1)[:, :VOLLEY]
        lines += LINES * (y ^ event)[:, None]
        x[np.arange(count)[:, None], at[:, None], lines] = True
    return x.astype(np.int8), y


def digits_by_column(seed: int) -> Dataset:
    """Return the UCI digits, 8 steps of 8 pixels each: the columns from left to right."""
    data = load("digits")

    def columns(x: Any) -> Any:
        return np.ascontiguousarray(x.reshape(len(x), 8, 8).swapaxes(1, 2))

    return replace(data.through(columns, grid=None), name="digits by column")
