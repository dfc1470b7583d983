"""Fit the coefficients of codegen.costs to counts on emulated cores, and write costs.json.

    python -m codegen.calibrate            every instruction set, in about two minutes

The layers are random: none of a trained model is among them. The same tools give the same file.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.boards import Board, find_boards, load_boards
from codegen.costs import ISA, works
from codegen.cycles import executed
from codegen.device import Device
from codegen.features import Features
from codegen.project import build
from codegen.protocol import Client
from codegen.qemu import Qemu
from codegen.render import render
from codegen.stages import part_names, plan
from codegen.target import MARKS, TIMEOUT, PartCounts, TargetModel
from qat.model import (
    LIF,
    Accumulate,
    Activity,
    Analog,
    Count,
    Dense,
    Frames,
    Input,
    Layer,
    Model,
    Spikes,
)

PATH = Path(__file__).parent / "costs.json"
CORES = {"armv6-m": "cortex-m0", "armv7-m": "cortex-m3", "armv7e-m": "cortex-m4",
         "helium": "cortex-m55"}  # fmt: skip
"""The core on which each instruction set is measured."""

ABSOLUTE = 15.0
"""Instructions beside which a relative error counts for nothing."""

MARGIN = 1.1
"""What the worst case has on top of all counts: a compiler keeps other values in registers in
another model, which moved no count of these models by more than half of that."""

DENSITIES = (0.0, 0.01, 0.03, 0.07, 0.12, 0.2, 0.35, 0.6, 1.0)
"""Active inputs of the samples of a model."""

Floats = NDArray[np.float64]


# ------------------------------------------------------------------- the models


@dataclass(frozen=True)
class Plan:
    """A random model: sizes from the input to the readout, and what its layers are like.

    bits:    of the weights of each synapse, the readout's included; the last one repeats
    variant: picks leak, constants, reset and saturation of each layer
    """

    input: type
    low: int
    high: int
    sizes: tuple[int, ...]
    bits: tuple[int, ...] = (2,)
    steps: int | None = 8
    count: bool = False
    variant: int = 0


PLANS = (
    Plan(Analog, 0, 15, (784, 128, 10), (2, 8)),
    Plan(Analog, 0, 15, (196, 64, 10), (2, 8), variant=1),
    Plan(Analog, 0, 255, (100, 160, 20), (2, 4), 5, variant=2),
    Plan(Analog, -128, 127, (50, 40, 33), (2, 2), 12, variant=3),
    Plan(Analog, 0, 1, (400, 96, 4), (2, 8), 6),
    Plan(Analog, 0, 15, (36, 20, 5), (2, 8), 4, variant=1),
    Plan(Analog, 0, 15, (300, 100, 10), (2, 8), 8, variant=1),
    Plan(Analog, 0, 3, (500, 64, 10), (2, 8), 6),
    Plan(Analog, 0, 16, (64, 128, 256, 40, 10), (2, 2, 2, 2, 8), 6),
    Plan(Analog, 0, 255, (30, 300, 130, 64, 64), (2,), 7, count=True, variant=1),
    Plan(Frames, 0, 15, (120, 256, 128, 10), (2,), 5, variant=2),
    Plan(Frames, -8, 7, (90, 32, 200, 7), (2, 2, 2, 16), 5, variant=3),
    Plan(Spikes, 0, 1, (784, 128, 64), (2,), None),
    Plan(Spikes, 0, 1, (512, 256, 20), (2,), None, variant=1),
    Plan(Spikes, 0, 1, (64, 96, 130), (2,), None, variant=2),
    Plan(Spikes, 0, 1, (200, 40, 33), (2,), None, variant=3),
    Plan(Analog, 0, 15, (100, 32, 50, 10), (8, 4, 16), 6),
    Plan(Analog, -128, 127, (40, 20, 10, 20), (4, 8), 5, count=True, variant=3),
    Plan(Frames, 0, 255, (30, 64, 20, 12), (16, 16, 4), 5, variant=2),
    Plan(Spikes, 0, 1, (128, 64, 33, 100), (8, 4, 16), None, variant=1),
    Plan(Analog, 0, 15, (64, 48, 10), (4, 16), 8, variant=2),
    Plan(Analog, 0, 255, (20, 12, 30), (8, 4), 5),
)

TRACED = (0, 3, 6, 8, 16, 17, 20)
"""Models with one whole inference in which every kind of part occurs."""

MIDDLE = 8
"""The sample of a middle density."""

LEAKS = ((3,), (), (2, 4), (3, -5), (4,), (1,))


def _codes(rng: np.random.Generator, bits: int, shape: tuple[int, int]) -> Any:
    high = {2: 1, 4: 7, 8: 127, 16: 900}[bits]
    codes = rng.integers(-high, high + 1, shape)
    return np.where(rng.random(shape) < 0.1, 0, codes)


def _layer(rng: np.random.Generator, row: Plan, index: int, n_in: int, n_out: int) -> Layer:
    """Return a random layer; the variant and the index decide what it has of its own."""
    choice = row.variant * 3 + index
    bits = row.bits[min(index, len(row.bits) - 1)]
    analog = index == 0 and row.input is not Spikes
    codes = _codes(rng, bits, (n_out, n_in))
    fraction = 0 if analog else (0, 2, 1, 0)[choice % 4]
    spread = float(np.sqrt((codes.astype(float) ** 2).sum(axis=1)).mean()) * 2**fraction
    if analog:
        spread *= max(abs(row.low), row.high) / 3
    shift = max(0, round(np.log2(max(spread, 1) / 40))) if analog else 0
    threshold = max(2, round(spread / 2**shift * 0.35))
    own = choice % 4 == 3
    thresholds: Any = rng.integers(threshold, 2 * threshold + 1, n_out) if own else threshold
    biases: list[NDArray[Any]] = [
        np.array(0),
        rng.integers(-9, 10, n_out),
        np.array(1),
        rng.integers(-2, 3, n_out),
    ]
    bias = biases[row.variant]
    limit = 8 * threshold if row.variant == 2 and index else None
    steps = row.steps is None
    leak = LEAKS[choice % len(LEAKS)]
    return Layer(
        Dense(codes, bits, bias, fraction_bits=fraction, input_shift=shift),
        LIF(thresholds, (3,) if steps and not leak else leak,
            "zero" if choice % 5 == 4 else "subtract",
            floor=None if limit is None else -limit, ceiling=limit),
    )  # fmt: skip


def make(row: Plan, seed: int) -> Model:
    """Return the model of a row."""
    rng = np.random.default_rng(seed)
    record: Input = Spikes(row.sizes[0]) if row.input is Spikes else row.input(
        row.sizes[0], row.low, row.high)  # fmt: skip
    pairs = list(pairwise(row.sizes))
    hidden = pairs if row.count or row.steps is None else pairs[:-1]
    layers = tuple(_layer(rng, row, i, *pair) for i, pair in enumerate(hidden))
    if row.steps is None:
        return Model(record, layers, name="cal")
    if row.count:
        return Model(record, layers, Count(), row.steps, "cal")
    bits, (n_in, n_out) = row.bits[min(len(pairs), len(row.bits)) - 1], pairs[-1]
    bias: NDArray[Any] = rng.integers(-9, 9, n_out) if row.variant else np.array(0)
    readout = Accumulate(Dense(_codes(rng, bits, (n_out, n_in)), bits, bias))
    return Model(record, layers, readout, row.steps, "cal")


def inputs(model: Model, seed: int) -> Any:
    """Return inputs of every density: values of all sizes, and the largest alone."""
    rng = np.random.default_rng(seed)
    shape: tuple[int, ...] = (model.input.size,)
    if not isinstance(model.input, Analog):
        shape = (model.steps or 6, model.input.size)
    rows = []
    for density in DENSITIES:
        for low in {model.input.low, model.input.high}:
            x = rng.integers(low, model.input.high, shape, endpoint=True)
            rows.append(np.where(rng.random(shape) < density, x, 0))
    return np.array(rows)


# -------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Observation:
    """The features of a part, and how many instructions it took."""

    kind: str
    features: Features
    instructions: float


def observe(model: Model, x: Any, board: Board) -> Iterator[Observation]:
    """Count the parts of every input."""
    program = plan(model)
    with TargetModel(model, board, flags=MARKS) as target:
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
    typical = nnls(scaled, wanted)
    errors = np.abs(scaled @ typical - wanted)
    worst = _above(scaled, wanted, typical)
    return {
        "typical": _named(names, typical / scale, 4),
        "worst": _named(names, worst / scale, 4),
        "observations": len(y),
        "mean_error": round(float(errors.mean()), 4),
        "largest_error": round(float(errors.max()), 4),
    }


def _above(a: Floats, y: Floats, start: Floats) -> Floats:
    """Return coefficients close above all of y: what lies below counts ever more."""
    x = start
    weight = np.ones(len(y))
    for _ in range(12):
        weight = np.where(a @ x < y, weight * 3, np.maximum(weight / 1.5, 1))
        root = np.sqrt(weight)
        x = nnls(a * root[:, None], y * root)
    predicted = a @ x
    return x * max(1.0, float((y[y > 0] / predicted[y > 0]).max())) * MARGIN


def _named(names: Sequence[str], values: Floats, places: int) -> dict[str, float]:
    return {name: round(float(x), places) for name, x in zip(names, values, strict=True) if x > 0}


def calibrate(boards: Sequence[Board]) -> dict[str, Any]:
    """Measure all plans on boards and return {instruction set: {kind: coefficients}}."""
    found: dict[str, dict[str, list[Observation]]] = defaultdict(lambda: defaultdict(list))
    for seed, row in enumerate(PLANS):
        model = make(row, seed)
        x = inputs(model, seed)
        build(render(model), boards, flags=MARKS)
        for board in boards:
            for observation in observe(model, x, board):
                found[ISA[board.core]][observation.kind].append(observation)
        print(f"{seed + 1} of {len(PLANS)} models", flush=True)
    return {
        isa: {kind: fit(seen) for kind, seen in sorted(kinds.items())}
        for isa, kinds in found.items()
    }


def measure_cycles(board: Board) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for seed in TRACED:
        model = make(PLANS[seed], seed)
        program, x = plan(model), inputs(model, seed)[MIDDLE].astype(model.input.dtype)
        activity = Activity.measure(model, x[None])
        with TargetModel(model, board, flags=MARKS) as target:
            found = executed(board, target.elf, f"{model.name}_classify", _infer(x))
        for work in works(program, model.input, activity, board.core):
            part = found.get(part_names(program).index(work.part))
            if part is not None:
                sums[work.kind][0] += part.cycles
                sums[work.kind][1] += part.instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items())}


def _infer(x: NDArray[Any]) -> Callable[[Qemu], object]:
    """Return what asks a firmware for one inference of x."""
    return lambda qemu: Device(Client(qemu, TIMEOUT)).infer(0, x.tobytes())


def main() -> None:
    """Measure, and write costs.json."""
    parser = argparse.ArgumentParser(prog="python -m codegen.calibrate", description=__doc__)
    parser.add_argument("--board", default="all", help="a board, or all")
    arguments = parser.parse_args()
    chosen = [b for b in find_boards(arguments.board) if CORES[ISA[b.core]] == b.core]
    if not chosen:
        chosen = [b for b in load_boards().values() if CORES[ISA[b.core]] == b.core]
    costs = calibrate(chosen)
    known = json.loads(PATH.read_text()) if PATH.exists() else {}
    known["costs"] = {**known.get("costs", {}), **costs}
    cores = find_boards(arguments.board)
    known["cycles"] = {**known.get("cycles", {}), **{b.core: measure_cycles(b) for b in cores}}
    PATH.write_text(json.dumps(known, indent=1) + "\n")
    for isa, kinds in costs.items():
        for kind, row in kinds.items():
            errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
            print(f"{isa:9} {kind:18} {row['observations']:4} counts, error {errors}")


if __name__ == "__main__":
    main()
