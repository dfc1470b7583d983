"""Fit the costs of first layers on bytes to counts on emulated cores.

    python tests/bench/byte_maps.py                write the rows of codegen/plan/costs.json
    python tests/bench/byte_maps.py --check 30     how far predictions are from other models

They stand in kinds of parts of their own, so that these are fitted alone; all other rows of
costs.json stay. The models are random; a few are the first layers of networks for images. What a
layer takes does not depend on its input, so that one input is counted of each.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from calibrate import PATH
from calibration.boards import boards
from calibration.counting import Counting
from calibration.cycles import executed
from calibration.fitting import Observation, fit
from support.zoo.byte_maps import BYTES, byte_map
from support.zoo.byte_maps import MODELS as ZOO

from codegen import isa
from codegen.checks.equivalence import made_inputs
from codegen.kernels.bytes.plan import fits
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.plan.kinds import family
from codegen.render.generated import generated
from codegen.target.boards import Board
from codegen.target.device import Device
from codegen.target.emulated import TIMEOUT, TargetModel
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import Activity, Model

MODELS = 90
TRACED = ("32 channels, pooled", "stride 2, far", "48 channels", "a recording")
"""Models of the zoo whose cycles are estimated: the smallest board has room for them."""
OTHERS = 1_000_000
"""Seeds of --check: neither coefficients nor settings were chosen by these models."""

IMAGES = (
    {"grid": (16, 16, 1), "channels": 32, "pool": True, "middle": 0.6},
    {"grid": (16, 16, 1), "channels": 16, "middle": 0.6},
    {"grid": (16, 16, 1), "channels": 32, "kernel": (5, 5), "stride": 2},
    {"grid": (16, 16, 1), "channels": 32, "kernel": (5, 5), "stride": 2, "middle": 0.3},
    {"grid": (16, 16, 1), "channels": 16, "kernel": (5, 5), "middle": 0.3},
    {"grid": (16, 12, 1), "channels": 24, "kernel": (5, 5), "middle": 0.3, "zeros": 0.4},
    {"grid": (28, 28, 1), "channels": 16, "pool": True, "middle": 0.6},
    {"grid": (16, 16, 1), "channels": 16, "bits": 8, "middle": 0.5},
    {"grid": (12, 16, 1), "channels": 24, "bits": 4, "pool": True, "middle": 0.5},
    {"grid": (16, 16, 1), "channels": 32, "kernel": (5, 5), "stride": 2, "bits": 8, "middle": 0.5},
    {"grid": (8, 8, 2), "channels": 8, "bits": 8, "high": 3, "zeros": 0.1, "middle": 0.5},
    {"grid": (20, 20, 1), "channels": 16, "bits": 4, "stride": 2, "pool": True, "middle": 0.5},
    {"grid": (1, 60, 6), "channels": 32, "kernel": (1, 5), "low": -7, "high": 7, "zeros": 0.8},
)


def random_model(seed: int) -> Model:
    """Return a model of any size, stride, padding and pool that the kernel serves."""
    rng = np.random.default_rng(seed)
    while True:
        pool, stride = bool(rng.integers(2)), int(rng.choice([1, 1, 2]))
        kernel = (int(rng.choice([1, 3, 3, 5, 7])), int(rng.choice([1, 2, 3, 3, 5, 7])))
        unit = stride * (2 if pool else 1)
        sides = tuple(unit * int(rng.integers(-(-k // unit), 22 // unit + 1)) for k in kernel)
        low, high = [(0, 15), (0, 3), (0, 255), (-8, 7)][rng.integers(4)]
        model = byte_map(
            (*sides, int(rng.choice([1, 1, 2, 3]))), int(rng.choice([8, 16, 16, 24, 32, 32, 64])),
            kernel, stride=stride, pool=pool, most=int(rng.choice([1, 2, 3, 3, 5, 7])), low=low,
            high=high, zeros=float(rng.choice([0.2, 0.45, 0.7])), seed=seed,
            middle=float(rng.choice([0.0, 0.3, 0.5])), steps=int(rng.choice([1, 1, 2])),
        )  # fmt: skip
        if fits(0, model):
            return model


def models(first: int, number: int) -> Iterator[Model]:
    """Yield the first layers of networks for images, then random ones."""
    for row in IMAGES:
        yield byte_map(**row, seed=first)
    for seed in range(first, first + number):
        yield random_model(seed)


def observe(board: Board, first: int, number: int) -> dict[str, list[Observation]]:
    """Return what the parts took on a board, by the names that their coefficients stand under."""
    found: dict[str, list[Observation]] = defaultdict(list)
    with Counting(board) as counting:
        for n, model in enumerate(models(first, number)):
            x, made = made_inputs(model, 1, seed=1), generated(model, kernels=BYTES)
            free = 4 if model.input.held and model.steps is None else None
            (parts,) = counting.count(model, made.files, x, free)
            names = part_names(made.program)
            activity = Activity.measure(model, x, free)
            for work in cost.works(made.program, model.input, activity, board.core, True):
                if work.kind.startswith("bytes "):
                    part = float(parts[names.index(work.part)])
                    seen = Observation(work.kind, work.features, part, float(parts.sum()))
                    found[family(work.kind)].append(seen)
            print(f"{board.name}: {n + 1}", flush=True)
    return found


def measure_cycles(board: Board) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for model in (ZOO[name] for name in TRACED):
        made = generated(model, kernels=BYTES)
        x = made_inputs(model, 1, seed=1).astype(model.input.dtype)
        ((held, _),) = bytes_of(model, x, model.steps or 1)

        def infer(qemu: Qemu, held: bytes = held) -> None:
            Device(Client(qemu, TIMEOUT)).infer(3, held)

        with TargetModel(made, board, flags=MARKS) as target:
            parts = executed(board, target.elf, f"{model.name}_classify", infer)
        activity = Activity.measure(model, x)
        for work in cost.works(made.program, model.input, activity, board.core):
            part = parts.get(part_names(made.program).index(work.part))
            if part is not None and work.kind.startswith("bytes "):
                sums[work.kind][0] += part.cycles
                sums[work.kind][1] += part.instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items()) if n}


def write(table: str, key: str, rows: dict[str, object]) -> None:
    """Put rows into costs.json."""
    known = json.loads(PATH.read_text("utf-8"))
    known[table][key] = dict(sorted({**known[table].get(key, {}), **rows}.items()))
    PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def check(board: Board, number: int) -> None:
    """Print how far predictions are from the counts of other models."""
    kept = json.loads(PATH.read_text("utf-8"))["costs"][isa.find(board.core).name]
    for kind, seen in observe(board, OTHERS, number).items():
        errors = []
        for one in seen:
            numbers = one.features.numbers()
            said = sum(kept[kind]["typical"].get(k, 0.0) * n for k, n in numbers.items())
            most = sum(kept[kind]["worst"].get(k, 0.0) * n for k, n in numbers.items())
            assert most >= one.instructions, (kind, most, one.instructions)
            errors.append(abs(said / one.instructions - 1))
        print(f"{board.name} {kind}: {np.mean(errors):.1%} mean, {max(errors):.1%} at most")


def main() -> None:
    """Measure, and write the rows of costs.json."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="all", help="a board, or all")
    parser.add_argument("--check", type=int, metavar="N", help="count N other models")
    parser.add_argument("--cycles", action="store_true", help="cycles alone")
    arguments = parser.parse_args()
    for board in boards(arguments.board):
        name = isa.find(board.core).name
        if arguments.cycles:
            write("cycles", board.core, dict(measure_cycles(board)))
        elif isa.find(board.core).cores[0] != board.core:
            continue
        elif arguments.check is not None:
            check(board, arguments.check)
        else:
            fresh = {k: fit(seen) for k, seen in observe(board, 0, MODELS).items()}
            write("costs", name, dict(fresh))
            for kind, row in fresh.items():
                errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
                print(f"{board.name:9} {kind:16} {row['observations']:4} counts, error {errors}")


if __name__ == "__main__":
    main()
