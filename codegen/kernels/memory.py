"""What a stage keeps in memory: constant arrays, members of the state, and its scratch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.pack import ctype

LIST_ENTRIES_16 = 2**16 // 8
"""Inputs whose columns (8 bytes each) a 16-bit offset reaches."""


@dataclass(frozen=True, eq=False)
class Table:
    """A constant array in flash.

    words: cores read words of it, so it lies where words may
    """

    name: str
    what: str
    values: NDArray[Any]
    words: bool = False

    @property
    def bytes(self) -> int:
        """Bytes of flash."""
        return int(self.values.nbytes)

    @property
    def ctype(self) -> str:
        """C type of an element."""
        return ctype(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """C dimensions."""
        return self.values.shape


WORK = "work"
"""The group of the list of active inputs, if something that is no longer read lies there."""


@dataclass(frozen=True)
class Field:
    """A member of the state struct, in RAM; scratch is never read before it is written.

    group: members of one group lie in the same memory, because only one of them is alive at a
           time; each has its own where probes are to read it. "" for none
    """

    name: str
    what: str
    ctype: str
    shape: tuple[int, ...]
    scratch: bool = False
    group: str = ""

    @property
    def place(self) -> str:
        """Its name in C behind `state->`."""
        return f"{self.group}.{self.name}" if self.group else self.name

    @property
    def bytes(self) -> int:
        """Bytes of RAM, without alignment."""
        return int(np.prod(self.shape)) * C_BYTES[self.ctype]


C_BYTES = {"uint32_t": 4, "int32_t": 4, "uint16_t": 2, "int16_t": 2, "uint8_t": 1, "int8_t": 1}


@dataclass(frozen=True)
class Scratch:
    """Working memory that stages take turns in; the state holds the largest of each.

    listed:  inputs in the active list
    carries: carry words of the adder
    digits:  words of the bit planes of a byte vector
    sums:    words of sums in planes that wait for more
    totals:  int32 sums, one per neuron, or per channel of a position
    pooled:  values of one position behind a pool
    gathered: words of what is brought together for a layer
    """

    listed: int = 0
    carries: int = 0
    digits: int = 0
    sums: int = 0
    totals: int = 0
    pooled: int = 0
    gathered: int = 0

    def largest(self, other: Scratch) -> Scratch:
        """Return what serves both."""
        return Scratch(
            *(max(getattr(self, n), getattr(other, n)) for n in Scratch.__dataclass_fields__)
        )


NO_SCRATCH = Scratch()
