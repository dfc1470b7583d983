"""What the stages of a program share: functions, members of the state, the order of the parts."""

from __future__ import annotations

from codegen.kernels.gather.plan import Past
from codegen.kernels.memory import WORK, Field, Scratch, Table
from codegen.kernels.stage import Layer, Readout, Stage
from codegen.plan.program import Program

__all__ = [
    "HELPERS",
    "Field",
    "Layer",
    "Program",
    "Readout",
    "Stage",
    "Table",
    "part_names",
]

HELPERS: tuple[str, ...] = (
    "trailing_zeros",
    "put",
    "bits",
    "set_bits",
    "code2",
    "code4",
    "list_active",
    "list_inactive",
    "rows",
    "list_rows8",
    "list_rows16",
    "list_rows32",
    "asr",
    "signed",
    "broadcast",
    "planes_for",
    "lane",
    "add",
    "subtract",
    "extend",
    "reduce",
    "adder",
    "add_columns",
    "add_nibbles",
    "sum_inactive",
    "slice_bytes",
    "sum_digits",
    "count_spikes",
    "count_levels",
    "clear",
    "clear_words",
    "slot",
    "late",
    "add_column2",
    "add_column4",
    "add_column8",
    "add_column16",
    "halves",
    "add_strips4",
    "add_strips8",
    "images",
    "add_bytes",
    "add_products",
    "less_bytes",
    "burst_bytes",
    "turn",
)
"""Functions that stages share, in the order of their definition; one template each."""

ALONG_LISTS = (
    "list_active", "list_inactive", "list_rows8", "list_rows16", "list_rows32", "sum_digits",
    "sum_inactive", "add_columns", "add_run", "add_batches", "add_carries", "add_strips4",
    "add_strips8",
)  # fmt: skip
"""Those, and what they call, that work along a list of inputs; see Stage.along_lists."""


def part_names(program: Program) -> tuple[str, ...]:
    """Return the parts of an inference, in the order of the marks' numbers in model.c.j2."""
    layers = (stage.part for stage in program.layers)
    first = program.encoder.part if program.encoder else "currents"
    return ("rest", first, *layers, "readout", *(("decision",) if program.stop else ()))


def _fields(
    stages: tuple[Stage, ...], pasts: tuple[Past, ...], scratch: Scratch, list_ctype: str
) -> tuple[Field, ...]:
    """Return the members of the state: what the stages keep, the past, then what they share.

    The list stands behind words: cores read two of its entries at once, which must be aligned.
    """
    shared = (
        ("digits", "digits of the input, in planes", "uint32_t", scratch.digits),
        ("sums", "sums, in planes", "uint32_t", scratch.sums),
        ("carries", "carry words of the adder", "uint32_t", scratch.carries),
        ("totals", "sums of a plain layer", "int32_t", scratch.totals),
        ("list", "offsets of the active inputs", list_ctype, scratch.listed),
        ("pooled", "values of one position of a pool", "uint16_t", scratch.pooled),
        ("gathered", "what a layer reads of several signals", "uint32_t", scratch.gathered),
    )
    kept = sorted(
        (
            *(item for one in stages for item in one.fields),
            *(item for one in pasts for item in one.fields),
        ),
        key=lambda row: (row.scratch, row.group),
    )
    groups = {"list": WORK} if any(item.group == WORK for item in kept) else {}
    rows = (
        Field(name, f"scratch: {what}", c, (n,), scratch=True, group=groups.get(name, ""))
        for name, what, c, n in shared
    )
    return (*kept, *(row for row in rows if row.shape != (0,)))
