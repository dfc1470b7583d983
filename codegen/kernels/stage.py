"""The records that templates print: every number in them is already computed.

A stage is what a kernel makes of a layer or a readout. What others want to know of it (which
functions and constants are its own, whether it has loops of vectors, how long its lists are) they
ask the stage, whatever its kernel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.pack import ctype
from qat.model import Interval

LIST_ENTRIES_16 = 2**16 // 8
"""Inputs whose columns (8 bytes each) a 16-bit offset reaches."""


@dataclass(frozen=True, eq=False)
class Table:
    """A constant array in flash."""

    name: str
    what: str
    values: NDArray[Any]

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
    """

    listed: int = 0
    carries: int = 0
    digits: int = 0
    sums: int = 0
    totals: int = 0
    pooled: int = 0

    def largest(self, other: Scratch) -> Scratch:
        """Return what serves both."""
        return Scratch(
            *(max(getattr(self, n), getattr(other, n)) for n in Scratch.__dataclass_fields__)
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage(ABC):
    """What every stage has: its kernel, its memory, its needs, and what others may ask of it.

    helpers: functions that its code calls
    probes:  functions that only the probes of its state call
    complement: active inputs above which the inactive ones are added (0: never)
    """

    index: int
    kernel: str
    complement: int = 0
    tables: tuple[Table, ...] = ()
    fields: tuple[Field, ...] = ()
    scratch: Scratch = Scratch()
    helpers: frozenset[str] = frozenset()
    probes: frozenset[str] = frozenset()

    @property
    @abstractmethod
    def part(self) -> str:
        """The part of an inference that it is."""

    @property
    @abstractmethod
    def template(self) -> str:
        """Its template, as the templates of all kernels are named."""

    @property
    @abstractmethod
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""

    @property
    def arrays(self) -> tuple[Table, ...]:
        """Its constant arrays, whatever core they are for."""
        return self.tables

    @property
    def along_lists(self) -> tuple[str, ...]:
        """Functions of its C that work along a list of inputs: an analysis keeps lengths apart."""
        return ()

    @property
    def list_lengths(self) -> int:
        """In how many states that list can be; 1 where there is none."""
        return 1

    @property
    def adder_inputs(self) -> int:
        """Spikes that one list can hold: what the adder's batches are chosen for; 0: none."""
        return 0


@dataclass(frozen=True)
class Digits:
    """The digits of a byte input: each is a list of the inputs that have it.

    A list of level k adds or takes away 2^k times the weights of its inputs. The lists that take
    away come first; where `top` is set there is one, of the inputs that have the largest value
    2^bits - 1, which then have no other digit.

    kind:   "binary", "top" (binary, but for the largest value) or "signed" (non-adjacent form)
    adds:   number of lists that add, from level 0 on
    takes:  number of lists that take away
    first:  level of the first one that takes away
    """

    kind: str
    adds: int
    takes: int
    first: int = 0

    @property
    def top(self) -> bool:
        """True if the largest value has a list of its own."""
        return self.kind == "top"

    @property
    def lists(self) -> int:
        """All lists."""
        return self.adds + self.takes

    @property
    def levels(self) -> int:
        """Levels of the sum that a list may start at."""
        return max(self.adds, self.first + self.takes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """Where a layer's input comes from: the planes of a signal, or bytes cut into digits.

    size:     inputs
    words:    32-bit words of one bit plane of the input
    planes:   bit planes of the signal, 1 for spikes; 0 for bytes
    analog:   the vector is held, and its currents are cached in the state
    bits:     bits of a byte value; 0 for spikes
    negative: True if the highest bit counts negatively (int8)
    ctype:    C type of an input byte
    shift:    s of (a + 2^(s-1)) >> s
    digits:   of a byte value; None for spikes
    """

    size: int
    words: int
    planes: int = 1
    analog: bool = False
    bits: int = 0
    negative: bool = False
    ctype: str = ""
    shift: int = 0
    digits: Digits | None = None


@dataclass(frozen=True)
class Range:
    """A proved range, printed beside the code that relies on it."""

    low: int
    high: int
    width: int

    @classmethod
    def of(cls, interval: Interval) -> Range:
        """Return the hull of all neurons."""
        return cls(interval.low, interval.high, interval.width)


@dataclass(frozen=True)
class Ranges:
    """Proved ranges of a layer: accumulator, current, membrane before and after the reset.

    v: None for neurons without memory
    """

    a: Range
    current: Range
    u: Range
    v: Range | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer(Stage):
    """What the stages of all layers have.

    neurons:   all of them
    sends:     values of its signal
    words:     32-bit words of a plane of its signal
    signal_planes: bit planes of its signal; 1 for spikes
    signal:    C name of its signal behind `state->`
    title:     what it is, for the header; "" for spikes of leaky neurons behind dense weights
    memory:    its neurons have membranes between steps
    leak, reset: of leaky neurons; (), "" for others
    last_mask: the lanes of the last word that belong to a neuron
    counted:   its spikes are counted for the readout
    fused:     all steps of 32 neurons are done before the next 32: the input is held, and no
               layer waits for the spikes
    """

    source: Source
    counted: bool
    fused: bool = False
    neurons: int
    sends: int
    words: int
    signal_planes: int = 1
    signal: str
    title: str = ""
    memory: bool = True
    leak: tuple[int, ...]
    reset: str
    last_mask: int
    ranges: Ranges

    @property
    def first_plane(self) -> str:
        """C text of a pointer to the first plane of its signal."""
        return f"&state->{self.signal}[0][0]" if self.signal_planes > 1 else f"state->{self.signal}"

    @property
    def signal_words(self) -> int:
        """32-bit words of all planes of its signal."""
        return self.signal_planes * self.words

    def without_vectors(self) -> Layer:
        """Return the same layer, for C without loops of vectors."""
        return self

    @property
    def keeps_input(self) -> bool:
        """True if a held input is copied, and its currents are computed in the step."""
        return False

    def block_of(self, neuron: str) -> str:
        """Return C text of the number of the word in which a neuron's planes lie."""
        return f"({neuron}) / 32u"

    def lane_of(self, neuron: str) -> str:
        """Return C text of a neuron's lane in that word."""
        return f"({neuron}) % 32u"

    def row_of(self, block: str) -> str:
        """Return C text of the row of constants of a word of neurons."""
        return block

    @property
    def runs(self) -> bool:
        """True if it adds parts of a list that may begin at any entry."""
        return False

    @property
    def apart(self) -> str:
        """Template of functions that stand behind the layers, beside the loops; "" for none."""
        return ""

    @property
    def part(self) -> str:
        """The part of an inference that it is."""
        return f"layer {self.index}"

    @property
    def template(self) -> str:
        """Its template, as the templates of all kernels are named."""
        return f"kernels/{self.kernel}/layer.c.j2"

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        held = {f"currents{self.index}": "currents"} if self.source.bits else {}
        return {f"layer{self.index}": self.part} | held

    @property
    def adder_inputs(self) -> int:
        """Spikes that one list can hold: what the adder's batches are chosen for; 0: none."""
        return 0 if self.source.bits else self.source.size

    @property
    def in_planes(self) -> bool:
        """True if its membranes are planes of 32 neurons, not integers."""
        return False

    @property
    def wide(self) -> bool:
        """True if it has work for a vector of four blocks."""
        return False

    @property
    def remainder(self) -> bool:
        """True if four at once leave blocks over where the inactive inputs are added."""
        return False

    @property
    def vector_loops(self) -> bool:
        """True if it has loops of vectors beside those of blocks."""
        return False

    @property
    def merged(self) -> tuple[str, ...]:
        """Those of along_lists whose neurons are no states of their own."""
        return ()

    @property
    def integers(self) -> dict[str, Range]:
        """{member of the state that is kept as integers: their proved range}."""
        return {}


class LayerFields(TypedDict):
    """What every kernel takes of a layer: a typed part of the call that makes its stage."""

    index: int
    source: Source
    counted: bool
    neurons: int
    sends: int
    words: int
    signal_planes: int
    signal: str
    title: str
    memory: bool
    leak: tuple[int, ...]
    reset: str
    last_mask: int
    ranges: Ranges


@dataclass(frozen=True, eq=False, kw_only=True)
class Readout(Stage):
    """Scores from the spike counts of the last layer, kept in planes of `count_width` bits.

    counts:       C name of the planes behind `state->`: of counts, or of the last layer's signal,
                  which is its count where there is one step
    single:       the planes are one, without an index
    top:          the largest count
    bias:         C text of T * bias for output j
    blocks, columns, sum_width: of a ternary readout, as in BitslicedLayer
    """

    outputs: int
    inputs: int
    words: int
    steps: int
    count_width: int
    top: int
    counts: str = "counts"
    single: bool = False
    score: Range
    bias: str = "0"
    fraction_bits: int = 0
    bits: int = 0
    blocks: int = 0
    columns: int = 0
    sum_width: int = 0

    def plane(self, number: str, word: str) -> str:
        """Return C text of a word of a plane of the counts."""
        return f"state->{self.counts}{'' if self.single else f'[{number}]'}[{word}]"

    @property
    def part(self) -> str:
        """The part of an inference that it is."""
        return "readout"

    @property
    def template(self) -> str:
        """Its template, as the templates of all kernels are named."""
        return f"kernels/{self.kernel}/readout.c.j2"

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        return {"readout": self.part}

    @property
    def list_lengths(self) -> int:
        """The counts' digits are listed one after the other: every combination is a state."""
        return (self.inputs + 1) ** self.count_width if self.scratch.listed else 1

    @property
    def adder_inputs(self) -> int:
        """Spikes that one list can hold: what the adder's batches are chosen for; 0: none."""
        return self.scratch.listed
