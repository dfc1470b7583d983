"""Stages of the bit-sliced kernel: 32 neurons to a word, from the weights to the membrane.

What it computes is put together here; the sum, the digits of bytes and the membrane are planned
in modules of their own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from codegen.kernels.bitsliced.bytes import dot_products, listed, often, rounds
from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.bitsliced.sums import (
    ADDER_PLANES,
    SIZED_BLOCKS,
    Sum,
    carries_for,
    inactive,
    sum_of,
)
from codegen.kernels.common import (
    SPIKES_HELPERS,
    common,
    signal_field,
    source_of,
    width_of,
)
from codegen.kernels.dense import dense_lif
from codegen.kernels.neurons.membrane import Bias, Given, Membrane
from codegen.kernels.pack import byte_order, ternary_planes, words_for
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.stage import Field, Readout, Scratch, Table
from qat.model import Model

ADDER_HELPERS = SPIKES_HELPERS | {"adder", "add_columns"}
READOUT_HELPERS = ADDER_HELPERS | {"sum_digits", "broadcast"}
BYTE_HELPERS = ADDER_HELPERS | {"slice_bytes", "broadcast"}
INACTIVE_HELPERS = frozenset({"add", "broadcast", "list_inactive", "sum_inactive"})


class _Builder:
    """Computes the numbers of one ternary layer."""

    def __init__(self, index: int, model: Model) -> None:
        self.index, self.model = index, model
        self.layer, self.bounds = dense_lif(model.layers[index]), model.bounds().layers[index]
        self.source = source_of(index, model)
        self.blocks = words_for(self.layer.size)
        self.bias = Bias(self.layer, self.bounds)
        self.complement, self.inactive = inactive(index, self.layer, self.source)

    @cached_property
    def sum(self) -> Sum:
        """The sum over the active inputs."""
        return sum_of(self.layer, self.bounds, self.source, self.bias)

    @cached_property
    def current_width(self) -> int:
        """Planes of the current: of the sum, for bytes of what is cached."""
        if not self.source.bits:
            return self.sum.width
        current, less = self.bounds.current, self.bias.lowered
        return width_of(current.low - less, current.high - less)

    @cached_property
    def membrane(self) -> Membrane:
        """The neurons behind the sum."""
        given = Given(self.current_width, self.source.bits > 0, self.sum.folded)
        return Membrane(self.layer, self.bounds, self.bias, given)

    @cached_property
    def weights(self) -> Table:
        """The planes of the weights, in the order in which the inputs are listed."""
        what, codes = "per input {z, p}: weight + 1 = z + 2p", self.layer.synapse.codes
        if self.source.digits is not None:
            what += "; inputs as the planes of the bytes have them"
            codes = np.pad(codes, ((0, 0), (0, 1)))[:, byte_order(self.source.size)]
        return Table(f"weights{self.index}", what, ternary_planes(codes))

    @cached_property
    def dense(self) -> tuple[Table, ...]:
        """The tables of dot products, where they are expected to cost less than lists."""
        if self.blocks < 4 or not often(self.source, self.model):
            return ()
        return dot_products(self.index, self.layer, self.source, self.bias)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """What the state keeps: membranes, spikes, the currents of bytes."""
        i, blocks, v = self.index, self.blocks, self.membrane.v_width
        fields = (
            Field(f"v{i}", f"layer {i}: membranes, in planes", "uint32_t", (blocks, v)),
            signal_field(i, self.model),
        )
        if not self.source.bits:
            return fields
        what = f"layer {i}: currents of the {'held input' if self.source.analog else 'last frame'}"
        shape = (blocks, self.current_width)
        return (*fields, Field(f"current{i}", what, "uint32_t", shape, True))

    @cached_property
    def scratch(self) -> Scratch:
        """Working memory: the list, the carries of the adder, sums that wait for more."""
        source, entries = self.source, listed(self.source)
        waiting = rounds(source) or self.complement > 0
        return Scratch(
            listed=entries,
            carries=carries_for(entries),
            digits=source.digits.lists * source.words if source.digits else 0,
            sums=self.blocks * self.sum.width if waiting else 0,
        )

    @cached_property
    def helpers(self) -> frozenset[str]:
        """Functions that its code calls, but for the counting of spikes."""
        used, digits = self.membrane.operations, self.source.digits
        if digits is not None:
            subtracted = {"subtract"} if digits.takes else set()
            summed = {"add"} if rounds(self.source) else set()
            return BYTE_HELPERS | used | subtracted | summed
        sized = {"planes_for"} if self.blocks >= SIZED_BLOCKS else set()
        return ADDER_HELPERS | used | sized | (INACTIVE_HELPERS if self.complement else set())

    def build(self) -> BitslicedLayer:
        i, membrane, source = self.index, self.membrane, self.source
        shared = common(i, self.model, source)
        floor, ceiling = membrane.saturation
        counting = frozenset({"count_spikes"} if shared["counted"] else ())
        return BitslicedLayer(
            **shared,
            fused=shared["counted"] and source.analog and self.model.stop is None,
            kernel="bitsliced",
            tables=(self.weights, *membrane.constants.table(i), *self.inactive),
            fields=self.fields,
            scratch=self.scratch,
            helpers=self.helpers | counting,
            probes=frozenset({"lane", "signed"}),
            columns=self.weights.values[0].size,
            blocks=self.blocks,
            lowered=self.bias.lowered,
            start=self.sum.start,
            reach=abs(self.sum.start),
            sized=self.blocks >= SIZED_BLOCKS,
            complement=self.complement,
            inactive_width=self.inactive[0].values.shape[1] if self.complement else 0,
            sum_width=self.sum.width,
            u_width=membrane.u_width,
            v_width=membrane.v_width,
            current_width=self.current_width,
            constants=membrane.constants.words,
            bias_words=membrane.bias_words,
            rounds=rounds(source),
            dense=self.dense,
            inverse=pow(2**source.bits - 1, -1, 2**32) if source.bits else 1,
            planes=membrane.planes,
            floor=floor,
            ceiling=ceiling,
            threshold=membrane.threshold,
            reset_by=membrane.reset_by,
            chains=membrane.chains,
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
