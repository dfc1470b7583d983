"""Models of a shape that is asked for: a random layer, a network whose weights do not matter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from qat.model import CODE_RANGE, LIF, Accumulate, Analog, Dense, Layer, Model, Spikes

ZEROS = 0.42
"""Fraction of zero weights in a random ternary layer, as training leaves them."""


def _random_codes(inputs: int, neurons: int, bits: int, zeros: float, seed: int) -> Any:
    """Return (neurons, inputs) codes: a fraction of zeros at 2 bits, else uniform ones."""
    rng = np.random.default_rng(seed)
    if bits > 2:
        low, high = CODE_RANGE[bits]
        return rng.integers(low, high, (neurons, inputs), endpoint=True)
    plus = (1 - zeros) / 2
    return rng.choice([-1, 0, 1], (neurons, inputs), p=[plus, zeros, plus])


def random_layer(
    inputs: int,
    neurons: int,
    width: int | None = None,
    seed: int = 0,
    *,
    bits: int = 2,
    zeros: float = ZEROS,
) -> Model:
    """Return a free-running LIF layer with one threshold and reset by subtraction.

    By default as the trained layers of the examples are: leak v >> 3 and no fraction bits, so
    that the membrane is proved to take 13 bits for 784 inputs. With `width`, leak v >> 4 and as
    many fraction bits as a proved membrane of that many bits allows.
    """
    codes = _random_codes(inputs, neurons, bits, zeros, seed)
    square = 1 - zeros if bits == 2 else np.mean(codes**2)
    leak = 3 if width is None else 4

    def model(fraction_bits: int) -> Model:
        threshold = max(1, round(np.sqrt(inputs * square))) * 2**fraction_bits
        layer = Layer(Dense(codes, bits, fraction_bits=fraction_bits), LIF(threshold, (leak,)))
        return Model(Spikes(inputs), (layer,), name="bench")

    if width is None:
        return model(0)
    fitting = [m for m in map(model, range(8)) if m.bounds().layers[0].u_raw.width <= width]
    return fitting[-1] if fitting else model(0)


def stand_in(sizes: Sequence[int], bits: Sequence[int] | int, steps: int) -> Model:
    """Return a model of a shape: its weights do not matter for its costs.

    Raises ValueError for sizes and bits that do not belong together.
    """
    pairs = list(pairwise(sizes))
    each = [bits] * len(pairs) if isinstance(bits, int) else list(bits)
    if not pairs or len(pairs) < 2 or len(each) != len(pairs):
        raise ValueError(
            f"spike_costs: found sizes {list(sizes)} with bits {each}; needs inputs, the neurons "
            "of one layer or more, outputs, and bits for each pair of them"
        )
    dense = [Dense(np.ones((m, n), np.int8), b) for (n, m), b in zip(pairs, each, strict=True)]
    layers = tuple(Layer(d, LIF(np.array(d.n_in), (3,))) for d in dense[:-1])
    return Model(Analog(sizes[0], 0, 15), layers, Accumulate(dense[-1]), steps)
