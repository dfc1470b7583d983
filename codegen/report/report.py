"""The report of a model on a board: memory, stack, instructions, time; nothing is run for it.

Memory and stack come from the linked model (codegen.report.linked), instructions from
codegen.plan.cost: `typical` for the activity that the model file tells, `worst` for an input that
is all active. Cycles are estimates from documented timings (tests/bench/calibration/cycles.py).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from codegen import isa
from codegen.kernels.encoders.plan import PLACE
from codegen.kernels.stage import Stage
from codegen.plan import cost
from codegen.plan.choose import Choice, choices
from codegen.plan.program import Program
from codegen.render.generated import Generated, generated
from codegen.report.linked import Item, Linked, PartMemory, Section, link, read
from codegen.report.owners import KINDS, SCRATCH, SHARED
from codegen.target.boards import Board, find_board
from codegen.target.stack import linked_stack
from qat.machine.scratch import scratch
from qat.model import Activity, Model, Spectrum


@dataclass(frozen=True)
class PartReport:
    """A part of an inference, or of a step; with a sensor, of what surrounds it.

    candidates: predicted instructions of every kernel that could serve it on this core
    instructions, worst: predicted, and an upper bound for every input
    cycles, worst_cycles: estimates
    named:      the model's file names the kernel
    """

    part: str
    kernel: str
    candidates: dict[str, float]
    instructions: int
    worst: int
    cycles: int
    worst_cycles: int
    named: bool = False

    def with_more(self, other: PartReport) -> PartReport:
        """Return the part with what another kind of work takes in it."""
        names = ("instructions", "worst", "cycles", "worst_cycles")
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True)
class Headroom:
    """What a board has left: its capacity less the model; of RAM less the deepest stack as well.

    The rest of the firmware has to fit into it. Bytes, and percent of the board; below 0 where
    the model is too large.
    """

    flash: int
    flash_percent: float
    ram: int
    ram_percent: float

    @classmethod
    def of(cls, board: Board, flash: int, ram: int) -> Headroom:
        """Return what is left beside so many bytes of flash and RAM."""
        left = (board.flash - flash, board.ram - ram)
        percent = (100 * left[0] / board.flash, 100 * left[1] / board.ram)
        return cls(left[0], round(percent[0], 1), left[1], round(percent[1], 1))


@dataclass(frozen=True)
class Report:
    """A model on a board; bytes, instructions, cycles and microseconds of a call.

    call:    "inference", or "step" for a model that runs free; with a sensor, its samples included
    flash:   code, weights and constants as linked; code: the code alone
    ram:     the state, with a sensor the stream; stack: the deepest of any call, of each in stacks
    sections, memory, items: the same, byte by byte; see codegen.report.linked
    board_flash, board_ram: what the board has
    latency_us, worst_us: cycles at the board's clock
    fastest: part of the cycles that the core may need where it can issue two at once
    calls_a_second: results that sound gives, at the rate that it was made for; None without sound
    checked: how far such estimates were off what was measured on a board; "" where nobody did
    waits:   wait states of the board's flash, which the cycles leave out; "" for an emulated one
    """

    board: str
    core: str
    clock_hz: int
    call: str
    activity: str
    parts: tuple[PartReport, ...]
    flash: int
    code: int
    ram: int
    stack: int
    stacks: dict[str, int]
    board_flash: int
    board_ram: int
    headroom: Headroom
    sections: tuple[Section, ...]
    memory: tuple[PartMemory, ...]
    items: tuple[Item, ...]
    instructions: int
    worst: int
    cycles: int
    worst_cycles: int
    latency_us: float
    worst_us: float
    fastest: float
    calls_a_second: float | None
    timings: str
    checked: str
    waits: str

    def shared(self) -> dict[str, int]:
        """Return what the part `shared` is made of: bytes of each kind of codegen.report.owners."""
        found = dict.fromkeys((*KINDS, SCRATCH), 0)
        for item in self.items:
            if item.part == SHARED:
                found[item.what if item.what in KINDS else SCRATCH] += item.bytes
        return {kind: size for kind, size in found.items() if size}

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)


def traced(kind: str, core: str) -> bool:
    """Return True if a kind of part has cycles per instruction on a core."""
    return kind in cost.coefficients()["cycles"].get(core, {})


def cycles_per_instruction(kind: str, core: str) -> float:
    """Return the estimated cycles per instruction of a kind of part on a core.

    Raises ValueError for one that was never traced.
    """
    if not traced(kind, core):
        raise ValueError(
            f"report: no cycles for {kind!r} on {core}; run python tests/bench/calibrate.py"
        )
    return float(cost.coefficients()["cycles"][core][kind])


def report(model: Model | Generated, board: str | Board, density: float | None = None) -> Report:
    """Return what `model` takes on `board`.

    model:   a Model, or what was generated of it, for the activity that it was generated for
    density: spikes per neuron and step, instead of those that the model file tells; kernels are
        chosen for it as well, for the default core: one generated pair serves every board

    Raises MissingCompilerError without the core's compiler, ValueError for a density out of range.
    """
    board, made = find_board(board), dense(model, density)
    parts = _parts(made, board.family)
    linked, stacks = _linked(made, board)
    totals = [sum(getattr(p, n) for p in parts) for n in ("instructions", "worst")]
    cycles, worst = (sum(getattr(p, n) for p in parts) for n in ("cycles", "worst_cycles"))
    timing, stack = isa.timing(board.family), max(stacks.values())
    return Report(
        board=board.name,
        core=board.core,
        clock_hz=board.clock_hz,
        call="step" if made.model.steps is None else "inference",
        activity=made.activity.source,
        parts=parts,
        flash=linked.flash,
        code=sum(section.bytes for section in linked.sections if section.name == ".text"),
        ram=linked.ram,
        stack=stack,
        stacks=stacks,
        board_flash=board.flash,
        board_ram=board.ram,
        headroom=Headroom.of(board, linked.flash, linked.ram + stack),
        sections=linked.sections,
        memory=linked.parts,
        items=linked.items,
        instructions=totals[0],
        worst=totals[1],
        cycles=cycles,
        worst_cycles=worst,
        latency_us=round(cycles * 1e6 / board.clock_hz, 1),
        worst_us=round(worst * 1e6 / board.clock_hz, 1),
        fastest=timing.fastest,
        calls_a_second=_calls_a_second(made.model, made.program),
        timings=timing.source,
        checked="" if timing.checked is None else str(timing.checked),
        waits=_waits(board),
    )


def dense(model: Model | Generated, density: float | None) -> Generated:
    """Return a model generated for a density; what was made already tells its own activity."""
    if isinstance(model, Generated):
        return generated(model)
    return generated(model, activity=Activity.of(model, density))


def _linked(made: Generated, board: Board) -> tuple[Linked, dict[str, int]]:
    """Return what is linked of a rendered model, and the stack of its calls."""
    with scratch() as folder:
        elf = link(made.files, made.program, board, Path(folder))
        return read(elf, made.program), linked_stack(elf, made.program.name, board.architecture)


def _calls_a_second(model: Model, program: Program) -> float | None:
    """Return how often sound of its rate ends a window, or makes a step."""
    if program.sensor is None or not isinstance(model.sensor, Spectrum):
        return None
    return model.sensor.rate / (model.sensor.group * program.sensor.hop)


def _waits(board: Board) -> str:
    """Return the wait states of the board's flash in words."""
    hardware = board.hardware
    if hardware is None:
        return ""
    return f"{hardware.wait_states} ({hardware.conditions}; {hardware.source})"


def _parts(made: Generated, core: str) -> tuple[PartReport, ...]:
    """Return every part: predicted for its activity, bounded for all inputs."""
    model = made.model
    typical = cost.works(made.program, model.input, made.activity, core)
    worst = cost.worst_works(made.program, model.input, core)
    typical += cost.around(made.program, core)
    worst += cost.around(made.program, core, worst=True)
    reasons = choices(model, core, made.activity)
    found: dict[str, PartReport] = {}
    for work, bound in zip(typical, worst, strict=True):
        part = _part(work, cost.evaluate(bound, core, "worst"), core, reasons)
        found[work.part] = part if work.part not in found else found[work.part].with_more(part)
    return tuple(found.values())


def _part(work: cost.Work, worst: float, core: str, reasons: tuple[Choice, ...]) -> PartReport:
    """Return a part; why a stage has its kernel stands beside its neurons."""
    predicted, each = cost.evaluate(work, core), cycles_per_instruction(work.kind, core)
    stage = work.stage if isinstance(work.stage, Stage) else None
    owner = stage is not None and work.part not in ("currents", "decision")
    index = stage.index if stage is not None and owner else PLACE
    candidates = {} if index == PLACE else reasons[index].costs
    return PartReport(
        part=work.part,
        kernel="" if stage is None else stage.kernel,
        candidates={name: round(cost) for name, cost in candidates.items()},
        instructions=round(predicted),
        worst=round(worst),
        cycles=round(predicted * each),
        worst_cycles=round(worst * each),
        named=index != PLACE and reasons[index].named,
    )
