"""The verb kernels: which kernels a model has, for instructions or for flash."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from codegen.cli.before import require_output
from codegen.cli.output import Output
from codegen.plan.named import with_kernels
from codegen.report.report import Report
from codegen.report.report import report as report_on
from codegen.report.smallest import smallest
from codegen.target.boards import find_board
from codegen.target.compiler import find_cross_compiler
from qat.model import Model

INSTRUCTIONS, FLASH = GOALS = ("instructions", "flash")
"""What kernels can be chosen for."""


def kernels(arguments: Namespace) -> int:
    """Compare kernels chosen for instructions and for flash, and write a model that names some."""
    out = Output(arguments)
    board = find_board(arguments.board)
    find_cross_compiler(board.architecture)
    require_output(arguments.output)
    model = Model.load(arguments.model)
    out.progress("linking the kernels that could serve")
    found = {INSTRUCTIONS: with_kernels(model, None), FLASH: smallest(model, board)}
    reports = {goal: report_on(one, board) for goal, one in found.items()}
    out.say(f"{model.name} on {board.name} ({board.core}), its kernels chosen for")
    out.table(
        ("", "flash", "RAM, stack", "instructions", "worst", "kernels"),
        [(goal, *_figures(one)) for goal, one in reports.items()],
    )
    told: dict[str, Any] = {"model": model.name, "digest": model.digest(), "board": board.name}
    told |= {goal: _as_json(one) for goal, one in reports.items()}
    if arguments.output:
        found[arguments.goal].save(arguments.output)
        out.say(f"wrote {arguments.output}: what is generated of it has those for {arguments.goal}")
    out.result({**told, "for": arguments.goal, "file": arguments.output})
    return 0


def _figures(one: Report) -> tuple[Any, ...]:
    return one.flash, one.ram + one.stack, one.instructions, one.worst, ", ".join(_kernels(one))


def _as_json(one: Report) -> dict[str, Any]:
    flash, ram, instructions, worst, _ = _figures(one)
    figures = {"flash": flash, "ram": ram, "instructions": instructions, "worst": worst}
    return {**figures, "kernels": _kernels(one)}


def _kernels(one: Report) -> list[str]:
    return [part.kernel for part in one.parts if part.kernel and part.part != "currents"]
