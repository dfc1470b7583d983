"""Stages of the bit-sliced kernel: 32 neurons to a word, from the weights to the membrane.

All arithmetic is modulo 2**planes in two's complement, so only the results need to fit:
the widths follow from the model's bounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.pack import constant_planes, ternary_planes, words_for
from codegen.stages.common import (
    SPIKES_HELPERS,
    common,
    complement_from,
    effective_threshold,
    saturation,
    source_of,
    uniform,
    width_of,
)
from codegen.stages.records import (
    BitslicedLayer,
    Digit,
    Field,
    Plane,
    Scratch,
    Source,
    Table,
)
from qat.model import Dense, Input, Interval, LayerBounds
from qat.model import Layer as ModelLayer

ADDER_PLANES = 4
"""Low planes that the adder keeps in registers: a sum has at least these."""

ADDER_HELPERS = SPIKES_HELPERS | {"adder", "add_columns"}
DIGIT_HELPERS = ADDER_HELPERS | {"sum_digits", "broadcast"}


COUNTED_BLOCKS = 3
"""Blocks from which a step counts the planes that its active inputs can fill: fewer are added."""

ADD_COST, BLOCK_COST = 10, 150
"""Instructions on ARMv7-M to add an input to a block, and to begin and end a block."""


def carries_for(inputs: int) -> int:
    """Return the carry words of weight 16 that `inputs` active inputs can leave behind."""
    return max(inputs // 8 + 3, 4)


class _Constants:
    """Collects the planes of per-neuron constants of a layer, block by block."""

    def __init__(self) -> None:
        self.parts: list[NDArray[np.uint32]] = []
        self.words = 0

    def add(self, values: NDArray[Any], width: int) -> int:
        """Append the planes of `values`; return the word where they start."""
        start = self.words
        self.parts.append(constant_planes(values, width))
        self.words += width
        return start

    def table(self, index: int) -> tuple[Table, ...]:
        if not self.parts:
            return ()
        what = "constants of each neuron, in planes"
        return (Table(f"constants{index}", what, np.concatenate(self.parts, axis=1)),)


def _digits(
    values: NDArray[Any], width: int, constants: _Constants
) -> tuple[tuple[Digit, ...], int | None]:
    """Return the digits of a constant against planes 0..width-1, and where its planes start."""
    shared = uniform(values)
    if shared is not None:
        return tuple(Digit(b, bit=shared >> b & 1) for b in range(width)), None
    own = Interval(values.min(keepdims=True), values.max(keepdims=True)).width - 1
    start = constants.add(values, min(own, width))
    return tuple(
        Digit(b, word=start + b) if b < own else Digit(b, bit=0) for b in range(width)
    ), start


def _common_digits(value: int | None, width: int) -> tuple[Digit, ...]:
    """Return the digits of a saturation bound, sign left out; none if it cannot act."""
    if value is None:
        return ()
    return tuple(Digit(b, bit=value >> b & 1) for b in range(width))


def _planes(
    layer: ModelLayer, source: Source, widths: dict[str, int], bias_word: int | None
) -> tuple[Plane, ...]:
    """Return the planes of u, each with what is added to the membrane there."""
    fraction = layer.synapse.fraction_bits
    v_top, current_top = widths["v"] - 1, widths["current"] - 1
    shared = uniform(np.asarray(layer.synapse.bias))
    low_bits = shared if shared is not None and bias_word is None and not source.bits else 0
    return tuple(
        Plane(
            index=b,
            v=min(b, v_top),
            leak=tuple(
                ("add" if k < 0 else "subtract", min(b + abs(k), v_top)) for k in layer.neuron.leak
            ),
            current=min(b - fraction, current_top) if b >= fraction else None,
            bias=None if bias_word is None else bias_word + min(b, widths["bias"] - 1),
            one=b < fraction and bool(low_bits >> b & 1),
        )
        for b in range(widths["u"])
    )


def _chains(planes: tuple[Plane, ...]) -> tuple[str, ...]:
    """Return the names of the carries that ripple through the planes of u."""
    names = [f"leak{term}" for term in range(len(planes[0].leak))]
    if any(p.current is not None or p.one for p in planes):
        names.append("inflow")
    if any(p.bias is not None for p in planes):
        names.append("bias")
    return tuple(names)


class _Builder:
    """Computes the numbers of one ternary layer."""

    def __init__(
        self, index: int, layer: ModelLayer, bounds: LayerBounds, model_input: Input
    ) -> None:
        self.index, self.layer, self.bounds = index, layer, bounds
        self.source = source_of(index, layer, model_input)
        self.blocks = words_for(layer.size)
        self.bias = np.broadcast_to(layer.synapse.bias, layer.size).astype(np.int64)
        self.common_bias = uniform(self.bias)
        self.constants = _Constants()
        self.threshold = effective_threshold(layer, bounds)

    # ---- the sum

    def start_and_width(self) -> tuple[int, int, bool]:
        """Return (what the sum starts with, its planes, True if that includes the bias)."""
        synapse, a = self.layer.synapse, self.bounds.accumulator
        half = (1 << synapse.input_shift) >> 1
        if self.source.bits:
            folded = None if self.common_bias is None else self.common_bias << self.source.shift
            least = self.source.bits - 1 + ADDER_PLANES
        else:
            folded = None if self.common_bias is None else self.common_bias >> synapse.fraction_bits
            least = ADDER_PLANES
        start = half + (folded or 0)
        width = width_of(a.low + start, a.high + start)
        if folded is None or width > 32:
            return half, max(width_of(a.low + half, a.high + half), least), False
        return start, max(width, least), True

    # ---- the membrane

    def widths(self, sum_width: int) -> dict[str, int]:
        bounds, largest = self.bounds, int(self.threshold.max())
        u = max(bounds.u_raw.width, bounds.v.width, width_of(0, largest))
        current = bounds.current.width if self.source.bits else sum_width
        bias = width_of(int(self.bias.min()), int(self.bias.max()))
        return {"u": u, "v": bounds.v.width, "current": current, "bias": bias}

    def thresholds(self, width: int) -> tuple[tuple[Digit, ...], tuple[Digit, ...]]:
        """Return the digits of the threshold and of what the reset subtracts."""
        neuron = self.layer.neuron
        threshold, start = _digits(self.threshold, width - 1, self.constants)
        if neuron.reset == "zero":
            return threshold, ()
        fires = self.bounds.u.hi >= self.threshold
        subtracted = np.broadcast_to(neuron.subtracted, self.layer.size).astype(np.int64)
        if start is not None and np.array_equal(subtracted[fires], self.threshold[fires]):
            return threshold, (*threshold, Digit(width - 1, bit=0))
        if fires.any():
            subtracted = np.where(fires, subtracted, subtracted[fires][0])
        return threshold, _digits(subtracted, width, self.constants)[0]

    # ---- memory

    def fields(self, widths: dict[str, int]) -> tuple[Field, ...]:
        i, blocks = self.index, self.blocks
        fields = [
            Field(f"v{i}", f"layer {i}: membranes, in planes", "uint32_t", (blocks, widths["v"])),
            Field(f"spikes{i}", f"layer {i}: spikes of the last step", "uint32_t", (blocks,)),
        ]
        if self.source.bits:
            shape = (blocks, widths["current"])
            held = "held input" if self.source.analog else "last frame"
            fields.append(
                Field(f"current{i}", f"layer {i}: currents of the {held}", "uint32_t", shape)
            )
        return tuple(fields)

    def scratch(self, sum_width: int, complement: bool) -> Scratch:
        source = self.source
        return Scratch(
            listed=source.size,
            carries=carries_for(source.size),
            digits=source.bits * source.words,
            sums=self.blocks * sum_width if source.bits or complement else 0,
        )

    def helpers(
        self, planes: tuple[Plane, ...], reset_by: tuple[Digit, ...], cached: bool
    ) -> frozenset[str]:
        counted = {"planes_for"} if self.blocks >= COUNTED_BLOCKS else set()
        summed = DIGIT_HELPERS | {"slice_bytes"} if self.source.bits else ADDER_HELPERS | counted
        operations = {operation for p in planes for operation, _ in p.leak}
        if cached or {"inflow", "bias"} & set(_chains(planes)):
            operations.add("add")
        if any(digit.word is not None for digit in reset_by):
            operations.add("subtract")
        return summed | operations

    def complement(self) -> tuple[int, tuple[Table, ...]]:
        """Return where the complement begins (0: never), and what it subtracts from, in planes."""
        weights = 8 * self.source.size * self.blocks
        costs = ADD_COST * self.blocks, BLOCK_COST * self.blocks
        limit = complement_from(self.source.size, weights, *costs)
        limit = 0 if self.source.bits else limit
        if not limit:
            return 0, ()
        values = -self.layer.synapse.codes.astype(np.int64).sum(axis=1) - 1
        planes = constant_planes(values, width_of(int(values.min()), int(values.max())))
        what = "-(sum of the weights) - 1 of each neuron, in planes"
        return limit, (Table(f"inactive{self.index}", what, planes),)

    def build(self) -> BitslicedLayer:
        i, layer, source = self.index, self.layer, self.source
        start, sum_width, folded = self.start_and_width()
        widths = self.widths(sum_width)
        bias_word = None if folded else self.constants.add(self.bias, widths["bias"])
        cached = bias_word is not None and source.bits > 0
        planes = _planes(layer, source, widths, None if cached else bias_word)
        threshold, reset_by = self.thresholds(widths["u"])
        floor, ceiling = saturation(layer, self.bounds)
        limit, inactive = self.complement()
        weights = Table(
            f"weights{i}",
            "per input {z, p}: weight + 1 = z + 2p",
            ternary_planes(layer.synapse.codes),
        )
        return BitslicedLayer(
            **common(i, layer, self.bounds, source),
            kernel="bitsliced",
            template="bitsliced_layer.c.j2",
            tables=(weights, *self.constants.table(i), *inactive),
            fields=self.fields(widths),
            scratch=self.scratch(sum_width, bool(limit)),
            helpers=self.helpers(planes, reset_by, cached)
            | ({"add", "broadcast", "list_inactive", "sum_inactive"} if limit else set()),
            probes=frozenset({"lane", "signed"}),
            columns=2 * source.size,
            blocks=self.blocks,
            start=start,
            reach=abs(start),
            counted=self.blocks >= COUNTED_BLOCKS,
            complement=limit,
            inactive_width=inactive[0].values.shape[1] if limit else 0,
            sum_width=sum_width,
            u_width=widths["u"],
            v_width=widths["v"],
            current_width=widths["current"],
            constants=self.constants.words,
            bias_words=widths["bias"] if cached else 0,
            planes=planes,
            floor=_common_digits(floor, widths["u"]),
            ceiling=_common_digits(ceiling, widths["u"]),
            threshold=threshold,
            reset_by=reset_by,
            chains=_chains(planes),
        )


def layer_stage(
    index: int, layer: ModelLayer, bounds: LayerBounds, model_input: Input
) -> BitslicedLayer:
    """Return the stage of a ternary layer."""
    return _Builder(index, layer, bounds, model_input).build()


def readout_numbers(synapse: Dense, accumulator: Interval, count_width: int) -> dict[str, Any]:
    """Return what a ternary readout adds to the fields of `Readout`."""
    width = max(accumulator.width, count_width - 1 + ADDER_PLANES)
    blocks = words_for(synapse.n_out)
    weights = Table(
        "readout_weights", "per input {z, p}: weight + 1 = z + 2p", ternary_planes(synapse.codes)
    )
    return {
        "kernel": "bitsliced",
        "template": "bitsliced_readout.c.j2",
        "tables": (weights,),
        "helpers": DIGIT_HELPERS | {"lane", "signed"},
        "scratch": Scratch(
            listed=synapse.n_in, carries=carries_for(synapse.n_in), sums=blocks * width
        ),
        "blocks": blocks,
        "columns": 2 * synapse.n_in,
        "sum_width": width,
    }
