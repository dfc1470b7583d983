"""NIR files as h5py writes them: nodes, edges and metadata of a graph."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from qat.model import write_file
from qat.nir.hdf5 import require_h5py

FORMAT = "1.0.8"
"""The version of nir whose reader the form follows."""

Fields = Mapping[str, Any]
"""Fields of a node, "type" among them; those of a graph are "nodes" and "edges"."""


def write_graph(
    path: str | PathLike[str],
    nodes: Mapping[str, Fields],
    edges: Sequence[tuple[str, str]],
    metadata: Mapping[str, Any],
) -> None:
    """Write a graph, whole or not at all; ValueError where that cannot be."""
    require_h5py()
    import h5py  # noqa: PLC0415  # an extra

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=False) as file:
        file.create_dataset("version", data=FORMAT, dtype=h5py.string_dtype())
        top = file.create_group("node")
        _graph(top, nodes, edges)
        _fields(top.create_group("metadata"), metadata)
    write_file(Path(path), buffer.getvalue())


def _graph(group: Any, nodes: Mapping[str, Fields], edges: Sequence[tuple[str, str]]) -> None:
    import h5py  # noqa: PLC0415  # an extra

    group.create_dataset("type", data="NIRGraph", dtype=h5py.string_dtype())
    table = np.array(edges, dtype=object).reshape(-1, 2)
    group.create_dataset("edges", data=table, dtype=h5py.string_dtype())
    inner = group.create_group("nodes")
    for name, fields in nodes.items():
        own = inner.create_group(name)
        if "nodes" in fields:
            _graph(own, fields["nodes"], fields["edges"])
        else:
            _fields(own, fields)


def _fields(group: Any, fields: Fields) -> None:
    import h5py  # noqa: PLC0415  # an extra

    for key, value in fields.items():
        if isinstance(value, str):
            group.create_dataset(key, data=value, dtype=h5py.string_dtype())
        else:
            group.create_dataset(key, data=value)
