"""Models whose first layer is a convolution of bytes with leaky neurons, over several steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from codegen.kernels.leaky_bytes.plan import fits
from qat.model import LIF, Model
from support.zoo.byte_maps import byte_map

KERNELS = {0: "leaky_bytes"}
"""The kernel of the first layer, for whatever plans or renders."""

LEAKS = ((1,), (2,), (), (3,), (1, -2), (2, 4), (0,), (9,))


def leaky_map(
    threshold: Any, leak: tuple[int, ...] = (1,), reset: Any = "subtract", *,
    reset_by: Any = None, reset_to: Any = None, steps: int | None = 4, **more: Any,
) -> Model:  # fmt: skip
    """Return a byte_map whose neurons leak; without a readout where it runs free."""
    model = byte_map(steps=steps or 1, **more)
    neuron = LIF(
        np.asarray(threshold), leak, reset, reset_by=None if reset_by is None else reset_by,
        reset_to=reset_to,
    )  # fmt: skip
    layers = (replace(model.layers[0], neuron=neuron),)
    readout = model.readout if steps else None
    return replace(model, layers=layers, steps=steps, readout=readout, name="leaky_map")


def random_leaky(seed: int) -> Model:
    """Return such a model that the kernel serves."""
    for turn in range(300):
        rng = np.random.default_rng([5, seed, turn])
        kernel = (int(rng.choice([1, 3, 3, 5])), int(rng.choice([1, 2, 3, 3, 5])))
        pool, stride = bool(rng.integers(2)), int(rng.choice([1, 1, 2]))
        unit = stride * (2 if pool else 1)
        sides = tuple(unit * int(rng.integers(-(-k // unit), 16 // unit + 1)) for k in kernel)
        low, high = [(0, 15), (0, 3), (0, 255), (-8, 7)][rng.integers(4)]
        channels = int(rng.choice([4, 8, 16, 24, 32, 35, 64]))
        reset = str(rng.choice(["subtract", "subtract", "zero", "value"]))
        taken = rng.integers(0, 60, channels) if reset == "subtract" and seed % 3 else None
        threshold, leak = int(rng.integers(1, 40)), LEAKS[rng.integers(len(LEAKS))]
        steps = [1, 3, None, 5][seed % 4]
        own = threshold + rng.integers(0, 9, channels)
        try:
            model = leaky_map(
                own if rng.integers(2) else threshold, leak, reset,
                reset_by=taken,
                reset_to=int(rng.integers(-9, 9)) if reset == "value" else None,
                steps=steps, grid=(*sides, int(rng.choice([1, 1, 2]))),
                channels=channels, kernel=kernel, stride=stride, pool=pool, low=low, high=high,
                zeros=float(rng.choice([0.2, 0.5, 0.7])), shift=int(rng.choice([0, 0, 1, 3])),
                bias=int(rng.choice([0, 5])), bits=int(rng.choice([2, 2, 2, 4, 8])), seed=seed,
                frames=bool(seed % 5 == 4),
            )  # fmt: skip
            found = fits(0, model)
        except ValueError:  # a membrane without a lower bound
            continue
        if found:
            return model
    raise AssertionError("no model of this seed is served")
