"""The nodes of NIR: the table of kinds with their fields, and a node that was checked.

What a node computes is told by NIR (Pedersen et al., Neuromorphic intermediate representation,
2024) up to the step of time; how a framework steps it stands in `qat.nir.dialects`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import plain
from qat.nir.hdf5 import Tree

Float64 = NDArray[np.float64]
Extent = tuple[int, ...]
"""The shape of a signal without batch and time, as NIR has it: (n,), (channels, length) or
(channels, height, width)."""


@dataclass(frozen=True)
class Kind:
    """A kind of node: fields that it must have, fields that it may have.

    neuron:  its output is a state in time, not a function of the input of the same step
    spiking: and that output is spikes
    axes:    dimensions of the signal that it reads, None for any
    """

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    neuron: bool = False
    spiking: bool = False
    axes: int | None = None


_MEMBRANE = ("tau", "r", "v_leak")
_CURRENT = ("tau_mem", "tau_syn", "r", "v_leak")
_CONV = ("weight", "bias", "stride", "padding", "dilation", "groups")
_POOL = ("kernel_size", "stride", "padding")

KINDS: Mapping[str, Kind] = {
    "Input": Kind(("shape",)),
    "Output": Kind(("shape",)),
    "Affine": Kind(("weight", "bias"), axes=1),
    "Linear": Kind(("weight",), axes=1),
    "Scale": Kind(("scale",)),
    "Conv1d": Kind(_CONV, ("input_shape",), axes=2),
    "Conv2d": Kind(_CONV, ("input_shape",), axes=3),
    "SumPool2d": Kind(_POOL, axes=3),
    "AvgPool2d": Kind(_POOL, axes=3),
    "Flatten": Kind(("start_dim", "end_dim"), ("input_type",)),
    "Delay": Kind(("delay",)),
    "Threshold": Kind(("threshold",), spiking=True),
    "I": Kind(("r",), neuron=True),
    "LI": Kind(_MEMBRANE, neuron=True),
    "CubaLI": Kind(_CURRENT, ("w_in",), neuron=True),
    "IF": Kind(("r", "v_threshold"), ("v_reset",), neuron=True, spiking=True),
    "LIF": Kind((*_MEMBRANE, "v_threshold"), ("v_reset",), neuron=True, spiking=True),
    "CubaLIF": Kind((*_CURRENT, "v_threshold"), ("v_reset", "w_in"), neuron=True, spiking=True),
}
"""Every kind of node that NIR has, but for graphs."""

NUMBERLESS = {"padding"}
"""Fields that may be a word."""

ABOVE_ZERO = ("v_threshold", "threshold", "tau", "tau_mem", "tau_syn")
INFINITE = ("tau", "tau_mem", "tau_syn", "r", "w_in")
"""Fields that are infinite where a framework's decay is 1."""


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a graph.

    name:    in the file, with those of the graphs that hold it before a point
    values:  its fields, float64; a word where padding is one
    extent:  of its output, once it is known
    reads:   of its input
    cyclic:  it lies on a cycle of the graph
    """

    name: str
    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reads: Extent = ()
    extent: Extent = ()
    cyclic: bool = False

    @property
    def about(self) -> Kind:
        """Its row of the table."""
        return KINDS[self.kind]

    def whole(self, name: str) -> tuple[int, ...]:
        """Return a field as whole numbers; ValueError for fractions."""
        values = np.atleast_1d(self.values[name])
        if (values != np.rint(values)).any() or np.abs(values).max(initial=0) > 2**31:
            raise ValueError(f"{self.where}: {name} is {values.tolist()}; must be whole numbers")
        return tuple(int(value) for value in values.ravel())

    def pair(self, name: str) -> tuple[int, int]:
        """Return a field as (height, width), from one number or two."""
        found = self.whole(name)
        if len(found) not in (1, 2):
            raise ValueError(f"{self.where}: {name} has {len(found)} numbers; 1 or 2 are allowed")
        return found[0], found[-1]

    @property
    def where(self) -> str:
        """How errors name it."""
        return f"node {plain(self.name)!r} ({self.kind})"


def node_of(name: str, tree: Tree) -> Node:
    """Return the node of a tree of the file; ValueError for unknown kinds and impossible values."""
    kind = tree.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise ValueError(f"node {plain(name)!r}: type {plain(kind)!r}; NIR has {known}")
    row, values = KINDS[kind], {}
    node = Node(name, kind)
    if missing := [key for key in row.needs if key not in tree]:
        raise ValueError(f"{node.where}: has no {missing[0]}")
    for key in (*row.needs, *row.may):
        if key in tree:
            values[key] = _value(node, key, tree[key])
    return Node(name, kind, values)


def _value(node: Node, key: str, found: Any) -> Any:
    if isinstance(found, str) and key in NUMBERLESS:
        if found not in ("same", "valid"):
            raise ValueError(f"{node.where}: {key} is {plain(found)!r}; 'same' and 'valid' exist")
        return found
    if not isinstance(found, np.ndarray) or found.ndim > 5:
        raise ValueError(f"{node.where}: {key} holds no numbers")
    if found.size == 0:
        raise ValueError(f"{node.where}: {key} is empty")
    with np.errstate(all="ignore"):  # a NaN that signals; it is refused below
        values = np.array(found, dtype=np.float64)
    if np.isnan(values).any() or (np.isinf(values).any() and key not in INFINITE):
        what = "NaN" if np.isnan(values).any() else "infinity"
        raise ValueError(f"{node.where}: {key} holds {what}; must be finite")
    if key in ABOVE_ZERO and (values <= 0).any():
        raise ValueError(f"{node.where}: {key} is {values.min():g}; must be above 0")
    return values
