"""The content of the page: every number and every picture that its templates name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codegen.plan.sensor import channel_names
from codegen.render.generated import Generated
from codegen.report.budget import Line
from codegen.report.energy import FORMULA, Energy
from codegen.report.linked import PartMemory, Section
from codegen.report.page.figures import Bars, Span, Tick, byte_ticks, colour_of, spans
from codegen.report.page.maps import maps
from codegen.report.page.raster import Sample, rasters, scores
from codegen.report.page.text import core_name, number_text, unit_text
from codegen.report.report import PartReport, Report, dense
from codegen.report.summary import shape_text, summarize
from codegen.target.boards import find_board
from codegen.target.compiler import compiler_version
from qat.model import Activity, Model

MHZ = 10**6
STACK = "stack"
SECTION_COLOURS = 2
"""Shades that sections take in turn."""


@dataclass(frozen=True)
class OnBoard:
    """A model on a board: its report, its energy, and the lines of its budget, none without one."""

    report: Report
    energy: Energy
    limits: tuple[Line, ...] = ()


# --------------------------------------------------------------------- memory


@dataclass(frozen=True)
class MemoryMap:
    """A memory of a board: all of it, what the model takes, and that by section and by part.

    share, end: in percent of the picture, what the model takes and where the board ends; it is as
        wide as the larger one
    """

    name: str
    room: int
    used: int
    free: int
    share: float
    end: float
    board_ticks: tuple[Tick, ...]
    sections: tuple[Span, ...]
    parts: tuple[Span, ...]
    ticks: tuple[Tick, ...]

    @property
    def percent(self) -> float:
        """What the model takes of the board, in percent."""
        return 100 * self.used / self.room


def _memory(
    name: str, room: int, sections: Sequence[Section], parts: Sequence[PartMemory], stack: int
) -> MemoryMap:
    """Return the map of "flash" or "ram"; the stack lies in RAM and in no section."""
    kind = "flash" if name == "flash" else "ram"
    each = [
        (s.name, f"section{i % SECTION_COLOURS}", s.bytes)
        for i, s in enumerate(sections)
        if getattr(s, kind)
    ]
    owned = [(p.part, colour_of(p.part), getattr(p, kind)) for p in parts]
    more = [(STACK, STACK, stack)] if stack else []
    used = sum(size for _, _, size in each) + stack
    whole = max(room, used)
    return MemoryMap(
        name=name,
        room=room,
        used=used,
        free=room - used,
        share=100 * used / whole,
        end=100 * room / whole,
        board_ticks=byte_ticks(whole),
        sections=spans([*each, *more], used),
        parts=spans([*owned, *more], used),
        ticks=byte_ticks(used) if used else (),
    )


def memory_maps(report: Report) -> tuple[MemoryMap, MemoryMap]:
    """Return the maps of the flash and of the RAM, the deepest stack in it."""
    sections, parts = report.sections, report.memory
    return (
        _memory("flash", report.board_flash, sections, parts, 0),
        _memory("RAM", report.board_ram, sections, parts, report.stack),
    )


# ----------------------------------------------------------------------- costs


@dataclass(frozen=True)
class CostRow:
    """A part of an inference with its bars: (x, width) in percent of the axis."""

    part: PartReport
    colour: str
    typical: tuple[float, float]
    worst: tuple[float, float]


@dataclass(frozen=True)
class Candidate:
    """A kernel that could serve a part, its predicted instructions, and whether it was chosen."""

    kernel: str
    instructions: int | None
    bar: tuple[float, float]
    chosen: bool


@dataclass(frozen=True)
class KernelRow:
    """A part and the kernels that could serve it."""

    part: str
    colour: str
    candidates: tuple[Candidate, ...]


def _cost_rows(parts: Sequence[PartReport], axis: Bars) -> tuple[CostRow, ...]:
    return tuple(
        CostRow(p, colour_of(p.part), axis.bar(p.instructions), axis.bar(p.worst)) for p in parts
    )


def _kernel_rows(parts: Sequence[PartReport], axis: Bars) -> tuple[KernelRow, ...]:
    """Return the parts that have a kernel of their own; the input's serves layer 0."""
    own = [p for p in parts if p.kernel and p.part not in ("currents", "decision")]
    return tuple(KernelRow(p.part, colour_of(p.part), _candidates(p, axis)) for p in own)


def _candidates(part: PartReport, axis: Bars) -> tuple[Candidate, ...]:
    if len(part.candidates) < 2:
        return (Candidate(part.kernel, None, (0.0, 0.0), chosen=True),)
    return tuple(
        Candidate(name, round(cost), axis.bar(cost), chosen=name == part.kernel)
        for name, cost in part.candidates.items()
    )


# --------------------------------------------------------------------- a board


@dataclass(frozen=True)
class LimitRow:
    """A limit and what stands against it, in words and as a bar; `mark`: the limit, in percent."""

    line: Line
    found: str
    limit: str
    bar: tuple[float, float]
    mark: float


def _limit_row(line: Line) -> LimitRow:
    axis = Bars.over([line.value, line.limit])
    texts = number_text(line.value), f"{number_text(line.limit)} {unit_text(line.unit)}".strip()
    return LimitRow(line, *texts, axis.bar(line.value), sum(axis.bar(line.limit)))


def _board(one: OnBoard) -> dict[str, Any]:
    report, board = one.report, find_board(one.report.board)
    costs = Bars.over([part.worst for part in report.parts])
    known = [cost for part in report.parts for cost in part.candidates.values()]
    kernels = Bars.over(known)
    return {
        "r": report,
        "core": core_name(report.core),
        "title": board.title,
        "emulated": board.hardware is None,
        "mhz": f"{report.clock_hz / MHZ:g}",
        "energy": one.energy,
        "limits": tuple(_limit_row(line) for line in one.limits),
        "kept": all(line.kept for line in one.limits),
        "maps": memory_maps(report),
        "costs": costs,
        "cost_rows": _cost_rows(report.parts, costs),
        "kernels": kernels,
        "kernel_rows": _kernel_rows(report.parts, kernels),
        "memory": tuple((colour_of(row.part), row) for row in report.memory),
    }


def _boards_rows(boards: Sequence[OnBoard], axis: Bars) -> list[dict[str, Any]]:
    """Return what the table of several boards shows of each."""
    return [
        {
            "r": one.report,
            "core": core_name(one.report.core),
            "typical": axis.bar(one.report.instructions),
            "worst": axis.bar(one.report.worst),
            "limits": one.limits,
            "kept": all(line.kept for line in one.limits),
        }
        for one in boards
    ]


# -------------------------------------------------------------------- the page


def _layers(stages: Sequence[dict[str, Any]], activity: Activity) -> list[dict[str, Any]]:
    """Return the rows of the table of layers; rate: spikes per neuron and step, in percent."""
    rates = [100 * rates.rate for rates in activity.layers]
    return [
        {**stage, "colour": colour_of(stage["where"]), "rate": rate}
        for stage, rate in zip(stages, [*rates, *[None] * len(stages)], strict=False)
    ]


def content(
    given: Model | Generated, boards: Sequence[OnBoard], sample: Sample, density: float | None
) -> dict[str, Any]:
    """Return everything that the templates name."""
    made = dense(given, density)
    model, activity, summary = made.model, made.activity, summarize(made)
    every = [value for one in boards for value in (one.report.instructions, one.report.worst)]
    axis = Bars.over(every)
    steps = sample.result.steps
    return {
        "model": summary,
        "shape": shape_text(model),
        "layers": _layers(summary["stages"], activity),
        "activity": activity.source,
        "channels": channel_names(model),
        "boards": [_board(one) for one in boards],
        "rows": _boards_rows(boards, axis),
        "axis": axis,
        "call": boards[0].report.call,
        "formula": FORMULA,
        "sample": sample,
        "rasters": rasters(model, sample),
        "maps_of": maps(model, sample),
        "scores": scores(sample),
        "stopped": None if steps is None else int(steps[0]),
        "compiler": compiler_version(find_board(boards[0].report.board).architecture),
    }
