"""Neurons on plain integers: the numbers that their template prints, for layers of any kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.common import (
    count_helpers,
    effective_threshold,
    further_of,
    has_pool,
    saturation,
    smallest,
    uniform,
)
from codegen.kernels.memory import Field, Table
from codegen.kernels.ranges import Range
from codegen.kernels.stage import Layer
from qat.model import ALIF, Burst, CuBa, Interval, LayerBounds, LeakClasses, Leaky, Neuron, Pool
from qat.model import Layer as Record
from qat.model.leak import Terms, leaks_of


def integer_ctype(interval: Interval) -> str:
    """Return the smallest C integer that holds the interval."""
    for bits in (8, 16):
        if interval.width <= bits:
            return f"int{bits}_t"
    return "int32_t"


@dataclass(frozen=True, eq=False, kw_only=True)
class IntegerLayer(Layer):
    """A layer whose neurons are plain integers.

    bits:      of the weights
    v_ctype, current_ctype: C types of a membrane ("" without memory) and of a cached current
    bias, threshold, reset_by: the C text of the value of a neuron; threshold: of its first spike
    reset_to:  of what a spike leaves in place of its membrane, where the reset does not subtract
    raise_by:  of what a spike adds to an adaptive threshold
    most:      spikes that it emits in a step at most
    counting:  C text of the array of its thresholds, where it emits counts by them; "" elsewhere
    pool:      what its spikes go through; None for nothing, or for a pool of one position
    own_leak:  C text of what leak a neuron has, where they do not share one: its shift where each
               class has one term that takes away, else the number of its class; "" elsewhere
    """

    bits: int
    v_ctype: str
    current_ctype: str
    fraction_bits: int
    bias: str
    threshold: str
    reset_by: str
    reset_to: str
    floor: int | None
    ceiling: int | None
    raise_by: str = "0"
    most: int = 1
    counting: str = ""
    pool: Pool | None = None
    own_leak: str = ""

    @property
    def simple(self) -> bool:
        """True if a neuron sets its bit of the signal where it spikes, and that is all."""
        return self.most == 1 and self.pool is None

    @property
    def leaks(self) -> int:
        """Terms of its leaks, with one more for what loads, adds and stores a further state.

        Where that raises a threshold it is added twice: to what is compared, and to itself.
        """
        others = sum(1 + sum(k != 0 for k in one.leak) for one in self.further)
        others += self.adaptive is not None
        return max(sum(k != 0 for k in terms) for terms in leaks_of(self.leak)) + others

    @property
    def shifts_own(self) -> bool:
        """True if the neurons do not share a leak, which is one shift for each."""
        return bool(self.own_leak) and single(leaks_of(self.leak))

    @property
    def switched(self) -> tuple[Terms, ...]:
        """The leaks among which a switch chooses; none where there is no such."""
        return leaks_of(self.leak) if self.own_leak and not self.shifts_own else ()

    @property
    def forgets(self) -> bool:
        """True if the leak takes all of a membrane: it need not be read."""
        return all(0 in terms for terms in leaks_of(self.leak))

    @property
    def integers(self) -> dict[str, Range]:
        """{member of the state that is kept as integers: their proved range}."""
        i = self.index
        membranes = {f"v{i}": self.ranges.v} if self.ranges.v else {}
        others = {f"{one.name}{i}": one.range for one in self.further}
        return {**membranes, **others, f"current{i}": self.ranges.current}


class Constants:
    """Constants of the neurons: a literal where all share it, else a table.

    lane: C text of what numbers the channels
    """

    def __init__(self, index: int | str, prefix: str, lane: str = "j") -> None:
        self.index, self.prefix, self.lane = index, prefix, lane
        self.tables: list[Table] = []

    def text(self, name: str, values: NDArray[Any]) -> str:
        """Return the C text of a constant of a channel, of values (channels,)."""
        shared = uniform(values)
        if shared is not None:
            return str(shared)
        what = "neuron" if self.lane == "j" else "channel"
        return f"{self._table(name, f'{name} of each {what}', smallest(values))}[{self.lane}]"

    def rows(self, name: str, values: NDArray[Any]) -> str:
        """Return the C text of the array of a channel's constants, of values (channels, n)."""
        if (values == values[0]).all():
            return self._table(name, f"{name} of every channel", smallest(values[0]))
        what = "neuron" if self.lane == "j" else "channel"
        return f"{self._table(name, f'{name} of each {what}', smallest(values))}[{self.lane}]"

    def _table(self, name: str, what: str, values: NDArray[Any]) -> str:
        self.tables.append(Table(f"{name}{self.index}", what, values))
        return f"{self.prefix}_{name}{self.index}"


def membranes(index: int, layer: Record, bounds: LayerBounds) -> tuple[Field, ...]:
    """Return the members of the state that neurons keep, none without memory."""
    if bounds.v is None:
        return ()
    shape, kept = (layer.size,), further_of(layer.neuron, bounds)
    return (
        Field(f"v{index}", f"layer {index}: membranes", integer_ctype(bounds.v), shape),
        *(Field(f"{one.name}{index}", f"layer {index}: {one.what}s", one.ctype, shape)
          for one in kept),
    )  # fmt: skip


def neurons_of(layer: Record, bounds: LayerBounds, constants: Constants) -> dict[str, Any]:
    """Return the fields of an IntegerLayer that its neurons and its pool fill."""
    found = _numbers(layer.neuron, bounds, constants)
    return found | {
        "v_ctype": integer_ctype(bounds.v) if bounds.v is not None else "",
        "current_ctype": integer_ctype(bounds.current),
        "most": layer.neuron.most,
        "pool": layer.pool if has_pool(layer.pool) else None,
    }


def _numbers(neuron: Neuron, bounds: LayerBounds, constants: Constants) -> dict[str, Any]:
    if isinstance(neuron, Burst):
        return _of_burst(neuron, bounds, constants)
    assert isinstance(neuron, Leaky)
    (floor, ceiling), size = saturation(neuron, bounds), len(bounds.u.hi)
    threshold = constants.text("threshold", effective_threshold(neuron, bounds))
    raises = {"raise_by": neuron.raise_by} if isinstance(neuron, ALIF) else {}
    found = {"threshold": threshold, "floor": floor, "ceiling": ceiling}
    if isinstance(neuron.leak, LeakClasses):
        found["own_leak"] = constants.text("leak", _leak_numbers(neuron.leak))
    return found | {
        name: "0" if values is None else constants.text(name, np.broadcast_to(values, size))
        for name, values in (_reset(neuron) | raises).items()
    }


def single(leaks: tuple[Terms, ...]) -> bool:
    """Return True where each leak is one term that takes away."""
    return all(len(terms) == 1 and terms[0] >= 0 for terms in leaks)


def _leak_numbers(leak: LeakClasses) -> NDArray[np.integer[Any]]:
    """Return the shift of each channel, or the number of its class."""
    return np.array([terms[0] for terms in leak.terms])[leak.of] if single(leak.terms) else leak.of


def _reset(neuron: Leaky) -> dict[str, Any]:
    """Return {constant of the reset: its values}, None for the one that it does without."""
    subtracts = neuron.reset == "subtract"
    return {
        "reset_by": neuron.subtracted if subtracts else None,
        "reset_to": None if subtracts or neuron.late else neuron.replaced,
    }


def _of_burst(neuron: Burst, bounds: LayerBounds, constants: Constants) -> dict[str, Any]:
    """Return the thresholds, none further than just outside of what the current can reach."""
    low, high = bounds.current.lo, bounds.current.hi
    rows = np.broadcast_to(neuron.by_channel, (neuron.most, len(low)))
    values = np.ascontiguousarray(np.clip(rows.astype(np.int64), low, high + 1).T)
    several = neuron.most > 1
    return {
        "threshold": "" if several else constants.text("threshold", values[:, 0]),
        "counting": constants.rows("thresholds", values) if several else "",
        "reset_by": "0",
        "reset_to": "0",
        "floor": None,
        "ceiling": None,
    }


def neuron_helpers(layer: Record, counted: bool) -> frozenset[str]:
    """Return the functions that the neurons' template calls."""
    helpers = set()
    if layer.neuron.most > 1 or has_pool(layer.pool):
        helpers.add("put")
    if counted:
        helpers |= count_helpers(layer.levels)
    neuron = layer.neuron
    leaks = neuron.leaks if isinstance(neuron, Leaky) else ()
    terms = tuple(k for leak in leaks for k in leak)
    terms += neuron.leak_c if isinstance(neuron, CuBa) else ()
    terms += (neuron.leak_b,) if isinstance(neuron, ALIF) else ()
    if any(terms):
        helpers.add("asr")
    return frozenset(helpers)
