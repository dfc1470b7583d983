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

MARGIN = 1.2
"""What the worst case has on top of all counts: a compiler keeps other values in registers in
another model, which moves counts of equal features by up to a tenth."""

DENSITIES = (0.0, 0.01, 0.03, 0.07, 0.12, 0.2, 0.35, 0.6, 1.0)
"""Active inputs of the samples of a model."""

Floats = NDArray[np.float64]


# ------------------------------------------------------------------- the models


@dataclass(frozen=True)
class Plan:
    """A random model: sizes from the input to the readout, and what its layers are like.

    bits:    of the weights of each synapse, the readout's included; the last one repeats
    own:     leak, constants, reset and saturation of each layer are random, else as training
             leaves them: leak v >> 3, one threshold, a bias of the first layer alone
    """

    input: type
    low: int
    high: int
    sizes: tuple[int, ...]
    bits: tuple[int, ...] = (2,)
    steps: int | None = 8
    count: bool = False
    own: bool = False


PLANS = (
    Plan(Analog, 0, 15, (784, 128, 10), (2, 8)),
    Plan(Analog, 0, 15, (196, 64, 10), (2, 8), own=True),
    Plan(Analog, 0, 255, (100, 160, 20), (2, 4), 5, own=True),
    Plan(Analog, -128, 127, (50, 40, 33), (2, 2), 12, own=True),
    Plan(Analog, 0, 1, (400, 96, 4), (2, 8), 6),
    Plan(Analog, 0, 15, (36, 20, 5), (2, 8), 4, own=True),
    Plan(Analog, 0, 15, (300, 100, 10), (2, 8), 8, own=True),
    Plan(Analog, 0, 3, (500, 64, 10), (2, 8), 6),
    Plan(Analog, 0, 16, (64, 128, 256, 40, 10), (2, 2, 2, 2, 8), 6),
    Plan(Analog, 0, 255, (30, 300, 130, 64, 64), (2,), 7, count=True, own=True),
    Plan(Analog, 0, 16, (30, 40, 33, 65, 31, 5), (2, 2, 2, 2, 8), 6, own=True),
    Plan(Analog, -8, 7, (50, 70, 96, 20), (2, 2, 4), 5, own=True),
    Plan(Frames, 0, 15, (120, 256, 128, 10), (2,), 5, own=True),
    Plan(Frames, -8, 7, (90, 32, 200, 7), (2, 2, 2, 16), 5, own=True),
    Plan(Frames, 0, 3, (20, 33, 10), (2, 2), 12, count=True),
    Plan(Frames, -128, 127, (12, 40, 9, 5), (8, 2, 4), 3, count=True, own=True),
    Plan(Spikes, 0, 1, (784, 128, 64), (2,), None),
    Plan(Spikes, 0, 1, (512, 256, 20), (2,), None, own=True),
    Plan(Spikes, 0, 1, (64, 96, 130, 40, 33, 65), (2,), None, own=True),
    Plan(Spikes, 0, 1, (200, 40, 33, 20, 34, 50, 31), (2,), None, own=True),
    Plan(Spikes, 0, 1, (33, 34, 64, 64, 31, 40), (2,), None, own=True),
    Plan(Spikes, 0, 1, (40, 33, 128, 20, 32, 90), (2,), None, own=True),
    Plan(Analog, 0, 15, (100, 32, 50, 10), (8, 4, 16), 6),
    Plan(Analog, -128, 127, (40, 20, 10, 20), (4, 8), 5, count=True, own=True),
    Plan(Analog, 0, 15, (64, 48, 10), (4, 16), 8, own=True),
    Plan(Analog, 0, 255, (20, 12, 30), (8, 4), 5),
    Plan(Analog, 0, 255, (25, 70), (8,), 9, count=True),
    Plan(Frames, 0, 255, (30, 64, 20, 12), (16, 16, 4), 5, own=True),
    Plan(Spikes, 0, 1, (128, 64, 33, 100, 40), (8, 4, 16), None, own=True),
    Plan(Spikes, 0, 1, (60, 40, 20, 10, 33), (4, 8, 16, 4), None, own=True),
    Plan(Frames, 0, 7, (10, 3), (8,), 13, count=True),
    Plan(Analog, 0, 7, (12, 33, 5), (2, 8), 6, own=True),
    Plan(Analog, -8, 7, (20, 128, 6), (2, 4), 5, own=True),
    Plan(Analog, 0, 31, (16, 90, 4), (2, 8), 7, own=True),
    Plan(Analog, 0, 7, (12, 140, 40, 5), (2, 2, 8), 6, own=True),
    Plan(Analog, 0, 15, (240, 128, 12), (2, 8)),
    Plan(Analog, 0, 15, (150, 256, 10), (2, 8)),
    Plan(Analog, 0, 7, (10, 20, 2), (2, 8), 20, count=True),
)

TRACED = (0, 3, 6, 8, 9, 22, 23, 24)
"""Models with one whole inference in which every kind of part occurs."""

MIDDLE = 8
"""The sample of a middle density."""

LEAKS = ((3,), (3,), (2, 4), (3, -5), (4,), (1,), (2, 3, 5), (6,))


def _codes(rng: np.random.Generator, bits: int, shape: tuple[int, int]) -> Any:
    high = {2: 1, 4: 7, 8: 127, 16: 900}[bits]
    codes = rng.integers(-high, high + 1, shape)
    return np.where(rng.random(shape) < 0.1, 0, codes)


def _layer(rng: np.random.Generator, row: Plan, index: int, n_in: int, n_out: int) -> Layer:
    """Return a random layer that spikes now and then."""
    bits = row.bits[min(index, len(row.bits) - 1)]
    analog = index == 0 and row.input is not Spikes
    codes = _codes(rng, bits, (n_out, n_in))
    fraction = 0 if analog or not row.own else int(rng.integers(0, 3))
    spread = float(np.sqrt((codes.astype(float) ** 2).sum(axis=1)).mean()) * 2**fraction
    if analog:
        spread *= max(abs(row.low), row.high) / 3
    shift = max(0, round(np.log2(max(spread, 1) / 40))) if analog else 0
    often = rng.choice([0.35, 0.9, 1.6])
    threshold = max(2, round(spread / 2**shift * often))
    bias = rng.integers(-9, 10, n_out) if index == 0 and analog else np.array(0)
    if not row.own:
        return Layer(Dense(codes, bits, bias, fraction, shift), LIF(np.array(threshold), (3,)))
    bias = (np.array(0), np.array(1), rng.integers(-3, 4, n_out), bias)[rng.integers(4)]
    return Layer(Dense(codes, bits, bias, fraction, shift), _neuron(rng, threshold, n_out))


def _neuron(rng: np.random.Generator, threshold: int, n: int) -> LIF:
    """Return neurons of which each option has its chance."""
    own, own_reset, zero, low, high = rng.random(5) < (0.4, 0.3, 0.25, 0.3, 0.3)
    thresholds = rng.integers(threshold, 2 * threshold + 1, n) if own else np.array(threshold)
    reset_by = thresholds - rng.integers(0, 2, n) if own_reset and not zero else None
    return LIF(
        thresholds,
        LEAKS[rng.integers(len(LEAKS))],
        "zero" if zero else "subtract",
        reset_by=reset_by,
        floor=-5 * threshold if low else None,
        ceiling=6 * threshold if high else None,
    )


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
    bias: NDArray[Any] = rng.integers(-9, 9, n_out) if row.own else np.array(0)
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
        "seen": names,
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
    known["costs"] = dict(sorted({**known.get("costs", {}), **costs}.items()))
    cores = find_boards(arguments.board)
    known["cycles"] = {**known.get("cycles", {}), **{b.core: measure_cycles(b) for b in cores}}
    PATH.write_text(json.dumps(known, indent=1) + "\n")
    for isa, kinds in costs.items():
        for kind, row in kinds.items():
            errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
            print(f"{isa:9} {kind:18} {row['observations']:4} counts, error {errors}")


if __name__ == "__main__":
    main()
