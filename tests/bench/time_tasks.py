"""Trains networks with memory on tasks in time, and tells kinds of memory apart.

    python tests/bench/time_tasks.py --data DIR -o tests/examples/time.json
    python tests/bench/time_tasks.py -o tests/examples/time.json --table-only --markdown PAGE

DIR holds copies of one's own of fsdd.npz, nmnist_small.npz and magic_wand_digits.npz; what a row
needs stands in bench/temporal. The file of results is written after every network, and what it
holds is not trained again. Settings were chosen on validation data; accuracy is that of the integer
model on the test part, flash, RAM and instructions of a step are of the Cortex-M4, the last counted
of inferences of test samples.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.accuracy import insert, read_results  # found by the line above
from bench.temporal.rows import MEMORIES, TASKS, Row
from calibration.counting import Counting

from codegen.cli.parsing import whole_number
from codegen.cli.teaching import by_own_code
from codegen.render.generated import generated
from codegen.target.compiler import size_of
from qat.model import Model, did_you_mean, write_atomically
from qat.train.export import export
from qat.train.fit import evaluate, fit
from qat.train.teacher import Teacher

TABLES: Mapping[str, Mapping[str, Row]] = {"tasks": TASKS, "memories": MEMORIES}
ROWS: Mapping[str, Row] = {**TASKS, **MEMORIES}
SEEDS, BOARD, COUNTED = 5, "qemu-m4", 4
"""Networks of a row; where it is counted, and on how many samples."""

TEACHERS = 3
"""Networks that teach another row's."""

Trials = dict[str, dict[str, Any]]


def trial(row: Row, path: Path | None, seed: int, real: bool) -> dict[str, Any]:
    """Train a network of a row, and return what it reaches."""
    start, data = time.perf_counter(), row.data(path, seed)
    net = row.untrained(data, seed, real)
    teacher = Teacher(models_of(row.teacher, path), run=by_own_code) if row.teacher else None
    fit(net, data, seed, recipe=row.recipe_of(net), teacher=teacher)
    made = net if real else export(net)
    reached = {
        part: evaluate(made, getattr(data, f"x_{part}"), getattr(data, f"y_{part}"))
        for part in ("validation", "test")
    }
    found: dict[str, Any] = {**reached, "seconds": round(time.perf_counter() - start, 1)}
    return found | (taken(made, data.x_test) if isinstance(made, Model) else {})


@cache
def models_of(name: str, path: Path | None) -> tuple[Model, ...]:
    """Return the networks of a row, of seeds 0 to TEACHERS - 1, trained here to teach others."""
    models = []
    for seed in range(TEACHERS):
        data = ROWS[name].data(path, seed)
        net = ROWS[name].untrained(data, seed)
        fit(net, data, seed, recipe=ROWS[name].recipe_of(net))
        models.append(export(net))
    return tuple(models)


def taken(model: Model, x: Any) -> dict[str, Any]:
    """Return what a model is, and what it takes on the board."""
    made, spikes = generated(model), model.run(x[:200], trace=True).spikes
    assert spikes is not None
    with Counting(BOARD) as counting:
        counts = counting.count(model, made.files, x[:COUNTED], parts=False)
    return {
        "firing_rates": [float(one.mean()) for one in spikes],
        "weight_bytes": sum(s.weights.size * s.bits for _, s in model.synapses()) / 8,
        "flash": size_of(made.files, BOARD).flash,
        "ram": made.program.ram_bytes,
        "instructions": round(float(counts.mean()) / (model.steps or 1)),
        "digest": model.digest(),
    }


def train(arguments: Namespace) -> None:
    """Train what is missing in the file of results."""
    path = Path(arguments.output)
    results = read_results(path)
    for name in arguments.row or ROWS:
        row = _row(name)
        given = Path(arguments.data) / row.file if row.file else None
        entry = results.get(name)
        if entry is None or entry["settings"] != json.loads(json.dumps(row.settings())):
            entry = results[name] = _started(row, results)
            write_results(path, results)
        kinds = ("trained", "float") if row.within is not None else ("trained",)
        for seed, kind in ((s, k) for s in range(arguments.seeds) for k in kinds):
            if str(seed) not in entry[kind]:
                entry[kind][str(seed)] = trial(row, given, seed, kind == "float")
                print(name, kind, seed, entry[kind][str(seed)], flush=True)
                write_results(path, results)


def write_results(path: Path, results: Mapping[str, Any]) -> None:
    """Write a file of results."""
    write_atomically(path, (json.dumps({"format": 1, "rows": results}, indent=1) + "\n").encode())


def _started(row: Row, results: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with what a row of the same settings has reached, if there is one."""
    settings = json.loads(json.dumps(row.settings()))
    same = (one["trained"] for one in results.values() if one["settings"] == settings)
    return {"settings": settings, "trained": dict(next(same, {})), "float": {}}


def _row(name: str) -> Row:
    if name not in ROWS:
        raise ValueError(
            f"row {name!r}: is not known; use {', '.join(ROWS)}{did_you_mean(name, ROWS)}"
        )
    return ROWS[name]


# ---------------------------------------------------------------------- tables


def spread(parts: ArrayLike) -> str:
    """Return the mean of some accuracies, smallest to largest, in per cent; - for none."""
    values = 100 * np.asarray(parts)
    if not len(values):
        return "-"
    return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"


def _spread(trials: Trials) -> str:
    return spread([one["test"] for one in trials.values()])


def _mean(trials: Trials, what: str) -> str:
    values = [one[what] for one in trials.values() if what in one]
    return f"{np.mean(values):,.0f}" if values else "-"


def _rates(trials: Trials) -> str:
    rates = np.mean([one["firing_rates"] for one in trials.values()], axis=0)
    return ", ".join(f"{100 * rate:.1f} %" for rate in rates)


def _goal(row: Row) -> str:
    goals = [
        None if row.goal is None else f"{100 * row.goal:.1f}",
        None if row.below is None else f"below {100 * row.below:.0f}",
        None if row.within is None else f"float - {100 * row.within:.1f}",
    ]
    return ", ".join(goal for goal in goals if goal)


def described(row: Row) -> str:
    """Return the network of a row in words."""
    more = dict(row.network)
    words = [row.layers, *(f"{name} {more[name]}" for name in ("neuron", "delays") if name in more)]
    if "leaks" in more:
        words.append("leaks " + "/".join(",".join(map(str, leak)) for leak in more["leaks"]))
    if row.bits[0] != Row.bits[0]:
        words.append(f"weights of {row.bits[0]} bits")
    if row.teacher:
        words.append("taught")
    return ", ".join(words)


def table(
    rows: Mapping[str, Row], results: Mapping[str, Any], goals: bool
) -> list[tuple[str, ...]]:
    """Return the lines of a table, its header first; goals: with them, and the float network."""
    header = (
        ("task", "network", "float", "trained", "goal")
        if goals
        else ("memory", "network", "trained")
    )
    taken = (
        "spikes per neuron and step",
        "weights, bytes",
        "flash",
        "RAM",
        "instructions a step",
        "seeds",
    )
    lines: list[tuple[str, ...]] = [(*header, *taken)]
    for name, row in rows.items():
        trials = results.get(name, {}).get("trained", {})
        if not trials:
            continue
        real = (_spread(results[name]["float"]),) if goals else ()
        goal = (_goal(row),) if goals else ()
        numbers = (_mean(trials, what) for what in ("weight_bytes", "flash", "ram", "instructions"))
        lines.append(
            (
                name,
                described(row),
                *real,
                _spread(trials),
                *goal,
                _rates(trials),
                *numbers,
                str(len(trials)),
            )
        )
    return lines


def markdown(lines: Iterable[Sequence[str]]) -> str:
    """Return a table as markdown."""
    first, *rest = lines
    return "\n".join(
        "| " + " | ".join(line) + " |" for line in (first, ["---"] * len(first), *rest)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; 0, or 2 after one line about wrong use."""
    parser = ArgumentParser(prog="python tests/bench/time_tasks.py")
    parser.add_argument("--data", default=".", metavar="DIR", help="folder of the files")
    parser.add_argument("--row", nargs="+", metavar="NAME", help="these rows only")
    parser.add_argument("--seeds", type=whole_number, default=SEEDS, metavar="N")
    parser.add_argument("-o", "--output", metavar="RESULTS", default="time.json")
    parser.add_argument("--markdown", metavar="FILE", help="put both tables into this file")
    parser.add_argument("--table-only", action="store_true", help="train nothing, print the tables")
    arguments = parser.parse_args(argv)
    try:
        if not arguments.table_only:
            train(arguments)
        results = read_results(Path(arguments.output))
        for name, rows in TABLES.items():
            text = markdown(table(rows, results, goals=name == "tasks"))
            print(f"\n{text}")
            if arguments.markdown:
                marks = f"<!-- time {name} -->", f"<!-- end time {name} -->"
                insert(Path(arguments.markdown), text, *marks)
    except ValueError as error:
        print(f"time_tasks: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
