"""Fit the coefficients of codegen.costs to counts on emulated cores, and write costs.json.

    python -m codegen.calibrate            every instruction set, in about five minutes
    python -m codegen.calibrate --encoders   what the encoders take, alone

The layers are random: none of a trained model is among them. Models with an encoder tell what that
takes, and nothing of their layers. The same tools give the same file.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.boards import Board, find_boards, load_boards
from codegen.costs import ISA, works
from codegen.cycles import executed
from codegen.device import Device
from codegen.features import Features, family
from codegen.project import build
from codegen.protocol import Client
from codegen.qemu import Qemu
from codegen.recorder import bytes_of
from codegen.render import render
from codegen.runner import MARKS, PartCounts
from codegen.samples import PLANS, Plan, inputs, make
from codegen.stages import part_names, plan
from codegen.stages.encoders import ENCODERS, PLAIN
from codegen.target import TIMEOUT, TargetModel
from qat.model import (
    Activity,
    Model,
)

PATH = Path(__file__).parent / "costs.json"
CORES = {"armv6-m": "cortex-m0", "armv7-m": "cortex-m3", "armv7e-m": "cortex-m4",
         "helium": "cortex-m55"}  # fmt: skip
"""The core on which each instruction set is measured."""

ABSOLUTE = 15.0
"""Instructions beside which a relative error counts for nothing."""

MARGIN = 1.2
"""What the worst case has on top of all counts: in another model a compiler keeps other values in
registers, which moves the count of a part by up to a tenth, and of the loop around all by more."""

EXPECTED = {"u": 2, "v": 2, "leak": 5, "current": 6, "bias": 6, "reset ones": 4,
            "reset zeros": 2, "reset own": 5, "reset to zero": 3, "threshold": 1,
            "own threshold": 4, "saturation": 2, "counted": 4, "copied": 2}  # fmt: skip
"""Instructions of the operations on a plane, from the C: an adder takes five and a load."""

DRAWN = 0.15
"""How much a coefficient twice as large as expected weighs, as a relative error of a count."""

WHOLE = (0, 5, 9, 10, 11, 24, 25, 28)
"""Models with one whole inference in which every kind of part occurs, but for encoders."""

SPARSE = next(i for i, row in enumerate(PLANS) if row.zeros > 0.9)
"""A model of sparse layers, traced for these alone: its other kinds occur in WHOLE."""

TRACED = (*WHOLE, SPARSE, next(i for i, row in enumerate(PLANS) if row.stop), *(
    next(i for i, row in enumerate(PLANS) if (row.input, row.plain) == (kind, way == PLAIN))
    for kind, encoder in ENCODERS.items() for way in encoder.ways
))  # fmt: skip
"""These, one that may stop early, and one for each way of each encoder."""

SUBJECTS = ("encoder", "decision")
"""Kinds of parts that some models alone have: these are measured for them, and nothing else."""

MIDDLE = 8
"""The sample of a middle density."""

Floats = NDArray[np.float64]


# -------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Observation:
    """The features of a part, and how many instructions it took."""

    kind: str
    features: Features
    instructions: float


def observe(
    model: Model, kernels: Mapping[int, str], x: Any, board: Board
) -> Iterator[Observation]:
    """Count the parts of every input."""
    program, files = plan(model, kernels=kernels), render(model, kernels=kernels)
    with TargetModel(model, board, files=files, flags=MARKS) as target:
        totals = _totals(target.parts(x))
    names = part_names(program)
    for sample, counts in zip(x, totals, strict=True):
        activity = Activity.measure(model, sample[None])
        for work in works(program, model.input, activity, board.core, single=True):
            yield Observation(work.kind, work.features, float(counts[names.index(work.part)]))


def _totals(counts: PartCounts) -> Floats:
    """Return the instructions of each part (batch, parts): of an inference, or of a mean step."""
    if counts.infer is not None:
        return counts.infer.astype(np.float64)
    if counts.scores is None:
        return counts.step.mean(axis=1)
    return counts.step.sum(axis=1) + counts.scores.astype(np.float64)


# ---------------------------------------------------------------------- fitting


def nnls(a: Floats, y: Floats) -> Floats:
    """Return x >= 0 that minimises |a x - y|.

    The active-set method of C. L. Lawson and R. J. Hanson, Solving Least Squares Problems (1974),
    chapter 23.
    """
    x, free = np.zeros(a.shape[1]), np.zeros(a.shape[1], np.bool_)
    for _ in range(10 * a.shape[1]):
        slope = np.where(free, -np.inf, a.T @ (y - a @ x))
        best = int(slope.argmax())
        if slope[best] <= 1e-9:
            break
        free[best] = True
        while True:
            trial = np.zeros_like(x)
            trial[free] = np.linalg.lstsq(a[:, free], y, rcond=None)[0]
            low = free & (trial <= 0)
            if not low.any():
                break
            step = (x[low] / (x[low] - trial[low] + 1e-300)).min()
            x = x + step * (trial - x)
            free &= x > 1e-12
            x[~free] = 0
        x = trial
    return x


def fit(observations: Sequence[Observation]) -> dict[str, Any]:
    """Return the coefficients of one kind: typical, and worst, which no observation exceeds."""
    names = list(dict.fromkeys(n for o in observations for n in o.features))
    a = np.array([[o.features.get(n, 0.0) for n in names] for o in observations])
    y = np.array([o.instructions for o in observations])
    weights = 1 / (y + ABSOLUTE)
    scale = np.abs(a * weights[:, None]).max(axis=0)
    scaled, wanted = a * weights[:, None] / scale, y * weights
    prior = np.array([_expected(n) for n in names]) * scale
    typical = nnls(*_drawn_to(prior, scaled, wanted))
    errors = np.abs(scaled @ typical - wanted)
    worst = _above(scaled, wanted, typical)
    return {
        "seen": names,
        "typical": _named(names, typical / scale, 4),
        "worst": _named(names, worst / scale, 4),
        "observations": len(y),
        "mean_error": round(float(errors.mean()), 4),
        "largest_error": round(float(errors.max()), 4),
    }


def _expected(name: str) -> float:
    """Return the instructions that a feature of a block of neurons should take; 0: unknown."""
    feature = name.removesuffix(", each step")
    for prefix in ("blocks x ", "quads x "):
        if feature.startswith(prefix):
            return EXPECTED.get(feature.removeprefix(prefix), 0.0)
    return 0.0


def _drawn_to(prior: Floats, a: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the least squares problem with rows that draw coefficients to what is expected.

    Many features go together in most layers; where the counts do not tell them apart, this does.
    """
    known = np.flatnonzero(prior)
    rows = np.zeros((len(known), a.shape[1]))
    rows[np.arange(len(known)), known] = DRAWN / prior[known]
    return np.concatenate([a, rows]), np.concatenate([y, np.full(len(known), DRAWN)])


def _above(a: Floats, y: Floats, start: Floats) -> Floats:
    """Return coefficients of at least `start`, close above all of y."""
    more = np.zeros(a.shape[1])
    weight = np.ones(len(y))
    for _ in range(12):
        weight = np.where(a @ (start + more) < y, weight * 3, np.maximum(weight / 1.5, 1))
        root = np.sqrt(weight)
        more = nnls(a * root[:, None], (y - a @ start) * root)
    x = start + more
    predicted = a @ x
    return x * max(1.0, float((y[y > 0] / predicted[y > 0]).max())) * MARGIN


def _named(names: Sequence[str], values: Floats, places: int) -> dict[str, float]:
    return {name: round(float(x), places) for name, x in zip(names, values, strict=True) if x > 0}


def subject_of(row: Plan) -> str:
    """Return the one of SUBJECTS that a plan is there for; empty for all other kinds of parts."""
    return "encoder" if row.input in ENCODERS else "decision" if row.stop else ""


def _belongs(kind: str, subject: str) -> bool:
    last = kind.rpartition(" ")[2]
    return (last if last in SUBJECTS else "") == subject


def calibrate(boards: Sequence[Board], only: str | None = None) -> dict[str, Any]:
    """Measure plans on boards and return {instruction set: {kind: coefficients}}.

    only: one of SUBJECTS
    """
    found: dict[str, dict[str, list[Observation]]] = defaultdict(lambda: defaultdict(list))
    for seed, row in enumerate(PLANS):
        subject = subject_of(row)
        if only is not None and subject != only:
            continue
        model = make(row, seed)
        kernels, x = row.kernels(model), inputs(model, seed)
        build(render(model, kernels=kernels), boards, flags=MARKS)
        for board in boards:
            for observation in observe(model, kernels, x, board):
                if _belongs(observation.kind, subject):
                    found[ISA[board.core]][family(observation.kind)].append(observation)
        print(f"{seed + 1} of {len(PLANS)} models", flush=True)
    return {
        isa: {kind: fit(seen) for kind, seen in sorted(kinds.items())}
        for isa, kinds in found.items()
    }


def measure_cycles(board: Board, only: str | None = None) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for seed in TRACED:
        subject = subject_of(PLANS[seed])
        if only is not None and subject != only:
            continue
        model = make(PLANS[seed], seed)
        kernels = PLANS[seed].kernels(model)
        program, files = plan(model, kernels=kernels), render(model, kernels=kernels)
        x = inputs(model, seed)[MIDDLE].astype(model.input.dtype)
        activity = Activity.measure(model, x[None])
        with TargetModel(model, board, files=files, flags=MARKS) as target:
            found = executed(board, target.elf, *_call(model, x))
        for work in works(program, model.input, activity, board.core):
            part = found.get(part_names(program).index(work.part))
            wanted = work.kind.startswith("sparse ") or seed != SPARSE
            if part is not None and wanted and _belongs(work.kind, subject):
                sums[work.kind][0] += part.cycles
                sums[work.kind][1] += part.instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items())}


def _call(model: Model, x: NDArray[Any]) -> tuple[str, Callable[[Qemu], object]]:
    """Return the function to trace, and what asks a firmware for it: an inference, or steps."""
    ((held, vectors),) = bytes_of(model, x[None], len(x))

    def infer(qemu: Qemu) -> None:
        Device(Client(qemu, TIMEOUT)).infer(0, held)

    def each_step(qemu: Qemu) -> None:
        device = Device(Client(qemu, TIMEOUT))
        for vector in vectors:
            device.step(vector)

    if model.input.held:
        return f"{model.name}_classify", infer
    return f"{model.name}_step", each_step


def main() -> None:
    """Measure, and write costs.json."""
    parser = argparse.ArgumentParser(prog="python -m codegen.calibrate", description=__doc__)
    parser.add_argument("--board", default="all", help="a board, or all")
    parser.add_argument("--only", choices=SUBJECTS, help="measure this kind of parts alone")
    arguments = parser.parse_args()
    chosen = [b for b in find_boards(arguments.board) if CORES[ISA[b.core]] == b.core]
    if not chosen:
        chosen = [b for b in load_boards().values() if CORES[ISA[b.core]] == b.core]
    only = arguments.only
    costs = calibrate(chosen, only)
    cycles = {b.core: measure_cycles(b, only) for b in find_boards(arguments.board)}
    known = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
    for name, fresh in (("costs", costs), ("cycles", cycles)):
        table = known.setdefault(name, {})
        for key, rows in fresh.items():
            table[key] = dict(sorted(({**table.get(key, {}), **rows} if only else rows).items()))
    PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    for isa, kinds in costs.items():
        for kind, row in kinds.items():
            errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
            print(f"{isa:9} {kind:18} {row['observations']:4} counts, error {errors}")


if __name__ == "__main__":
    main()
