"""The shapes of all signals of a graph, found from its Input on; parameters spread over them.

Files declare shapes with batch and time axes of 1 before them, or none at all; every node says by
its kind, or by its parameters, how many axes it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np

from qat.model.shape import MAX_EXTENT
from qat.nir.graph import Graph
from qat.nir.nodes import Extent, Float64, Node

EACH_NEURON = ("tau", "tau_mem", "tau_syn", "r", "w_in", "v_leak", "v_threshold", "v_reset",
               "threshold", "scale", "delay")  # fmt: skip
"""Fields that hold one value, or one for each value of the signal."""

MOST_SIDE = 2**16


def with_shapes(graph: Graph) -> Graph:
    """Return the graph with the shapes of all signals; ValueError where they do not fit."""
    first = graph.nodes[graph.source]
    declared = _declared(first)
    start = _without_batch(
        first, declared, [graph.nodes[name] for name in graph.behind(first.name)]
    )
    known: dict[str, Node] = {first.name: replace(first, reads=start, extent=start)}
    ring = [first.name]
    while ring:  # every node is reached, which `read_graph` saw to
        ahead = {b: a for a in reversed(ring) for b in graph.behind(a) if b not in known}
        for name, before in ahead.items():
            known[name] = _shaped(graph.nodes[name], known[before].extent)
        ring = list(ahead)
    _check(graph, known, len(declared) - len(start))
    return replace(graph, nodes={name: known[name] for name in graph.nodes})


def _declared(node: Node) -> Extent:
    shape = node.whole("shape")
    if not 1 <= len(shape) <= 5 or min(shape) < 1 or prod(shape) > MAX_EXTENT:
        raise ValueError(f"{node.where}: its shape is {shape}; sides from 1 up are allowed")
    return shape


def _axes_of(node: Node) -> int | None:
    """Return how many axes a node reads, None where it says nothing of them."""
    if node.about.axes is not None:
        return node.about.axes
    if node.kind == "Flatten" and "input_type" in node.values:
        return node.values["input_type"].size
    spread = [node.values[key] for key in EACH_NEURON if key in node.values]
    axes = max((values.ndim for values in spread if values.size > 1), default=0)
    return axes or None


def _without_batch(first: Node, declared: Extent, readers: list[Node]) -> Extent:
    """Return the shape of the Input without the axes of 1 that its readers do not read."""
    wanted = next((axes for axes in map(_axes_of, readers) if axes is not None), None)
    start = declared
    while wanted is not None and len(start) > wanted and start[0] == 1:
        start = start[1:]
    if wanted is not None and len(start) != wanted:
        raise ValueError(
            f"{first.where}: its shape is {declared}; what reads it, {readers[0].where}, needs "
            f"{wanted} axes"
        )
    return start


def _check(graph: Graph, known: Mapping[str, Node], extra: int) -> None:
    """Refuse edges between unequal shapes, and an Output that declares another one.

    extra: axes of batch and time that the Input declares
    """
    for a, b in graph.edges:
        if b != graph.sink and known[a].extent != known[b].reads:
            raise ValueError(
                f"the edge {a!r} -> {b!r}: {a} sends {known[a].extent}, {b} reads {known[b].reads}"
            )
    sink = known[graph.sink]
    declared, sent = _declared(sink), sink.reads
    if len(graph.before(graph.sink)) != 1:
        raise ValueError("several edges lead into the Output; one is allowed")
    bare = declared
    while len(bare) > len(sent) and bare[0] == 1 and extra > 0:
        bare = bare[1:]
    if bare != sent:
        raise ValueError(
            f"{sink.where}: declares the shape {declared}; {graph.before(graph.sink)[0]!r} sends "
            f"{sent}" + ("" if extra else ", and the Input declares no axis of batch or time")
        )


def _shaped(node: Node, given: Extent) -> Node:
    """Return a node that reads a signal of this shape, its parameters spread over it."""
    axes = _axes_of(node)
    while axes is not None and len(given) > axes and given[0] == 1 and node.kind != "Flatten":
        given = given[1:]
    if node.kind in ("Affine", "Linear"):
        return _linear(node, given)
    if node.kind in ("Conv1d", "Conv2d"):
        return _convolution(node, given)
    if node.kind in ("SumPool2d", "AvgPool2d"):
        return _pool(node, given)
    if node.kind == "Flatten":
        return replace(node, reads=given, extent=_flattened(node, given))
    if node.kind == "Output":
        return replace(node, reads=given, extent=given)
    values = {
        key: _spread(node, key, value, given) if key in EACH_NEURON else value
        for key, value in node.values.items()
    }
    return replace(node, values=values, reads=given, extent=given)


def _spread(node: Node, key: str, value: Float64, given: Extent) -> Float64:
    """Return a parameter for every value of the signal."""
    while value.ndim > len(given) and value.shape[0] == 1:
        value = value[0]
    if value.shape != given and value.size > 1 and value.ndim != len(given):
        fits = False
    else:
        fits = all(a in (1, b) for a, b in zip(value.shape[::-1], given[::-1], strict=False))
    if not fits:
        raise ValueError(f"{node.where}: {key} has shape {value.shape}; the signal has {given}")
    return np.broadcast_to(value, given)


def _linear(node: Node, given: Extent) -> Node:
    weight = node.values["weight"]
    while weight.ndim > 2 and weight.shape[0] == 1:
        weight = weight[0]
    if weight.ndim != 2 or given != (weight.shape[1],):
        raise ValueError(
            f"{node.where}: weight has shape {weight.shape}; the signal before it has {given}"
        )
    values = {**node.values, "weight": weight}
    if "bias" in values:
        values["bias"] = _bias(node, weight.shape[0])
    return replace(node, values=values, reads=given, extent=(weight.shape[0],))


def _bias(node: Node, channels: int) -> Float64:
    bias = node.values["bias"].ravel()
    if bias.size not in (1, channels):
        raise ValueError(f"{node.where}: bias has {bias.size} values; {channels} are needed")
    return np.broadcast_to(bias, (channels,))


def _convolution(node: Node, given: Extent) -> Node:
    sides, weight = (1 if node.kind == "Conv1d" else 2), node.values["weight"]
    if len(given) != sides + 1 or weight.ndim != sides + 2:
        raise ValueError(
            f"{node.where}: weight has shape {weight.shape}; the signal before it has {given}"
        )
    groups = node.whole("groups")[0]
    if groups < 1 or weight.shape[0] % groups or weight.shape[1] * groups != given[0]:
        raise ValueError(
            f"{node.where}: {weight.shape[1]} channels in each of {groups} groups; the signal "
            f"before it has {given[0]}"
        )
    if set(node.whole("dilation")) != {1}:
        raise ValueError(f"{node.where}: dilation {node.whole('dilation')}; 1 is allowed")
    if "input_shape" in node.values and node.whole("input_shape") != given[1:]:
        raise ValueError(
            f"{node.where}: input_shape is {node.whole('input_shape')}; the signal has {given[1:]}"
        )
    out = _positions(node, given)
    values = {**node.values, "bias": _bias(node, weight.shape[0])}
    return replace(node, values=values, reads=given, extent=(weight.shape[0], *out))


def _sides(node: Node, key: str, sides: int, least: int) -> tuple[int, ...]:
    found = node.whole(key)
    found = found * sides if len(found) == 1 else found
    if len(found) != sides or min(found) < least or max(found) > MOST_SIDE:
        raise ValueError(f"{node.where}: {key} is {found}; {sides} numbers from {least} up")
    return found


def strides_of(node: Node) -> tuple[int, ...]:
    """Return the stride of a convolution or pool along each axis."""
    return _sides(node, "stride", 1 if node.kind == "Conv1d" else 2, 1)


def kernel_of(node: Node) -> tuple[int, ...]:
    """Return the kernel of a convolution or pool along each axis."""
    if "weight" in node.values:
        return tuple(node.values["weight"].shape[2:])
    return _sides(node, "kernel_size", 2, 1)


def padding_of(node: Node, given: Extent) -> tuple[tuple[int, int], ...]:
    """Return the zeros before and behind a map along each axis.

    "same" is that of the frameworks: as many positions as ceil(side / stride), and the odd zero
    behind.
    """
    sides = len(given) - 1
    found = node.values["padding"]
    if not isinstance(found, str):
        return tuple((pad, pad) for pad in _sides(node, "padding", sides, 0))
    if found == "valid":
        return ((0, 0),) * sides
    pads = []
    for side, kernel, step in zip(given[1:], kernel_of(node), strides_of(node), strict=True):
        total = max((-(-side // step) - 1) * step + kernel - side, 0)
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


def _pool(node: Node, given: Extent) -> Node:
    if len(given) != 3:
        raise ValueError(f"{node.where}: the signal before it has {given}; needs 3 axes")
    out = _positions(node, given)
    return replace(node, reads=given, extent=(given[0], *out))


def _positions(node: Node, given: Extent) -> Extent:
    """Return the sides of the map behind a convolution or pool."""
    out = []
    for side, kernel, step, (low, high) in zip(
        given[1:], kernel_of(node), strides_of(node), padding_of(node, given), strict=True
    ):
        if side + low + high < kernel:
            raise ValueError(f"{node.where}: kernel {kernel} is larger than the map, {given}")
        out.append((side + low + high - kernel) // step + 1)
    return tuple(out)


def _flattened(node: Node, given: Extent) -> Extent:
    """Return the shape behind a Flatten, whose dimensions count the axes without the batch."""
    start, end = node.whole("start_dim")[0], node.whole("end_dim")[0]
    if "input_type" in node.values:
        wanted = node.whole("input_type")
        while len(wanted) > len(given) and wanted[0] == 1:
            wanted, start = wanted[1:], max(start - 1, 0) if start > 0 else start
        if wanted != given:
            raise ValueError(
                f"{node.where}: input_type is {wanted}; the signal before it has {given}"
            )
    axes = len(given)
    start, end = (dim + axes if dim < 0 else dim for dim in (start, end))
    if not 0 <= start <= end < axes:
        if prod(given) == max(given):  # a vector stays one, whatever the dimensions say
            return (prod(given),)
        raise ValueError(f"{node.where}: flattens axes {start} to {end} of {given}")
    return (*given[:start], prod(given[start : end + 1]), *given[end + 1 :])
