"""The sum of the bit-sliced kernel: where it starts, how many planes it has, which way it adds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from codegen.kernels.common import complement_from, width_of
from codegen.kernels.dense import DenseLIF
from codegen.kernels.memory import Table
from codegen.kernels.neurons.membrane import Bias
from codegen.kernels.pack import constant_planes, words_for
from codegen.kernels.source import Source
from qat.model import Dense, LayerBounds

ADDER_PLANES = 4
"""Low planes that the adder keeps in registers: a sum has at least these."""

SIZED_BLOCKS = 3
"""Blocks from which a step counts the planes that its active inputs can fill: fewer are added."""

ADD_COST, BLOCK_COST = 10, 150
"""Instructions on ARMv7-M to add an input to a block, and to begin and end a block."""


def carries_for(inputs: int) -> int:
    """Return the carry words of weight 16 that `inputs` active inputs can leave behind."""
    return max(inputs // 8 + 3, 4)


class Sum(NamedTuple):
    """What the sum starts with, its planes, and whether that includes the bias."""

    start: int
    width: int
    folded: bool


def least_planes(source: Source) -> int:
    """Return the planes that a sum has at least: those of the adder at its highest level."""
    return ADDER_PLANES + (source.digits.levels - 1 if source.digits is not None else 0)


def sum_of(layer: DenseLIF, bounds: LayerBounds, source: Source, bias: Bias) -> Sum:
    """Return the sum: a bias that all neurons share is what it starts with, if 32 planes do."""
    synapse, a, least = layer.synapse, bounds.accumulator, least_planes(source)
    half, shared = (1 << synapse.input_shift) >> 1, bias.common
    if source.bits:
        folded = None if shared is None else shared << source.shift
    else:
        folded = None if shared is None else shared >> synapse.fraction_bits
    start = half + (folded or 0)
    width = width_of(a.low + start, a.high + start)
    if folded is None or width > 32:
        return Sum(half, max(width_of(a.low + half, a.high + half), least), False)
    return Sum(start, max(width, least), True)


def inactive(index: int, synapse: Dense, source: Source) -> tuple[int, tuple[Table, ...]]:
    """Return where the complement begins (0: never), and what it subtracts from, in planes."""
    blocks = words_for(synapse.n_out)
    if source.digits is not None:
        return 0, ()
    weights = 8 * source.size * blocks
    limit = complement_from(source.size, weights, ADD_COST * blocks, BLOCK_COST * blocks)
    if not limit:
        return 0, ()
    values = -synapse.codes.astype(np.int64).sum(axis=1) - 1
    planes = constant_planes(values, width_of(int(values.min()), int(values.max())))
    what = "-(sum of the weights) - 1 of each neuron, in planes"
    return limit, (Table(f"inactive{index}", what, planes),)
