"""What a framework computed, saved by its user, and how a twin differs from it.

A reference is an .npz with `x`, (time, batch, ...), as the framework takes it, `output`,
(time, batch, ...), of the last node, and, if there, `spikes/<node>` of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine.bounded import open_regular
from qat.model.archive import Archive
from qat.model.checks import plain
from qat.nir import spyx
from qat.nir.dynamics import Float
from qat.nir.graph import Graph
from qat.nir.order import order

MOST_BYTES = 2**30
SPIKES = "spikes/"

NEAR = 1e-4
"""How far an output of real numbers may be from a float32 one, relative to the largest."""


@dataclass(frozen=True, eq=False)
class Signal:
    """What a node sent, (time, batch, *its shape); `name` is that of the array."""

    name: str
    node: str
    values: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Reference:
    """x, (time, batch, *shape of the Input), and signals in the order of the graph."""

    x: NDArray[Any]
    signals: tuple[Signal, ...]

    def samples(self, count: int) -> Reference:
        """Return the first samples."""
        few = tuple(replace(s, values=s.values[:, :count]) for s in self.signals)
        return Reference(self.x[:, :count], few)

    @property
    def nodes(self) -> set[str]:
        """The nodes whose signals are known."""
        return {signal.node for signal in self.signals}


@dataclass(frozen=True)
class Comparison:
    """How many values differ of how many, by array, and the first of them.

    first: {"node", "step", "sample", "index", "reference", "found"}, or None
    """

    differing: int
    of: int
    by_array: Mapping[str, int]
    first: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        first = None if self.first is None else dict(self.first)
        return {"differing": self.differing, "of": self.of, "first": first,
                "by_array": dict(self.by_array)}  # fmt: skip

    def __str__(self) -> str:
        """Return it as one line."""
        text = f"{self.differing:,} of {self.of:,} values differ"
        if self.first is None:
            return text
        f = self.first
        place = f"at step {f['step']}, sample {f['sample']}, index {f['index']}"
        values = f"{f['reference']:g} in the reference, {f['found']:g} found"
        return f"{text}, first in node {plain(f['node'])!r} {place}: {values}"


def read_reference(path: str | PathLike[str], graph: Graph, dialect: str) -> Reference:
    """Return the reference of a graph.

    Raises OSError, and ValueError in words that follow the name of the file.
    """
    with open_regular(path) as file:
        archive = Archive(file, "an .npz of arrays", MOST_BYTES)
        for name in ("x", "output"):
            if name not in archive.arrays:
                raise ValueError(
                    f"has no array {name!r}; a reference has x (time, batch, ...) and output "
                    "(time, batch, ...)"
                )
        x = _array(archive, "x", graph, graph.source, dialect)
        nodes = {"output": graph.before(graph.sink)[0]}
        for name in archive.arrays:
            if name.startswith(SPIKES):
                nodes[name] = _node(graph, name.removeprefix(SPIKES))
        signals = [
            Signal(name, node, _array(archive, name, graph, node, dialect))
            for name, node in nodes.items()
        ]
    for signal in signals:
        if signal.values.shape[:2] != x.shape[:2]:
            raise ValueError(
                f"{plain(signal.name)} has (time, batch) {signal.values.shape[:2]}; x has "
                f"{x.shape[:2]}"
            )
    places = {name: i for i, name in enumerate(n for part in order(graph).parts for n in part)}
    return Reference(x, tuple(sorted(signals, key=lambda s: places[s.node])))


def _node(graph: Graph, name: str) -> str:
    """Return the node that is meant: by its name, or the neuron of the graph of that name."""
    if name in graph.nodes:
        return name
    inner = [n for n, v in graph.nodes.items() if n.startswith(f"{name}.") and v.about.neuron]
    if len(inner) == 1:
        return inner[0]
    known = ", ".join(plain(n) for n, v in graph.nodes.items() if v.about.neuron)
    raise ValueError(f"{SPIKES}{plain(name)} names no node; the neurons are {known}")


def _array(archive: Archive, what: str, graph: Graph, node: str, dialect: str) -> NDArray[Any]:
    """Return a recording in the shape of a node's output."""
    found, extent, what = archive.array(what), graph.nodes[node].extent, plain(what)
    if found.dtype.kind not in "fiub":
        raise ValueError(f"{what} has dtype {found.dtype}; must hold numbers")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError(f"{what} holds NaN or infinity; must be finite")
    if found.ndim < 3 or prod(found.shape[2:]) != prod(extent) or 0 in found.shape:
        raise ValueError(f"{what} has shape {found.shape}; needs (time, batch, {_sides(extent)})")
    if dialect == "spyx":
        found = spyx.signal(found, extent)
    return found.reshape(*found.shape[:2], *extent)


def _sides(extent: tuple[int, ...]) -> str:
    return ", ".join(map(str, extent))


def compare(reference: Reference, sent: Mapping[str, Float], graph: Graph) -> Comparison:
    """Return how what a twin sent differs from a reference; spikes exactly, real numbers nearly."""
    by_array, firsts = {}, []
    for place, signal in enumerate(reference.signals):
        found, wanted = sent[signal.node], signal.values
        if graph.nodes[signal.node].about.spiking:
            wrong = found != wanted
        else:
            scale = max(1.0, float(np.abs(wanted).max()))
            wrong = np.abs(found - wanted) > NEAR * scale
        by_array[signal.name] = int(wrong.sum())
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0].tolist())
            firsts.append((at[0], place, at))
    of = sum(signal.values.size for signal in reference.signals)
    if not firsts:
        return Comparison(0, of, by_array, None)
    _, place, at = min(firsts)
    signal = reference.signals[place]
    first = {
        "node": signal.node,
        "step": at[0],
        "sample": at[1],
        "index": at[2] if len(at) == 3 else list(at[2:]),
        "reference": float(signal.values[at]),
        "found": float(sent[signal.node][at]),
    }
    return Comparison(sum(by_array.values()), of, by_array, first)
