"""The record of a first layer on bytes: every number that its template prints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.bytes.geometry import LANES, Geometry
from codegen.kernels.bytes.images import Images
from codegen.kernels.bytes.vectors import Vectors
from codegen.kernels.memory import Table
from codegen.kernels.pack import words_for
from codegen.kernels.stage import Layer

FEW_TURNS = 4
"""Times up to which words are turned in loops: of 600 instructions on ARMv7-M 1,200 are made."""


def spread(lanes: int, fields: int) -> int:
    """Return how many words apart two channels in a row lie before they are turned."""
    return fields if lanes == LANES else fields // 2


def slot_of(channel: str, lanes: int, apart: int) -> str:
    """Return C text of the number of a channel's word, if neighbours lie so many words apart."""
    runs = lanes // apart
    return channel if apart == 1 else f"{channel} % {runs}u * {apart}u + {channel} / {runs}u"


@dataclass(frozen=True, eq=False, kw_only=True)
class BytesLayer(Layer):
    """A convolution on a map of bytes, and neurons that emit counts by thresholds.

    geometry:  the images of the map
    channels:  of its own
    most:      spikes that a neuron emits at most
    near:      every sum, less any threshold of its channel, fits a field with its sign
    unit:      a tap counts in units of 2^unit bytes
    tap_bytes: of a tap
    tap_ctype, start_ctype, limit_ctype: C types of the tables
    taps:      of all channels
    over:      channels some of whose minus taps are taken away last, in saturation
    products:  its weights multiply
    weights:   their sum, of each channel
    bias:      of each channel: of the currents, which only probes tell
    zeros:     of each channel: what its field holds for a sum of 0, which only probes need
    vectors:   how vectors sum it, where they do; dense: the tables that they have
    """

    geometry: Geometry
    channels: int
    most: int
    near: bool
    unit: int
    tap_bytes: int
    tap_ctype: str
    start_ctype: str
    limit_ctype: str
    taps: int
    over: int
    products: bool
    weights: tuple[int, ...]
    bias: tuple[int, ...]
    zeros: tuple[int, ...]
    vectors: Vectors | None = None
    dense: tuple[Table, ...] = ()

    def without_vectors(self) -> BytesLayer:
        """Return the same layer, for C without loops of vectors."""
        return replace(self, vectors=None, dense=())

    @property
    def vector_loops(self) -> bool:
        """True if it has loops of vectors beside those of words."""
        return self.vectors is not None

    @property
    def arrays(self) -> tuple[Table, ...]:
        """Its constant arrays, whatever core they are for."""
        return (*self.tables, *self.dense)

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        return super().functions | {f"emit{self.index}": self.part}

    @property
    def replaced(self) -> tuple[str, ...]:
        """The tables that vectors have others for: all."""
        return tuple(table.name for table in self.tables)

    @property
    def images(self) -> Images:
        """How the images are made."""
        return Images(self.geometry, self.source.negative)

    @property
    def kept_images(self) -> str:
        """C text of the images in the state."""
        return f"state->{self.fields[-1].place}"

    @property
    def kept_sums(self) -> str:
        """C text of the sums of a channel, which lie behind the images."""
        return f"(state->{self.fields[-1].place} + {self.geometry.length}u)"

    @property
    def sums(self) -> int:
        """Words of the sums of a channel that are kept at once."""
        return self.geometry.sums if self.in_place else self.group_sums

    @property
    def over_sums(self) -> str:
        """C text of the sums that are taken away last, behind the others."""
        return f"(state->{self.fields[-1].place} + {self.geometry.length + self.sums}u)"

    @property
    def weight_sums(self) -> NDArray[np.int32]:
        """The sum of each channel's weights."""
        return np.array(self.weights, np.int32)

    @property
    def bias_array(self) -> NDArray[np.int32]:
        """The bias of each channel."""
        return np.array(self.bias, np.int32)

    @property
    def zero_array(self) -> NDArray[np.int32]:
        """The field of a sum of 0, of each channel."""
        return np.array(self.zeros, np.int32)

    @property
    def planes(self) -> int:
        """Bit planes of its counts."""
        return self.most.bit_length()

    @property
    def limits(self) -> int:
        """Thresholds in the table: the first one may be in the start of the sums."""
        return self.most - 1 if self.near else self.most

    @property
    def in_place(self) -> bool:
        """True if the words of 32 positions are turned where the signal lies."""
        g = self.geometry
        dense = g.parts == 1 and g.row_words * g.fields == g.shape.width
        whole = g.shape.positions % LANES == 0
        return dense and whole and (self.channels % LANES == 0 or self.channels == LANES // 2)

    @property
    def lanes(self) -> int:
        """Channels that are turned at once."""
        return self.channels if self.in_place and self.channels < LANES else LANES

    @property
    def turns(self) -> int:
        """How often words of a digit are turned."""
        g = self.geometry
        return g.parts * g.groups * self.planes * -(-self.channels // self.lanes)

    @property
    def turned_in_loops(self) -> bool:
        """True if that is so seldom that small code is worth more."""
        return self.turns <= FEW_TURNS

    @property
    def across(self) -> int:
        """Words from one that is turned to the next."""
        return self.channels // LANES if self.in_place and self.channels > LANES else 1

    @property
    def spread(self) -> int:
        """Words from one of a channel, before it is turned, to that of the next one."""
        return spread(self.lanes, self.geometry.fields)

    def slot_of(self, channel: str) -> str:
        """Return C text of the number of the word that holds a channel before it is turned."""
        return slot_of(channel, self.lanes, self.spread)

    @property
    def digit_words(self) -> int:
        """Words from a digit of 32 positions to the next digit."""
        return words_for(self.sends) if self.in_place else LANES

    @property
    def group_sums(self) -> int:
        """Words of the sums of a group, of all corners."""
        return self.geometry.group * self.geometry.corners

    @property
    def keeps_input(self) -> bool:
        """True: the held input is kept as images."""
        return True
