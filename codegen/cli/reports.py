"""The verb report."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from codegen.boards import find_boards
from codegen.cli.output import Output
from codegen.report import PartReport, Report
from codegen.report import report as report_on
from qat.model import Model

MHZ = 10**6
ONLY = "only one for these weights"
NOTE = """typical: predicted from counts of random layers (python -m codegen.calibrate). worst: an
upper bound for every input, argued and tested (codegen.costs). Cycles are estimates for zero
wait states. `spikemcu bench` counts."""


def report(arguments: Namespace) -> int:
    """Say what a model takes on boards, part by part."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    boards = find_boards(arguments.board)
    reports = []
    for board in boards:
        out.progress(f"compiling for {board.name}")
        reports.append(report_on(model, board, arguments.assume_density))
    for one in reports:
        _print(one, out)
    if len(reports) > 1:
        _print_all(reports, out)
    first = reports[0]
    out.say(f"\nactivity: {first.activity}")
    out.say(NOTE)
    results = [one.to_json() for one in reports]
    about = {"model": model.name, "digest": model.digest()}
    out.result(about | {"results": results} | (results[0] if len(results) == 1 else {}))
    return 0


def _print(one: Report, out: Output) -> None:
    out.say(f"{one.board} ({one.core}, {one.clock_hz / MHZ:g} MHz), one {one.call}")
    header = ("", "kernel", "why", "typical", "worst", "cycles, about", "flash", "RAM")
    rows: list[tuple[Any, ...]] = [
        (p.part, p.kernel, _why(p), p.instructions, p.worst, p.cycles, p.flash, p.ram)
        for p in one.parts
    ]
    shared = one.ram - sum(p.ram for p in one.parts)
    rows.append(("code, scratch", "", "", "", "", "", one.code, shared))
    rows.append(("all", "", "", one.instructions, one.worst, one.cycles, one.flash, one.ram))
    out.table(header, rows)
    deepest = ", ".join(f"{name} {size}" for name, size in one.stacks.items())
    out.say(f"stack: {one.stack} bytes at most ({deepest}); interrupts take theirs on top")
    out.say(
        f"time: about {one.latency_us:,.0f} us, at most about {one.worst_us:,.0f} us"
        + (f"; {one.fastest:g} of that at best" if one.fastest < 1 else "")
    )
    if one.waits:
        out.say(f"wait states of the flash, not in these figures: {one.waits}")
    out.say(f"timings: {one.timings}\n")


def _why(part: PartReport) -> str:
    if not part.kernel or part.part in ("currents", "encoder", "decision"):
        return ""
    if len(part.candidates) < 2:
        return ONLY
    return ", ".join(f"{name} {cost:,}" for name, cost in part.candidates.items())


def _print_all(reports: list[Report], out: Output) -> None:
    header = ("board", "core", "flash", "RAM", "stack", "instructions", "worst", "time, about us")
    out.table(
        header,
        [
            (r.board, r.core, r.flash, r.ram, r.stack, r.instructions, r.worst, r.latency_us)
            for r in reports
        ],
    )
