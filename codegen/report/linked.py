"""The linked model on a core: every byte of every section, and the part that owns it.

The generated pair is compiled as in a firmware and linked with the C library's memory functions
and with one state (with a sensor: one stream) in RAM. All functions that a user may call are kept,
so that this is the most that a firmware takes of the model. Functions that the compiler put
inline count with the part that they belong to, wherever their code lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegen.plan.program import Program
from codegen.report.inlined import inlined
from codegen.report.owners import (
    ALIGNMENT,
    LIBRARY,
    SHARED,
    Member,
    Owned,
    constant_of,
    function_of,
    members_of,
    memory_parts,
)
from codegen.target.boards import Board
from codegen.target.compiler import compile_files, linker, run_tool
from codegen.target.stack import API

ALWAYS = (".text", ".rodata", ".data", ".bss")
"""Sections that are listed even when they are empty."""

SCRIPT = """SECTIONS
{
    . = 0x8000;
    .text : { *(.text .text.*) }
    .rodata : { *(.rodata .rodata.*) }
    . = 0x20000000;
    .data : { *(.data .data.*) }
    .bss : { *(.bss .bss.* COMMON) }
}
"""
"""What the linker is told: nothing but the sections, and addresses that are as good as others."""

WRITE, ALLOCATE = 1, 2
"""Flags of a section, SHF_WRITE and SHF_ALLOC of the ELF specification."""


@dataclass(frozen=True)
class Section:
    """A section of the linked model: flash is taken by what is loaded, RAM by what is written."""

    name: str
    bytes: int
    flash: bool
    ram: bool


@dataclass(frozen=True)
class Item:
    """Bytes of a section that belong to one name: a function, an array, a member of the state."""

    part: str
    section: str
    name: str
    what: str
    bytes: int


@dataclass(frozen=True)
class PartMemory:
    """Bytes of a part in each section, and what that comes to in flash and in RAM."""

    part: str
    sections: dict[str, int]
    flash: int
    ram: int


@dataclass(frozen=True)
class Linked:
    """A linked model: sections and items in the order of their addresses, parts in that of a step.

    The items of a section come to its size, as do the parts.
    """

    sections: tuple[Section, ...]
    parts: tuple[PartMemory, ...]
    items: tuple[Item, ...]

    @property
    def flash(self) -> int:
        """Bytes of flash."""
        return sum(section.bytes for section in self.sections if section.flash)

    @property
    def ram(self) -> int:
        """Bytes of RAM, the stack left out."""
        return sum(section.bytes for section in self.sections if section.ram)


def link(files: Mapping[str, str], program: Program, board: Board, folder: Path) -> Path:
    """Compile a rendered model for a board's core and link it in `folder`; return the ELF file.

    Raises MissingCompilerError or BuildError.
    """
    name, kind = program.name, "stream" if program.sensor else "state"
    memory = f'#include "{name}.h"\n{name}_{kind} {name}_memory;\n'
    objects = compile_files({**files, f"{name}_memory.c": memory}, board, folder, "-gdwarf-4")
    (folder / "model.ld").write_text(SCRIPT, "ascii")
    keep = [f"-Wl,-u,{name}_{call}" for call in (*API, "memory")]
    flags = ["-Wl,--gc-sections", "-Tmodel.ld", f"-Wl,-e,{name}_reset", *keep]
    run_tool([*linker(board), *flags, *objects, "-o", "model.elf"], folder)
    return folder / "model.elf"


def read(path: Path, program: Program) -> Linked:
    """Return what lies in the ELF file of a linked model."""
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  # not for --help

    with path.open("rb") as file:
        elf = ELFFile(file)
        found = [s for s in elf.iter_sections() if s["sh_flags"] & ALLOCATE]
        symbols, parts = _symbols(elf), _inlined_parts(elf, program)
        items = [item for s in found for item in _items(s, symbols, parts, program)]
        sections = [_section(s) for s in found if s["sh_size"] or s.name in ALWAYS]
    missing = [_empty(name) for name in ALWAYS if name not in {s.name for s in sections}]
    every = sorted([*sections, *missing], key=_rank)
    kept = tuple(item for item in items if item.bytes)
    return Linked(tuple(every), _parts(kept, tuple(every), program), kept)


def _rank(section: Section) -> int:
    return ALWAYS.index(section.name) if section.name in ALWAYS else len(ALWAYS)


def _empty(name: str) -> Section:
    return Section(name, 0, flash=name != ".bss", ram=name in (".data", ".bss"))


def _section(section: Any) -> Section:
    loaded = section["sh_type"] != "SHT_NOBITS"
    written = bool(section["sh_flags"] & WRITE)
    return Section(section.name, section["sh_size"], flash=loaded, ram=written)


def _parts(
    items: tuple[Item, ...], sections: tuple[Section, ...], program: Program
) -> tuple[PartMemory, ...]:
    found = []
    for part in memory_parts(program):
        sizes = {s.name: _total(items, part, s.name) for s in sections}
        flash = sum(sizes[s.name] for s in sections if s.flash)
        found.append(PartMemory(part, sizes, flash, sum(sizes[s.name] for s in sections if s.ram)))
    return tuple(found)


def _total(items: tuple[Item, ...], part: str, section: str) -> int:
    return sum(item.bytes for item in items if (item.part, item.section) == (part, section))


# -------------------------------------------------------------------------- symbols


@dataclass(frozen=True)
class Symbol:
    """A named stretch of a section; size 0 where the file does not say."""

    section: int
    address: int
    size: int
    name: str
    function: bool
    source: str


def _symbols(elf: Any) -> list[Symbol]:
    """Return the functions and objects of an ELF file, by address, one for each address."""
    source, found = "", dict[tuple[int, int], Symbol]()
    for symbol in elf.get_section_by_name(".symtab").iter_symbols():
        info, section = symbol["st_info"], symbol["st_shndx"]
        if info["type"] == "STT_FILE":
            source = symbol.name
        elif info["type"] in ("STT_FUNC", "STT_OBJECT") and isinstance(section, int):
            function = info["type"] == "STT_FUNC"
            address = symbol["st_value"] & ~1 if function else symbol["st_value"]
            of = source if info["bind"] == "STB_LOCAL" else ""
            key, size = (section, address), symbol["st_size"]
            if key not in found or size > found[key].size:
                found[key] = Symbol(section, address, size, symbol.name, function, of)
    return [found[key] for key in sorted(found)]


Stretches = list[tuple[int, int, Owned]]
"""(first address, the one behind the last, whose it is)."""


def _inlined_parts(elf: Any, program: Program) -> Stretches:
    """Return whose the code is that was put inline, where it belongs to a part."""
    found = inlined(elf, lambda name: function_of(name, program).part != SHARED)
    return [(first, last, function_of(name, program)) for name, (first, last) in found]


def _items(
    section: Any, symbols: list[Symbol], parts: Stretches, program: Program
) -> Iterator[Item]:
    """Yield what a section holds, in order; what lies between two symbols is alignment."""
    at, end = section["sh_addr"], section["sh_addr"] + section["sh_size"]
    index = section.elffile.get_section_index(section.name)
    for symbol in (s for s in symbols if s.section == index):
        yield _between(section.name, at, symbol.address)
        start, at = max(at, symbol.address), max(at, symbol.address + symbol.size)
        for owned, size in _divided(symbol, start, at, parts, program):
            yield Item(owned.part, section.name, owned.name, owned.what, size)
    yield _between(section.name, at, end)


def _between(section: str, start: int, end: int) -> Item:
    return Item(SHARED, section, ALIGNMENT, ALIGNMENT, max(end - start, 0))


def _divided(
    symbol: Symbol, start: int, end: int, parts: Stretches, program: Program
) -> Iterator[tuple[Owned, int]]:
    """Yield whose the bytes of a symbol are: code by what is inline, RAM by its members."""
    if symbol.name == f"{program.name}_memory":
        yield from ((m.owned, m.bytes) for m in _members(program, end - start))
        return
    if not symbol.function:
        ours = symbol.source == f"{program.name}.c" or symbol.name.startswith(program.name)
        yield constant_of(symbol.name, program, ours), end - start
        return
    whole = function_of(symbol.name, program)
    left = end - start
    if whole.part == SHARED and whole.what != LIBRARY:
        for owned, size in _inside(start, end, parts):
            yield Owned(owned.part, owned.name, f"inline in {whole.name}"), size
            left -= size
    yield whole, left


def _inside(start: int, end: int, parts: Stretches) -> Iterator[tuple[Owned, int]]:
    """Yield the parts inline in a stretch of code with their bytes, each part once."""
    sizes: dict[Owned, int] = {}
    for first, last, owned in parts:
        size = min(last, end) - max(first, start)
        if size > 0:
            sizes[owned] = sizes.get(owned, 0) + size
    yield from sizes.items()


def _members(program: Program, size: int) -> Iterator[Member]:
    members = list(members_of(program))
    total = sum(member.bytes for member in members)
    assert total == size, f"the state has {size} bytes, its members {total}"
    yield from members
