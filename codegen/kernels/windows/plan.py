"""Stages of convolutions in windows: the rows under the kernel listed once, each window a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.bitsliced.layer import Told
from codegen.kernels.bitsliced.sums import ADDER_PLANES, carries_for
from codegen.kernels.common import (
    common,
    count_helpers,
    one_leak,
    planes_kept,
    signal_field,
    source_of,
    width_of,
)
from codegen.kernels.conv_plain.plan import axes
from codegen.kernels.dense import DenseLIF
from codegen.kernels.memory import Field, Scratch, Table
from codegen.kernels.neurons.constants import Constants
from codegen.kernels.neurons.counting import Counting, alike, best_start, counting, folded
from codegen.kernels.neurons.integration import Given
from codegen.kernels.neurons.membrane import Bias, Membrane, without_memory
from codegen.kernels.pack import ternary_planes
from codegen.kernels.windows import lanes as lanes_
from codegen.kernels.windows import nibbles
from codegen.kernels.windows.layer import Reached, Together, WindowsLayer, Words
from codegen.kernels.windows.layout import layout_of, unit_of, window_codes
from qat.model import Burst, Conv, CuBa, Dense, Interval, LayerBounds, Leaky, Model

HELPERS = frozenset({"trailing_zeros", "rows", "adder", "add_columns"})


def fits(index: int, model: Model) -> bool:
    """Return True if windows serve a layer: channels at bytes, a list of 16 bits, no groups."""
    layer = model.layers[index]
    if not one_leak(layer.neuron):
        return False
    synapse = layer.synapse
    if not isinstance(synapse, Conv) or synapse.depthwise or not unit_of(synapse.grid.channels):
        return False
    if synapse.channels % 8:
        return False
    layout = layout_of(layer, model.reads(index)[1].bit_length())
    several = isinstance(layer.neuron, Leaky) and layer.neuron.most > 1
    return layout.fits and not (several and layout.pooled == "max")


def _of_lanes(interval: Interval, lanes: Any) -> Interval:
    return Interval(interval.lo[lanes], interval.hi[lanes])


@dataclass(frozen=True, eq=False)
class Compared:
    """How the sums of neurons without memory are compared.

    start:    what they start with
    width:    planes of the sums
    counting: the comparison; constants: of the lanes of all words
    """

    start: int
    width: int
    counting: Counting
    constants: Constants


class Builder:
    """Computes the numbers of one convolution; its neurons are those of the words of a group.

    together: what it shares with others that one function computes, and how their sums are
        compared; None where it stands alone
    padded:   its words are whole: those of layers that one function computes
    nibbles:  Helium may have other weights
    """

    kernel, nibbles = "windows", True
    record: type[WindowsLayer] = WindowsLayer

    def __init__(
        self,
        index: int,
        model: Model,
        together: tuple[Together, Compared] | None = None,
        padded: bool = False,
    ) -> None:
        self.index, self.model, self.layer = index, model, model.layers[index]
        assert isinstance(self.layer.synapse, Conv)
        self.synapse, self.source = self.layer.synapse, source_of(index, model)
        self.together = together[0] if together else None
        self.shared = together[1] if together else None
        self.layout = layout_of(self.layer, self.source.planes, padded)
        bounds, lanes = model.bounds().layers[index], self.layout.lanes
        self.bounds = LayerBounds(
            accumulator=_of_lanes(bounds.accumulator, lanes),
            current=_of_lanes(bounds.current, lanes),
            u_raw=_of_lanes(bounds.u_raw, lanes),
            u=_of_lanes(bounds.u, lanes),
            state=tuple(_of_lanes(one, lanes) for one in bounds.state),
            edges=tuple(_of_lanes(one, lanes) for one in bounds.edges),
        )

    @property
    def least(self) -> int:
        """Planes that a sum has at least: those of the adder at its highest level."""
        return ADDER_PLANES + self.source.planes - 1

    @cached_property
    def blocks(self) -> int:
        """Words of neurons, of all positions."""
        layout, shape = self.layout, self.synapse.shape
        shared = shape.height * layout.groups if layout.part else 0
        return shape.positions * layout.full + shared

    @cached_property
    def kinds(self) -> tuple[Words, ...]:
        """The words of a position, whole ones first."""
        layout, shape, i = self.layout, self.synapse.shape, self.index
        pooled, left = bool(layout.pooled), self.layer.shape
        whole = Words(
            table=f"weights{i}", count=layout.full, places=1, lanes=32, channel=0,
            columns=self.synapse.kernel[1], across=shape.width, before=0,
            direct=layout.aligned, kept=left.width * layout.full * pooled, kept_before=0,
        )  # fmt: skip
        shared = Words(
            table=f"shared{i}" if layout.full else f"weights{i}", count=1, places=layout.group,
            lanes=layout.part, channel=32 * layout.full, columns=layout.span,
            across=layout.groups, before=shape.positions * layout.full, direct=layout.aligned,
            kept=(left.width if layout.group == 1 else layout.groups) * pooled,
            kept_before=whole.kept,
        )  # fmt: skip
        return (*([whole] if layout.full else []), *([shared] if layout.part else []))

    @cached_property
    def weights(self) -> tuple[Table, ...]:
        """The tables of the kinds of words."""
        what = "per input {z, p}: weight + 1 = z + 2p; inputs by column, row, channel"
        codes = [some for some in window_codes(self.layout) if len(some)]
        names = [kind.table for kind in self.kinds]
        return tuple(
            Table(name, what, ternary_planes(some)) for name, some in zip(names, codes, strict=True)
        )

    def build(self) -> WindowsLayer:
        """Return the stage."""
        i, layout, layer = self.index, self.layout, self.layer
        shared = common(i, self.model, self.source)
        neurons = self.leaky() if isinstance(layer.neuron, Leaky) else self.bursting()
        constants: Constants = neurons.pop("own")
        memory: tuple[Field, ...] = neurons.pop("kept")
        used: frozenset[str] = neurons.pop("used")
        unit, counting = unit_of(self.synapse.grid.channels), neurons["counting"]
        values = 1 if counting is None else counting.planes
        rows, across = axes(layer, self.synapse)
        kept = sum(kind.kept for kind in self.kinds)
        kept *= values if layout.pooled == "max" else layer.levels.bit_length()
        if self.together is not None:
            kept = values * layer.shape.width * layout.full
        helpers = self.loops() | self.outflow(shared["counted"])
        if neurons["dense"]:
            helpers |= {"add_nibbles"}
        return self.record(
            **shared,
            **neurons,
            kernel=self.kernel,
            tables=(*self.weights, *constants.table(i)),
            fields=(*memory, signal_field(i, self.model)),
            scratch=self.scratch(kept),
            helpers=used | helpers,
            columns=self.weights[0].values[0].size,
            blocks=self.blocks,
            reach=0,
            sized=False,
            inactive_width=0,
            constants=constants.words,
            rounds=False,
            inverse=1,
            grid=self.synapse.grid,
            map=self.synapse.shape,
            left=layer.shape,
            rows=rows,
            across=across,
            stride=self.synapse.stride,
            unit=unit,
            layout=layout,
            kinds=self.kinds,
            values=values,
            pooled=layout.pooled,
            together=self.together,
            **self.more(),
        )

    def more(self) -> dict[str, Any]:
        """Return the fields that the record has besides."""
        return {}

    def loops(self) -> frozenset[str]:
        """Return the functions that sums call."""
        return HELPERS | {f"list_rows{unit_of(self.synapse.grid.channels)}"}

    def outflow(self, counted: bool) -> frozenset[str]:
        """Return the functions that what is emitted goes through."""
        found = set(count_helpers(self.layer.levels) if counted else ())
        if not all(kind.direct for kind in self.kinds) or (self.layout.pooled and self.layout.part):
            found.add("set_bits")
        if self.layout.pooled == "sum":
            found.add("add")
        if self.layout.pooled or self.together is not None:
            found.add("clear_words")
        return frozenset(found)

    def scratch(self, kept: int) -> Scratch:
        """Return the working memory; kept: words that wait for a pool."""
        layout = self.layout
        carries = carries_for(layout.span * layout.step)
        return Scratch(listed=layout.entries, carries=carries, sums=kept)

    @property
    def thresholds(self) -> NDArray[np.int64]:
        """(D, lanes) what the sums of neurons without memory must reach."""
        neuron = self.layer.neuron
        assert isinstance(neuron, Burst)
        return folded(self.synapse, neuron, False)[:, self.layout.lanes]

    def leaky(self) -> dict[str, Any]:
        """Return what leaky neurons fill: those of a group are planned as a dense layer's."""
        neuron, lanes, i = self.layer.neuron, self.layout.lanes, self.index
        assert isinstance(neuron, Leaky)

        def of(values: Any) -> Any:
            return values[lanes] if values.ndim else values

        synapse = Dense(
            np.zeros((len(lanes), 1), np.int8), bias=of(self.synapse.bias),
            fraction_bits=self.synapse.fraction_bits,
        )  # fmt: skip
        layer, a = DenseLIF(synapse, neuron.chosen(lanes)), self.bounds.accumulator
        bias = Bias(layer, self.bounds, direct=not isinstance(neuron, CuBa))
        start = None if bias.common is None else bias.common >> synapse.fraction_bits
        folded = start is not None and width_of(a.low + start, a.high + start) <= 32
        start = start if start is not None and folded else 0
        width = max(width_of(a.low + start, a.high + start), self.least)
        membrane = Membrane(layer, self.bounds, bias, Given(width, False, folded))
        words = membrane.v_width
        in_bytes: lanes_.ByteNeurons | None = None
        tables: tuple[Table, ...] = ()
        if self.nibbles and lanes_.serves(self.layer, self.layout, self.model.bounds().layers[i]):
            bounds, words = self.model.bounds().layers[i], max(words, lanes_.WORDS)
            in_bytes, tables = lanes_.planned(i, self.layer, self.layout, bounds)
        return membrane.printed() | {
            "dense": tables,
            "in_bytes": in_bytes,
            "kept": planes_kept(i, neuron, self.bounds, self.blocks, words),
            "used": membrane.operations,
            "start": start,
            "sum_width": width,
            "current_width": width,
        }

    def bursting(self) -> dict[str, Any]:
        """Return what neurons without memory fill: the sum itself is compared."""
        found = self.shared or compared([self])
        start, width, own = found.start, found.width, found.constants
        first = self.together is None or self.together.members[0] == self.index
        bias = np.broadcast_to(self.synapse.bias, self.synapse.channels).astype(np.int32)
        reach = self.bounds.accumulator.lo, self.bounds.accumulator.hi
        tables = nibbles.tables(self.index, self.layout, self.thresholds, *reach)
        return without_memory(found.counting, own, width) | {
            "dense": tables if self.nibbles else (),
            "own": own if first else Constants(),
            "kept": (),
            "used": found.counting.operations,
            "told": Told(
                less=start, half=0, shift=0, fraction_bits=self.synapse.fraction_bits,
                bias=np.tile(bias, self.synapse.shape.positions),
            ),
            "start": start,
            "sum_width": width,
            "current_width": width,
        }  # fmt: skip


def compared(builders: Sequence[Builder]) -> Compared:
    """Return how the sums of some convolutions are compared: in the planes of the widest."""
    thresholds = np.concatenate([one.thresholds for one in builders], axis=1)
    reach = [one.bounds.accumulator for one in builders]
    low, high = (np.concatenate(ends) for ends in ([r.lo for r in reach], [r.hi for r in reach]))
    start, own = best_start(thresholds, low, high), Constants()
    low, high, thresholds = low + start, high + start, thresholds + start
    width = max(width_of(int(low.min()), int(high.max())), *(one.least for one in builders))
    many, several = len(builders) > 1, len(thresholds) > 1
    same = alike(own, thresholds, low, high, width) if many and several else None
    if same is not None:
        return Compared(start, width, same, own)
    found = counting(own, thresholds, low, high, width)
    if several and (many or builders[0].layout.pooled == "max"):
        found = Reached(found.given, found.width, found.less, found.digits)
    return Compared(start, width, found, own)


def layer_stage(index: int, model: Model) -> WindowsLayer:
    """Return the stage of a convolution in windows."""
    return Builder(index, model).build()
