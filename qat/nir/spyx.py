"""Files of Spyx, made as their framework means them: it is channels last, and its files are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.nir.graph import Graph
from qat.nir.nodes import Node
from qat.nir.order import components


def as_meant(graph: Graph) -> Graph:
    """Return a graph whose recurrent inputs and pools are those of the framework.

    The edge into recurrent weights is meant to go to the neuron: its file leads the input through
    them. A pool with any padding is one of "same".
    """
    cycles = [set(part) for part in components(graph) if len(part) > 1]
    moved = []
    for a, b in graph.edges:
        cycle = next((part for part in cycles if b in part and a not in part), None)
        if cycle is not None and not graph.nodes[b].about.neuron:
            b = next((c for c in graph.behind(b) if c in cycle), b)  # noqa: PLW2901
        moved.append((a, b))
    nodes = {name: _pool(node) for name, node in graph.nodes.items()}
    return replace(graph, nodes=nodes, edges=tuple(moved))


def _pool(node: Node) -> Node:
    padding = node.values.get("padding")
    if not node.kind.endswith("Pool2d") or isinstance(padding, str) or not np.any(padding):
        return node
    return replace(node, values={**node.values, "padding": "same"})


def channels_first(graph: Graph) -> Graph:
    """Return a graph, whose shapes are known, with the weights behind a Flatten in its order.

    The framework flattens (height, width, channels); the file says (channels, height, width).
    """
    nodes = dict(graph.nodes)
    for flat in graph.nodes.values():
        if flat.kind != "Flatten" or len(flat.reads) != 3:
            continue
        for name in graph.behind(flat.name):
            node = nodes[name]
            if node.kind not in ("Affine", "Linear"):
                raise ValueError(f"{node.where}: stands behind a Flatten; only weights are read")
            last = node.values["weight"].reshape(-1, *flat.reads[1:], flat.reads[0])
            first = np.moveaxis(last, 3, 1).reshape(len(last), -1)
            nodes[name] = replace(node, values={**node.values, "weight": first})
    return replace(graph, nodes=nodes)


def signal(found: NDArray[Any], extent: tuple[int, ...]) -> NDArray[Any]:
    """Return a recording, (steps, batch, height, width, channels), with the channels first."""
    if len(extent) == 3 and found.shape[2:] == (*extent[1:], extent[0]):
        return np.moveaxis(found, 4, 2)
    return found
