"""A network of others as the integer model will have it, still in real numbers.

Layers of neurons in order, each with links that say where its inputs come from; values lie as
the model has them (channels last). A plan runs: what it computes must be what the twin does, and
each step towards integers (leak, weights, bias, thresholds) can be taken by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Conv, Pool, Shape
from qat.model.checks import plain
from qat.model.edges import INPUT
from qat.model.layer import MAX_LEVELS
from qat.model.neuron import MAX_SPIKES
from qat.model.shape import Padding
from qat.nir.dynamics import Dynamics, Float

PIECE = 2**22
"""Values of the widest layer that are computed at a time, over all steps."""


@dataclass(frozen=True)
class Window:
    """What makes weights a convolution: the map that is read, stride, padding, groups."""

    grid: Shape
    stride: int
    padding: Padding
    groups: int


@dataclass(frozen=True, eq=False)
class Link:
    """Weights from a source to a layer.

    source: number of a layer of the plan, or INPUT
    weight: (neurons, inputs), or (channels, ky, kx, channels of the map // groups) of a window
    delay:  steps, one or (inputs,)
    """

    source: int
    weight: Float
    window: Window | None = None
    delay: int | NDArray[np.int64] = 0

    @cached_property
    def conv(self) -> Conv | None:
        """The record that knows the patches of a window; its weights are none."""
        if self.window is None:
            return None
        w = self.window
        return Conv(np.zeros(self.weight.shape, np.int8), w.grid, stride=w.stride,
                    padding=w.padding, groups=w.groups)  # fmt: skip

    @property
    def shape(self) -> Shape:
        """The shape of the currents."""
        return Shape.vector(len(self.weight)) if self.conv is None else self.conv.shape

    def currents(self, x: Float) -> Float:
        """Return what reaches the neurons, (n, neurons), of signals (n, inputs)."""
        weight = self.weight.astype(x.dtype, copy=False)
        if self.conv is None:
            return x @ weight.T
        patches = self.conv.patches(x.reshape(len(x), *self.conv.grid.sides))
        if self.conv.depthwise:
            by_tap = weight.reshape(len(weight), -1)
            found = np.einsum("npkc,ck->npc", patches, by_tap)
        else:
            found = patches.reshape(*patches.shape[:2], -1) @ weight.reshape(len(weight), -1).T
        return found.reshape(len(x), -1)

    def arriving(self, signal: NDArray[Any]) -> NDArray[Any]:
        """Return a signal, (steps, batch, values), as late as it arrives."""
        if not np.any(self.delay):
            return signal
        delays, found = np.broadcast_to(self.delay, signal.shape[-1:]), np.zeros_like(signal)
        for delay in np.unique(delays):
            if delay < len(signal):
                here = delays == delay
                found[delay:, :, here] = signal[: len(signal) - delay][..., here]
        return found


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer of neurons.

    node:    of the graph whose spikes it sends
    bias:    (channels,), or one for all
    neuron:  its Dynamics, the constants by channel
    pool:    through which its spikes go, before `gain` is taken into the weights behind it
    """

    node: str
    links: tuple[Link, ...]
    bias: Float
    neuron: Dynamics
    pool: Pool | None = None

    @property
    def map(self) -> Shape:
        """The shape of its neurons."""
        return self.links[0].shape

    @property
    def shape(self) -> Shape:
        """The shape of its signal."""
        return self.map if self.pool is None else self.pool.output_shape(self.map)

    def signal(self, spikes: NDArray[Any]) -> NDArray[Any]:
        """Return what it sends of what its neurons emit, (..., neurons)."""
        return spikes if self.pool is None else self.pool.of(spikes, self.map, spikes.dtype)

    @cached_property
    def spread(self) -> Dynamics:
        """Its Dynamics with constants for every neuron."""
        repeats = self.map.positions

        def each(value: Any) -> Any:
            found = np.asarray(value)
            return np.tile(found, repeats) if found.ndim else found

        names = ("decay", "gain", "drive", "start", "threshold", "reset_to", "reset_by",
                 "current_decay", "current_gain")  # fmt: skip
        own = {name: getattr(self.neuron, name) for name in names}
        made = {name: None if value is None else each(value) for name, value in own.items()}
        made["decay"] = np.broadcast_to(each(self.neuron.decay), (self.map.size,))
        return Dynamics(**{**vars(self.neuron), **made})


@dataclass(frozen=True, eq=False)
class Plan:
    """A network.

    given:    the shape of the input
    stages:   spiking layers, in order
    last:     a readout that does not spike, None where the last layer's spikes are counted
    late:     steps by which the framework's output comes later than the last layer's spikes
    notes:    what is approximate, or was changed in form, in words
    """

    given: Shape
    stages: tuple[Stage, ...]
    last: Stage | None = None
    late: int = 0
    notes: tuple[str, ...] = field(default=())

    def run(self, x: Float) -> list[NDArray[np.uint16]]:
        """Return what the neurons of every spiking layer emit, (steps, batch, neurons).

        x: (steps, batch, inputs). The batch is computed in pieces, so that memory stays bounded.
        """
        widest = max(self.given.size, *(stage.map.size for stage in self.stages))
        each = max(1, PIECE // (len(x) * widest))
        parts = [
            self._piece(x[:, start : start + each]) for start in range(0, max(x.shape[1], 1), each)
        ]
        return [np.concatenate(found, axis=1) for found in zip(*parts, strict=True)]

    def _piece(self, x: Float) -> list[NDArray[np.uint16]]:
        emitted: list[NDArray[np.uint16]] = []
        for index, stage in enumerate(self.stages):
            sent = [s.signal(e) for s, e in zip(self.stages, emitted, strict=False)]
            emitted.append(counts_of(run_stage(stage, index, x, sent), stage.node))
        return emitted


def counts_of(emitted: Float, node: str) -> NDArray[np.uint16]:
    """Return what a layer emits as whole numbers; ValueError for what they do not hold."""
    most = emitted.max(initial=0)
    if not most <= MAX_LEVELS:  # NaN is no less
        raise ValueError(
            f"node {plain(node)!r}: emits up to {most:g} spikes in a step on these data; the model "
            f"has {MAX_SPIKES} at most"
        )
    return emitted.astype(np.uint16)


def run_stage(stage: Stage, index: int, x: Float, sent: Sequence[NDArray[Any]]) -> Float:
    """Return what a layer emits, (steps, batch, neurons), for its sources' signals."""
    steps, batch = x.shape[:2]
    bias = np.asarray(stage.bias, x.dtype)
    current = np.zeros((steps, batch, stage.map.size), x.dtype)
    current += np.tile(bias, stage.map.positions) if bias.ndim else bias
    own = [link for link in stage.links if link.source == index]
    for link in stage.links:
        if link.source != index:
            signal = link.arriving(x if link.source == INPUT else sent[link.source])
            rows = signal.reshape(steps * batch, -1).astype(x.dtype)
            current += link.currents(rows).reshape(current.shape)
    neuron, emitted = stage.spread, np.empty_like(current)
    kept = neuron.begin(batch, x.dtype)
    for t in range(steps):
        now = current[t]
        for link in own:
            past = _past(stage, link, emitted, t)
            now = now + link.currents(past)
        _, emitted[t], kept = neuron.step(kept, now)
    return emitted


def _past(stage: Stage, link: Link, emitted: Float, t: int) -> Float:
    """Return what a layer's own signal was when it left, (batch, values)."""
    size = stage.shape.size
    delays, found = np.broadcast_to(link.delay, (size,)), np.zeros((emitted.shape[1], size))
    for delay in np.unique(delays):
        if delay <= t:
            here = delays == delay
            found[:, here] = stage.signal(emitted[t - delay])[:, here]
    return found.astype(emitted.dtype)
