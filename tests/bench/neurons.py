"""Fit the costs of further neurons and readouts: `python tests/bench/neurons.py integrators`.

Their kinds of parts are fitted alone, on random models (calibration.kinds); all other rows of
costs.json stay.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from calibration.boards import boards
from calibration.counting import Counting
from calibration.cycles import executed
from calibration.fitting import Observation, fit
from calibration.kinds import KINDS, models

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.models import inputs_for, steps_for

from codegen import isa
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

PATH = Path(cost.__file__).parent / "costs.json"

MODELS, SAMPLES, TRACED = 80, 6, 6
MEAN, SINGLE = 1.5, 0.6
"""Weights of the mean of a model's inputs, and of a single one."""


def observe(board: Board, name: str) -> dict[str, list[Observation]]:
    """Return what the parts took on a board, by the names that their coefficients stand under."""
    found: dict[str, list[Observation]] = defaultdict(list)
    _, kinds = KINDS[name]
    with Counting(board) as counting:
        for number, model in enumerate(models(name, MODELS)):
            x, steps = (
                inputs_for(model, SAMPLES, number).astype(model.input.dtype),
                steps_for(model),
            )
            made, activity = generated(model), Activity.measure(model, x, steps)
            counts = counting.count(model, made.files, x, steps)
            rows = [(activity, counts.mean(axis=0), MEAN, False)]
            for one in range(3):
                each = Activity.measure(model, x[one : one + 1], steps)
                rows.append((each, counts[one], SINGLE, True))
            names = part_names(made.program)
            for known, parts, weight, single in rows:
                for work in cost.works(made.program, model.input, known, board.core, single):
                    if work.kind in kinds:
                        part, total = float(parts[names.index(work.part)]), float(parts.sum())
                        seen = Observation(work.kind, work.features, part, total, weight)
                        found[family(work.kind)].append(seen)
            print(f"{board.name}: {number + 1} of {MODELS}", flush=True)
    return found


def _call(qemu: Qemu, outputs: int, held: bytes, vectors: list[bytes]) -> None:
    """Ask a firmware for an inference, or for steps."""
    device = Device(Client(qemu, TIMEOUT))
    if not vectors:
        device.infer(outputs, held)
        return
    device.reset(held)
    for vector in vectors:
        device.step(vector)


def measure_cycles(board: Board, name: str) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for number, model in enumerate(models(name, TRACED)):
        x, steps = inputs_for(model, 1, number).astype(model.input.dtype), steps_for(model)
        for kind, cycles, instructions in _traced(board, model, x, steps):
            if kind in KINDS[name][1]:
                sums[kind][0] += cycles
                sums[kind][1] += instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items()) if n}


def _traced(
    board: Board, model: Model, x: Any, steps: int | None
) -> list[tuple[str, float, float]]:
    """Return (kind, cycles, instructions) of each part of a call."""
    made, activity = generated(model), Activity.measure(model, x, steps)
    ((held, vectors),) = bytes_of(model, x, steps or model.steps or 1)
    whole = model.input.held and model.steps is not None
    call = partial(_call, outputs=model.outputs, held=held, vectors=[] if whole else vectors)
    function = f"{model.name}_classify" if whole else f"{model.name}_step"
    with TargetModel(made, board, flags=MARKS) as target:
        parts = executed(board, target.elf, function, call)
    names = part_names(made.program)
    works = cost.works(made.program, model.input, activity, board.core)
    found = [(work.kind, parts.get(names.index(work.part))) for work in works]
    return [(kind, part.cycles, part.instructions) for kind, part in found if part is not None]


def write(table: str, key: str, fresh: dict[str, Any]) -> None:
    """Put rows into costs.json; the others stay."""
    known = json.loads(PATH.read_text("utf-8"))
    known[table][key] = dict(sorted({**known[table].get(key, {}), **fresh}.items()))
    PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def main() -> None:
    """Measure, and write the rows of costs.json."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--board", default="all", help="a board, or all")
    parser.add_argument("--cycles", action="store_true", help="cycles alone")
    arguments = parser.parse_args()
    name = arguments.kind
    for board in boards(arguments.board):
        if isa.find(board.core).cores[0] == board.core and not arguments.cycles:
            fresh = {kind: fit(found) for kind, found in observe(board, name).items()}
            write("costs", isa.find(board.core).name, fresh)
            for kind, row in fresh.items():
                errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
                print(f"{board.name:9} {kind:24} {row['observations']:4} counts, error {errors}")
        write("cycles", board.core, measure_cycles(board, name))


if __name__ == "__main__":
    main()
