"""The table of trainable neurons, and the one without memory.

A twin of a neuron is a frozen description; its constants come from `fold`. A further neuron is a
twin and a row in NEURONS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from qat.machine import native
from qat.model import Burst
from qat.train.arrays import as_of, contiguous, is_numpy, namespace, repeated
from qat.train.dynamics import Spike
from qat.train.feedback import Feedback
from qat.train.fold import Constants, Float, fold, whole
from qat.train.leaky import ALIFTwin, CuBaTwin, LIFTwin
from qat.train.neuron import Backward, Incoming, NeuronTwin, Parameters
from qat.train.surrogate import heaviside


@dataclass(frozen=True)
class BurstTwin(NeuronTwin):
    """Twin of `Burst`: no memory, a count of 0 to `most` from one integration.

        q = min(max(floor(y), 0), most)         dq/dy = 1 for MARGIN < y < most + 1 - MARGIN

    of the normalised current y, by whole-number thresholds of its sums, channel by channel.
    """

    most: int
    steps: int = 1

    MEMORY: ClassVar[bool] = False
    MARGIN: ClassVar[float] = 0.25

    def initial(self, channels: int, normalised: bool) -> Parameters:
        """Return none: gain and shift of the norm place the thresholds."""
        return {}

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters as they are."""
        return parameters

    def fold(self, incoming: Incoming, parameters: Parameters) -> Constants:
        """Return the thresholds of each channel."""
        return fold(
            incoming.weights,
            incoming.inflow,
            incoming.bits,
            bias=incoming.bias,
            levels=np.arange(1, self.most + 1),
            dtype=incoming.dtype,
        )

    def forward(
        self,
        constants: Constants,
        current: Float,
        spike: Spike = heaviside,
        feedback: Feedback | None = None,
    ) -> tuple[Float, Float]:
        """Return the currents, and how many thresholds each has reached, at every step."""
        assert feedback is None, "no recurrent edges without memory"
        assert constants.threshold is not None
        channels = len(constants.codes)
        rows = current.reshape(-1, channels)
        if spike is heaviside:
            counts = _reached(rows, constants.threshold)
        else:  # the function whose derivative the window is
            low, high = self._window(constants, rows)
            counts = (np.clip(rows, low, high) - low) * constants.unit
        counts = counts.reshape(current.shape)
        if len(counts) < self.steps:
            counts = repeated(counts, self.steps, 0)
        return current, counts

    def _window(self, constants: Constants, rows: Float) -> tuple[Float, Float]:
        """Return between which sums the gradient passes, (channels,)."""
        ends = self.MARGIN, self.most + 1 - self.MARGIN
        low, high = (end / constants.unit - constants.offset for end in ends)
        return as_of(low, rows), as_of(high, rows)

    def backward(
        self,
        constants: Constants,
        u: Float,
        spikes: Float,
        d_spikes: Float,
        held: bool,
        *,
        feedback: Feedback | None = None,
    ) -> Backward:
        """Return dL/dy where the window lets it pass."""
        d = d_spikes
        if len(d) == 1 and len(u) > 1:
            d = namespace(d).broadcast_to(d, u.shape)
        if len(u) == 1 and self.steps > 1:  # one current for all steps
            d = d.sum(axis=0, keepdims=True) if len(d) > 1 else d * self.steps
        channels = len(constants.codes)
        rows, low_high = u.reshape(-1, channels), self._window(constants, u)
        current = _window(contiguous(d).reshape(-1, channels), rows, *low_high)
        return Backward({}, current.reshape(u.shape), np.ones(channels))

    def record(self, constants: Constants) -> Burst:
        """Return the neuron of the integer model."""
        assert constants.threshold is not None
        return Burst(whole(constants.threshold))


def _reached(rows: Float, thresholds: Float) -> Float:
    """Return how many thresholds, (levels, channels), each of (rows, channels) reaches."""
    known = is_numpy(rows) and rows.dtype == np.float32 and rows.size
    library = native.library() if known else None
    if library is not None:
        same = np.ascontiguousarray(thresholds, np.float32)
        return library.reached(np.ascontiguousarray(rows), same)
    out = namespace(rows).zeros_like(rows)
    for row in thresholds:
        out += rows >= row
    return out


def _window(d: Float, rows: Float, low: Float, high: Float) -> Float:
    """Return d where low < rows < high, else 0."""
    known = is_numpy(d) and d.dtype == rows.dtype == np.float32 and rows.size
    library = native.library() if known else None
    if library is not None:
        return library.window(d, np.ascontiguousarray(rows), low, high)
    xp = namespace(d)
    return xp.where((rows > low) & (rows < high), d, xp.zeros_like(d))


@dataclass(frozen=True)
class NeuronRow:
    """A kind of neuron: how a network makes its twin of (steps, rounded, settings, levels).

    levels:     the largest count by default
    steps:      T by default
    normalised: whether it needs a batch norm before it
    """

    make: Callable[..., NeuronTwin]
    levels: int
    steps: int
    normalised: bool


def _lif(steps: int, bits: int | None, levels: int, **settings: Any) -> LIFTwin:
    return LIFTwin(steps, bits is not None, **settings)


def _cuba(steps: int, bits: int | None, levels: int, **settings: Any) -> CuBaTwin:
    return CuBaTwin(steps, bits is not None, **settings)


def _alif(steps: int, bits: int | None, levels: int, **settings: Any) -> ALIFTwin:
    return ALIFTwin(steps, bits is not None, **settings)


def _burst(steps: int, bits: int | None, levels: int, **settings: Any) -> BurstTwin:
    return BurstTwin(levels, steps)


NEURONS: Mapping[str, NeuronRow] = MappingProxyType(
    {
        "lif": NeuronRow(_lif, levels=1, steps=8, normalised=False),
        "cuba": NeuronRow(_cuba, levels=1, steps=8, normalised=False),
        "alif": NeuronRow(_alif, levels=1, steps=8, normalised=False),
        "burst": NeuronRow(_burst, levels=3, steps=1, normalised=True),
    }
)
"""Kinds of neurons by their names."""
