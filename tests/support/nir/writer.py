"""A writer of NIR files, in the form of each dialect and in forms that no exporter would write.

It knows HDF5 alone: what a file says is what a test gives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Node = Mapping[str, Any]
"""Fields of a node, "type" among them; that of a graph has "nodes" and "edges"."""


def write_nir(
    path: Path,
    nodes: Mapping[str, Node],
    edges: Sequence[tuple[str, str]],
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write a graph and return its path."""
    with h5py.File(path, "w") as file:
        file["version"] = "1.0.8"
        _graph(file.create_group("node"), nodes, edges)
        if metadata:
            _fields(file["node"].create_group("metadata"), metadata)
    return path


def _graph(group: Any, nodes: Mapping[str, Node], edges: Sequence[tuple[str, str]]) -> None:
    group["type"] = "NIRGraph"
    group.create_dataset("edges", data=np.array(edges, dtype=object).reshape(-1, 2),
                         dtype=h5py.string_dtype())  # fmt: skip
    inner = group.create_group("nodes")
    for name, node in nodes.items():
        _fields(inner.create_group(name), node)


def _fields(group: Any, fields: Mapping[str, Any]) -> None:
    if "nodes" in fields:
        _graph(group, fields["nodes"], fields["edges"])
        return
    for key, value in fields.items():
        group[key] = value


def chain(*names: str) -> list[tuple[str, str]]:
    """Return the edges of a chain."""
    return list(pairwise(names))


def ends(inputs: Sequence[int], outputs: Sequence[int]) -> dict[str, Node]:
    """Return the Input and the Output of a graph."""
    return {
        "input": {"type": "Input", "shape": np.array(inputs)},
        "output": {"type": "Output", "shape": np.array(outputs)},
    }


def affine(weight: Any, bias: Any = None) -> Node:
    """Return an Affine, or a Linear without a bias."""
    if bias is None:
        return {"type": "Linear", "weight": np.asarray(weight, np.float32)}
    return {"type": "Affine", "weight": np.asarray(weight, np.float32),
            "bias": np.asarray(bias, np.float32)}  # fmt: skip


def leaky(beta: float, size: int, threshold: float = 1.0) -> Node:
    """Return an LIF as snnTorch writes it: tau = 1e-4 / (1 - beta), r = tau / 1e-4."""
    tau = 1e-4 / (1 - beta)
    one = np.ones(size)
    return {"type": "LIF", "tau": one * tau, "r": one * tau / 1e-4, "v_leak": 0 * one,
            "v_threshold": one * threshold, "v_reset": 0 * one}  # fmt: skip


def fire(size: int, threshold: float = 1.0, r: float = 1e4) -> Node:
    """Return an IF; its r is that of SpikingJelly."""
    one = np.ones(size)
    return {"type": "IF", "r": one * r, "v_threshold": one * threshold, "v_reset": 0 * one}
