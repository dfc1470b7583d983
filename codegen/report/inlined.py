"""Functions that the compiler put inline, and where, from the debugging information."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

INLINED, BLOCK = "DW_TAG_inlined_subroutine", "DW_TAG_lexical_block"

Range = tuple[int, int]


def inlined(elf: Any, stops: Callable[[str], bool]) -> Iterator[tuple[str, Range]]:
    """Yield (name, addresses) of every function that was put inline into another one.

    elf:   an elftools ELFFile with debugging information of DWARF 4; what the compiler's library
        brings may have that of DWARF 5
    stops: True for a name below which nothing more is wanted; others are looked into and are
        not yielded themselves
    """
    if not elf.has_dwarf_info():
        return
    information = elf.get_dwarf_info()
    for unit in information.iter_CUs():
        for die in unit.get_top_DIE().iter_children():
            if die.tag == "DW_TAG_subprogram":
                yield from _below(die, information.range_lists(), stops)


def _below(die: Any, lists: Any, stops: Callable[[str], bool]) -> Iterator[tuple[str, Range]]:
    for child in die.iter_children():
        if child.tag not in (INLINED, BLOCK):
            continue
        name = _name(child) if child.tag == INLINED else ""
        if name and stops(name):
            yield from ((name, addresses) for addresses in _ranges(child, lists))
        else:
            yield from _below(child, lists, stops)


def _name(die: Any) -> str:
    while "DW_AT_name" not in die.attributes:
        if "DW_AT_abstract_origin" not in die.attributes:
            return ""
        die = die.get_DIE_from_attribute("DW_AT_abstract_origin")
    return str(die.attributes["DW_AT_name"].value.decode())


def _ranges(die: Any, lists: Any) -> Iterator[Range]:
    """Yield the addresses of a DIE: one stretch, or a list relative to its unit."""
    attributes = die.attributes
    if "DW_AT_ranges" in attributes:
        base = die.cu.get_top_DIE().attributes.get("DW_AT_low_pc")
        start = base.value if base else 0
        for entry in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value, die.cu):
            if hasattr(entry, "base_address"):
                start = entry.base_address
            else:
                own = 0 if entry.is_absolute else start
                yield own + entry.begin_offset, own + entry.end_offset
    elif "DW_AT_low_pc" in attributes:
        low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
        yield low, high.value if high.form == "DW_FORM_addr" else low + high.value
