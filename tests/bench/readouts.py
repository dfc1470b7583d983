"""Fit the costs of readouts of few outputs to counts on emulated cores.

    python tests/bench/readouts.py

They stand in kinds of parts of their own, so that these are fitted alone; all other rows of
costs.json stay. The models are random (support.zoo.readouts).
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from byte_maps import write
from calibration.boards import boards
from calibration.counting import Counting
from calibration.cycles import executed
from calibration.fitting import Observation, fit
from support.zoo.readouts import random_readout, read_by

from codegen import isa
from codegen.checks.equivalence import made_inputs
from codegen.kernels import readout_candidates
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board
from codegen.target.device import Device
from codegen.target.emulated import TIMEOUT, TargetModel
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import Activity, Model

BITS = {"packed": 2, "pairs": 4}
"""{kernel: bits of its weights}."""
MODELS, INPUTS = 120, 3


def read(model: Model, kernel: str) -> Generated:
    """Return the C of a model whose readout has a kernel."""
    return generated(model, kernels={len(model.layers): kernel})


def observe(board: Board, kernel: str) -> Iterator[Observation]:
    """Yield what readouts took on a board: of one input, and the mean of some."""
    kind = f"{kernel} readout"
    with Counting(board) as counting:
        for seed in range(MODELS):
            model = random_readout(seed, BITS[kernel])
            if kernel not in {row.name for row in readout_candidates(model)}:
                continue
            x, made = made_inputs(model, INPUTS, seed=seed), read(model, kernel)
            counts = counting.count(model, made.files, x)
            at = part_names(made.program).index("readout")
            for some, parts, single in ((x[:1], counts[0], True), (x, counts.mean(axis=0), False)):
                activity = Activity.measure(model, some)
                for work in cost.works(made.program, model.input, activity, board.core, single):
                    if work.kind == kind:
                        took, total = float(parts[at]), float(parts.sum())
                        yield Observation(kind, work.features, took, total)
            print(f"{board.name} {kernel}: {seed + 1}", flush=True)


def _infer(qemu: Qemu, held: bytes) -> None:
    Device(Client(qemu, TIMEOUT)).infer(10, held)


def measure_cycles(board: Board, kernel: str) -> float:
    """Return the estimated cycles per instruction on a board's core."""
    model = read_by(10, 289, bits=BITS[kernel])
    x, made = made_inputs(model, 1, seed=1).astype(model.input.dtype), read(model, kernel)
    ((held, _),) = bytes_of(model, x, model.steps or 1)
    with TargetModel(made, board, flags=MARKS) as target:
        call = partial(_infer, held=held)
        parts = executed(board, target.elf, f"{model.name}_classify", call)
    part = parts[part_names(made.program).index("readout")]
    return round(part.cycles / part.instructions, 3)


def main() -> None:
    """Measure, and write the rows of costs.json."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="all", help="a board, or all")
    parser.add_argument("--cycles", action="store_true", help="cycles alone")
    parser.add_argument("--kernel", choices=BITS, help="one of them; by default each")
    arguments = parser.parse_args()
    kernels, chosen = [arguments.kernel] if arguments.kernel else BITS, boards(arguments.board)
    for kernel, board in product(kernels, chosen):
        kind = f"{kernel} readout"
        if not arguments.cycles and isa.find(board.core).cores[0] == board.core:
            row = fit(list(observe(board, kernel)))
            write("costs", isa.find(board.core).name, {kind: row})
            errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
            print(f"{board.name:9} {kind} {row['observations']:4} counts, error {errors}")
        write("cycles", board.core, {kind: measure_cycles(board, kernel)})


if __name__ == "__main__":
    main()
