"""What the made models are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from qat.model import LIF, Count, Dense, Input, Layer, Model, Sensor

HIGH = {2: 1, 4: 7, 8: 127, 16: 900}
"""The largest random code of so many bits; 16 bits stay where no sum leaves int32."""


def drawn(rng: Any, bits: int, *shape: int) -> Any:
    """Return random codes of the whole symmetric range of so many bits.

    rng: a Generator, or a RandomState, whose stream no version of NumPy changes
    """
    if isinstance(rng, np.random.RandomState):
        return rng.randint(-HIGH[bits], HIGH[bits] + 1, shape)
    return rng.integers(-HIGH[bits], HIGH[bits], shape, endpoint=True)


def behind(
    input_: Input, name: str = "net", neurons: int = 128, seed: int = 5, **more: Any
) -> Model:
    """Return a ternary layer behind an input, whose spikes are counted in 6 steps."""
    codes = np.random.default_rng(seed).integers(-1, 2, (neurons, input_.lines))
    scores = {"readout": Count(), "steps": 6} | more
    return Model(input_, (Layer(Dense(codes), LIF(3, (3,))),), name=name, **scores)


def alike(
    size: int, offset: Any = 9, gain: int = 3, *, group: int = 2, hop: int | None = None
) -> Sensor:
    """Return a sensor of `size` channels that all scale alike, but for their offsets."""
    return Sensor(np.broadcast_to(offset, size), np.full(size, gain), 2, group, hop)
