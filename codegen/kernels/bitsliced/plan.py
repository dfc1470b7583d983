"""Stages of the bit-sliced kernel: 32 neurons to a word, from the weights to the membrane.

All arithmetic is modulo 2**planes in two's complement, so only the results need to fit:
the widths follow from the model's bounds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.common import (
    SPIKES_HELPERS,
    common,
    complement_from,
    effective_threshold,
    saturation,
    source_of,
    uniform,
    width_of,
)
from codegen.kernels.dense import DenseLIF, dense_lif
from codegen.kernels.neurons.plan import Digit, Plane
from codegen.kernels.pack import (
    LANES,
    byte_order,
    byte_quads,
    constant_planes,
    signed_digits,
    ternary_planes,
    words_for,
)
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.stage import Field, Readout, Scratch, Source, Table
from qat.model import Activity, Interval, Model

ADDER_PLANES = 4
"""Low planes that the adder keeps in registers: a sum has at least these."""

ADDER_HELPERS = SPIKES_HELPERS | {"adder", "add_columns"}
READOUT_HELPERS = ADDER_HELPERS | {"sum_digits", "broadcast"}
BYTE_HELPERS = ADDER_HELPERS | {"slice_bytes", "broadcast"}

DENSE_DIGITS = 1.0
"""Digits of a byte, on average, from which Helium multiplies instead: a digit takes 22 instructions
for 128 neurons, a byte 20."""

ONE_ROUND = 160
"""Entries up to which the list holds the digits of any input, and no code for rounds is needed."""

LEAST_LISTED = 128
"""Entries of the list where it may take rounds: fewer would cost more time than RAM."""

DIGITS_LISTED = 512
"""Most digits of a byte input that are listed at once; one of a digit image has about 200."""


SIZED_BLOCKS = 3
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
    layer: DenseLIF,
    source: Source,
    widths: dict[str, int],
    common_bias: int | None,
    bias_word: int | None,
) -> tuple[Plane, ...]:
    """Return the planes of u, each with what is added to the membrane there."""
    fraction = layer.synapse.fraction_bits
    v_top, current_top = widths["v"] - 1, widths["current"] - 1
    low_bits = 0 if common_bias is None or bias_word is not None or source.bits else common_bias
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

    def __init__(self, index: int, model: Model) -> None:
        self.index, self.model = index, model
        self.layer, self.bounds = dense_lif(model.layers[index]), model.bounds().layers[index]
        self.source = source_of(index, model)
        self.blocks = words_for(self.layer.size)
        self.constants = _Constants()
        self.threshold = effective_threshold(self.layer, self.bounds)
        self.lowered = self.lowering()
        bias = np.broadcast_to(self.layer.synapse.bias, self.layer.size).astype(np.int64)
        self.bias = bias - self.lowered
        self.common_bias = uniform(self.bias)

    def lowering(self) -> int:
        """Return the threshold if u less the threshold is what should be computed, else 0.

        Then u is compared with 0, which costs nothing, and the threshold goes into the bias. It
        must be one for all, be what the reset subtracts, and leave the planes of u as they are.
        """
        theta, neuron, u = uniform(self.threshold), self.layer.neuron, self.bounds.u_raw
        free = saturation(self.layer, self.bounds) == (None, None)
        if theta is None or neuron.reset != "subtract" or not free:
            return 0
        fires = self.bounds.u.hi >= self.threshold
        if (np.broadcast_to(neuron.subtracted, self.layer.size)[fires] != theta).any():
            return 0
        wide = width_of(u.low - theta, u.high - theta)
        return theta if wide <= max(u.width, width_of(0, theta)) else 0

    # ---- the sum

    def start_and_width(self) -> tuple[int, int, bool]:
        """Return (what the sum starts with, its planes, True if that includes the bias)."""
        synapse, a = self.layer.synapse, self.bounds.accumulator
        half = (1 << synapse.input_shift) >> 1
        if self.source.digits is not None:
            folded = None if self.common_bias is None else self.common_bias << self.source.shift
            least = self.source.digits.levels - 1 + ADDER_PLANES
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
        bounds, largest, less = self.bounds, int(self.threshold.max()), self.lowered
        reached = (bounds.u_raw.low - less, bounds.u_raw.high - less)
        u = max(width_of(*reached), bounds.v.width, 0 if less else width_of(0, largest))
        current = sum_width
        if self.source.bits:
            current = width_of(bounds.current.low - less, bounds.current.high - less)
        bias = width_of(int(self.bias.min()), int(self.bias.max()))
        return {"u": u, "v": bounds.v.width, "current": current, "bias": bias}

    def thresholds(self, width: int) -> tuple[tuple[Digit, ...], tuple[Digit, ...]]:
        """Return the digits of the threshold and of what the reset subtracts."""
        neuron = self.layer.neuron
        if self.lowered:
            return (), _digits(self.threshold, width, self.constants)[0]
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
                Field(f"current{i}", f"layer {i}: currents of the {held}", "uint32_t", shape, True)
            )
        return tuple(fields)

    def scratch(self, sum_width: int, complement: bool) -> Scratch:
        source, listed = self.source, self.listed()
        return Scratch(
            listed=listed,
            carries=carries_for(listed),
            digits=source.digits.lists * source.words if source.digits else 0,
            sums=self.blocks * sum_width if self.rounds() or complement else 0,
        )

    def digits_at_most(self) -> int:
        """Return the entries of the list that the digits of one byte input can take."""
        digits = self.source.digits
        assert digits is not None
        each = (digits.adds + 1) // 2 if digits.kind == "signed" else self.source.bits
        return self.source.size * each + digits.lists

    def listed(self) -> int:
        """Return the entries of the list."""
        if self.source.digits is None:
            return self.source.size
        most = self.digits_at_most() + LANES
        if most > ONE_ROUND:
            most = min(max(self.source.size + LANES, LEAST_LISTED), DIGITS_LISTED)
        return -(-most // LANES) * LANES

    def rounds(self) -> bool:
        """Return True if an input can have more digits than the list holds."""
        return self.source.digits is not None and self.listed() < self.digits_at_most() + LANES

    def helpers(
        self, planes: tuple[Plane, ...], reset_by: tuple[Digit, ...], cached: bool, counted: bool
    ) -> frozenset[str]:
        digits = self.source.digits
        used = {operation for p in planes for operation, _ in p.leak}
        if cached or self.rounds() or {"inflow", "bias"} & set(_chains(planes)):
            used.add("add")
        if any(digit.word is not None for digit in reset_by) or (digits and digits.takes):
            used.add("subtract")
        if counted:
            used.add("count_spikes")
        if digits:
            return BYTE_HELPERS | used
        return ADDER_HELPERS | used | ({"planes_for"} if self.blocks >= SIZED_BLOCKS else set())

    def dense(self) -> tuple[Table, ...]:
        """Return the tables of dot products, where they are expected to cost less than lists."""
        source, digits = self.source, self.source.digits
        if digits is None or digits.kind != "signed" or self.blocks < 4:
            return ()
        values = np.arange(self.model.input.low, self.model.input.high + 1)
        shares = np.array(Activity.of(self.model).values)
        if (shares * signed_digits(values)).sum() < DENSE_DIGITS:
            return ()
        codes = np.zeros((self.blocks * LANES, self.layer.synapse.n_in), np.int64)
        codes[: self.layer.size] = self.layer.synapse.codes
        added = np.zeros(len(codes), np.int64)
        half = (1 << source.shift) >> 1
        added[: self.layer.size] = (self.bias << source.shift) + half
        if not source.negative:
            added += 128 * codes.sum(axis=1)
        what = "weights of 4 neurons a byte, 16 inputs a vector"
        return (
            Table(f"dense{self.index}", what, byte_quads(codes)),
            Table(
                f"offsets{self.index}", "added to the sum of each neuron", added.astype(np.int32)
            ),
        )

    def weights(self) -> Table:
        """Return the planes of the weights, in the order in which the inputs are listed."""
        what, codes = "per input {z, p}: weight + 1 = z + 2p", self.layer.synapse.codes
        if self.source.digits is not None:
            what += "; inputs as the planes of the bytes have them"
            codes = np.pad(codes, ((0, 0), (0, 1)))[:, byte_order(self.source.size)]
        return Table(f"weights{self.index}", what, ternary_planes(codes))

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
        planes = _planes(layer, source, widths, self.common_bias, None if cached else bias_word)
        threshold, reset_by = self.thresholds(widths["u"])
        floor, ceiling = saturation(layer, self.bounds)
        shared, weights = common(i, self.model, source), self.weights()
        limit, inactive = self.complement()
        return BitslicedLayer(
            **shared,
            fused=shared["counted"] and source.analog and self.model.stop is None,
            kernel="bitsliced",
            tables=(weights, *self.constants.table(i), *inactive),
            fields=self.fields(widths),
            scratch=self.scratch(sum_width, bool(limit)),
            helpers=self.helpers(planes, reset_by, cached, shared["counted"])
            | ({"add", "broadcast", "list_inactive", "sum_inactive"} if limit else set()),
            probes=frozenset({"lane", "signed"}),
            columns=weights.values[0].size,
            blocks=self.blocks,
            lowered=self.lowered,
            start=start,
            reach=abs(start),
            sized=self.blocks >= SIZED_BLOCKS,
            complement=limit,
            inactive_width=inactive[0].values.shape[1] if limit else 0,
            sum_width=sum_width,
            u_width=widths["u"],
            v_width=widths["v"],
            current_width=widths["current"],
            constants=self.constants.words,
            bias_words=widths["bias"] if cached else 0,
            rounds=self.rounds(),
            dense=self.dense(),
            inverse=pow(2**source.bits - 1, -1, 2**32) if source.bits else 1,
            planes=planes,
            floor=_common_digits(floor, widths["u"]),
            ceiling=_common_digits(ceiling, widths["u"]),
            threshold=threshold,
            reset_by=reset_by,
            chains=_chains(planes),
        )


def layer_stage(index: int, model: Model) -> BitslicedLayer:
    """Return the stage of a ternary layer."""
    return _Builder(index, model).build()


def readout_stage(model: Model) -> Readout:
    """Return the stage of a ternary readout."""
    synapse = synapse_of(model)
    accumulator = model.bounds().accumulator
    assert accumulator is not None
    what, codes = "per input {z, p}: weight + 1 = z + 2p", ternary_planes(synapse.codes)
    stage = weighted(model, "bitsliced", Table("readout_weights", what, codes))
    width = max(accumulator.width, stage.count_width - 1 + ADDER_PLANES)
    inputs, blocks = synapse.n_in, words_for(synapse.n_out)
    return replace(
        stage,
        helpers=READOUT_HELPERS | {"lane", "signed"},
        scratch=Scratch(listed=inputs, carries=carries_for(inputs), sums=blocks * width),
        blocks=blocks,
        columns=2 * inputs,
        sum_width=width,
    )
