"""Fit the coefficients of codegen.plan.cost to counts on emulated cores, and write costs.json.

    python tests/bench/calibrate.py                  every instruction set, in about fifteen minutes
    python tests/bench/calibrate.py --only encoder   what the encoders take, alone
    python tests/bench/calibrate.py --cycles         cycles alone, after a change of isa/timings.py
    python tests/bench/calibrate.py --check 100      how far predictions are from other counts

The layers are random: none of a trained model is among them. Plans (calibration.samples) have
every feature of every kernel, models of every kind (calibration.variety) are as unlike each
other as users' are. Those of --check are others: neither coefficients nor settings were chosen by
them.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration.boards import boards, first_of_sets
from calibration.counting import Counting
from calibration.cycles import executed
from calibration.deviation import deviations, summary
from calibration.extremes import slowest
from calibration.fitting import Floats, Observation, fit
from calibration.samples import PLANS, Plan, inputs, make
from calibration.variety import FIT, Case, case
from numpy.typing import NDArray

from codegen import isa
from codegen.kernels.encoders import ENCODERS, PLAIN
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.plan.kinds import family
from codegen.plan.program import Program
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board
from codegen.target.device import Device
from codegen.target.emulated import TIMEOUT, TargetModel
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import Activity, Input, Model

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

SUBJECTS = ("encoder", "decision")
"""Kinds of parts that some models alone have: these are measured for them, and nothing else."""

MIDDLE = 8
"""The sample of a middle density."""

MODELS = 400
"""Random models of every kind (calibration.variety) that are counted beside PLANS."""

SAMPLE, MEAN, OF_PLAN = 0.6, 1.5, 0.5
"""Weights of counts: of an input of a model of every kind, of the mean of all its inputs, which is
what is predicted, and of an input of a plan, which has many."""

EVERY = 2
"""So many inputs of a plan share a count."""


# -------------------------------------------------------------------- measuring


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


def count_plan(number: int, row: Plan, counting: Counting) -> Counted:
    """Count the parts of the inputs of a plan."""
    model = make(row, number)
    kernels, x = row.kernels(model), inputs(model, number)
    made = generated(model, kernels=kernels)
    counts = counting.count(model, made.files, x)
    picked = range(number % EVERY, len(x), EVERY)
    found = ((Activity.measure(model, x[j : j + 1]), counts[j], OF_PLAN, True) for j in picked)
    return Counted(made.program, model.input, (*found, *_slowest(counting, made, x)))


def _slowest(
    counting: Counting, made: Generated, x: NDArray[Any], steps: int | None = None
) -> Iterator[tuple[Activity, Floats, float, bool]]:
    """Yield the count of the inputs that take longest, which bounds the worst case alone."""
    worst = slowest(made.model.input, x, counting.board)
    if worst is not None:
        (counts,) = counting.count(made.model, made.files, worst, steps)
        yield Activity.measure(made.model, worst, steps), counts, 0.0, True


def count_case(one: Case, counting: Counting) -> Counted:
    """Count the parts of a model of any kind, as a mean over its inputs, and of the first one.

    Its kernels are any that serve: what is fitted does not depend on the costs so far.
    """
    model = one.known()
    made = generated(model, kernels=one.kernels())
    counts = counting.count(model, made.files, one.x, one.steps)
    first = Activity.measure(model, one.x[:1], one.steps)
    rows = (
        (Activity.of(model), counts.mean(axis=0), MEAN, False),
        (first, counts[0], SAMPLE, True),
        *_slowest(counting, made, one.x, one.steps),
    )
    return Counted(made.program, model.input, rows)


def subject_of(row: Plan) -> str:
    """Return the one of SUBJECTS that a plan is there for; empty for all other kinds of parts."""
    return "encoder" if row.input in ENCODERS else "decision" if row.stop else ""


def _belongs(kind: str, subject: str) -> bool:
    last = kind.rpartition(" ")[2]
    return (last if last in SUBJECTS else "") == subject


def calibrate(boards: Sequence[Board], only: str | None = None) -> dict[str, Any]:
    """Count models on boards and return {instruction set: {kind: coefficients}}.

    only: one of SUBJECTS
    """
    return {isa.find(board.core).name: _calibrate(board, only) for board in boards}


def _calibrate(board: Board, only: str | None) -> dict[str, Any]:
    """Return {kind: coefficients} of the instruction set of a board."""
    found: dict[str, list[Observation]] = defaultdict(list)
    with Counting(board) as counting:
        for counted in _counted(counting):
            for one in counted.observations(board.core):
                if only is None or _belongs(one.kind, only):
                    found[family(one.kind)].append(one)
    return {kind: fit(seen) for kind, seen in sorted(found.items())}


def _counted(counting: Counting) -> Iterator[Counted]:
    """Count every model, and say so."""
    for number in range(MODELS):
        yield count_case(case(FIT, number), counting)
        print(f"{counting.board.name}: {number + 1} of {MODELS} models", flush=True)
    for number, row in enumerate(PLANS):
        yield count_plan(number, row, counting)
        print(f"{counting.board.name}: {number + 1} of {len(PLANS)} plans", flush=True)


def measure_cycles(board: Board, only: str | None = None) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for seed in TRACED:
        subject = subject_of(PLANS[seed])
        if only is not None and subject != only:
            continue
        model = make(PLANS[seed], seed)
        made = generated(model, kernels=PLANS[seed].kernels(model))
        x = inputs(model, seed)[MIDDLE].astype(model.input.dtype)
        activity = Activity.measure(model, x[None])
        with TargetModel(made, board, flags=MARKS) as target:
            found = executed(board, target.elf, *_call(model, x))
        measured = set(sums)
        for work in cost.works(made.program, model.input, activity, board.core):
            part = found.get(part_names(made.program).index(work.part))
            wanted = seed != RARE or work.kind not in measured
            if part is not None and wanted and _belongs(work.kind, subject):
                sums[work.kind][0] += part.cycles
                sums[work.kind][1] += part.instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items())}


def _call(model: Model, x: NDArray[Any]) -> tuple[str, Callable[[Qemu], object]]:
    """Return the function to trace, and what asks a firmware for it: an inference, or steps."""
    ((held, vectors),) = bytes_of(model, x[None], len(x))

    def infer(qemu: Qemu) -> None:
        Device(Client(qemu, TIMEOUT)).infer(model.outputs, held)

    def each_step(qemu: Qemu) -> None:
        device = Device(Client(qemu, TIMEOUT))
        for vector in vectors:
            device.step(vector)

    if model.input.held:
        return f"{model.name}_classify", infer
    return f"{model.name}_step", each_step


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
    parser.add_argument("--only", choices=SUBJECTS, help="measure this kind of parts alone")
    parser.add_argument("--cycles", action="store_true", help="trace cycles alone, fit nothing")
    parser.add_argument("--check", type=int, metavar="N", help="count N models, and fit nothing")
    arguments = parser.parse_args()
    if arguments.check is not None:
        print(summary(deviations(arguments.check, boards(arguments.board))))
        return
    chosen, only = first_of_sets(arguments.board) or first_of_sets(), arguments.only
    costs = {} if arguments.cycles else calibrate(chosen, only)
    _write("costs", costs, only)
    _write("cycles", {b.core: measure_cycles(b, only) for b in boards(arguments.board)}, only)
    for name, kinds in costs.items():
        for kind, row in kinds.items():
            errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
            print(f"{name:9} {kind:18} {row['observations']:4} counts, error {errors}")


if __name__ == "__main__":
    main()
