"""The program of a model: its stages, its state, its sizes; all that its files print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from codegen import isa
from codegen.base.version import __version__
from codegen.base.words import class_names
from codegen.isa import InstructionSet
from codegen.kernels.encoders.plan import Encoder
from codegen.kernels.gather.plan import Gather, Past
from codegen.kernels.memory import C_BYTES, WORK, Field, Scratch
from codegen.kernels.pack import words_for
from codegen.kernels.stage import Layer, Readout, Stage
from codegen.plan.sensor import Stream
from codegen.plan.spectrum import LOOPS as SOUND_LOOPS
from qat.model import Detector, EarlyStop, Input, Model, Spikes

LOOPS = frozenset(
    "add_bytes add_column16 add_column2 add_column4 add_column8 add_columns add_columns4 "
    "add_nibbles add_products add_strips4 add_strips8 burst_bytes images list_active "
    "list_inactive list_rows8 list_rows16 list_rows32 slice_bytes sum_digits sum_inactive "
    "turn".split()
)
"""Shared functions that are folders of kernels/loops: declared before the layers, defined behind
them, some with variants for instruction sets. The others are a line or two, and stand first."""

INSIDE = frozenset(
    {
        "byte_channels", "dense", "field_sums", "less_words", "mean_bytes", "reset", *SOUND_LOOPS,
    }
)  # fmt: skip
"""Those that are text inside a stage's own functions, or stand in a part of their own."""

OVER_LISTS = frozenset(
    "add_columns add_columns4 add_nibbles add_strips4 add_strips8 list_active list_inactive "
    "list_rows8 list_rows16 list_rows32 sum_digits sum_inactive".split()
)
"""Those that write or read a list: what instruction sets bring for them takes 16-bit entries."""

VECTOR_LOOPS = frozenset({"add_columns4", "add_nibbles"})
"""Those that only an instruction set with vectors has."""

BYTE_TABLE_INPUTS = 256
"""Inputs from which the list of active ones is made by a table of bytes, with vectors."""

COMPACT_INPUTS = 64
"""Inputs up to which the adder takes batches of 8: the code is small, and few are active."""


def input_ctype(model_input: Input) -> str:
    """Return the C type of the elements of an input vector: words of spikes, or bytes."""
    if isinstance(model_input, Spikes):
        return "uint32_t"
    return "int8_t" if model_input.low < 0 else "uint8_t"


@dataclass(frozen=True, eq=False, kw_only=True)
class Program:
    """Everything that the pair of files prints.

    model:   what it computes; whatever the model tells itself is asked of it
    sets:    instruction sets that the C may have loops for
    only:    the one that it is made for alone; None for C that serves every core
    encoder: what makes spikes of the input; None where layer 0 takes the input as it is
    fields:  the members of the state
    gathers: of each layer, what is brought together for it; None where it reads the layer before
    rings:   signals of earlier steps that are kept
    helpers: functions that stages share, in the order of their definition
    probes:  those of them that only a build with probes needs
    """

    model: Model
    layers: tuple[Layer, ...]
    readout: Readout | None
    encoder: Encoder | None
    fields: tuple[Field, ...]
    helpers: tuple[str, ...]
    probes: frozenset[str]
    list_ctype: str
    scratch: Scratch = field(default_factory=Scratch)
    gathers: tuple[Gather | None, ...] = ()
    rings: tuple[Past, ...] = ()
    sensor: Stream | None = None
    sets: tuple[InstructionSet, ...] = ()
    only: InstructionSet | None = None

    @property
    def name(self) -> str:
        """Prefix of all that is generated."""
        return self.model.name

    @cached_property
    def digest(self) -> str:
        """Digest of the model."""
        return self.model.digest()

    @property
    def version(self) -> str:
        """The version that generates."""
        return __version__

    @property
    def steps(self) -> int:
        """Time steps of an inference; 0 for a model that runs free."""
        return self.model.steps or 0

    @property
    def inputs(self) -> int:
        """Values of an input vector."""
        return self.model.input.size

    @property
    def input_kind(self) -> str:
        """What the input is, in small letters, such as "spikes" or "analog"."""
        return type(self.model.input).__name__.lower()

    @property
    def held(self) -> bool:
        """True if one input vector is held for all steps."""
        return self.model.input.held

    @property
    def lines(self) -> int:
        """Inputs of layer 0."""
        return self.model.input.lines

    @property
    def input_ctype(self) -> str:
        """C type of the elements of an input vector."""
        return input_ctype(self.model.input)

    @property
    def input_words(self) -> int:
        """Words of an input vector of spikes."""
        return words_for(self.inputs)

    @property
    def input_low(self) -> int:
        """The lowest value of an input."""
        return self.model.input.low

    @property
    def input_high(self) -> int:
        """The highest value of an input."""
        return self.model.input.high

    @property
    def outputs(self) -> int:
        """Classes, or neurons of the last layer where there is no readout."""
        return self.model.outputs

    @property
    def stop(self) -> EarlyStop | None:
        """When the steps may end early; None if they never do."""
        return self.model.stop

    @property
    def counts_steps(self) -> bool:
        """True if the state tells how many steps were made since the reset."""
        return any(item.name == "steps" for item in self.fields)

    @property
    def detector(self) -> Detector | None:
        """When windows of a stream detect a class; None if they never do."""
        return self.model.detector

    @property
    def class_names(self) -> tuple[str, ...]:
        """Words of others, which c_string and c_comment write; () if the C has none."""
        return class_names(self.model)

    @property
    def upper(self) -> str:
        """Prefix of the macros."""
        return self.name.upper()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The layers and the readout, in the order of a step."""
        return (*self.layers, *((self.readout,) if self.readout else ()))

    @property
    def all_stages(self) -> tuple[Stage, ...]:
        """The stages, behind the encoder."""
        return (*((self.encoder,) if self.encoder else ()), *self.stages)

    @property
    def words(self) -> tuple[str, ...]:
        """The small functions that stages share."""
        return tuple(name for name in self.helpers if name not in LOOPS)

    @property
    def loops(self) -> tuple[str, ...]:
        """The loops that stages share, in the order of their definition."""
        vectors = self.vector is not None
        names = [
            name for name in self.helpers
            if name in LOOPS and (vectors or name not in VECTOR_LOOPS)
        ]  # fmt: skip
        if self._adds_four and "add_columns" in names:
            names.insert(names.index("add_columns") + 1, "add_columns4")
        return tuple(names)

    @property
    def mapped(self) -> bool:
        """True if layers have maps: their loops have long contracts, which stand with them."""
        return any(y.title for y in self.layers)

    @property
    def flows(self) -> bool:
        """True if bit-sliced neurons have synaptic currents."""
        return any(y.in_planes and y.synaptic is not None for y in self.layers)

    @property
    def variants(self) -> tuple[InstructionSet, ...]:
        """The instruction sets that the C asks for."""
        return tuple(
            row
            for row in self.sets
            if row.variant and (row is self.vector or not row.vectors or self._hears(row))
        )

    def _hears(self, row: InstructionSet) -> bool:
        """Return True for a set that brings loops for sound, where a model hears."""
        sounds = self.sensor is not None and self.sensor.sound is not None
        return sounds and not set(SOUND_LOOPS).isdisjoint(row.loops)

    @property
    def compiled(self) -> str:
        """The C condition that holds for a compiler for whose machine code there are loops.

        What stands beside portable C for their sake does other machine code no good.
        """
        loops = tuple(row for row in self.sets if any(one.loops for one in isa.lineage(row)))
        found = [architecture.condition for architecture in isa.architectures(loops)]
        return found[0] if len(found) == 1 else f"({' || '.join(found or ['0'])})"

    @property
    def short_of_registers(self) -> list[InstructionSet]:
        """The sets for which it is cheaper to load a plane again than to hold it."""
        return [row for row in self.sets if row.variant and row.short_of_registers]

    def in_use(self, rows: Sequence[InstructionSet], negated: bool = False) -> str:
        """Return the C condition that holds where one of some sets is in use, or none of them."""
        macros = [f"{self.upper}_{row.macro}" for row in rows]
        return " && ".join(f"!{macro}" for macro in macros) if negated else " || ".join(macros)

    def rows_with(self, loop: str) -> list[InstructionSet]:
        """Return the sets that bring a loop, the most special first."""
        return isa.bringing(loop, self.sets)

    def bringing(self, loop: str) -> list[InstructionSet]:
        """Return the sets that bring a loop; over lists they take those of 16 bits."""
        fits = self.list_ctype == "uint16_t" or loop not in OVER_LISTS
        return self.rows_with(loop) if fits else []

    @property
    def _vectors(self) -> bool:
        return any(row.vectors for row in self.sets) and self.list_ctype == "uint16_t"

    @property
    def vector(self) -> InstructionSet | None:
        """The set whose vectors the C has loops for; None if no layer has any.

        It is the first with vectors: a pair takes those of one set, and another is served by what
        that one extends.
        """
        loops = any(y.vector_loops for y in self.layers) and self._vectors
        return next(row for row in self.sets if row.vectors) if self.wide or loops else None

    @property
    def vector_macro(self) -> str:
        """The macro that says whether these vectors are in use."""
        return f"{self.upper}_{self.vector.macro}" if self.vector else "0"

    @property
    def reset_words(self) -> int:
        """Words of the state that a reset clears; 0 if they are not all whole words."""
        kept = [item for item in self.fields if not item.scratch]
        whole = all(C_BYTES[item.ctype] == 4 for item in kept)
        return sum(item.bytes for item in kept) // 4 if whole else 0

    @property
    def first_scratch(self) -> str:
        """Name of the first member of the state that needs no reset; empty if there is none."""
        return next((item.group or item.name for item in self.fields if item.scratch), "")

    @property
    def members(self) -> tuple[tuple[Field, ...], ...]:
        """The members of the state in order: one alone, or several in the same memory."""
        groups: dict[str, list[Field]] = {}
        for item in self.fields:
            groups.setdefault(item.group or item.name, []).append(item)
        return tuple(map(tuple, groups.values()))

    @property
    def list(self) -> str:
        """C name of the list of active inputs behind `state->`."""
        return next((item.place for item in self.fields if item.name == "list"), "list")

    @property
    def input_used_up(self) -> bool:
        """True if a held input does not outlive a step: something else then lies there."""
        return self.held and any(item.group == WORK for item in self.fields)

    @property
    def wide(self) -> bool:
        """True if a vector of four blocks has work: a 16-bit list, a layer of 128 neurons."""
        return self._vectors and any(y.wide for y in self.layers)

    @property
    def _adds_four(self) -> bool:
        """True if lists are added for such vectors."""
        return self.wide and any(y.wide and y.list_lengths > 1 for y in self.layers)

    @property
    def compact(self) -> bool:
        """True if no list is long enough for large batches: few inputs, or digits of bytes.

        The digits of an input are many lists, of some ten entries each.
        """
        return max(stage.adder_inputs for stage in self.stages) <= COMPACT_INPUTS

    @property
    def runs(self) -> bool:
        """True if a layer adds parts of a list that may begin at any entry."""
        return any(y.runs for y in self.layers)

    @property
    def runs_alone(self) -> bool:
        """True if nothing adds a list from its beginning."""
        others = (y for y in self.stages if not (isinstance(y, Layer) and y.runs))
        return self.runs and not any("add_columns" in y.helpers for y in others)

    @property
    def remainder(self) -> bool:
        """True if a vector of four blocks leaves some where the inactive inputs are added."""
        return any(y.remainder for y in self.layers)

    @property
    def byte_table(self) -> bool:
        """True if with vectors 2,304 bytes of flash are worth a faster list of active inputs."""
        longest = max(y.adder_inputs for y in self.layers)
        return self._adds_four and longest >= BYTE_TABLE_INPUTS

    @property
    def last(self) -> Layer:
        """The layer whose spikes a step returns."""
        return self.layers[-1]

    @property
    def flash_bytes(self) -> int:
        """Bytes of weights and constants."""
        tables = [table for stage in self.all_stages for table in stage.tables]
        return sum(table.bytes for table in (*tables, *(self.sensor.tables if self.sensor else ())))

    @property
    def ram_bytes(self) -> int:
        """Bytes of the state struct: its members in order, all aligned to their own size."""
        return self._state_bytes(max)

    @property
    def probed_bytes(self) -> int:
        """The same with probes: every signal then has memory of its own."""
        return self._state_bytes(sum)

    def _state_bytes(self, together: Callable[[Iterable[int]], int]) -> int:
        """Return the bytes of the state; together: what members of one group take."""
        offset = 0
        for member in self.members:
            size = max(C_BYTES[item.ctype] for item in member)
            offset = -(-offset // size) * size + together(item.bytes for item in member)
        return -(-offset // self.ram_alignment) * self.ram_alignment

    @property
    def ram_alignment(self) -> int:
        """Bytes that the state struct is aligned to."""
        return max(C_BYTES[item.ctype] for item in self.fields)

    @property
    def stream_bytes(self) -> int:
        """Bytes of the stream struct, its state included; 0 without a sensor."""
        return self.sensor.ram_bytes(self.ram_bytes, self.ram_alignment) if self.sensor else 0
