"""The owner of each function, constant and state member: the part of an inference it serves.

The parts are those of codegen.plan.build.part_names that have memory of their own, the sensor's
and the detector's, and `shared`: what several parts use, or none alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from codegen.kernels.memory import C_BYTES, Field
from codegen.plan import spectrum
from codegen.plan.program import Program
from codegen.plan.sensor import DETECTING, FUNCTIONS, SMOOTHED

SENSOR, DETECTOR, SHARED = "sensor", "detector", "shared"
KINDS = INTERFACE, HELPER, LIBRARY, ALIGNMENT = (
    "interface",
    "helper functions",
    "C library",
    "alignment",
)
"""What belongs to no part, in words; the rest of it is SCRATCH, members of the state."""
SCRATCH = "scratch"

CALLS = re.compile(r"reset|input|step|scores|decided|classify")
"""The other functions that a user calls."""

CLONE = re.compile(r"(?:\.(?:constprop|isra|part|cold))+(?:\.\d+)?")
"""What the compiler appends to the name of a function that it made another version of."""


@dataclass(frozen=True)
class Owned:
    """A piece of memory: whose it is, its name and what it is."""

    part: str
    name: str
    what: str


@dataclass(frozen=True)
class Member:
    """A member of the state, or of the stream around it: whose it is and where it lies."""

    owned: Owned
    offset: int
    bytes: int


def memory_parts(program: Program) -> tuple[str, ...]:
    """Return the parts that may have memory, in the order of a step, `shared` last."""
    first = () if program.encoder or program.input_kind == "spikes" else ("currents",)
    sensor = (SENSOR,) if program.sensor else ()
    detector = (DETECTOR,) if program.detector else ()
    stages = (stage.part for stage in program.all_stages)
    return (*sensor, *first, *stages, *detector, SHARED)


def _functions(program: Program) -> dict[str, str]:
    """Return the part of every function that belongs to one, without the model's prefix."""
    found: dict[str, str] = {}
    if program.sensor:
        heard = spectrum.FUNCTIONS if program.sensor.sound else ()
        found = dict.fromkeys((*FUNCTIONS, *heard), SENSOR) | dict.fromkeys(DETECTING, DETECTOR)
    for stage in program.all_stages:
        found |= stage.functions
    return found


def tables_of(program: Program) -> dict[str, Owned]:
    """Return whose every constant array is, by its name without the model's prefix."""
    found: dict[str, Owned] = {}
    for stage in program.all_stages:
        found |= {t.name: Owned(stage.part, t.name, t.what) for t in stage.arrays}
    sensor = program.sensor.tables if program.sensor else ()
    return found | {t.name: Owned(SENSOR, t.name, t.what) for t in sensor}


def function_of(name: str, program: Program) -> Owned:
    """Return whose a function is, by its name in C or in the machine code."""
    bare = CLONE.sub("", name)
    prefix = f"{program.name}_"
    if not bare.startswith(prefix):
        return Owned(SHARED, bare, LIBRARY)
    short = bare.removeprefix(prefix)
    if part := _functions(program).get(short):
        return Owned(part, short, "function")
    return Owned(SHARED, short, INTERFACE if CALLS.fullmatch(short) else HELPER)


def constant_of(name: str, program: Program, ours: bool) -> Owned:
    """Return whose a constant is; ours: the generated source defines it, not the C library."""
    short = name.removeprefix(f"{program.name}_")
    known = tables_of(program).get(short)
    return known or Owned(SHARED, short, HELPER if ours else LIBRARY)


def members_of(program: Program) -> Iterator[Member]:
    """Yield what lies in the memory that a caller owns, byte for byte, gaps included.

    With a sensor that is the stream, whose state lies first.
    """
    stages = {item.name: stage.part for stage in program.all_stages for item in stage.fields}
    rows = [
        (stages.get(member[0].name, SHARED), member[0]) if len(member) == 1 else _together(member)
        for member in program.members
    ]
    yield from _laid_out(rows, 0, program.ram_bytes)
    if program.sensor is not None:
        fields = []
        for member in program.sensor.members:
            item = member[0] if len(member) == 1 else _together(member)[1]
            fields.append((DETECTOR if item.name in SMOOTHED else SENSOR, item))
        yield from _laid_out(fields, program.ram_bytes, program.stream_bytes)


def _together(members: Sequence[Field]) -> tuple[str, Field]:
    """Return members that take turns in the same memory as one, as large as the largest."""
    largest = max(members, key=lambda item: item.bytes)
    names = ", ".join(item.name for item in members)
    return SHARED, replace(largest, name=largest.group, what=f"in turn {names}")


def _laid_out(rows: list[tuple[str, Field]], offset: int, end: int) -> Iterator[Member]:
    for part, item in rows:
        size = C_BYTES[item.ctype]
        start = -(-offset // size) * size
        yield from _gap(offset, start)
        yield Member(Owned(part, item.name, item.what), start, item.bytes)
        offset = start + item.bytes
    yield from _gap(offset, end)


def _gap(start: int, end: int) -> Iterator[Member]:
    if end > start:
        yield Member(Owned(SHARED, ALIGNMENT, ALIGNMENT), start, end - start)
