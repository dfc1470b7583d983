"""Trains the rows of the accuracy table, float beside low-bit weights.

Settings were chosen on validation data; what is printed is accuracy on test data. The file of
results is written after every network, and what it holds is not trained again:

    python tests/bench/accuracy.py -o tests/examples/accuracy.json --markdown .github/FIGURES.md
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.rows import ROWS, Row, measure  # found by the line above

from codegen.cli.before import require_output
from codegen.cli.output import Output, table
from codegen.cli.parsing import whole_number
from codegen.cli.train import show_progress
from qat.machine.bounded import read_regular
from qat.model import Model, did_you_mean, write_atomically
from qat.model.notation import written

FORMAT = 1
MOST_RESULTS = 2**26
"""Bytes of a file of results, or of a page that the table stands in; a run leaves some hundred."""
BEGIN, END = "<!-- accuracy -->", "<!-- end accuracy -->"
"""Between these lines of a markdown file stands the table."""

Results = dict[str, Any]
"""By row: its settings, and under "trained" and "float" the trials by seed."""


def accuracy(arguments: Namespace) -> None:
    """Train what is missing in the file of results; print the table and write it."""
    out = Output(arguments)
    path, rows = Path(arguments.output), _chosen(arguments.row)
    results = read_results(path)
    require_output(path)
    require_output(arguments.markdown)
    require_output(arguments.keep and _kept(arguments, rows[0], 0))
    for name in rows:
        _forget_other_settings(name, results, out)
    if not arguments.table_only:
        for name in rows:
            _train(name, arguments, results, path, out)
    header, lines = text_rows(results, ROWS)
    out.say("Accuracy on the test part, per cent; mean over the seeds, smallest to largest\n")
    out.say(table(header, lines))
    for line in comparisons(results, ROWS):
        out.say(line)
    if arguments.markdown:
        insert(Path(arguments.markdown), markdown(results, ROWS))
        out.say(f"\nwrote the table into {arguments.markdown}")


def _chosen(names: str | None) -> list[str]:
    chosen = list(ROWS) if names is None else names.split(",")
    for name in chosen:
        if name not in ROWS:
            near = did_you_mean(name, ROWS)
            raise ValueError(f"row {name!r}: is not known; use {', '.join(ROWS)}{near}")
    return chosen


# -------------------------------------------------------------------- results


def read_results(path: Path) -> Results:
    """Return what a file of results holds, nothing if there is none; ValueError for another."""
    if not path.exists():
        return {}
    try:
        found = json.loads(read_regular(path, MOST_RESULTS))
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']!r}; this reads {FORMAT}")
        return dict(found["rows"])
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: is no file of results ({error})") from None


def _write(path: Path, results: Results) -> None:
    ordered = {name: results[name] for name in ROWS if name in results}
    text = json.dumps({"format": FORMAT, "rows": ordered}, indent=1) + "\n"
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from None


def _forget_other_settings(name: str, results: Results, out: Output) -> None:
    """Drop the results of a row whose settings have changed since."""
    if name in results and not up_to_date(ROWS[name], results[name]):
        out.warn(f"{name}: its settings have changed; what was measured before is left out")
        del results[name]


def up_to_date(row: Row, result: Mapping[str, Any]) -> bool:
    """Return True if a result is of the settings that the row has now."""
    return bool(result.get("settings") == json.loads(json.dumps(row.settings())))


def _train(name: str, arguments: Namespace, results: Results, path: Path, out: Output) -> None:
    """Train the seeds of a row that have no result yet, and write each one at once."""
    row = ROWS[name]
    seeds = {"trained": row.seeds if arguments.seeds is None else arguments.seeds}
    seeds["float"] = seeds["trained"] if arguments.float_seeds is None else arguments.float_seeds
    for kind, count in seeds.items():
        for seed in map(str, range(count)):
            entry = results.setdefault(
                name, {"settings": row.settings(), "trained": {}, "float": {}}
            )
            if seed in entry[kind] or (kind == "float" and seed in _floats(name, results, ROWS)):
                continue
            show = show_progress(out, row.recipe.epochs, f"{name}, {kind}, seed {seed}: ")
            keep = arguments.keep and _kept(arguments, name, int(seed))
            trial = measure(
                row,
                int(seed),
                real=kind == "float",
                teachers=_teachers(row, arguments, results, path, out),
                progress=show,
                keep=keep,
            )
            entry[kind][seed] = trial.to_json()
            _write(path, results)


def _kept(arguments: Namespace, name: str, seed: int) -> Path:
    """Return the file of --keep for a row's model."""
    return Path(arguments.keep) / f"{name}-{seed}.npz"


def _teachers(
    row: Row, arguments: Namespace, results: Results, path: Path, out: Output
) -> list[Model]:
    """Return the models of the row that teaches another one, from the folder of --keep.

    What is not there is trained first. Raises ValueError for a file that is another model than
    the one that was measured.
    """
    if row.teachers is None:
        return []
    if arguments.keep is None:
        raise ValueError(f"--keep DIR: is needed, for the models of {row.teachers}, which teach")
    teacher, models = ROWS[row.teachers], []
    for seed in range(teacher.seeds):
        file = _kept(arguments, row.teachers, seed)
        trial = results.get(row.teachers, {}).get("trained", {}).get(str(seed))
        if not file.exists():
            show = show_progress(out, teacher.recipe.epochs, f"{row.teachers}, seed {seed}: ")
            trial = measure(teacher, seed, progress=show, keep=file).to_json()
        models.append(Model.load(file))
        if trial is not None and trial["digest"] != models[-1].digest():
            raise ValueError(f"{file}: is another model than {path} was measured with; remove it")
    return models


def _floats(name: str, results: Results, rows: Mapping[str, Row]) -> dict[str, Any]:
    """Return the trials with real weights of a row, by seed.

    Rows that differ in what real weights do not know have the same ones, measured once.
    """
    wanted = rows[name].float_settings()
    measured = [n for n in results if n in rows and up_to_date(rows[n], results[n])]
    same = [n for n in measured if rows[n].float_settings() == wanted]
    return {seed: trial for n in same for seed, trial in results[n]["float"].items()}


# ---------------------------------------------------------------------- table

HEADER = ("task", "network", "float", "trained", "goal", "seeds", "spikes per neuron and step")


def _spread(trials: Iterable[Mapping[str, Any]]) -> str:
    """Return the mean test accuracy, and its range, per cent."""
    values = 100 * np.array([trial["test"] for trial in trials])
    if not len(values):
        return "-"
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"


def _goal(row: Row) -> str:
    if row.goal is not None:
        goal = f"{100 * row.goal:.1f}"
    elif row.within is None:
        goal = "-"
    else:
        within = 100 * row.within
        goal = f"{row.against or 'float'} {'-' if within >= 0 else '+'} {abs(within):.1f}"
    return goal if row.firing is None else f"{goal} at {100 * row.firing:.0f} % spikes"


def _mean(trials: Mapping[str, Mapping[str, Any]], what: str) -> float:
    """Return the mean of an entry over the seeds, per cent."""
    return 100 * float(np.mean([trial[what] for trial in trials.values()]))


def comparisons(results: Results, rows: Mapping[str, Row]) -> list[str]:
    """Return a line for each measured row that is held against another one."""
    lines = []
    for name, row in rows.items():
        found = [results.get(n, {}).get("trained") for n in (name, row.against or "")]
        if all(found):
            (tests, rates), (old_tests, old_rates) = (
                (_mean(trials, "test"), _mean(trials, "firing_rates")) for trials in found
            )
            lines.append(
                f"`{name}` against `{row.against}`: {rates:.1f} % in place of {old_rates:.1f} % "
                f"spikes, {tests - old_tests:+.2f} points"
            )
    return lines


def _network(row: Row) -> str:
    inputs, outputs = row.sizes[0], row.sizes[-1]
    shape = f"{inputs}-{written(row.notes)}-{outputs}"
    kinds = ["ternary" if bits == 2 else f"{bits}-bit" for bits in row.bits]
    same = len(set(row.bits)) == 1
    kind = f"all {kinds[0]}" if same else f"{kinds[0]}, {kinds[-1]} output layer"
    pixels = f", {row.input_bits}-bit input" if row.input_bits else ""
    folds = ", each subject left out" if row.by_subject else ""
    counts = f", counts of 0 to {row.network['levels']}" if "levels" in row.network else ""
    taught = "" if row.teachers is None else f", taught by {row.teachers}"
    return f"{shape} {kind}{pixels}{counts}, T = {row.steps}{folds}{taught}"


def _seeds(trained: int, real: int) -> str:
    return f"{trained}" if trained == real else f"{trained} (float {real})"


def text_rows(
    results: Results, rows: Mapping[str, Row]
) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return (header, lines) of the table: the rows that were measured."""
    lines: list[tuple[str, ...]] = []
    for name, row in rows.items():
        if name in results and results[name]["trained"]:
            trials = list(results[name]["trained"].values())
            floats = _floats(name, results, rows)
            rates = np.mean([trial["firing_rates"] for trial in trials], axis=0)
            lines.append(
                (
                    name,
                    _network(row),
                    _spread(floats.values()),
                    _spread(trials),
                    _goal(row),
                    _seeds(len(trials), len(floats)),
                    ", ".join(f"{100 * rate:.1f} %" for rate in rates),
                )
            )
    return HEADER, lines


def _settings(row: Row) -> str:
    """Return the settings of a row's training in one line."""
    recipe = row.recipe.settings()
    changed = recipe.pop("augment")
    words = [f"{name.replace('_', ' ')} {value}" for name, value in recipe.items() if value]
    network = [f"{name} {value}" for name, value in row.network.items()]
    return ", ".join([*words, *network, *([] if changed is None else [str(changed)])])


def markdown(results: Results, rows: Mapping[str, Row]) -> str:
    """Return the table and the settings of its rows as markdown."""
    header, lines = text_rows(results, rows)
    body = ["| " + " | ".join(line) + " |" for line in (header, ["---"] * len(header), *lines)]
    settings = [f"- `{line[0]}`: {_settings(rows[line[0]])}" for line in lines]
    compared = [f"- {line}" for line in comparisons(results, rows)]
    return "\n".join([*body, "", *settings, *compared])


def insert(path: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Put `text` between the lines `begin` and `end` of a file, or raise ValueError."""
    try:
        whole = read_regular(path, MOST_RESULTS).decode()
        before, rest = whole.split(begin)
        _, after = rest.split(end)
        write_atomically(path, f"{before}{begin}\n{text}\n{end}{after}".encode())
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from None
    except ValueError:
        raise ValueError(f"{path}: must hold one line {begin} and one {end} after it") from None


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python tests/bench/accuracy.py")
    parser.set_defaults(json=False)
    parser.add_argument("--row", metavar="NAME,NAME", help="these rows of the table only")
    parser.add_argument(
        "--seeds", type=whole_number, metavar="N", help="seeds 0 to N - 1 (default: the row's)"
    )
    parser.add_argument(
        "--float-seeds", type=whole_number, metavar="N",
        help="seeds of the float network of the same shape (default: as many)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="RESULTS", default="accuracy.json",
        help="file of results (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--markdown", metavar="FILE", help=f"put the table between {BEGIN} and {END} of this file"
    )
    parser.add_argument("--keep", metavar="DIR", help="write the models into this folder as well")
    parser.add_argument("--table-only", action="store_true", help="train nothing, print the table")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; 0, or 2 after one line about wrong use."""
    try:
        accuracy(_parser().parse_args(argv))
    except ValueError as error:
        print(f"accuracy: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
