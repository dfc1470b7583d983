"""The verb report: what a model takes on a board, printed, as a page, or held against limits."""

from __future__ import annotations

import textwrap
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codegen.base.quantities import AMPERES, MICROJOULES, MICROSECONDS, VOLTS, in_units
from codegen.cli.before import require_output
from codegen.cli.data import inputs_of
from codegen.cli.origins import classes_text
from codegen.cli.output import Output
from codegen.kernels import named
from codegen.render.generated import Generated, generated
from codegen.report.budget import Line, gate, parse_budget
from codegen.report.energy import FORMULA, Energy, energy_of, supply_of
from codegen.report.page import page
from codegen.report.page.content import OnBoard
from codegen.report.page.raster import Sample
from codegen.report.report import PartReport, Report, dense
from codegen.report.report import report as report_on
from codegen.target.boards import Board, find_boards
from codegen.target.compiler import find_cross_compiler
from codegen.target.fit import misfit
from codegen.target.lean import footprint_on
from qat.model import Model, write_file

MHZ = 10**6
COLUMNS = 100
ONLY = "only one for these weights"
NOTE = """typical: predicted from counts of random layers. worst: an upper bound for every input,
argued and tested (codegen.plan.cost). Cycles are estimates for zero wait states. `spikemcu bench`
counts."""


def report(arguments: Namespace) -> int:
    """Say what a model takes on boards, part by part; 1 if a budget is exceeded, or no room."""
    out = Output(arguments)
    supply = supply_of(arguments.current, arguments.voltage)
    limits = {} if arguments.budget is None else parse_budget(arguments.budget, supply)
    require_output(arguments.html)
    model = Model.load(arguments.model)
    boards = find_boards(arguments.board)
    for architecture in dict.fromkeys(board.architecture for board in boards):
        find_cross_compiler(architecture)
    sample = _sample(model, arguments, out)
    made = dense(model, arguments.assume_density)
    reports = []
    for board in boards:
        out.progress(f"compiling for {board.name}")
        reports.append(report_on(made, board))
    built = made if arguments.assume_density is None else generated(model)
    advice = [_advice(built, board, one) for board, one in zip(boards, reports, strict=True)]
    entries = []
    for one in reports:
        energy = energy_of(one, supply)
        entries.append(OnBoard(one, energy, gate(limits, one, energy)))
        _print(model.name, one, energy, entries[-1].limits, out)
    if len(reports) > 1:
        _print_all(reports, out)
    _wrapped(out, f"activity: {reports[0].activity}")
    if model.class_names:
        _wrapped(out, f"classes: {classes_text(model)}")
    out.say(NOTE)
    for told in filter(None, advice):
        out.warn(f"does not fit: {told}")
    if sample is not None:
        text = page(made, entries, sample)
        write_file(Path(arguments.html), text.encode("utf-8", "backslashreplace"))
        out.say(f"wrote {arguments.html}")
    about: dict[str, Any] = {"model": model.name, "digest": model.digest()}
    about |= {"classes": list(model.class_names), "html": arguments.html}
    results = [
        as_json(e.report, e.energy, e.limits) | {"fits": told is None, "advice": told}
        for e, told in zip(entries, advice, strict=True)
    ]
    out.result(about | {"results": results} | (results[0] if len(results) == 1 else {}))
    kept = all(line.kept for entry in entries for line in entry.limits)
    return 0 if kept and not any(advice) else 1


def _advice(built: Generated, board: Board, one: Report) -> str | None:
    """Return what `build` says of a model that does not fit, None for one that may.

    built: what `build` would generate, for the activity of the metadata

    Where `build` sees it only when all is linked, the same is said of the sizes as linked.
    """
    footprint = footprint_on(board)
    told = misfit(board, built, footprint)
    if told is not None or min(one.headroom.flash, one.headroom.ram) >= 0:
        return told
    flash, ram = footprint(built)
    more = one.flash - flash, one.ram + one.stack - ram

    def linked(other: Model | Generated) -> tuple[int, int]:
        flash, ram = footprint(other)
        return flash + more[0], ram + more[1]

    return misfit(board, built, linked)


def _sample(model: Model, arguments: Namespace, out: Output) -> Sample | None:
    """Return the sample that the page shows; None without --html.

    Of made inputs, of which the first are all low and all high, it is the last.
    """
    if arguments.html is None:
        for option in ("sample", "data"):
            if getattr(arguments, option) is not None:
                raise ValueError(f"--{option}: goes with --html")
        return None
    inputs = inputs_of(model, Namespace(**vars(arguments), limit=None), out)
    usual = len(inputs.x) - 1 if inputs.made else 0
    index = usual if arguments.sample is None else arguments.sample
    if index >= len(inputs.x):
        raise ValueError(f"--sample: found {index}; there are {len(inputs.x)}, from 0")
    x = inputs.x[index : index + 1]
    result = model.run(x, steps=inputs.steps, trace=True)
    label = None if inputs.labels is None else int(inputs.labels[index])
    return Sample(x, result, index, inputs.origin, label, inputs.class_names)


def as_json(one: Report, energy: Energy, lines: Sequence[Line]) -> dict[str, Any]:
    """Return a report with its energy and its budget as JSON values; no limits, no budget."""
    budget = {"kept": all(line.kept for line in lines), "lines": [v.to_json() for v in lines]}
    return {**one.to_json(), "energy": energy.to_json(), "budget": budget if lines else None}


def _print(name: str, one: Report, energy: Energy, lines: Sequence[Line], out: Output) -> None:
    out.say(f"{name} on {one.board} ({one.core}, {one.clock_hz / MHZ:g} MHz), one {one.call}\n")
    _print_costs(one, out)
    _print_memory(one, out)
    deepest = ", ".join(f"{call} {size:,}" for call, size in one.stacks.items())
    _wrapped(out, f"stack: {one.stack:,} bytes at most ({deepest}); interrupts take theirs on top")
    _print_headroom(one, out)
    _print_time(one, energy, out)
    if lines:
        _print_budget(lines, out)
    out.say()


def _wrapped(out: Output, text: str) -> None:
    """Print a paragraph, indented from its second line on."""
    out.say(textwrap.fill(text, COLUMNS, subsequent_indent="  ", break_on_hyphens=False))


def _print_costs(one: Report, out: Output) -> None:
    header = ("instructions", "kernel", "why", "typical", "worst", "cycles, about", "at worst")
    rows: list[tuple[Any, ...]] = [
        (p.part, p.kernel, _why(p), p.instructions, p.worst, p.cycles, p.worst_cycles)
        for p in one.parts
    ]
    rows.append(("all", "", "", one.instructions, one.worst, one.cycles, one.worst_cycles))
    out.table(header, rows)
    out.say()


def _why(part: PartReport) -> str:
    if not part.kernel or part.part in ("currents", "encoder", "decision"):
        return ""
    if len(part.candidates) < 2:
        return ONLY
    costs = ", ".join(f"{name} {cost:,}" for name, cost in part.candidates.items())
    if part.named:
        return f"{costs}; {part.kernel}: named"
    dearer = part.candidates[part.kernel] > min(part.candidates.values())
    return f"{costs}; {part.kernel}: flash" if dearer and named(part.kernel).small else costs


def _print_memory(one: Report, out: Output) -> None:
    names = [section.name for section in one.sections]
    header = ("memory, bytes", *names, "flash", "RAM")
    rows: list[tuple[Any, ...]] = [
        (m.part, *(m.sections[name] for name in names), m.flash, m.ram) for m in one.memory
    ]
    rows.append(("all", *(section.bytes for section in one.sections), one.flash, one.ram))
    out.table(header, rows)
    shared = ", ".join(f"{what} {size:,}" for what, size in one.shared().items())
    _wrapped(out, f"shared: {shared}")
    out.say()


def _print_headroom(one: Report, out: Output) -> None:
    left = one.headroom
    flash = _left(left.flash, one.board_flash, left.flash_percent)
    ram = _left(left.ram, one.board_ram, left.ram_percent)
    _wrapped(
        out,
        f"left on the board: flash {flash}, RAM {ram} beside the state and this stack; the rest of "
        "the firmware is not in it",
    )


def _left(size: int, room: int, percent: float) -> str:
    if size < 0:
        return f"{-size:,} bytes TOO FEW (it has {room:,})"
    return f"{size:,} of {room:,} bytes ({percent:.1f} %)"


def _print_time(one: Report, energy: Energy, out: Output) -> None:
    typical, worst = (in_units(t, MICROSECONDS) for t in (one.latency_us, one.worst_us))
    best = f"; {one.fastest:g} of that at best" if one.fastest < 1 else ""
    out.say(f"time: about {typical}, at most about {worst}{best}")
    if one.calls_a_second is not None:
        _wrapped(out, sound_text(one))
    known = one.checked or "never compared with a board"
    _wrapped(out, f"error: estimates of cycles of this core were {known}")
    if one.waits:
        _wrapped(out, f"wait states of the flash, not in these figures: {one.waits}")
    _wrapped(out, f"timings: {one.timings}")
    _wrapped(out, energy_text(one, energy))


def sound_text(one: Report) -> str:
    """Return what a second of sound takes, and how much of the core's time that is."""
    each = one.calls_a_second or 0.0
    typical, worst = one.instructions * each, one.worst * each
    shares = [100 * cycles * each / one.clock_hz for cycles in (one.cycles, one.worst_cycles)]
    late = "" if shares[1] <= 100 else ": TOO MUCH for this clock at worst"
    return (
        f"sound: about {typical:,.0f} instructions a second, at most {worst:,.0f}; that is about "
        f"{shares[0]:.1f} %, at most {shares[1]:.1f} % of the clock{late}"
    )


def energy_text(one: Report, energy: Energy) -> str:
    """Return the formula, and what it gives with the user's own current."""
    start = f"energy: {FORMULA} for one {one.call}"
    if energy.supply is None or energy.typical_uj is None or energy.worst_uj is None:
        return f"{start}; with --current and --voltage of your own board it becomes a number"
    given = f"I = {in_units(energy.supply.amperes, AMPERES)}"
    given += f" and V = {in_units(energy.supply.volts, VOLTS)}, yours"
    typical, worst = (in_units(e, MICROJOULES) for e in (energy.typical_uj, energy.worst_uj))
    return f"{start}, with {given}: about {typical}, at most about {worst}"


def _print_budget(lines: Sequence[Line], out: Output) -> None:
    out.say()
    rows = [
        (v.name, v.figure, amount(v.value, v), amount(v.limit, v), "kept" if v.kept else "EXCEEDED")
        for v in lines
    ]
    out.table(("budget", "what is compared", "found", "limit", ""), rows)
    exceeded = [v.name for v in lines if not v.kept]
    out.say(f"budget exceeded: {', '.join(exceeded)}" if exceeded else "budget kept")


def amount(value: float, line: Line) -> str:
    """Return a value or limit in the unit of its line."""
    number = f"{value:,.0f}" if line.unit in ("bytes", "") else f"{value:,.1f}"
    return f"{number} {line.unit}".strip()


def _print_all(reports: list[Report], out: Output) -> None:
    header = ("board", "core", "flash", "left", "RAM", "left", "stack", "typical", "worst",
              "about us")  # fmt: skip
    rows = [
        (r.board, r.core.removeprefix("cortex-"), r.flash, r.headroom.flash, r.ram, r.headroom.ram,
         r.stack, r.instructions, r.worst, r.latency_us)
        for r in reports
    ]  # fmt: skip
    out.table(header, rows)
    out.say()
