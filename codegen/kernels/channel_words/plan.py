"""Stages of depthwise convolutions in channel words.

A word is 32 channels of a position, and so are the masks of a tap: those of weight 1, and those of
weight -1, turned round. A sum is that of  x & plus  and  ~(x & minus)  over all taps, less their
number, which its start takes away: a tree of adders without a list, the same for every input.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.channel_words.layer import WordsLayer
from codegen.kernels.common import one_leak
from codegen.kernels.memory import Scratch, Table
from codegen.kernels.pack import LANES, pack_bits
from codegen.kernels.windows.plan import Builder
from qat.model import LIF, Conv, Model

MOST = 25
"""Taps, times planes of the signal, up to which all additions are written out: 1 KB of code."""


def fits(index: int, model: Model) -> bool:
    """Return True for a depthwise convolution of whole words of channels, with a small kernel."""
    layer = model.layers[index]
    if not one_leak(layer.neuron):
        return False
    synapse, planes = layer.synapse, model.reads(index)[1].bit_length()
    if not isinstance(synapse, Conv) or not synapse.depthwise or synapse.channels % LANES:
        return False
    several = isinstance(layer.neuron, LIF) and layer.neuron.most > 1
    pooled = layer.pool is not None and layer.pool.kernel != (1, 1) and layer.pool.mode == "max"
    return synapse.kernel[0] * synapse.kernel[1] * planes <= MOST and not (several and pooled)


def masks(codes: NDArray[Any]) -> NDArray[np.uint32]:
    """Return (words, taps, 2) of (channels, ..., 1) codes: ones for 1, and zeros for -1."""
    flat = codes.reshape(-1, LANES, int(np.prod(codes.shape[1:]))).transpose(0, 2, 1)
    return np.stack([pack_bits(flat == 1)[..., 0], pack_bits(flat != -1)[..., 0]], axis=-1)


class _Builder(Builder):
    """Computes the numbers of one depthwise convolution."""

    kernel, record, nibbles = "channel_words", WordsLayer, False

    @property
    def least(self) -> int:
        """One plane: the adder takes any number."""
        return self.source.planes

    @cached_property
    def weights(self) -> tuple[Table, ...]:
        """The masks of all taps."""
        what = "of a tap, ones for the weights 1, and zeros for the weights -1"
        return (Table(f"masks{self.index}", what, masks(self.synapse.codes)),)

    @property
    def line(self) -> int:
        """Words of a row that is kept: all columns under windows."""
        across = self.synapse.stride * (self.synapse.shape.width - 1) + self.synapse.kernel[1]
        return across * self.layout.full

    def loops(self) -> frozenset[str]:
        """Return the functions that sums call."""
        return frozenset({"adder", "clear_words"})

    def scratch(self, kept: int) -> Scratch:
        """Return the working memory: what waits for a pool, and the rows under the kernel."""
        return Scratch(sums=kept + self.source.planes * self.synapse.kernel[0] * self.line)

    def more(self) -> dict[str, Any]:
        """Return the fields that the record has besides."""
        return {"line": self.line}


def layer_stage(index: int, model: Model) -> WordsLayer:
    """Return the stage of a depthwise convolution in channel words."""
    stage = _Builder(index, model).build()
    assert isinstance(stage, WordsLayer)
    if not stage.serves_vectors:
        return stage
    what = "of four words of neurons: the masks of each tap"
    spread = stage.four.spread(stage.tables[0].values)
    return replace(stage, dense=(Table(f"four_masks{index}", what, spread),))
