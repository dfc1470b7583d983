"""Fit the coefficients of codegen.plan.cost to counts on emulated cores, and write costs.json.

    python tests/bench/calibrate.py                  every instruction set, in about half an hour
    python tests/bench/calibrate.py --only encoder   what the encoders take, alone
    python tests/bench/calibrate.py --only windows   the same of a kernel
    python tests/bench/calibrate.py --check 100      how far predictions are from other counts

The layers are random: none of a trained model is among them. Plans (calibration.samples) have
every feature of every kernel of dense layers, maps (calibration.maps) of those of maps and counts;
models of every kind (calibration.variety) are as unlike each other as users' are. Those of --check
are others: neither coefficients nor settings were chosen by them.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from calibration import maps
from calibration.counting import Counting
from calibration.cycles import Executed, executed
from calibration.deviation import deviations, summary
from calibration.fitting import Floats, Observation, fit
from calibration.samples import PLANS, inputs, make
from calibration.variety import FIT, REPORT, Case, case
from numpy.typing import NDArray

from codegen import isa
from codegen.kernels.encoders import ENCODERS, PLAIN
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.plan.kinds import family, kinds
from codegen.plan.program import Program
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board, find_boards, load_boards
from codegen.target.device import Device
from codegen.target.emulated import TIMEOUT, TargetModel
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import Activity, Input, Model

TABLES = ("costs", "cycles")
"""Of costs.json."""

PATH = Path(cost.__file__).parent / "costs.json"

WHOLE = (0, 5, 9, 10, 11, 24, 25, 28)
"""Models with one whole inference in which every kind of part occurs, but for encoders."""

RARE = next(i for i, row in enumerate(PLANS) if row.zeros > 0.9)
"""A model of sparse layers, traced for the kinds that no model of WHOLE has."""

TRACED = (*WHOLE, RARE, next(i for i, row in enumerate(PLANS) if row.stop), *(
    next(i for i, row in enumerate(PLANS) if (row.input, row.plain) == (kind, way == PLAIN))
    for kind, encoder in ENCODERS.items() for way in encoder.ways
))  # fmt: skip
"""These, one that may stop early, and one for each way of each encoder."""

MIDDLE = 8
"""The sample of a middle density."""

SIMILAR = {"armv7-m": "armv7e-m", "helium": "armv7e-m"}
"""Instruction sets whose code is nearly that of another, which is measured before: a part of the
models is counted for them, and what these leave open is taken from there."""

EACH, PART = 3, 136
"""Of maps every third is counted then, and so many models of every kind."""

MODELS = 340
"""Random models of every kind (calibration.variety) that are counted beside PLANS."""

SAMPLE, MEAN, OF_PLAN = 0.6, 1.5, 0.5
"""Weights of counts: of an input of a model of every kind, of the mean of all its inputs, which is
what is predicted, and of an input of a plan, which has many."""

OF_MAP, OF_NARROW = 0.4, 0.2
"""By how much less those of maps weigh, and of the narrowest: they are there for every feature to
be seen, and are no more than the models of every kind like what users make."""

EVERY = 2
"""So many inputs of a plan share a count."""


# -------------------------------------------------------------------- measuring


@dataclass(frozen=True, eq=False)
class Subject:
    """A model that is counted: with these kernels, on these inputs.

    steps: as for Model.run; each: {input: weight of its count}; mean: weight of the mean of all
    """

    model: Model
    kernels: Mapping[int, str]
    x: NDArray[Any]
    steps: int | None
    each: Mapping[int, float]
    mean: float = 0.0

    def made(self) -> Generated:
        """Return its C."""
        return generated(self.model, kernels=self.kernels)

    def kinds(self) -> set[str]:
        """Return the kinds of parts that it has."""
        program, activity = self.made().program, Activity.of(self.model, 0.1)
        return {w.kind for w in cost.works(program, self.model.input, activity, isa.DEFAULT_CORE)}

    def count(self, counting: Counting) -> Counted:
        """Count the parts."""
        made, model = self.made(), self.model
        counts = counting.count(model, made.files, self.x, self.steps)
        rows = [
            (Activity.measure(model, self.x[k : k + 1], self.steps), counts[k], weight, True)
            for k, weight in self.each.items()
        ]
        if self.mean:
            activity = Activity.measure(model, self.x, self.steps)
            rows.append((activity, counts.mean(axis=0), self.mean, False))
        return Counted(made.program, model.input, tuple(rows))


@dataclass(frozen=True, eq=False)
class Counted:
    """A model whose parts were counted: an activity for each row of the counts, and its weight.

    single: the activity is that of one call
    """

    program: Program
    given: Input
    rows: tuple[tuple[Activity, Floats, float, bool], ...]

    def observations(self, core: str) -> Iterator[Observation]:
        """Return what each part took."""
        names = part_names(self.program)
        for activity, counts, weight, single in self.rows:
            total = float(counts.sum())
            for work in cost.works(self.program, self.given, activity, core, single):
                part = float(counts[names.index(work.part)])
                yield Observation(work.kind, work.features, part, total, weight)


def of_plan(number: int) -> Subject:
    """Return a plan: every other of its inputs is counted."""
    row = PLANS[number]
    model = make(row, number)
    x = inputs(model, number)
    each = dict.fromkeys(range(number % EVERY, len(x), EVERY), OF_PLAN)
    return Subject(model, row.kernels(model), x, None, each)


def of_case(one: Case) -> Subject:
    """Return a model of any kind: the mean over its inputs is counted, and the first one.

    Its kernels are any that serve: what is fitted does not depend on the costs so far.
    """
    return Subject(one.model, one.kernels(), one.x, one.steps, {0: SAMPLE}, MEAN)


def of_map(one: maps.Mapped) -> Subject:
    """Return a model on maps: the mean over its inputs is counted, and the first two."""
    if len(one.x) == 1:
        return Subject(one.model, one.kernels, one.x, one.steps, {0: 1.0})
    weight = OF_NARROW if one.narrow else OF_MAP
    each = {0: weight * SAMPLE, 1: weight * SAMPLE}
    return Subject(one.model, one.kernels, one.x, one.steps, each, weight * MEAN)


def subjects(part: bool) -> Iterator[Subject]:
    """Yield every model that is counted; part: for a set that is similar to another."""
    yield from (of_case(case(FIT, number)) for number in range(PART if part else MODELS))
    yield from map(of_plan, range(len(PLANS)))
    yield from map(of_map, islice(maps.models(), 0, None, EACH if part else 1))


def belongs(kind: str, only: str | None) -> bool:
    """Return True for a kind of part whose name has this word; None: for each."""
    return only is None or only in kind.split()


def calibrate(board: Board, only: str | None = None) -> dict[str, Any]:
    """Count models on a board and return {kind: coefficients} of its instruction set.

    only: a word of the names of the kinds of parts that are measured, such as "encoder"
    """
    like = cost.coefficients()["costs"].get(SIMILAR.get(isa.find(board.core).name, ""), {})
    found: dict[str, list[Observation]] = defaultdict(list)
    families = {family(kind) for kind in kinds() if belongs(kind, only)}
    with Counting(board) as counting:
        for number, subject in enumerate(subjects(bool(like))):
            if only is not None and not families & set(map(family, subject.kinds())):
                continue
            for one in subject.count(counting).observations(board.core):
                if family(one.kind) in families:
                    found[family(one.kind)].append(one)
            print(f"{board.name}: {number + 1} models", flush=True)
    return {kind: fit(seen, like.get(kind)) for kind, seen in sorted(found.items())}


# ----------------------------------------------------------------------- cycles


def traced() -> Iterator[Subject]:
    """Yield the models whose calls are traced: those of TRACED, then small ones on maps."""
    yield from map(of_plan, TRACED)
    yield from (of_map(one) for one in islice(maps.models(), maps.LARGE, None))


def measure_cycles(board: Board, only: str | None = None) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core.

    The models of WHOLE count for all their parts, others for the kinds that those have not.
    """
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    wanted = {kind for kind in kinds() if belongs(kind, only)}
    for number, subject in enumerate(traced()):
        if set(sums) >= wanted:
            break
        first = number < len(TRACED) and TRACED[number] != RARE
        new = {kind for kind in subject.kinds() & wanted if first or kind not in sums}
        if not new:
            continue
        for kind, part in _traced_parts(subject, board):
            if kind in new:
                sums[kind][0] += part.cycles
                sums[kind][1] += part.instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items()) if n}


def _traced_parts(subject: Subject, board: Board) -> Iterator[tuple[str, Executed]]:
    """Yield what each part of a call executed, with its kind."""
    model, made = subject.model, subject.made()
    x = subject.x[min(MIDDLE, len(subject.x) - 1)].astype(model.input.dtype)
    activity = Activity.measure(model, x[None], subject.steps)
    with TargetModel(made, board, flags=MARKS) as target:
        found = executed(board, target.elf, *_call(model, x, subject.steps))
    for work in cost.works(made.program, model.input, activity, board.core):
        part = found.get(part_names(made.program).index(work.part))
        if part is not None:
            yield work.kind, part


def _call(model: Model, x: NDArray[Any], steps: int | None) -> tuple[str, Callable[[Qemu], object]]:
    """Return the function to trace, and what asks a firmware for it: an inference, or steps."""
    ((held, vectors),) = bytes_of(model, x[None], steps or model.steps or len(x))

    def infer(qemu: Qemu) -> None:
        Device(Client(qemu, TIMEOUT)).infer(model.outputs, held)

    def each_step(qemu: Qemu) -> None:
        device = Device(Client(qemu, TIMEOUT))
        device.reset(held)
        for vector in vectors:
            device.step(vector)

    if model.input.held and model.steps is not None:
        return f"{model.name}_classify", infer
    return f"{model.name}_step", each_step


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
    boards, only = find_boards(arguments.board), arguments.only
    if arguments.check is not None:
        print(summary(deviations(arguments.check, boards, arguments.set)))
        return
    if arguments.table != "cycles":
        first = [b for b in boards if isa.find(b.core).cores[0] == b.core]
        for board in first or [
            b for b in load_boards().values() if isa.find(b.core).cores[0] == b.core
        ]:
            rows = calibrate(board, only)
            write("costs", isa.find(board.core).name, rows, only)
            for kind, row in rows.items():
                errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
                print(f"{board.name:9} {kind:24} {row['observations']:4} counts, error {errors}")
    if arguments.table != "costs":
        for board in boards:
            write("cycles", board.core, measure_cycles(board, only), only)


def firsts(boards: Iterable[Board]) -> list[Board]:
    """Return those on whose cores the instruction sets are measured, similar ones last."""
    found = [board for board in boards if isa.find(board.core).cores[0] == board.core]
    return sorted(found, key=lambda board: isa.find(board.core).name in SIMILAR)


def write(table: str, key: str, rows: Mapping[str, Any], only: str | None) -> None:
    """Put rows into costs.json; what was not measured this time stays."""
    known = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
    old = known.setdefault(table, {}).get(key, {}) if only else {}
    known[table][key] = dict(sorted({**old, **rows}.items()))
    PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    cost.coefficients.cache_clear()


if __name__ == "__main__":
    main()
