"""A made task that only memory can solve: which of two events came first, 5 to 30 steps apart.

    python tests/bench/order.py                 trains each network with 5 seeds, prints a table

An event is a volley on 6 of its 8 lines in one step; it lies anywhere in a recording of 48 steps, and
1 spike in 200 is noise. Both orders have the same spikes: only when they fall tells the class. All
networks have 32 ternary neurons and the same recipe but for what recurrent edges need.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import qat  # found by the line above
from qat.data.dataset import Dataset
from qat.train.recipes import Recipe, for_recurrent

LINES, VOLLEY, STEPS, NOISE = 8, 6, 50, 0.01
QUIET = 10
GAPS = 5, 30
"""Steps between the events, at least and at most."""
PARTS = {"train": 4000, "validation": 500, "test": 2000}

NETWORKS: Mapping[str, dict[str, Any]] = {
    "feed-forward": {"layers": "32"},
    "feed-forward, two layers": {"layers": "16-16"},
    "delays": {"layers": "16-16", "delays": 31},
    "recurrent": {"layers": "32r"},
    "recurrent, delays": {"layers": "32r15"},
}
"""Networks of 32 neurons, by what they remember with."""

RECIPE = Recipe(30, 50, 5e-3, weight_decay=0.0, rate_penalty=0.0)


def order_of_events(seed: int) -> Dataset:
    """Return the task as a data set, x of (samples, STEPS, 2 * LINES) spikes."""
    rng = np.random.default_rng(seed)
    parts = {name: _samples(rng, count) for name, count in PARTS.items()}
    arrays = {
        f"{axis}_{name}": pair[i] for name, pair in parts.items() for i, axis in enumerate("xy")
    }
    about = {"name": "order", "source": "made", "licence": "none needed"}
    return Dataset(input_range=(0, 1), classes=2, **about, **arrays)


def _samples(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    y = rng.integers(0, 2, count)
    gap = rng.integers(GAPS[0], GAPS[1], count, endpoint=True)
    first = rng.integers(QUIET, STEPS - gap)
    x = rng.random((count, STEPS, 2 * LINES)) < NOISE
    x[:, 0] = True
    for event, at in ((0, first), (1, first + gap)):
        lines = np.argsort(rng.random((count, LINES)), axis=1)[:, :VOLLEY]
        lines += LINES * (y ^ event)[:, None]
        x[np.arange(count)[:, None], at[:, None], lines] = True
    return x.astype(np.int8), y


def trained(name: str, seed: int, epochs: int | None = None) -> tuple[float, qat.Network]:
    """Return (accuracy of the integer model on the test part, network)."""
    data = order_of_events(seed)
    net = qat.Network(
        [2 * LINES, 2], _bits(name), STEPS, input="spikes", seed=seed, **NETWORKS[name]
    )
    recipe = for_recurrent(RECIPE) if net.recurrent else RECIPE
    qat.fit(net, data, seed, recipe=replace(recipe, epochs=epochs or recipe.epochs))
    return qat.evaluate(qat.export(net), data.x_test, data.y_test), net


def _bits(name: str) -> list[int]:
    """Return ternary weights, and 8 bits for the readout."""
    return [2] * (1 + NETWORKS[name]["layers"].count("-")) + [8]
