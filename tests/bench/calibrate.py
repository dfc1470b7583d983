"""Fit the coefficients of codegen.plan.cost to counts on emulated cores, and write costs.json.

    python tests/bench/calibrate.py                  every instruction set, in about an hour
    python tests/bench/calibrate.py --only encoder   what the encoders take, alone
    python tests/bench/calibrate.py --only windows   the same of a kernel
    python tests/bench/calibrate.py --check 100      how far predictions are from other counts

The layers are random: none of a trained model is among them. Plans (calibration.samples) have
every feature of every kernel of dense layers, maps (calibration.maps) of those of maps and counts,
others (calibration.echoing, integrating) of what echoes and integrates; models of every kind
(calibration.variety) are as unlike each other as users' are. Those of --check are others: neither
coefficients nor settings were chosen by them.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calibration.boards import boards, first_of_sets
from calibration.counting import Counting
from calibration.deviation import deviations, summary
from calibration.fitting import Observation, fit
from calibration.subjects import Shared, subjects
from calibration.tracing import measure_cycles
from calibration.variety import REPORT

from codegen import isa
from codegen.plan import cost
from codegen.plan.kinds import family, kinds, unknown_names
from codegen.target.boards import Board

PATH = Path(cost.__file__).parent / "costs.json"

TABLES = ("costs", "cycles")
"""Of costs.json."""

SIMILAR = {"armv7-m": "armv7e-m", "helium": "armv7e-m", "rv32ec": "rv32imc"}
"""Instruction sets whose code is nearly that of another, which is measured before: what their
counts leave open is taken from there; for others of SHARES from what was measured before."""

SHARES = {"armv7-m": 3, "rv32ec": 3}
"""One in so many models is counted for a set, of others all: what is alike needs fewer."""

OF_VALUES = {
    *("bytes currents", "bytes held", "conv_plain currents", "conv_plain layer"),
    *("plain_counts currents", "plain_counts layer"),
    "pairs readout",
}
"""Families that are left out on a core without an instruction that multiplies: its library takes a
time that depends on the values of inputs, which no feature tells (up to 85 % were missed)."""


def belongs(kind: str, only: str | None) -> bool:
    """Return True for a kind of part whose name has this word; None: for each."""
    return only is None or only in kind.split()


def calibrate(board: Board, only: str | None = None) -> dict[str, Any]:
    """Count models on a board and return {family: coefficients} of its instruction set.

    only: a word of the names of the kinds of parts that are measured, such as "encoder"
    """
    known = cost.coefficients()["costs"]
    name = isa.find(board.core).name
    like = known.get(SIMILAR.get(name, name if name in SHARES else ""), {})
    found: dict[str, list[Observation]] = defaultdict(list)
    shared: dict[str, list[Shared]] = defaultdict(list)
    families = {family(kind) for kind in kinds() if belongs(kind, only)}
    families -= set() if isa.find(board.core).multiplies else OF_VALUES
    with Counting(board, keep=True) as counting:
        for number, subject in enumerate(subjects(SHARES.get(name, 1))):
            if only is not None and not families & set(map(family, subject.kinds())):
                continue
            for one in subject.count(counting).observations(board.core):
                if isinstance(one, Shared):
                    shared[family(one.observation.kind)].append(one)
                else:
                    found[family(one.kind)].append(one)
            print(f"{board.name}: {number + 1} models", flush=True)
    fresh = {key: fit(seen, like.get(key)) for key, seen in found.items() if key in families}
    rows = {**known.get(name, {}), **fresh}
    for key in shared.keys() & families:
        fresh[key] = fit([one.alone(rows) for one in shared[key]], like.get(key))
    return dict(sorted(fresh.items()))


def firsts(board: str) -> list[Board]:
    """Return the boards on whose cores instruction sets are measured, similar ones last.

    board: one, or all; none of a core whose set another one stands for gives all
    """
    found = first_of_sets(board) or first_of_sets()
    return sorted(found, key=lambda one: isa.find(one.core).name in SIMILAR)


def write(table: str, key: str, rows: Mapping[str, Any]) -> None:
    """Put rows into costs.json; what was not measured this time stays."""
    known = json.loads(PATH.read_text("utf-8"))
    old = known[table].get(key, {})
    known[table][key] = dict(sorted({**old, **rows}.items()))
    PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    cost.coefficients.cache_clear()


def drop_unknown() -> None:
    """Take the rows out of costs.json that do not fit the features that there are now.

    Until they are measured, kernels are chosen without them.
    """
    known = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
    for table in TABLES:
        known.setdefault(table, {})
    for core, rows in known["costs"].items():
        for name in [name for name, row in rows.items() if unknown_names(name, row)]:
            print(f"{core}: {name} has other features now, and is dropped")
            del rows[name]
    for rows in known["cycles"].values():
        for name in rows.keys() - kinds().keys():
            del rows[name]
    PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def _write(name: str, fresh: dict[str, dict[str, Any]], only: str | None) -> None:
    """Put {instruction set or core: {kind: what was measured}} in the place of what was there.

    only: as for calibrate; kinds that it leaves out are kept
    """
    known = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
    table = known.setdefault(name, {})
    for key, rows in fresh.items():
        table[key] = dict(sorted(({**table.get(key, {}), **rows} if only else rows).items()))
    PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def main() -> None:
    """Measure, and write costs.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--board", default="all", help="a board, or all")
    parser.add_argument("--only", metavar="WORD", help="kinds of parts with this word alone")
    parser.add_argument("--table", choices=TABLES, help="measure this alone, by default both")
    parser.add_argument("--check", type=int, metavar="N", help="count N models, and fit nothing")
    parser.add_argument("--set", type=int, default=REPORT, help="models of --check; %(default)s")
    arguments = parser.parse_args()
    only = arguments.only
    if arguments.check is not None:
        some = [one for one in boards(arguments.board) if isa.find(one.core).multiplies]
        print(summary(deviations(arguments.check, some, arguments.set)))
        return
    drop_unknown()
    if arguments.table != "cycles":
        for board in firsts(arguments.board):
            rows = calibrate(board, only)
            write("costs", isa.find(board.core).name, rows)
            for kind, row in rows.items():
                errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
                print(f"{board.name:9} {kind:24} {row['observations']:4} counts, error {errors}")
    if arguments.table != "costs":
        wanted = [kind for kind in kinds() if belongs(kind, only)]
        for board in boards(arguments.board):
            write("cycles", board.core, measure_cycles(board, wanted))


if __name__ == "__main__":
    main()
