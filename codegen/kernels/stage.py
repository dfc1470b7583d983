"""The records that templates print: every number in them is already computed.

A stage is what a kernel makes of a layer or a readout. What others want to know of it (which
functions and constants are its own, whether it has loops of vectors, how long its lists are) they
ask the stage, whatever its kernel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.memory import NO_SCRATCH, Field, Scratch, Table
from codegen.kernels.ranges import Further, Range, Ranges
from codegen.kernels.source import Source
from qat.model.leak import Leak

FEW = 32
"""Sums up to which a loop that clears them is worth more than a call of memset."""

LATE = "zero a step later"
"""A reset that clears the step behind a spike, in words."""


def clearing(sums: int) -> frozenset[str]:
    """Return the function that clears so many sums; none where they are few."""
    return frozenset({"clear"} if sums > FEW else ())


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
    scratch: Scratch = NO_SCRATCH
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
    def replaced(self) -> tuple[str, ...]:
        """The tables that a set with vectors has others for."""
        return ()

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


class Read(NamedTuple):
    """A signal that is brought together with others.

    source:  the number of the layer that sends it, INPUT for the input
    size:    values of it
    delays:  steps after which each value arrives, or all of them
    """

    source: int
    size: int
    delays: NDArray[Any]

    def arrives(self, steps: float) -> float:
        """Return the part of it that arrives within so many steps: what is late may not."""
        return float(np.maximum(steps - self.delays.astype(float), 0).mean()) / steps


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer(Stage):
    """What the stages of all layers have.

    neurons:   all of them
    sends:     values of its signal
    words:     32-bit words of a plane of its signal
    signal_planes: bit planes of its signal; 1 for spikes
    signal:    C name of its signal behind `state->`
    title:     what it is, for the header; "" for spikes of leaky neurons behind dense weights
    memory:    its neurons have membranes between steps; further: what they keep beside these
    leak, reset: of leaky neurons; (), "" for others; reset: in words, "subtract", "zero", "to 5",
               LATE; leak: as in the record, LeakClasses where
               the neurons do not share one
    last_mask: the lanes of the last word that belong to a neuron
    counted:   its spikes are counted for the readout
    reads:     of a layer that several signals are brought together for, each of them
    fused:     all steps of 32 neurons are done before the next 32: the input is held, and no
               layer waits for the spikes
    """

    source: Source
    counted: bool
    reads: tuple[Read, ...] = ()
    fused: bool = False
    neurons: int
    sends: int
    words: int
    signal_planes: int = 1
    signal: str
    title: str = ""
    memory: bool = True
    leak: Leak
    reset: str
    last_mask: int
    ranges: Ranges
    further: tuple[Further, ...] = ()

    @property
    def synaptic(self) -> Further | None:
        """The synaptic currents of current-based neurons; None for others."""
        return next((one for one in self.further if one.name == "c"), None)

    @property
    def adaptive(self) -> Further | None:
        """What raises the thresholds of adaptive neurons; None for others."""
        return next((one for one in self.further if one.name == "b"), None)

    @property
    def state_values(self) -> int:
        """Values that its neurons keep between steps, as probes tell them."""
        return self.neurons * (self.memory + len(self.further))

    @property
    def takes_signal(self) -> bool:
        """True if a step of it reads a signal."""
        return not self.source.bits

    @property
    def replaces(self) -> bool:
        """True if a spike leaves a value in place of the membrane, and subtracts nothing."""
        return self.reset not in ("", "subtract", LATE)

    @property
    def late(self) -> bool:
        """True if a spike leaves the membrane, and clears it in the next step."""
        return self.reset == LATE

    @property
    def first_plane(self) -> str:
        """C text of a pointer to the first plane of its signal."""
        return f"&state->{self.signal}[0][0]" if self.signal_planes > 1 else f"state->{self.signal}"

    @property
    def first_word(self) -> str:
        """C text of the first word of its signal, as an array."""
        return f"({self.first_plane})" if self.signal_planes > 1 else self.first_plane

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
        gathered = {f"gather{self.index}": "rest"} if self.reads else {}
        return {f"layer{self.index}": self.part} | held | gathered

    @property
    def adder_inputs(self) -> int:
        """Spikes that one list can hold: what the adder's batches are chosen for; 0: none."""
        return 0 if self.source.bits else self.source.size

    @property
    def in_bytes(self) -> object | None:
        """How its neurons are computed with vectors, if membranes then are bytes; else None."""
        return None

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
    leak: Leak
    reset: str
    last_mask: int
    ranges: Ranges
    further: tuple[Further, ...]


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

    @property
    def few(self) -> bool:
        """True if its sums are cleared without a function for it."""
        return not clearing(self.outputs)

    def plane(self, number: str, word: str) -> str:
        """Return C text of a word of a plane of the counts."""
        return f"state->{self.counts}{'' if self.single else f'[{number}]'}[{word}]"

    @property
    def membranes(self) -> str:
        """The member of the state that holds membranes of its own; "" for none."""
        return ""

    @property
    def every_step(self) -> bool:
        """True if it works in every step, and not on counts alone."""
        return False

    @property
    def settles(self) -> bool:
        """True if scores may be final before the last step, which the member `settled` tells."""
        return False

    @property
    def about(self) -> tuple[str, ...]:
        """What the scores are, in lines of a comment, beyond what all readouts share."""
        return ()

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
