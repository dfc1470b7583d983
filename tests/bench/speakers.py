"""Spoken digits of speakers whom a network never heard: each left out once, by kinds of networks.

    python tests/bench/speakers.py --data DIR -o tests/examples/speakers.json --seeds 1
    python tests/bench/speakers.py --table-only -o tests/examples/speakers.json --markdown PAGE

DIR holds fsdd.npz, a copy of one's own. Which network is for a speaker is chosen without him, by
his neighbours in the file, see bench/temporal/speakers.py; accuracy is that of the integer model on
all recordings of the one who is left out. The file of results is written after every network, and
what it holds is not trained again: --row NAME --seeds 5 adds seeds to some networks.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.accuracy import insert, read_results  # found by the line above
from bench.temporal.speakers import BASE, SPEAKERS, VARIANTS, left_out, neighbours
from bench.time_tasks import described, markdown, spread, taken, write_results

from codegen.cli.parsing import whole_number

FILE = "fsdd.npz"
MARKS = "<!-- speakers -->", "<!-- end speakers -->"

Entry = Mapping[str, Any]
"""Of a network: its settings; `pairs`, accuracies on both who were left out, by "a,b"; `alone`, by
speaker and seed."""


def train(arguments: Namespace) -> None:
    """Train what is missing in the file of results: those that choose, then those that count."""
    path, given = Path(arguments.output), Path(arguments.data) / FILE
    results = read_results(path)
    for name in arguments.row or VARIANTS:
        row = VARIANTS[name]
        settings = json.loads(json.dumps(row.settings()))
        entry = results.get(name)
        if entry is None or entry["settings"] != settings:
            entry = results[name] = {"settings": settings, "pairs": {}, "alone": {}}
        for speaker in range(SPEAKERS):
            pair = tuple(sorted((speaker, neighbours(speaker)[1])))
            if _key(pair) not in entry["pairs"]:
                *_, entry["pairs"][_key(pair)] = left_out(row, given, pair, 0)
                write_results(path, results)
                print(name, pair, entry["pairs"][_key(pair)], flush=True)
        for seed in range(arguments.seeds):
            for speaker in range(SPEAKERS):
                alone = entry["alone"].setdefault(str(speaker), {})
                if str(seed) not in alone:
                    model, x, (test,) = left_out(row, given, (speaker,), seed)
                    took = {} if seed or speaker else taken(model, x)
                    alone[str(seed)] = {"test": test, **took}
                    write_results(path, results)
                    print(name, speaker, seed, alone[str(seed)], flush=True)


def _key(pair: Sequence[int]) -> str:
    return ",".join(map(str, pair))


def heard(entry: Entry, speaker: int) -> float:
    """Return the mean accuracy on a speaker's neighbours, each left out together with him."""
    found = []
    for other in neighbours(speaker):
        pair = sorted((speaker, other))
        found.append(entry["pairs"][_key(pair)][pair.index(other)])
    return float(np.mean(found))


def chosen(results: Mapping[str, Entry], speaker: int) -> str:
    """Return the network that is chosen for a speaker without him; of equal ones the first."""
    return max(results, key=lambda name: heard(results[name], speaker))


# ---------------------------------------------------------------------- the table


def of_seeds(results: Mapping[str, Entry], names: Sequence[str]) -> list[list[float]]:
    """Return the accuracy on each speaker, by seed, of the network that is named for him.

    Seeds count that all of these networks have.
    """
    alone = [results[name]["alone"][str(speaker)] for speaker, name in enumerate(names)]
    seeds = set.intersection(*(set(one) for one in alone))
    return [[one[seed]["test"] for one in alone] for seed in sorted(seeds, key=int)]


def table(results: Mapping[str, Entry]) -> list[tuple[str, ...]]:
    """Return the lines of the table, its header first, and last what is chosen for each speaker."""
    sides = [f"without {speaker}" for speaker in range(SPEAKERS)]
    numbers = ("weight_bytes", "flash", "ram", "instructions")
    lines: list[tuple[str, ...]] = [
        ("kind", "network", "all", *sides, "weights, bytes", "flash", "RAM", "instructions a step",
         "seeds"),
    ]  # fmt: skip
    for name, row in VARIANTS.items():
        if name in results:
            first = results[name]["alone"]["0"]["0"]
            takes = [f"{first[what]:,.0f}" for what in numbers]
            own = of_seeds(results, [name] * SPEAKERS)
            lines.append((name, described(row), *_reached(own), *takes, str(len(own))))
    picks = [chosen(results, speaker) for speaker in range(SPEAKERS)]
    own = of_seeds(results, picks)
    lines.append(("chosen", "", *_reached(own), *[""] * len(numbers), str(len(own))))
    lines.append(("", "", "", *picks, *[""] * len(numbers), ""))
    return lines


def _reached(own: Sequence[Sequence[float]]) -> list[str]:
    """Return the mean of all speakers, smallest to largest of the seeds, and that of each."""
    each = np.array(own)
    return [spread(each.mean(axis=1)), *(f"{100 * value:.1f}" for value in each.mean(axis=0))]


def gain(results: Mapping[str, Entry]) -> float:
    """Return by how much what is chosen is more accurate than neurons that leak, in points."""
    picks = [chosen(results, speaker) for speaker in range(SPEAKERS)]
    base = np.mean(of_seeds(results, [BASE] * SPEAKERS))
    return float(100 * (np.mean(of_seeds(results, picks)) - base))


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; 0, or 2 after one line about wrong use."""
    parser = ArgumentParser(prog="python tests/bench/speakers.py")
    parser.add_argument("--data", default=".", metavar="DIR", help="folder of fsdd.npz")
    parser.add_argument("--row", nargs="+", choices=VARIANTS, help="these networks only")
    parser.add_argument("--seeds", type=whole_number, default=1, metavar="N")
    parser.add_argument("-o", "--output", metavar="RESULTS", default="speakers.json")
    parser.add_argument("--markdown", metavar="FILE", help="put the table into this file")
    parser.add_argument("--table-only", action="store_true", help="train nothing, print the table")
    arguments = parser.parse_args(argv)
    try:
        if not arguments.table_only:
            train(arguments)
        results = read_results(Path(arguments.output))
        text = markdown(table(results))
        print(f"\n{text}\n\n{gain(results):+.2f} points")
        if arguments.markdown:
            insert(Path(arguments.markdown), text, *MARKS)
    except ValueError as error:
        print(f"speakers: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
