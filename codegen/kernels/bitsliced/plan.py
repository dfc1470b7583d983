"""Stages of the bit-sliced kernel: 32 neurons to a word, from the weights to the membrane.

What it computes is put together here; the sum, the digits of bytes and the membrane are planned
in modules of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.bitsliced.bytes import dot_products, listed, often, rounds, with_digits
from codegen.kernels.bitsliced.layer import BitslicedLayer, Told
from codegen.kernels.bitsliced.sums import (
    ADDER_PLANES,
    SIZED_BLOCKS,
    Sum,
    carries_for,
    inactive,
    least_planes,
    sum_of,
)
from codegen.kernels.common import (
    SPIKES_HELPERS,
    common,
    count_helpers,
    planes_kept,
    signal_field,
    source_of,
    width_of,
)
from codegen.kernels.dense import dense, dense_lif
from codegen.kernels.memory import Field, Scratch, Table
from codegen.kernels.neurons.constants import Constants
from codegen.kernels.neurons.counting import best_start, counting, folded
from codegen.kernels.neurons.integration import Given
from codegen.kernels.neurons.membrane import Bias, Membrane, without_memory
from codegen.kernels.pack import byte_order, ternary_planes, words_for
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.stage import Readout
from qat.model import Burst, CuBa, Model

ADDER_HELPERS = SPIKES_HELPERS | {"adder", "add_columns"}
READOUT_HELPERS = ADDER_HELPERS | {"sum_digits", "broadcast"}
DIGIT_HELPERS = ADDER_HELPERS | {"broadcast"}
INACTIVE_HELPERS = frozenset({"add", "broadcast", "list_inactive", "sum_inactive"})


class _Builder(ABC):
    """Computes the numbers of one ternary layer: what lies before its neurons."""

    def __init__(self, index: int, model: Model) -> None:
        self.index, self.model = index, model
        self.synapse, self.bounds = dense(model.layers[index].synapse), model.bounds().layers[index]
        self.source = with_digits(source_of(index, model))
        self.size = self.synapse.n_out
        self.blocks = words_for(self.size)
        self.complement, self.inactive = inactive(index, self.synapse, self.source)

    @property
    @abstractmethod
    def sum(self) -> Sum:
        """The sum over the active inputs."""

    @property
    @abstractmethod
    def current_width(self) -> int:
        """Planes of the current: of the sum, for bytes of what is cached."""

    @property
    @abstractmethod
    def added(self) -> NDArray[np.int64]:
        """What is added to the current of each neuron."""

    @property
    @abstractmethod
    def operations(self) -> frozenset[str]:
        """Functions of planes that the neurons call."""

    @property
    @abstractmethod
    def memory(self) -> tuple[Field, ...]:
        """What the neurons keep between steps."""

    @abstractmethod
    def neurons(self) -> dict[str, Any]:
        """Return the fields of the stage that the neurons fill, and their constants."""

    @cached_property
    def weights(self) -> Table:
        """The planes of the weights, in the order in which the inputs are listed."""
        what, codes = "per input {z, p}: weight + 1 = z + 2p", self.synapse.codes
        if self.source.bits:
            what += "; inputs as the planes of the bytes have them"
            codes = np.pad(codes, ((0, 0), (0, 1)))[:, byte_order(self.source.size)]
        return Table(f"weights{self.index}", what, ternary_planes(codes))

    @cached_property
    def dense(self) -> tuple[Table, ...]:
        """The tables of dot products, where they are expected to cost less than lists."""
        if self.blocks < 4 or not often(self.source, self.model):
            return ()
        return dot_products(self.index, self.synapse, self.source, self.added)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """What the state keeps: membranes, spikes, the currents of bytes."""
        i, source = self.index, self.source
        fields = (*self.memory, signal_field(i, self.model))
        if not source.bits:
            return fields
        what = f"layer {i}: currents of the {'held input' if source.analog else 'last frame'}"
        shape = (self.blocks, self.current_width)
        return (*fields, Field(f"current{i}", what, "uint32_t", shape, True))

    @cached_property
    def scratch(self) -> Scratch:
        """Working memory: the list, the carries of the adder, sums that wait for more."""
        source, entries = self.source, listed(self.source)
        waiting = rounds(source) or self.complement > 0
        return Scratch(
            listed=entries,
            carries=carries_for(entries),
            digits=source.digits.lists * source.words if source.digits and source.bits else 0,
            sums=self.blocks * self.sum.width if waiting else 0,
        )

    @cached_property
    def helpers(self) -> frozenset[str]:
        """Functions that its code calls, but for the counting of spikes."""
        used, digits = self.operations, self.source.digits
        if digits is not None:
            sliced = {"slice_bytes"} if self.source.bits else set()
            subtracted = {"subtract"} if digits.takes else set()
            summed = {"add"} if rounds(self.source) else set()
            return DIGIT_HELPERS | sliced | used | subtracted | summed
        sized = {"planes_for"} if self.sized else set()
        return ADDER_HELPERS | used | sized | (INACTIVE_HELPERS if self.complement else set())

    @property
    def sized(self) -> bool:
        """True if a step counts the planes that its active inputs can fill."""
        return self.blocks >= SIZED_BLOCKS and self.source.digits is None

    def build(self) -> BitslicedLayer:
        """Return the stage."""
        i, source = self.index, self.source
        shared = common(i, self.model, source)
        levels = self.model.layers[i].levels
        fused = shared["counted"] and source.analog and self.model.stop is None and levels == 1
        counts = count_helpers(levels) if shared["counted"] else frozenset()
        neurons = self.neurons()
        constants: Constants = neurons.pop("own")
        return BitslicedLayer(
            **shared,
            **neurons,
            fused=fused,
            kernel="bitsliced",
            tables=(self.weights, *constants.table(i), *self.inactive),
            fields=self.fields,
            scratch=self.scratch,
            helpers=self.helpers | counts,
            columns=self.weights.values[0].size,
            blocks=self.blocks,
            start=self.sum.start,
            reach=abs(self.sum.start),
            sized=self.sized,
            complement=self.complement,
            inactive_width=self.inactive[0].values.shape[1] if self.complement else 0,
            sum_width=self.sum.width,
            current_width=self.current_width,
            constants=constants.words,
            rounds=rounds(source),
            dense=self.dense,
            inverse=pow(2**source.bits - 1, -1, 2**32) if source.bits else 1,
        )


class _Leaky(_Builder):
    """A layer of leaky neurons."""

    def __init__(self, index: int, model: Model) -> None:
        super().__init__(index, model)
        self.layer = dense_lif(model.layers[index])
        self.bias = Bias(self.layer, self.bounds, direct=not isinstance(self.layer.neuron, CuBa))

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

    @property
    def added(self) -> NDArray[np.int64]:
        """The bias, less what u is lowered by."""
        return self.bias.values

    @property
    def operations(self) -> frozenset[str]:
        """Functions of planes that the neurons call."""
        return self.membrane.operations

    @property
    def memory(self) -> tuple[Field, ...]:
        """The membranes, and what is kept beside them."""
        neuron, width = self.layer.neuron, self.membrane.v_width
        return planes_kept(self.index, neuron, self.bounds, self.blocks, width)

    def neurons(self) -> dict[str, Any]:
        """Return the fields of the membrane."""
        return self.membrane.printed()


class _Bursting(_Builder):
    """A layer of neurons without memory: the sum itself is compared, and nothing is added to it."""

    def __init__(self, index: int, model: Model) -> None:
        super().__init__(index, model)
        neuron = model.layers[index].neuron
        assert isinstance(neuron, Burst)
        low, high = self.bounds.accumulator.lo, self.bounds.accumulator.hi
        thresholds = folded(self.synapse, neuron, self.source.bits > 0)
        self.offset = best_start(thresholds, low, high)
        self.shift, self.source = self.source.shift, replace(self.source, shift=0)
        self.own, start = Constants(), self.offset
        self.counting = counting(
            self.own, thresholds + start, low + start, high + start, self.current_width
        )

    @cached_property
    def sum(self) -> Sum:
        """The sum over the active inputs."""
        return Sum(self.offset, max(self.current_width, least_planes(self.source)), True)

    @cached_property
    def current_width(self) -> int:
        """Planes of the sum."""
        a, start = self.bounds.accumulator, self.offset
        width = width_of(a.low + start, a.high + start)
        return width if self.source.bits else max(width, least_planes(self.source))

    @property
    def added(self) -> NDArray[np.int64]:
        """What the sum starts with."""
        return np.full(self.size, self.offset, np.int64)

    @property
    def operations(self) -> frozenset[str]:
        """Functions of planes that the neurons call."""
        return self.counting.operations

    @property
    def memory(self) -> tuple[Field, ...]:
        """Nothing."""
        return ()

    def neurons(self) -> dict[str, Any]:
        """Return the fields of the comparison; those of a membrane are empty."""
        found = without_memory(self.counting, self.own, self.current_width)
        if self.shift:
            found["probes"] |= {"asr"}
        return found | {
            "told": Told(
                less=self.offset,
                half=(1 << self.shift) >> 1,
                shift=self.shift,
                fraction_bits=0 if self.source.bits else self.synapse.fraction_bits,
                bias=np.broadcast_to(self.synapse.bias, self.size).astype(np.int32),
            ),
        }


def layer_stage(index: int, model: Model) -> BitslicedLayer:
    """Return the stage of a ternary layer."""
    bursts = isinstance(model.layers[index].neuron, Burst)
    return (_Bursting if bursts else _Leaky)(index, model).build()


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
