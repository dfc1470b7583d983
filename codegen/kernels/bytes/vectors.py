"""First layers on bytes in vectors: a lane a channel, every value of the map times its weights.

A position's sums of all channels are a vector, to which a value of the map is added times the
vector of its weights: one instruction, for weights of any bits. So the map is needed as it is, with
what lies beside it, and a comparison tells who of 16 channels has reached a threshold.

    bytes    16 lanes, sums modulo 2^8
    halves   two vectors of 8 lanes, even and odd channels, sums modulo 2^16; they are compared as
             bytes, to which their distances from a threshold are held

Minus taps that are taken away last, in saturation, are summed first. Any will do, so they are taken
from few rows of the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.bytes.geometry import Geometry
from codegen.kernels.memory import Table
from qat.model import Conv

LANES = 16
"""Channels that are compared at once."""

REGISTERS = 8
"""For vectors."""

WRITTEN_OUT, REACHED = 3, 15
"""Rows of a kernel, times channels of the map, up to which these are written out; of halves up to
so many taps as well, whose weights are reached from the middle one."""

VECTOR_BYTES = 16

SLACK, SENT = 4, 10
"""Instructions around what some positions take, and of one whose sums are compared: about as many,
by which it is chosen how many are summed at once."""


@dataclass(frozen=True)
class Vectors:
    """How the positions of a map are summed in vectors.

    geometry: what is read and sent
    channels: of the layer
    over:     rows of the kernel with taps that are taken away last
    """

    geometry: Geometry
    channels: int
    over: range = range(0)

    @property
    def halves(self) -> int:
        """Vectors of a position: 2 for sums of 16 bits."""
        return self.geometry.bits // 8

    @property
    def blocks(self) -> int:
        """Times 16 channels."""
        return self.channels // LANES

    # ------------------------------------------------------------------ the map

    @property
    def pitch(self) -> int:
        """Bytes from a row of the map, with what lies beside it, to the next."""
        g = self.geometry
        return (g.spacing * (g.shape.width - 1) + g.columns) * g.grid.channels

    @property
    def size(self) -> int:
        """Bytes of the map and what is around it, in whole vectors."""
        return -(-self.geometry.rows * self.pitch // VECTOR_BYTES) * VECTOR_BYTES

    @property
    def left(self) -> int:
        """Bytes in front of a row."""
        return self.geometry.pad[1] * self.geometry.grid.channels

    @property
    def row(self) -> int:
        """Bytes of a row that are copied."""
        g = self.geometry
        return min(g.grid.width * g.grid.channels, self.pitch - self.left)

    # ------------------------------------------------------------ the kernel's rows

    @property
    def kernel_rows(self) -> int:
        """Rows of the kernel, times channels of the map."""
        return self.geometry.kernel[0] * self.geometry.grid.channels

    @property
    def taps(self) -> int:
        """Of a row of the kernel and a channel of the map."""
        return self.geometry.kernel[1]

    @property
    def written_out(self) -> bool:
        """True if all rows of the kernel are written out."""
        reached = self.halves == 1 or self.kernel_rows * self.taps <= REACHED
        return self.kernel_rows <= WRITTEN_OUT and reached

    @property
    def side(self) -> int:
        """Rows of positions of which one is sent."""
        return self.geometry.pool

    # ------------------------------------------------------------- positions at once

    def pixels(self, sent: int) -> int:
        """Return how many values of a row of the map so many positions of a row look at."""
        g = self.geometry
        places = {g.stride * p + k for p in range(sent * g.pool) for k in range(self.taps)}
        return len(places)

    def passed(self, sent: int) -> int:
        """Return the instructions of a row of the kernel, of so many positions that are sent."""
        products = self.taps * sent * self.side * self.halves
        return self.taps * self.halves + self.pixels(sent) + products

    @property
    def over_rows(self) -> int:
        """Rows of the kernel, times channels of the map, that are summed twice."""
        return len(self.over) * self.geometry.grid.channels

    def _cost(self, sent: int) -> int:
        groups = -(-self.geometry.shape.width // sent)
        own = self.passed(sent) + (0 if self.written_out else 3)
        passes = self.side * self.kernel_rows + self.over_rows
        return groups * (passes * own + sent * self.halves * SENT + SLACK)

    @property
    def at_once(self) -> int:
        """Positions of a row that are sent, of those that are summed at once."""
        held = self.halves * (self.side + (self.side > 1))
        most = min((REGISTERS - 1) // held, self.geometry.shape.width)
        return min(range(1, most + 1), key=self._cost)

    @property
    def columns(self) -> int:
        """Positions of a row that are summed at once."""
        return self.at_once * self.side

    @property
    def groups(self) -> int:
        """Times some positions of a row are summed at once; the last time some are again."""
        return -(-self.geometry.shape.width // self.at_once)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """(16,) the channels of the lanes."""
        return np.arange(LANES) if self.halves == 1 else np.r_[0:LANES:2, 1:LANES:2]

    # ------------------------------------------------------------------ tables

    def tables(
        self, index: int, synapse: Conv, start: NDArray[Any], limits: NDArray[Any],
        taken: NDArray[np.int64],
    ) -> tuple[Table, ...]:  # fmt: skip
        """Return what replaces a layer's tables.

        start, limits: (channels,), (thresholds, channels) what sums start at, and what of them is
                       more than what has not reached a threshold, as the vectors have them
        taken:         (channels,) minus taps that are taken away last
        """
        last = taken_last(synapse, taken, self.over)
        codes = synapse.codes.astype(np.int8) + last
        values = np.concatenate([start[None], limits])
        fields = self._lanes(values.T).astype(np.uint8 if self.halves == 1 else np.int16)
        what = "of 16 channels: what their sums start at, then what reaches no threshold, by each"
        return (
            Table(f"lanes{index}", "weights of 16 channels to each tap", self._packed(codes)),
            Table(f"fields{index}", what, fields),
            *((Table(f"last{index}", "the taps that are taken away last",
                     self._packed(last[:, self.over.start : self.over.stop])),)
              if self.over else ()),
        )  # fmt: skip

    def _lanes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return (blocks, n, 16) of (channels, n), in the order of the lanes."""
        blocks = values.reshape(self.blocks, LANES, -1)[:, self.order]
        return np.ascontiguousarray(blocks.transpose(0, 2, 1))

    def _packed(self, codes: NDArray[np.int8]) -> NDArray[np.uint32]:
        """Return (blocks, taps x 4) words of codes: by row of the kernel, channel, column."""
        flat = codes.transpose(0, 1, 3, 2).reshape(self.channels, -1)
        return self._lanes(flat).reshape(self.blocks, -1).view("<u4").astype(np.uint32)


def rows_taken_last(synapse: Conv, taken: NDArray[np.int64]) -> range:
    """Return the fewest neighbouring rows of the kernel in which so many minus taps lie."""
    minus = (synapse.codes == -1).sum(axis=(2, 3))
    rows = synapse.kernel[0]
    runs = (range(a, a + n) for n in range(rows + 1) for a in range(rows + 1 - n))
    return next(run for run in runs if (minus[:, run.start : run.stop].sum(axis=1) >= taken).all())


def taken_last(synapse: Conv, taken: NDArray[np.int64], rows: range) -> NDArray[np.int8]:
    """Return 1 where a minus tap is taken away last, of the shape of the codes: the first ones."""
    minus = synapse.codes == -1
    minus[:, : rows.start] = minus[:, rows.stop :] = False
    flat = minus.reshape(synapse.channels, -1)
    first = flat & (np.cumsum(flat, axis=1) <= taken[:, None])
    return first.reshape(minus.shape).astype(np.int8)
