"""What a search prints, draws and writes."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from codegen.cli.output import Output, percent, table
from qat.model import write_file
from qat.study.plots import new_figure, to_bytes
from qat.study.search.costs import Costs
from qat.study.search.front import Found
from qat.study.search.space import Options

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from optuna import Study
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class Row:
    """A network of the front.

    paths: of its models, one a training
    tests: the accuracy of each on test data; none without any
    """

    found: Found
    paths: Sequence[Path]
    tests: Sequence[float]

    @property
    def test(self) -> float | None:
        """The accuracy on test data of the model that is kept."""
        return self.tests[self.found.kept] if self.tests else None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **self.found.to_json(),
            "test": self.test,
            "test_by_seed": list(self.tests),
            "file": self.paths[self.found.kept].name,
        }


def in_words(options: Options) -> str:
    """Return a network in a few words."""
    more = [f"T = {options['steps']}"] if "steps" in options else []
    more += [f"counts to {options['levels']}"] if "levels" in options else []
    more += ["thresholds by neuron"] if options.get("threshold") == "neuron" else []
    bits = "/".join(str(options[key]) for key in ("input_bits", "bits", "output_bits"))
    return ", ".join([f"{options['layers']} {options['neuron']}", *more, f"bits {bits}"])


def lines_of_trials(study: Study, limits: Mapping[str, float], told: set[int]) -> list[str]:
    """Return a line for each finished trial that is not in `told`, which then holds it."""
    done = [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished() and trial.number not in told
    ]
    told.update(trial.number for trial in done)
    return [line for trial in done if (line := _line(trial, limits))]


def _line(trial: FrozenTrial, limits: Mapping[str, float]) -> str | None:
    """Return what came of a trial, None for one that was given back."""
    known = trial.user_attrs
    if trial.state.name == "FAIL":
        return None
    if "options" not in known:
        return f"trial {trial.number}: cannot be made ({known.get('why', 'for no known reason')})"
    name = f"trial {trial.number}: {in_words(known['options'])}: "
    costs = Costs(**known["costs"])
    if "trained" not in known:
        over = zip(limits.items(), costs.over(limits), strict=True)
        broken = [f"{key} {getattr(costs, key):,} of {lim:,.0f}" for (key, lim), o in over if o > 0]
        return f"{name}cannot fit ({', '.join(broken)})"
    kept = max(costs.over(limits), default=0) <= 0
    if trial.value is None or "kept" not in known:
        seen = max((*trial.intermediate_values.values(), known.get("seen", 0.0)))
        why = f" ({known['why']})" if "why" in known else "" if kept else ", over the limits"
        return f"{name}ended early at {percent(seen)}{why}"
    return (
        f"{name}{percent(trial.value)}, {costs.flash:,} B flash, {costs.ram:,} B RAM, "
        f"{costs.instructions:,} instructions{'' if kept else ', over the limits'}"
    )


HEADER = (
    *("network (bits: inputs/hidden/output)", "validation", "test, mean", "test"),
    *("flash", "RAM", "instructions", "worst"),
)


def _cells(row: Row) -> tuple[Any, ...]:
    costs = row.found.costs
    tests = ("-", "-")
    if row.test is not None:
        tests = percent(fmean(row.tests)), percent(row.test)
    words = in_words(row.found.options)
    figures = costs.flash, costs.ram, costs.instructions, costs.worst
    return words, percent(row.found.accuracy), *tests, *figures


def say_front(out: Output, rows: Sequence[Row]) -> None:
    """Print the front."""
    out.say(
        "no other network is more accurate in as few bytes and instructions; accuracy is the mean "
        "of its trainings, the second test and what follows those of the model that is kept:\n"
    )
    out.table(HEADER, [_cells(row) for row in rows])


def write_front(
    rows: Sequence[Row],
    found: Sequence[Found],
    limits: Mapping[str, float],
    name: str,
    arguments: Namespace,
) -> list[str]:
    """Write table, numbers and pictures; return their paths and those of the models."""
    about = f"{name} on {arguments.board}, at most {arguments.budget}"
    numbers = [row.to_json() for row in rows]
    known = {"data": name, "board": arguments.board, "limits": dict(limits), "front": numbers}
    text = f"{about}\n\n{table(HEADER, [_cells(row) for row in rows])}\n"
    files = {"json": (json.dumps(known, indent=1) + "\n").encode(), "txt": text.encode()}
    figure = draw(rows, found, about)
    files |= {form: to_bytes(figure, form) for form in arguments.format.split(",")}
    paths = {form: Path(arguments.output) / f"{name}-search.{form}" for form in files}
    for form, path in paths.items():
        write_file(path, files[form])
    return [str(path) for path in (*(path for row in rows for path in row.paths), *paths.values())]


def draw(rows: Sequence[Row], found: Sequence[Found], about: str) -> Figure:
    """Draw validation accuracy against flash and instructions: all networks, and the front."""
    figure = new_figure(11, 4.5)
    labels = {"flash": "bytes of flash", "instructions": "instructions per inference"}
    for axes, (key, label) in zip(figure.subplots(1, 2, sharey=True), labels.items(), strict=True):
        for members, style in (
            (found, {"marker": ".", "color": "0.7", "label": "within the limits"}),
            ([row.found for row in rows], {"marker": "o", "color": "C0", "label": "the front"}),
        ):
            x = [getattr(one.costs, key) for one in members]
            axes.plot(x, [100 * one.accuracy for one in members], linestyle="", **style)
        axes.set(xscale="log", xlabel=label)
    figure.axes[0].set_ylabel("validation accuracy, %")
    figure.axes[0].legend(fontsize="small")
    figure.suptitle(about)
    return figure
