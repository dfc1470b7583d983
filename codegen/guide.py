"""What the README of a package says of a model: how it is called, what it costs on each core."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from codegen import costs
from codegen.boards import Board, load_boards
from codegen.errors import MissingCompilerError
from codegen.report import cycles_per_instruction
from codegen.stack import stack_of
from codegen.stages import Program
from qat.model import Activity, Model, Spikes


@dataclass(frozen=True)
class Cost:
    """What a call takes on a core: predicted, and at most for any input.

    cycles, worst_cycles: estimates at zero wait states
    stack: the deepest of any call, in bytes; None without an ARM compiler
    """

    core: str
    typical: int
    worst: int
    cycles: int
    worst_cycles: int
    stack: int | None


def _cost(model: Model, program: Program, activity: Activity, core: str, stack: int | None) -> Cost:
    typical = costs.works(program, model.input, activity, core)
    worst = costs.worst_works(program, model.input, core)
    each = [cycles_per_instruction(work.kind, core) for work in typical]
    counts = [costs.evaluate(work, core) for work in typical]
    most = [costs.evaluate(work, core, "worst") for work in worst]
    return Cost(
        core,
        round(sum(counts)),
        round(sum(most)),
        round(sum(n * cycles for n, cycles in zip(counts, each, strict=True))),
        round(sum(n * cycles for n, cycles in zip(most, each, strict=True))),
        stack,
    )


def _stacks(files: Mapping[str, str], boards: list[Board]) -> list[int | None]:
    """Return the worst-case stack on each board; None without a compiler."""
    try:
        with ThreadPoolExecutor() as pool:  # each waits for a compiler
            return list(pool.map(lambda board: max(stack_of(files, board).values()), boards))
    except MissingCompilerError:
        return [None] * len(boards)


def costs_of(
    model: Model, program: Program, activity: Activity, files: Mapping[str, str]
) -> tuple[Cost, ...]:
    """Return what a call takes on every core that was measured; files: the generated pair."""
    boards = list({b.core: b for b in load_boards().values() if b.hardware is None}.values())
    stacks = _stacks(files, boards)
    return tuple(
        _cost(model, program, activity, board.core, stack)
        for board, stack in zip(boards, stacks, strict=True)
    )


def _sentence(model: Model) -> str:
    sizes = "-".join(str(n) for n in (model.input.size, *(y.size for y in model.layers)))
    kind = "classes" if model.readout else "spiking outputs"
    return f"A spiking neural network {sizes} with {model.outputs} {kind}."


def guide(
    model: Model, program: Program, activity: Activity, files: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the texts of a package say beside the program; files: the generated pair."""
    each = "held for all steps" if model.input.held else "for each step"
    values = f"{program.input_ctype} from {program.input_low} to {program.input_high}"
    if isinstance(model.input, Spikes):
        values = "spikes, bit i % 32 of word i / 32 of uint32_t"
    count = model.steps or 1
    scores = f"the class, and {model.outputs} int32_t scores after {count} steps"
    return {
        "version": program.version,
        "sentence": _sentence(model),
        "held": model.input.held,
        "input": f"{model.input.size} {values}, {each}",
        "output": scores if model.readout else f"{model.outputs} spikes a step, packed in words",
        "source": activity.source,
        "costs": costs_of(model, program, activity, files),
    }
