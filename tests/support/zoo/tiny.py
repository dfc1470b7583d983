"""Small models for abstract interpretation: every kernel, encoder and readout, with edges.

What the analysis keeps apart grows with the inputs of a bit-sliced layer, so that these are few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import numpy as np

from codegen.kernels import common
from codegen.plan.choose import plan
from codegen.plan.program import Program
from qat.model import (
    LI,
    LIF,
    Accumulate,
    Analog,
    Burst,
    Conv,
    Count,
    Delta,
    Dense,
    EarlyStop,
    Frames,
    Input,
    Latency,
    Layer,
    Model,
    Pool,
    Rate,
    Sensor,
    Shape,
    Spikes,
)
from support.zoo.made import drawn


@dataclass(frozen=True)
class Row:
    """A model, the kernels that are not to be chosen, and constants of the stages to lower."""

    model: Model
    kernels: Mapping[int, str] = field(default_factory=dict)
    complement: bool = False

    def program(self) -> Program:
        """Return its program."""
        least = 0 if self.complement else common.COMPLEMENT_BYTES
        with mock.patch.object(common, "COMPLEMENT_BYTES", least):
            return plan(self.model, kernels=self.kernels)


def layer(bits: int, n_out: int, n_in: int, zeros: float = 0.0, **synapse: Any) -> Layer:
    """Return a layer of random codes."""
    rng = np.random.default_rng(n_out + n_in)
    codes = drawn(rng, bits, n_out, n_in)
    codes[rng.random(codes.shape) < zeros] = 0
    return Layer(Dense(codes, bits, **synapse), LIF(20, (3,)))


def readout(bits: int, n_out: int, n_in: int) -> Accumulate:
    """Return a readout of random codes."""
    rng = np.random.default_rng(n_out)
    codes = drawn(rng, bits, n_out, n_in)
    return Accumulate(Dense(codes, bits, bias=rng.integers(-9, 9, n_out)))


def own(n_in: int, n_out: int) -> Layer:
    """Return a ternary layer whose neurons have everything of their own, and saturate."""
    rng = np.random.default_rng(n_in)
    threshold = rng.integers(20, 140, n_out)
    neuron = LIF(threshold, (3, -5), reset_by=threshold - 5, floor=-90, ceiling=120)
    codes = rng.integers(-1, 1, (n_out, n_in), endpoint=True)
    return Layer(Dense(codes, bias=rng.integers(-7, 7, n_out), fraction_bits=2), neuron)


def scored(input_: Input, *layers: Layer, scores: Any = None, **more: Any) -> Model:
    """Return a model of two steps."""
    return Model(input_, layers, scores or Count(), 2, name="net", **more)


def free(inputs: int, *layers: Layer) -> Model:
    """Return a model of spikes that runs free."""
    return Model(Spikes(inputs), layers, name="net")


def mapped(neuron: Any, pool: Pool | None, steps: int | None) -> Model:
    """Return two convolutions, one of them depthwise, and a dense layer."""
    rng, shape = np.random.default_rng(5), Shape(4, 4, 2)
    given: Any = Spikes(32, grid=shape) if steps is None else Analog(32, 0, 15, grid=shape)
    first = Layer(Conv(rng.integers(-1, 2, (5, 3, 3, 2)), shape), neuron, pool=pool)
    deep = rng.integers(-7, 8, (5, 2, 2, 1))
    second = Layer(Conv(deep, first.shape, 4, rng.integers(-3, 4, 5), groups=5), neuron)
    third = Layer(Dense(rng.integers(-1, 2, (9, second.sends))), neuron)
    scores = None if steps is None else readout(8, 3, 9)
    return Model(given, (first, second, third), scores, steps, name="net")


def depthwise() -> Model:
    """Return two depthwise convolutions of 32 channels, of spikes and of counts."""
    rng, shape = np.random.default_rng(6), Shape(2, 4, 32)
    codes = rng.integers(-1, 2, (2, 32, 1, 3, 1))
    first = Layer(Conv(codes[0], shape, groups=32), Burst(np.array([0, 2])), pool=Pool())
    deep = Conv(codes[1][:, :, :2], first.shape, bias=1, groups=32)
    return Model(Spikes(256, grid=shape), (first, Layer(deep, LIF(2, (1,)))), name="net")


def sensed(hop: int, **more: Any) -> Model:
    """Return a model of raw samples in windows of two steps."""
    model = scored(Frames(3, -127, 127), layer(8, 9, 3, input_shift=5), layer(4, 3, 9), **more)
    return replace(model, sensor=Sensor([120, -4, 39240], [70_000, 71_000, 45_000], 21, 4, hop))


MODELS = {
    "bit-sliced": Row(free(20, layer(2, 33, 20, bias=1))),
    "bit-sliced, two layers": Row(free(33, layer(2, 40, 33, bias=1), layer(2, 20, 40))),
    "bit-sliced, two words": Row(free(64, layer(2, 40, 64))),
    "bit-sliced, own constants": Row(free(20, own(20, 33))),
    "bit-sliced, inactive inputs": Row(free(20, layer(2, 33, 20)), complement=True),
    "few outputs": Row(scored(Spikes(12), layer(2, 20, 12), scores=readout(8, 3, 20))),
    "ternary scores": Row(scored(Spikes(9), layer(2, 9, 9), scores=readout(2, 33, 9))),
    "analog": Row(scored(Analog(4, 0, 2), layer(2, 33, 4, input_shift=1, bias=3))),
    "analog, largest value": Row(scored(Analog(4, 0, 3), layer(2, 20, 4))),
    "analog, signed": Row(scored(Analog(4, -2, 1), layer(2, 20, 4))),
    "frames": Row(scored(Frames(4, 0, 1), layer(2, 20, 4), layer(2, 9, 20))),
    "8 bits": Row(free(33, layer(8, 20, 33), layer(4, 9, 20))),
    "8 bits, inactive inputs": Row(free(20, layer(8, 20, 20)), complement=True),
    "16 bits": Row(
        scored(Analog(20, -128, 127), layer(16, 20, 20, input_shift=3), layer(16, 9, 20),
               scores=readout(16, 5, 9))
    ),
    "sparse": Row(free(40, layer(2, 33, 40, zeros=0.95, bias=1)), {0: "sparse"}),
    "rate": Row(scored(Rate(20, 0, 15), layer(2, 20, 20))),
    "rate, signed": Row(scored(Rate(13, -16, 16), layer(4, 17, 26))),
    "rate of few": Row(scored(Rate(6, -16, 16), layer(8, 17, 12))),
    "latency": Row(scored(Latency.linear(13, 0, 255, 3), layer(2, 20, 13))),
    "latency, signed": Row(scored(Latency.linear(13, -8, 7, 3), layer(4, 20, 13))),
    "latency of few": Row(scored(Latency(6, -8, 7, (9, 5, 5, -8)), layer(8, 17, 6))),
    "delta": Row(scored(Delta(13, 0, 255, 9), layer(8, 20, 26))),
    "integrators": Row(
        scored(Analog(9, 0, 15), layer(8, 20, 9),
               scores=LI(readout(4, 5, 20).synapse, (1, -3), "max"))
    ),
    "integrators, first": Row(
        scored(Spikes(9), layer(2, 9, 9), scores=LI(readout(2, 5, 9).synapse, (), "first", 9),
               stop=EarlyStop(40))
    ),
    "early stop": Row(
        scored(Analog(9, 0, 15), layer(8, 20, 9), scores=readout(8, 5, 20), stop=EarlyStop(40, 2))
    ),
    "map of counts": Row(mapped(Burst(np.array([2, 5, 9])), Pool(), steps=1)),
    "map over steps": Row(mapped(LIF(9, (2,), most=3, floor=-20), Pool("sum"), steps=2)),
    "map of spikes": Row(mapped(LIF(4, (1,), "zero"), None, steps=None)),
    "depthwise": Row(depthwise(), {0: "channel_words", 1: "channel_words"}),
    "sensor": Row(sensed(2)),
    "sensor, windows that overlap": Row(sensed(1)),
    "sensor, gaps and early stop": Row(sensed(5, stop=EarlyStop(1, 1))),
}  # fmt: skip
