"""Random models whose instructions are counted to fit the cost model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels import BYTES, COUNTS, SPIKES, candidates
from codegen.kernels.encoders import ENCODERS, PLACE
from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Count,
    Delta,
    Dense,
    EarlyStop,
    Frames,
    Input,
    Latency,
    Layer,
    Model,
    Rate,
    Spikes,
)

DENSITIES = (0.0, 0.01, 0.03, 0.07, 0.12, 0.2, 0.35, 0.6, 1.0)
"""Active inputs of the samples of a model."""


EVENTS = 16
"""Events from the smallest value to the largest."""


@dataclass(frozen=True)
class Plan:
    """A random model: sizes from the input to the readout, and what its layers are like.

    bits:  of the weights of each synapse, the readout's included; the last one repeats
    own:   leak, constants, reset and saturation of each layer are random, else as training
           leaves them: leak v >> 3, one threshold, a bias of the first layer alone
    plain: kernels are the last that could serve, else the first
    zeros: fraction of the weights that are 0, beside what chance makes 0
    stop:  an inference may end early; about half of them do
    """

    input: type
    low: int
    high: int
    sizes: tuple[int, ...]
    bits: tuple[int, ...] = (2,)
    steps: int | None = 8
    count: bool = False
    own: bool = False
    plain: bool = False
    zeros: float = 0.1
    stop: bool = False

    def kernels(self, model: Model) -> dict[int, str]:
        """Return the kernel of every stage; none is chosen by costs, which are not known yet."""
        which = -1 if self.plain else 0
        found = {PLACE: ENCODERS[self.input].ways[which]} if self.input in ENCODERS else {}
        for index, (_, synapse) in enumerate(model.synapses()):
            reads = SPIKES if index or model.input.spiking else BYTES
            reads = COUNTS if index == len(model.layers) else reads
            found[index] = candidates(synapse, reads)[which].name
        return found


INTEGERS = (
    ((128, 64, 33, 100, 40, 8), (8, 4, 16, 8, 4)),
    ((400, 40, 20, 10, 33, 7), (8, 4, 8, 4, 8)),
    ((60, 40, 300, 16, 5, 3, 24), (4, 8, 8, 4, 8, 4)),
)
"""Layers that both the strips and the plain kernel serve: sizes, bits."""

ENCODED: tuple[tuple[type, int, int, tuple[int, int], int, bool], ...] = (
    (Rate, 0, 15, (784, 128), 8, False),
    (Rate, 0, 255, (300, 160), 6, False),
    (Rate, -128, 127, (150, 130), 8, False),
    (Rate, -8, 7, (784, 64), 5, False),
    (Rate, 0, 3, (500, 128), 9, False),
    (Rate, 0, 16, (64, 40), 12, False),
    (Rate, 0, 255, (33, 20), 8, False),
    (Rate, -1, 1, (20, 33), 4, False),
    (Rate, -90, 60, (14, 10), 16, False),
    (Rate, 0, 1, (200, 16), 3, False),
    (Rate, 0, 15, (6, 9), 20, False),
    (Rate, 0, 255, (60, 128), 14, False),
    (Rate, 0, 15, (100, 12), 8, True),
    (Rate, 0, 255, (9, 20), 12, True),
    (Rate, -128, 127, (30, 10), 9, True),
    (Rate, -8, 7, (5, 16), 16, True),
    (Rate, 0, 16, (40, 33), 5, True),
    (Rate, 0, 255, (70, 12), 6, True),
    (Rate, 0, 255, (3, 9), 25, True),
    (Rate, -128, 127, (7, 33), 12, True),
    (Rate, 0, 7, (10, 20), 10, True),
    (Latency, 0, 15, (784, 128), 8, False),
    (Latency, 0, 255, (300, 160), 6, False),
    (Latency, -128, 127, (150, 130), 8, False),
    (Latency, -8, 7, (784, 64), 5, False),
    (Latency, 0, 3, (500, 128), 9, False),
    (Latency, 0, 16, (64, 40), 12, False),
    (Latency, 0, 255, (33, 20), 8, False),
    (Latency, -1, 1, (20, 33), 4, False),
    (Latency, 0, 1, (200, 16), 3, False),
    (Latency, 0, 15, (6, 9), 20, False),
    (Latency, 0, 255, (60, 128), 14, False),
    (Latency, 0, 15, (100, 12), 8, True),
    (Latency, 0, 255, (9, 20), 12, True),
    (Latency, -128, 127, (30, 10), 9, True),
    (Latency, -8, 7, (5, 16), 16, True),
    (Latency, 0, 15, (70, 33), 4, True),
    (Delta, 0, 255, (6, 33), 20, True),
    (Delta, -128, 127, (30, 12), 9, True),
    (Delta, 0, 15, (200, 16), 6, True),
    (Delta, -8, 7, (3, 20), 30, True),
    (Delta, 0, 255, (64, 128), 8, True),
    (Delta, 0, 255, (12, 20), 12, True),
    (Delta, -128, 127, (3, 9), 16, True),
    (Delta, -8, 7, (100, 12), 5, True),
)
"""Encoders in front of one layer whose spikes are counted: kind, range, sizes, steps, and whether
the values are encoded one by one."""

SINGLE = (
    Plan(Analog, 0, 15, (20, 1, 4), (8,), 8, plain=True),
    Plan(Analog, 0, 255, (60, 1, 3), (4, 8), 5, own=True, plain=True),
    Plan(Analog, -8, 7, (33, 1), (8,), 12, count=True, own=True, plain=True),
    Plan(Frames, 0, 15, (10, 1, 5), (16, 8), 6, own=True, plain=True),
    Plan(Analog, 0, 3, (100, 1, 2), (16, 8), 4, plain=True),
    Plan(Analog, -128, 127, (12, 1), (16,), 7, count=True, own=True, plain=True),
    Plan(Analog, 0, 7, (40, 1, 20, 10), (8,), 6, own=True, plain=True),
    Plan(Frames, -8, 7, (25, 1), (4,), 9, count=True, own=True, plain=True),
)
"""First layers of one neuron, whose loops a compiler writes out."""

PIECES = (
    Plan(Spikes, 0, 1, (1500, 24), (8,), None),
    Plan(Spikes, 0, 1, (1400, 40, 9), (8, 4), None, own=True),
    Plan(Spikes, 0, 1, (2200, 12), (8,), None, zeros=0.3),
)
"""Layers whose sums need more than 16 bits: strips add them in pieces."""

FEW = (
    Plan(Spikes, 0, 1, (200, 1, 40, 2, 30), (8, 8, 8, 8), None, plain=True),
    Plan(Spikes, 0, 1, (90, 2, 60, 1, 12), (4, 4, 4, 4), None, own=True, plain=True),
    Plan(Spikes, 0, 1, (300, 1, 20, 2), (16,), None, own=True),
    Plan(Spikes, 0, 1, (150, 2, 33, 1), (4, 4, 8), None, plain=True),
    Plan(Analog, 0, 15, (60, 2, 33, 1), (8,), 6, plain=True),
    Plan(Frames, 0, 255, (40, 2, 48, 2), (4, 8, 4), 5, plain=True),
    Plan(Analog, 0, 7, (50, 2, 20, 2), (16, 8, 8), 7, own=True, plain=True),
    Plan(Analog, -8, 7, (30, 2, 64, 1), (4,), 8, own=True, plain=True),
    Plan(Analog, 0, 15, (40, 33, 1), (2, 2), 7, count=True),
    Plan(Analog, 0, 15, (40, 33, 1), (8,), 3, count=True, plain=True),
    Plan(Frames, 0, 15, (20, 10, 1), (8,), 12, count=True, plain=True),
    Plan(Frames, 0, 15, (64, 100, 40, 10), (4,), 4, plain=True),
    Plan(Frames, -8, 7, (48, 31, 8), (4, 8), 6, own=True, plain=True),
    Plan(Frames, 0, 255, (100, 48, 10), (16, 8), 4, plain=True),
    Plan(Frames, -8, 7, (60, 100, 9), (16, 8), 5, own=True, plain=True),
    Plan(Frames, 0, 15, (33, 20, 40, 5), (16, 4, 8), 6, plain=True),
    Plan(Delta, 0, 255, (5, 12, 4), (2, 2), 1, plain=True),
    Plan(Delta, 0, 255, (40, 20, 4), (4, 8), 1, plain=True),
    Plan(Delta, -128, 127, (150, 33, 4), (2, 8), 1, plain=True),
    Plan(Delta, 0, 15, (12, 9, 10), (8, 8), 2, own=True, plain=True),
)
"""Layers and readouts of one and two neurons behind spikes, counts of one output, frames that the
step's function adds itself, and changes of which there is one step alone."""

NARROW = (
    Plan(Spikes, 0, 1, (200, 3, 60, 3, 30), (16,), None, plain=True),
    Plan(Spikes, 0, 1, (90, 3, 40, 3, 12), (16,), None, own=True, plain=True),
    Plan(Latency, 0, 255, (512, 3, 5), (16, 8), 5, plain=True),
    Plan(Spikes, 0, 1, (300, 3, 50, 4, 7), (8, 8, 4, 4), None, own=True, plain=True),
    Plan(Analog, 0, 15, (60, 3, 33, 4, 3), (4, 4, 8, 8), 6, own=True, plain=True),
    Plan(Frames, -8, 7, (70, 4, 20, 3, 5), (16, 8, 4, 4), 4, plain=True),
)
"""Layers of three and four neurons, whose columns a compiler writes out, or just does not."""

ODD = (
    Plan(Spikes, 0, 1, (200, 40, 7), (2, 4), 8, plain=True),
    Plan(Analog, 0, 15, (60, 33, 5), (2, 4), 6, own=True, plain=True),
    Plan(Frames, 0, 255, (40, 64, 11), (2, 4), 4, plain=True),
    Plan(Analog, 0, 7, (100, 20, 33), (2, 4), 12, plain=True),
)
"""Plain readouts of 4 bits of an odd number of outputs, of which the last code is alone."""

PLANS = (
    Plan(Analog, 0, 15, (784, 128, 10), (2, 8)),
    Plan(Analog, 0, 15, (196, 64, 10), (2, 8), own=True),
    Plan(Analog, 0, 15, (300, 100, 12), (2, 8), own=True),
    Plan(Analog, 0, 15, (500, 256, 6), (2, 8)),
    Plan(Analog, 0, 255, (100, 160, 20), (2, 4), 5, own=True),
    Plan(Analog, -128, 127, (90, 40, 33), (2, 2), 12, own=True),
    Plan(Analog, -128, 127, (50, 70, 5), (2, 8), 5),
    Plan(Analog, 0, 1, (400, 96, 4), (2, 8), 6),
    Plan(Analog, 0, 3, (500, 64, 16), (2, 8), 6, own=True),
    Plan(Analog, 0, 16, (64, 128, 256, 40, 10), (2, 2, 2, 2, 8), 6),
    Plan(Analog, 0, 255, (30, 300, 130, 64, 64), (2,), 7, count=True, own=True),
    Plan(Analog, -8, 7, (60, 70, 96, 20), (2, 2, 4), 5, own=True),
    Plan(Analog, 0, 63, (200, 96, 40, 14), (2, 2, 8), 6, own=True),
    Plan(Analog, 0, 9, (150, 33, 8), (2, 8), 6),
    Plan(Analog, 0, 15, (8, 12, 3), (2, 8), 10, own=True),
    Plan(Frames, 0, 3, (12, 20, 24, 3), (2,), 12, count=True),
    Plan(Frames, 0, 15, (120, 256, 128, 10), (2,), 5, own=True),
    Plan(Frames, -8, 7, (90, 32, 200, 7), (2, 2, 2, 16), 5, own=True),
    Plan(Spikes, 0, 1, (784, 128, 64, 130, 20), (2,), None),
    Plan(Spikes, 0, 1, (512, 256, 33, 40, 300, 7), (2,), None, own=True),
    Plan(Spikes, 0, 1, (64, 96, 130, 40, 33, 65, 31), (2,), None, own=True),
    Plan(Spikes, 0, 1, (60, 33, 64, 31, 40, 5, 50), (2,), None, own=True),
    Plan(Spikes, 0, 1, (50, 20, 64, 128), (2,), None, own=True),
    Plan(Spikes, 0, 1, (1024, 512, 100), (2,), None),
    Plan(Analog, 0, 15, (100, 32, 50, 24, 10), (8, 4, 8, 16), 6),
    Plan(Analog, -128, 127, (40, 20, 10, 20), (4, 8), 5, count=True, own=True),
    Plan(Frames, 0, 255, (30, 64, 20, 12), (16, 16, 4), 5, own=True),
    Plan(Analog, 0, 15, (64, 48, 10), (4, 8), 8, own=True, plain=True),
    Plan(Analog, 0, 255, (20, 12, 30, 4), (8, 4, 8), 5, plain=True),
    *(
        Plan(Spikes, 0, 1, sizes, bits, None, own=True, plain=plain)
        for sizes, bits in INTEGERS
        for plain in (False, True)
    ),
    Plan(Spikes, 0, 1, (4200, 12), (4,), None),
    Plan(Analog, 0, 7, (40, 128, 10), (2, 8), 8, own=True),
    Plan(Analog, 0, 15, (70, 128, 9), (2, 8), 7, own=True),
    Plan(Analog, 0, 5, (100, 32, 11), (2, 8), 4),
    Plan(Spikes, 0, 1, (784, 128, 64), (2,), None, zeros=0.98),
    Plan(Spikes, 0, 1, (300, 300, 40, 90), (2,), None, own=True, zeros=0.99),
    Plan(Analog, -128, 127, (300, 130, 7), (2, 8), 4, own=True),
    Plan(Analog, 0, 255, (784, 128, 10), (2, 8), 4),
    Plan(Spikes, 0, 1, (400, 40, 20), (8, 4), None),
    Plan(Spikes, 0, 1, (40, 33, 12), (2,), 8),
    Plan(Frames, 0, 7, (9, 40, 20, 35), (2,), 6, own=True),
    *(
        Plan(kind, low, high, sizes, (2,), steps, count=True, plain=plain)
        for kind, low, high, sizes, steps, plain in ENCODED
    ),
    Plan(Analog, 0, 15, (100, 64, 10), (2, 8), 8, stop=True),
    Plan(Analog, 0, 255, (90, 128, 20), (2, 2), 12, stop=True),
    Plan(Analog, 0, 15, (40, 33, 12), (2, 4), 6, own=True, stop=True),
    Plan(Analog, 0, 7, (60, 40, 5), (2,), 9, count=True, stop=True),
    *SINGLE,
    *PIECES,
    *FEW,
    *NARROW,
    Plan(Analog, 0, 15, (3, 1, 2), (8, 8), 3, plain=True, stop=True),
    Plan(Frames, 0, 7, (2, 1, 3), (4, 8), 3, plain=True, stop=True),
    *ODD,
)

LEAKS = ((3,), (3,), (2, 4), (3, -5), (4,), (1,), (2, 3, 5), (6,))


def codes(rng: np.random.Generator, bits: int, shape: tuple[int, int], zeros: float = 0.1) -> Any:
    """Return random codes, a fraction of them 0 beside what chance makes 0."""
    high = {2: 1, 4: 7, 8: 127, 16: 900}[bits]
    found = rng.integers(-high, high + 1, shape)
    return np.where(rng.random(shape) < zeros, 0, found)


def _layer(rng: np.random.Generator, row: Plan, index: int, n_in: int, n_out: int) -> Layer:
    """Return a random layer that spikes now and then."""
    bits = row.bits[min(index, len(row.bits) - 1)]
    analog = index == 0 and not (row.input is Spikes or row.input in ENCODERS)
    weights = codes(rng, bits, (n_out, n_in), row.zeros)
    fraction = 0 if analog or not row.own else int(rng.integers(0, 3))
    spread = float(np.sqrt((weights.astype(float) ** 2).sum(axis=1)).mean()) * 2**fraction
    if analog:
        spread *= max(abs(row.low), row.high) / 3
    shift = max(0, round(np.log2(max(spread, 1) / 40))) if analog else 0
    threshold = max(2, round(spread / 2**shift * rng.choice([0.35, 0.9, 1.6])))
    bias = rng.integers(-9, 10, n_out) if index == 0 and analog else np.array(0)
    if not row.own:
        return Layer(Dense(weights, bits, bias, fraction, shift), LIF(np.array(threshold), (3,)))
    bias = (np.array(0), np.array(1), rng.integers(-3, 4, n_out), bias)[rng.integers(4)]
    return Layer(Dense(weights, bits, bias, fraction, shift), _neuron(rng, threshold, n_out))


def _neuron(rng: np.random.Generator, threshold: int, n: int) -> LIF:
    """Return neurons of which each option has its chance."""
    own, own_reset, zero, low, high = rng.random(5) < (0.3, 0.3, 0.25, 0.25, 0.25)
    thresholds = rng.integers(threshold, 2 * threshold + 1, n) if own else np.array(threshold)
    reset_by = thresholds - rng.integers(0, 2, n) if own_reset and not zero else None
    return LIF(
        thresholds,
        LEAKS[rng.integers(len(LEAKS))],
        "zero" if zero else "subtract",
        reset_by=reset_by,
        floor=-5 * threshold if low else None,
        ceiling=6 * threshold if high else None,
    )


def _input(row: Plan) -> Input:
    """Return the input record of a row."""
    size, low, high = row.sizes[0], row.low, row.high
    if row.input is Spikes:
        return Spikes(size)
    if row.input is Latency:
        return Latency.linear(size, low, high, row.steps or 8)
    if row.input is Delta:
        return Delta(size, low, high, max((high - low) // EVENTS, 1))
    record: Input = row.input(size, low, high)
    return record


def make(row: Plan, seed: int) -> Model:
    """Return the model of a row."""
    rng = np.random.default_rng(seed)
    record = _input(row)
    pairs = list(pairwise((record.lines, *row.sizes[1:])))
    hidden = pairs if row.count or row.steps is None else pairs[:-1]
    layers = tuple(_layer(rng, row, i, *pair) for i, pair in enumerate(hidden))
    if row.steps is None:
        return Model(record, layers, name="cal")
    if row.count:
        return _stopping(Model(record, layers, Count(), row.steps, "cal"), row.stop, seed)
    bits, (n_in, n_out) = row.bits[min(len(pairs), len(row.bits)) - 1], pairs[-1]
    bias: NDArray[Any] = rng.integers(-9, 9, n_out) if row.own else np.array(0)
    readout = Accumulate(Dense(codes(rng, bits, (n_out, n_in), row.zeros), bits, bias))
    return _stopping(Model(record, layers, readout, row.steps, "cal"), row.stop, seed)


def _stopping(model: Model, stops: bool, seed: int) -> Model:
    """Return the model with a margin that half of its inputs reach in about half of the steps."""
    if not stops:
        return model
    scores = np.sort(model.scores_by_step(inputs(model, seed)).astype(np.int64))
    leads = scores[:, scores.shape[1] // 2, -1] - scores[:, scores.shape[1] // 2, -2]
    return replace(model, stop=EarlyStop(max(1, int(np.median(leads))), 2))


def inputs(model: Model, seed: int) -> Any:
    """Return inputs of every density: values of all sizes, and the largest alone."""
    rng = np.random.default_rng(seed)
    shape: tuple[int, ...] = (model.input.size,)
    if not model.input.held:
        shape = (model.steps or 6, model.input.size)
    rows = []
    for density in DENSITIES:
        for low in {model.input.low, model.input.high}:
            x = rng.integers(low, model.input.high, shape, endpoint=True)
            rows.append(np.where(rng.random(shape) < density, x, 0))
    return np.array(rows)
