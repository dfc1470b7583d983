"""The float twin of a graph: what its framework computes, in float64 (or float32).

A recording goes in, (steps, batch, ...) as the framework takes it; every node's output of every
step comes out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.nir.dialects import Reading, dynamics
from qat.nir.dynamics import Dynamics, Float, Kept
from qat.nir.graph import Graph
from qat.nir.nodes import Node
from qat.nir.order import Order, order
from qat.nir.shapes import kernel_of, padding_of, strides_of

ON_GRID = 1e-6
"""How far a delay may be from a whole number of steps."""

MOST_DELAY = 2**16

PIECE = 2**22
"""Values of the widest signal that are computed at a time, over all steps."""


@dataclass(frozen=True, eq=False)
class Twin:
    """A graph in a dialect, ready to run.

    neurons: the Dynamics of every node that has some
    """

    graph: Graph
    reading: Reading
    order: Order
    neurons: Mapping[str, Dynamics]

    @classmethod
    def of(cls, graph: Graph, reading: Reading) -> Twin:
        """Return the twin; ValueError where the dialect gives a value no meaning."""
        found = order(graph)
        cyclic = {name for part in found.parts if len(part) > 1 for name in part}
        neurons = {
            name: dynamics(replace(node, cyclic=name in cyclic), reading)
            for name, node in graph.nodes.items()
            if node.about.neuron
        }
        for node in graph.nodes.values():
            if node.kind == "Delay":
                steps_of(node, reading.dt)
        return cls(graph, reading, found, neurons)

    def run(
        self, x: NDArray[Any], dtype: Any = np.float64, keep: Collection[str] | None = None
    ) -> dict[str, Float]:
        """Return what nodes send, (steps, batch, ...), for x of the Input's shape.

        keep: the nodes; None for all. The batch is computed in pieces, so that what is not kept
        takes bounded memory.
        """
        widest = max(prod(node.extent) for node in self.graph.nodes.values())
        each = max(1, PIECE // (len(x) * widest))
        kept = self.graph.nodes.keys() if keep is None else keep
        parts = []
        for start in range(0, max(x.shape[1], 1), each):
            sent = self._piece(x[:, start : start + each].astype(dtype))
            parts.append({name: sent[name] for name in kept})
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([p[name] for p in parts], axis=1) for name in kept}

    def _piece(self, x: Float) -> dict[str, Float]:
        """Return what every node sends, for one piece of a batch."""
        sent: dict[str, Float] = {self.graph.source: x}
        for part in self.order.parts:
            if part == (self.graph.source,):
                continue
            if len(part) == 1 and (part[0], part[0]) not in self.graph.edges:
                self._whole(part[0], sent)
            else:
                self._together(part, sent)
        return sent

    def _whole(self, name: str, sent: dict[str, Float]) -> None:
        """Compute a node on whole recordings."""
        node = self.graph.nodes[name]
        given = sum(
            (sent[a].reshape(*sent[a].shape[:2], *node.reads) for a in self.graph.before(name)),
            start=np.zeros((), next(iter(sent.values())).dtype),
        )
        if name in self.neurons:
            sent[name] = run_neuron(self.neurons[name], given)
        elif node.kind == "Delay":
            sent[name] = delayed(given, steps_of(node, self.reading.dt))
        else:
            steps, batch = given.shape[:2]
            flat = given.reshape(steps * batch, *given.shape[2:])
            sent[name] = apply(node, flat, self.strict).reshape(steps, batch, *node.extent)

    @property
    def strict(self) -> bool:
        """How Threshold nodes compare."""
        return ">=" not in set(self.reading.compare.values())

    def _together(self, part: tuple[str, ...], sent: dict[str, Float]) -> None:
        """Compute the nodes of a cycle, step by step."""
        x = sent[self.graph.source]
        steps, batch, dtype = *x.shape[:2], x.dtype
        for name in part:
            if self.graph.nodes[name].kind == "Delay":
                raise ValueError(f"{self.graph.nodes[name].where}: lies on a cycle; is not read")
            sent[name] = np.zeros((steps, batch, *self.graph.nodes[name].extent), dtype)
        kept = {name: self.neurons[name].begin(batch, dtype) for name in part
                if name in self.neurons}  # fmt: skip
        for t in range(steps):
            for name in part:
                self._step(name, t, sent, kept)

    def _step(self, name: str, t: int, sent: dict[str, Float], kept: dict[str, Kept]) -> None:
        node, given = self.graph.nodes[name], np.zeros((), sent[name].dtype)
        for a in self.graph.before(name):
            signal = self._at(a, t, (a, name) in self.order.late, sent, kept)
            given = given + signal.reshape(len(signal), *node.reads)
        if name in kept:
            _, sent[name][t], kept[name] = self.neurons[name].step(kept[name], given)
        else:
            sent[name][t] = apply(node, given, self.strict)

    def _at(
        self, name: str, t: int, late: bool, sent: dict[str, Float], kept: dict[str, Kept]
    ) -> Float:
        """Return a signal in step t, or of the step before; then that which was not held back."""
        if not late:
            return sent[name][t]
        if name in kept and self.neurons[name].threshold is not None:
            return kept[name].sent
        return sent[name][t - 1] if t else np.zeros_like(sent[name][0])


def run_neuron(neuron: Dynamics, current: Float) -> Float:
    """Return what a neuron sends for currents, (steps, batch, ...)."""
    kept, sent = neuron.begin(current.shape[1], current.dtype), np.empty_like(current)
    for t in range(len(current)):
        _, sent[t], kept = neuron.step(kept, current[t])
    return sent


def steps_of(node: Node, dt: float | None) -> NDArray[np.int64]:
    """Return the steps of a Delay for every value; ValueError where they are not whole."""
    if dt is None:
        raise ValueError(f"{node.where}: needs a step of time; give --dt")
    steps = node.values["delay"] / dt
    whole = np.rint(steps)
    off = np.abs(steps - whole).max()
    if off > ON_GRID * max(1.0, float(np.abs(steps).max())):
        raise ValueError(
            f"{node.where}: a delay of {steps.flat[np.abs(steps - whole).argmax()]:g} steps of "
            f"{dt:g} s; delays must be whole numbers of steps"
        )
    if whole.min() < 0 or whole.max() > MOST_DELAY:
        raise ValueError(f"{node.where}: delays of {whole.min():g} to {whole.max():g} steps")
    return whole.astype(np.int64)


def delayed(signal: Float, steps: NDArray[np.int64]) -> Float:
    """Return a signal, (steps, batch, ...), whose values come so many steps later."""
    found = np.zeros_like(signal)
    for delay in np.unique(steps):
        here = steps == delay
        if delay < len(signal):
            found[delay:, :, here] = signal[: len(signal) - delay][:, :, here]
    return found


def apply(node: Node, x: Float, strict: bool = True) -> Float:
    """Return what a node without a state makes of signals, (n, ...)."""
    values = {
        key: value.astype(x.dtype, copy=False) if isinstance(value, np.ndarray) else value
        for key, value in node.values.items()
    }
    if node.kind in ("Affine", "Linear"):
        found = x @ values["weight"].T
        return found + values["bias"] if node.kind == "Affine" else found
    if node.kind in ("Conv1d", "Conv2d"):
        return _convolved(node, x, values)
    if node.kind in ("SumPool2d", "AvgPool2d"):
        return _pooled(node, x)
    if node.kind == "Scale":
        return x * values["scale"]
    if node.kind == "Threshold":
        over = x > values["threshold"] if strict else x >= values["threshold"]
        return over.astype(x.dtype)
    return x.reshape(len(x), *node.extent)  # Flatten, Output


def _convolved(node: Node, x: Float, values: Mapping[str, Any]) -> Float:
    """Return a convolution, (n, channels, ...)."""
    weight, groups, flat = values["weight"], node.whole("groups")[0], node.kind == "Conv1d"
    pads, strides = padding_of(node, node.reads), strides_of(node)
    if flat:  # a map of height 1
        x, weight = x[:, :, None], weight[:, :, None]
        pads, strides = ((0, 0), *pads), (1, *strides)
    windows = _windows(np.pad(x, ((0, 0), (0, 0), *pads)), weight.shape[2:], strides)
    parts = [
        np.einsum("nchwij,ocij->nohw", inner, kernels, optimize=True)
        for inner, kernels in zip(
            np.split(windows, groups, axis=1), np.split(weight, groups), strict=True
        )
    ]
    found = np.concatenate(parts, axis=1) + values["bias"][:, None, None]
    return found[:, :, 0] if flat else found


def _pooled(node: Node, x: Float) -> Float:
    padded = np.pad(x, ((0, 0), (0, 0), *padding_of(node, node.reads)))
    total = _windows(padded, kernel_of(node), strides_of(node)).sum(axis=(4, 5))
    return total / prod(kernel_of(node)) if node.kind == "AvgPool2d" else total


def _windows(x: Float, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Float:
    """Return what every position reads, (n, channels, height, width, *kernel)."""
    views = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    return views[:, :, :: stride[0], :: stride[1]]
