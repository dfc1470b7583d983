"""The verb compare: accuracy against flash and instructions, for float and for few bits."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codegen.base.errors import MissingToolError
from codegen.cli.before import missing_tool, require_folder
from codegen.cli.data import load_data
from codegen.cli.output import Output, table
from codegen.cli.pictures import check_formats
from codegen.cli.train import progress_line
from codegen.measure.count import Cost, cost_of
from codegen.target.boards import find_board
from qat import Epoch
from qat.data.dataset import Dataset
from qat.model import Model, write_file
from qat.study.plots import new_figure, to_bytes
from qat.study.tradeoff import Candidate, Comparison, Kind, Plan
from qat.train.recipes import recipe_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAMPLES = 20
"""Test samples over which the instructions of an inference are averaged."""


@dataclass(frozen=True)
class Point:
    """A line of the table: the mean over the seeds, and the spread of the test accuracy.

    flash, instructions: mean; None where there is no C (float) or no tools to measure it
    """

    kind: Kind
    seeds: int
    validation: float
    test: float
    lowest: float
    highest: float
    flash: int | None
    instructions: int | None

    @property
    def label(self) -> str:
        """How the weights came about, in words."""
        if self.kind.bits is None:
            return "float"
        weights = "ternary" if self.kind.bits == 2 else f"{self.kind.bits} bits"
        return f"{weights}, {self.kind.how}"


def compare(arguments: Namespace) -> int:
    """Train, measure, print and draw."""
    out = Output(arguments)
    _check_before_the_work(arguments)
    if missing := missing_tool():
        out.say(f"flash and instructions will be left out: {missing}")
    out.progress(f"reading {arguments.data}")
    data = load_data(arguments.data, arguments)
    if arguments.input_bits:
        data = data.with_input_bits(arguments.input_bits)
    plan = _plan(arguments, data)
    costs = _Costs(arguments.board, data.x_test[:SAMPLES])
    groups: dict[Kind, list[tuple[Candidate, Cost | None]]] = {}
    for found in Comparison(plan, data, _progress(plan, out)):
        out.progress(f"counting instructions on {arguments.board}")
        groups.setdefault(found.kind, []).append((found, costs.of(found.model)))
    points = [_point(kind, members) for kind, members in groups.items()]
    _print(points, data, arguments, costs.missing, out)
    files = _write(points, data, plan, arguments)
    for path in files:
        out.say(f"wrote {path}")
    out.result({**_json(points, data, plan, arguments), "missing": costs.missing, "files": files})
    return 0


def _check_before_the_work(arguments: Namespace) -> None:
    """Refuse now what would only fail after the trainings."""
    find_board(arguments.board)
    check_formats(arguments.format)
    require_folder(arguments.output)
    new_figure(1, 1)


def _plan(arguments: Namespace, data: Dataset) -> Plan:
    recipe = recipe_for(data.name, len(data.y_train))
    if arguments.epochs:
        recipe = replace(recipe, epochs=arguments.epochs)
    steps = arguments.steps or (8 if data.x_train.ndim == 2 else data.x_train.shape[1])
    return Plan(
        arguments.widths,
        arguments.bits,
        arguments.output_bits,
        steps,
        range(arguments.seeds),
        recipe,
    )


class _Costs:
    """What models cost on a board; once a tool is missing, nothing, and `missing` says so."""

    def __init__(self, board: str, x: NDArray[Any]) -> None:
        self.board, self.x = board, x
        self.missing: str | None = None

    def of(self, model: Model | None) -> Cost | None:
        """Return the cost of a model, None for real weights or without the tools."""
        if model is None or self.missing is not None:
            return None
        try:
            return cost_of(model, self.board, self.x)
        except MissingToolError as error:
            self.missing = str(error)
            return None


def _progress(plan: Plan, out: Output) -> Any:
    """Return a callback that shows every epoch, and the time that is left of all trainings."""
    seconds: list[float] = []

    def show(what: str, epoch: Epoch) -> None:
        seconds.append(epoch.seconds)
        mean = sum(seconds) / len(seconds)
        left = mean * (plan.trainings * plan.recipe.epochs - len(seconds))
        line = progress_line(epoch, plan.recipe.epochs, mean)
        out.progress(f"{what}: {line}, {left:.0f} s for all", last=left <= 0)

    return show


def _point(kind: Kind, members: Sequence[tuple[Candidate, Cost | None]]) -> Point:
    found = [candidate for candidate, _ in members]
    costs = [cost for _, cost in members if cost is not None]
    test = [candidate.test for candidate in found]
    return Point(
        kind,
        len(found),
        float(np.mean([candidate.validation for candidate in found])),
        float(np.mean(test)),
        min(test),
        max(test),
        round(float(np.mean([c.flash for c in costs]))) if costs else None,
        round(float(np.mean([c.instructions for c in costs]))) if costs else None,
    )


# ---------------------------------------------------------------------- table

HEADER = ("neurons", "weights", "validation", "test", "lowest", "highest", "flash", "instructions")


def _rows(points: Sequence[Point]) -> list[tuple[Any, ...]]:
    return [
        (
            p.kind.width,
            p.label,
            *(f"{100 * v:.2f} %" for v in (p.validation, p.test, p.lowest, p.highest)),
            "-" if p.flash is None else f"{p.flash:,}",
            "-" if p.instructions is None else f"{p.instructions:,}",
        )
        for p in points
    ]


def _about(data: Dataset, arguments: Namespace) -> str:
    return (
        f"{data.name}, mean of {arguments.seeds} seeds; flash (code, weights, constants) and mean "
        f"instructions of an inference on {arguments.board}"
    )


def _print(
    points: Sequence[Point], data: Dataset, arguments: Namespace, missing: str | None, out: Output
) -> None:
    out.say(f"{_about(data, arguments)}\n")
    out.say(table(HEADER, _rows(points)))
    if missing:
        out.say(f"flash and instructions left out: {missing}")


def _markdown(points: Sequence[Point], about: str) -> str:
    lines = [HEADER, ["---"] * len(HEADER), *_rows(points)]
    return "\n".join([about, "", *("| " + " | ".join(map(str, x)) + " |" for x in lines), ""])


def _json(
    points: Sequence[Point], data: Dataset, plan: Plan, arguments: Namespace
) -> dict[str, Any]:
    return {
        "data": data.name,
        "board": arguments.board,
        "steps": plan.steps,
        "training": plan.recipe.settings(),
        "points": [asdict(point) for point in points],
    }


def _write(points: Sequence[Point], data: Dataset, plan: Plan, arguments: Namespace) -> list[str]:
    """Write the table, the numbers and the pictures; return their paths."""
    text = _markdown(points, _about(data, arguments))
    numbers = json.dumps(_json(points, data, plan, arguments), indent=1) + "\n"
    files = {"md": text.encode(), "json": numbers.encode()}
    figure = draw(points, data.name)
    files |= {form: to_bytes(figure, form) for form in arguments.format.split(",")}
    paths = {form: Path(arguments.output) / f"{data.name}-compare.{form}" for form in files}
    for form, path in paths.items():
        write_file(path, files[form])
    return [str(path) for path in paths.values()]


# -------------------------------------------------------------------- picture

_AXES: Mapping[str, str] = {"flash": "bytes of flash", "instructions": "instructions per inference"}
_STYLE: Mapping[str, dict[str, Any]] = {
    "trained": {"linestyle": "-", "marker": "o"},
    "rounded": {"linestyle": ":", "marker": "x"},
}


def draw(points: Sequence[Point], name: str) -> Figure:
    """Draw test accuracy against flash and against instructions, a line for each kind.

    A level line shows the best float network.
    """
    real = max(point.test for point in points if point.kind.bits is None)
    figure = new_figure(11, 4.5)
    for axes, cost in zip(figure.subplots(1, 2, sharey=True), _AXES, strict=True):
        _curves(axes, points, cost)
        axes.axhline(100 * real, color="0.6", linewidth=0.8)
        at = (0.01, 100 * real)
        axes.annotate("float", at, xycoords=("axes fraction", "data"), fontsize="small")
        axes.set(xscale="log", xlabel=_AXES[cost])
    figure.axes[0].set_ylabel("test accuracy, %")
    if figure.axes[0].get_legend_handles_labels()[0]:
        figure.axes[0].legend(fontsize="small")
    figure.suptitle(f"{name}: trained in few bits, or rounded after training")
    return figure


def _curves(axes: Axes, points: Sequence[Point], cost: str) -> None:
    kinds = dict.fromkeys((p.kind.bits, p.kind.how) for p in points if p.kind.bits is not None)
    colours = {bits: f"C{i}" for i, bits in enumerate(dict.fromkeys(bits for bits, _ in kinds))}
    for bits, how in kinds:
        line = [p for p in points if (p.kind.bits, p.kind.how) == (bits, how)]
        x = [getattr(p, cost) for p in line]
        if None not in x:
            y = [100 * p.test for p in line]
            axes.plot(x, y, color=colours[bits], label=line[0].label, **_STYLE[how])
