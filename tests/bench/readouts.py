"""Fit the costs of packed readouts to counts on emulated cores: `python tests/bench/readouts.py`.

They stand in a kind of parts of their own, so that these are fitted alone; all other rows of
costs.json stay. The models are random (support.zoo.readouts).
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from byte_maps import write
from calibration.counting import Counting
from calibration.cycles import executed
from calibration.fitting import Observation, fit
from support.zoo.readouts import random_readout, read_by

from codegen import isa
from codegen.checks.equivalence import made_inputs
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board, find_boards
from codegen.target.device import Device
from codegen.target.emulated import TIMEOUT, TargetModel
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import Activity, Model

KIND = "packed readout"
MODELS, INPUTS = 120, 3


def packed(model: Model) -> Generated:
    """Return the C of a model whose readout is packed."""
    return generated(model, kernels={len(model.layers): "packed"})


def observe(board: Board) -> Iterator[Observation]:
    """Yield what readouts took on a board: of one input, and the mean of some."""
    with Counting(board) as counting:
        for seed in range(MODELS):
            model = random_readout(seed)
            x, made = made_inputs(model, INPUTS, seed=seed), packed(model)
            counts = counting.count(model, made.files, x)
            at = part_names(made.program).index("readout")
            for some, parts, single in ((x[:1], counts[0], True), (x, counts.mean(axis=0), False)):
                activity = Activity.measure(model, some)
                for work in cost.works(made.program, model.input, activity, board.core, single):
                    if work.kind == KIND:
                        took, total = float(parts[at]), float(parts.sum())
                        yield Observation(KIND, work.features, took, total)
            print(f"{board.name}: {seed + 1}", flush=True)


def _infer(qemu: Qemu, held: bytes) -> None:
    Device(Client(qemu, TIMEOUT)).infer(10, held)


def measure_cycles(board: Board) -> float:
    """Return the estimated cycles per instruction on a board's core."""
    model = read_by(10, 289)
    x, made = made_inputs(model, 1, seed=1).astype(model.input.dtype), packed(model)
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
    arguments = parser.parse_args()
    for board in find_boards(arguments.board):
        if board.hardware is not None:
            continue
        if not arguments.cycles and isa.find(board.core).cores[0] == board.core:
            row = fit(list(observe(board)))
            write("costs", isa.find(board.core).name, {KIND: row})
            errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
            print(f"{board.name:9} {row['observations']:4} counts, error {errors}")
        write("cycles", board.core, {KIND: measure_cycles(board)})


if __name__ == "__main__":
    main()
