"""Everything that a pair of generated files prints: the stages of a model, its state, its sizes."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen.kernels.encoders.plan import Encoder
from codegen.kernels.stage import C_BYTES, Field, Layer, Readout, Scratch, Stage
from codegen.plan.sensor import Stream
from qat.model import EarlyStop

BYTE_TABLE_INPUTS = 256
"""Inputs from which the list of active ones is made by a table of bytes, on Helium."""

COMPACT_INPUTS = 64
"""Inputs up to which the adder takes batches of 8: the code is small, and few are active."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Program:
    """Everything that the pair of files prints.

    held:    one input vector is held for all steps
    lines:   inputs of layer 0
    encoder: what makes spikes of the input; None where layer 0 takes the input as it is
    class_names: words of others: c_string and c_comment write them
    """

    name: str
    digest: str
    version: str
    steps: int
    inputs: int
    input_kind: str
    held: bool
    lines: int
    input_ctype: str
    input_words: int
    input_low: int
    input_high: int
    outputs: int
    layers: tuple[Layer, ...]
    readout: Readout | None
    encoder: Encoder | None
    fields: tuple[Field, ...]
    helpers: tuple[str, ...]
    probes: frozenset[str]
    list_ctype: str
    scratch: Scratch = field(default_factory=Scratch)
    stop: EarlyStop | None = None
    sensor: Stream | None = None
    class_names: tuple[str, ...] = ()

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
    def reset_words(self) -> int:
        """Words of the state that a reset clears; 0 if they are not all whole words."""
        kept = [item for item in self.fields if not item.scratch]
        whole = all(C_BYTES[item.ctype] == 4 for item in kept)
        return sum(item.bytes for item in kept) // 4 if whole else 0

    @property
    def first_scratch(self) -> str:
        """Name of the first member of the state that needs no reset; empty if there is none."""
        return next((item.name for item in self.fields if item.scratch), "")

    @property
    def wide(self) -> bool:
        """True if a vector of four blocks has work: a 16-bit list, a layer of 128 neurons."""
        return self.list_ctype == "uint16_t" and any(y.wide for y in self.layers)

    @property
    def compact(self) -> bool:
        """True if no list is long enough for large batches: few inputs, or digits of bytes.

        The digits of an input are many lists, of some ten entries each.
        """
        return max(stage.adder_inputs for stage in self.stages) <= COMPACT_INPUTS

    @property
    def remainder(self) -> bool:
        """True if a vector of four blocks leaves some where the inactive inputs are added."""
        return any(y.remainder for y in self.layers)

    @property
    def helium(self) -> bool:
        """True if a layer has loops for Helium."""
        loops = any(y.vector_loops for y in self.layers)
        return self.wide or (loops and self.list_ctype == "uint16_t")

    @property
    def byte_table(self) -> bool:
        """True if on Helium 2,304 bytes of flash are worth a faster list of active inputs."""
        longest = max(y.adder_inputs for y in self.layers)
        return self.wide and longest >= BYTE_TABLE_INPUTS

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
        """Bytes of the state struct: its fields in order, all aligned to their own size."""
        offset = 0
        for item in self.fields:
            size = C_BYTES[item.ctype]
            offset = -(-offset // size) * size + item.bytes
        return -(-offset // self.ram_alignment) * self.ram_alignment

    @property
    def ram_alignment(self) -> int:
        """Bytes that the state struct is aligned to."""
        return max(C_BYTES[item.ctype] for item in self.fields)

    @property
    def stream_bytes(self) -> int:
        """Bytes of the stream struct, its state included; 0 without a sensor."""
        return self.sensor.ram_bytes(self.ram_bytes, self.ram_alignment) if self.sensor else 0
