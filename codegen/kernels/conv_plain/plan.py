"""Stages of plain convolutions: the sums of one position at a time, membranes in integers."""

from __future__ import annotations

import numpy as np

from codegen.kernels.common import common, has_pool, signal_field, source_of
from codegen.kernels.conv_plain.layer import Axis, ConvLayer
from codegen.kernels.memory import Field, Scratch, Table
from codegen.kernels.neurons.integer import (
    Constants,
    integer_ctype,
    membranes,
    neuron_helpers,
    neurons_of,
)
from codegen.kernels.pack import pack_fields
from codegen.kernels.source import Source
from qat.model import Conv, Interval, Layer, Model, Synapse


def conv(synapse: Synapse) -> Conv:
    """Return a synapse that the table has assigned to such a kernel."""
    assert isinstance(synapse, Conv)
    return synapse


def weights_of(index: int, synapse: Conv) -> Table:
    """Return the codes as packed rows, the channels of the output side by side.

    There is a row for every tap and channel of the input, in this order; depthwise for every tap.
    """
    by_tap = synapse.codes.transpose(1, 2, 3, 0)  # rows, columns, channels of the input
    codes = np.ascontiguousarray(by_tap.reshape(-1, synapse.channels))
    what = "a row per tap" if synapse.depthwise else "a row per tap and channel of the input"
    return Table(f"weights{index}", what, pack_fields(codes, synapse.bits))


def axes(layer: Layer, synapse: Conv) -> tuple[Axis, Axis]:
    """Return the rows and the columns of the map."""
    pool = layer.pool.kernel if layer.pool is not None else (1, 1)
    own, given, left = synapse.shape, synapse.grid, layer.shape
    sides = ((given.height, own.height, left.height), (given.width, own.width, left.width))
    rows, columns = (
        Axis(
            side=side,
            kernel=synapse.kernel[axis],
            pad=synapse.pad[axis],
            last=synapse.stride * (outputs - 1) + synapse.kernel[axis] - 1,
            pool=pool[axis],
            left=positions,
        )
        for axis, (side, outputs, positions) in enumerate(sides)
    )
    return rows, columns


def _fields(index: int, size: int, current: Interval, source: Source,
            cached: bool) -> tuple[Field, ...]:  # fmt: skip
    """Return what the state keeps of bytes: their currents where they are held, or a copy."""
    if not source.bits:
        return ()
    if cached:
        what = f"layer {index}: currents of the held input"
        return (Field(f"current{index}", what, integer_ctype(current), (size,), True),)
    what = f"layer {index}: the {'held input' if source.analog else 'last frame'}"
    return (Field(f"input{index}", what, source.ctype, (source.size,), True),)


def _helpers(synapse: Conv, source: Source) -> frozenset[str]:
    """Return the functions that the sums call."""
    helpers = {"clear"}
    if not synapse.depthwise:
        helpers.add(f"add_column{synapse.bits}")
    elif synapse.bits < 8:  # a code that is a byte or more is read as it is
        helpers.add(f"code{synapse.bits}")
    if source.shift:
        helpers.add("asr")
    if not source.bits:
        channels = synapse.grid.channels
        helpers |= {"trailing_zeros", *(["bits"] if channels % 32 and 32 % channels else [])}
    return frozenset(helpers)


def layer_stage(index: int, model: Model) -> ConvLayer:
    """Return the stage of a convolution.

    A held input has its currents computed once where there are several steps; where there is one,
    and for frames, it is copied, so that no map of currents takes memory.
    """
    layer, bounds = model.layers[index], model.bounds().layers[index]
    synapse, channels = conv(layer.synapse), layer.channels
    source = source_of(index, model)
    cached = source.analog and model.steps != 1
    shared = common(index, model, source)
    constants = Constants(index, model.name, lane="c")
    bias = constants.text("bias", np.broadcast_to(synapse.bias, channels))
    neurons = neurons_of(layer, bounds, constants)
    rows, columns = axes(layer, synapse)
    return ConvLayer(
        **shared,
        **neurons,
        kernel="conv_plain",
        tables=(weights_of(index, synapse), *constants.tables),
        fields=(
            *membranes(index, layer, bounds),
            signal_field(index, model),
            *_fields(index, layer.size, bounds.current, source, cached),
        ),
        scratch=Scratch(totals=channels, pooled=channels if has_pool(layer.pool) else 0),
        helpers=_helpers(synapse, source) | neuron_helpers(layer, shared["counted"]),
        bits=synapse.bits,
        fraction_bits=synapse.fraction_bits,
        bias=bias,
        grid=synapse.grid,
        map=synapse.shape,
        rows=rows,
        columns=columns,
        stride=synapse.stride,
        channels=channels,
        depthwise=synapse.depthwise,
        cached=cached,
    )
