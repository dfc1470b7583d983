"""Fit the costs of maps and counts to counts on emulated cores: `python tests/bench/maps.py`.

What convolutions, and dense layers that read or emit counts, take on integers stands in kinds of
parts of their own, so that these are fitted alone; all other rows of costs.json stay. The models
are random (support.maps); a few large ones are as networks for images are.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from calibration.counting import Counting
from calibration.cycles import executed
from calibration.fitting import Observation, fit
from calibration.maps import held, networks
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.maps import map_model
from support.models import inputs_for, steps_for
from support.zoo.windows import random_windows

from codegen import isa
from codegen.kernels import KERNELS, encoders
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.plan.kinds import family
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board, load_boards
from codegen.target.device import Device
from codegen.target.emulated import TIMEOUT, TargetModel
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import (
    Activity,
    Model,
)

PATH = Path(cost.__file__).parent / "costs.json"
INTEGERS, WINDOWS = ("conv_plain", "plain_counts"), ("windows",)
"""Kernels that are fitted together."""

MODELS, NETWORKS, HELD, SAMPLES, MADE = 160, 7, 60, 6, 60
CACHED = NETWORKS + 2 + HELD
"""Models that come first: networks, and held maps over several steps."""

FIRST_SEED = 10_000
"""Seeds of the models that are counted: tests have smaller ones."""

MEAN, SINGLE = 1.5, 0.6
"""Weights of the mean of a model's inputs, and of a single one."""


def models(kernels: tuple[str, ...]) -> Iterator[tuple[Model, NDArray[Any], int | None]]:
    """Yield every model with inputs, and with its steps if it runs free."""
    drawn: Iterator[Model] = (map_model(FIRST_SEED + number) for number in range(MODELS))
    if kernels == WINDOWS:
        drawn = chain(drawn, (random_windows(FIRST_SEED + number) for number in range(MADE)))
    for number, model in enumerate(chain(networks(), held(HELD), drawn)):
        x = inputs_for(model, SAMPLES, number).astype(model.input.dtype)
        yield model, x, steps_for(model)


def kinds_of(kernels: tuple[str, ...]) -> set[str]:
    """Return the kinds of parts that these kernels have."""
    parts = ("spikes",) if kernels == WINDOWS else ("currents", "held", "spikes")
    return {f"{name} {part}" for name in kernels for part in parts}


def ours(model: Model, kernels: tuple[str, ...]) -> Generated:
    """Return the C of a model, with these kernels wherever they can compute a layer."""
    rows = [row for row in KERNELS if row.name in kernels]
    first = generated(model).program
    behind = encoders.behind(model, first.encoder)
    chosen = {
        index: row.name
        for index in range(len(model.layers))
        for row in rows
        if row.computes(index, behind)
    }
    return generated(model, kernels=chosen)


def observe(board: Board, only: bool, kernels: tuple[str, ...]) -> dict[str, list[Observation]]:
    """Return what the parts took on a board, by the names that their coefficients stand under.

    only: the currents of held maps alone. Only the networks and the models made for them count
    for these, in any case.
    """
    found: dict[str, list[Observation]] = defaultdict(list)
    with Counting(board) as counting:
        for number, (model, x, steps) in enumerate(
            islice(models(kernels), CACHED if only else None)
        ):
            made, activity = ours(model, kernels), Activity.measure(model, x, steps)
            if not any(stage.kernel in kernels for stage in made.program.layers):
                continue
            counts = counting.count(model, made.files, x, steps)
            rows = [(activity, counts.mean(axis=0), MEAN, False)]
            for one in range(3):
                each = Activity.measure(model, x[one : one + 1], steps)
                rows.append((each, counts[one], SINGLE, True))
            names = part_names(made.program)
            for activity, parts, weight, single in rows:
                works = cost.works(made.program, model.input, activity, board.core, single)
                for work in works:
                    currents = work.kind == "conv_plain currents"
                    if work.kind not in kinds_of(kernels) or (only and not currents):
                        continue
                    if currents and number >= CACHED:
                        continue
                    part, total = float(parts[names.index(work.part)]), float(parts.sum())
                    seen = Observation(work.kind, work.features, part, total, weight)
                    found[family(work.kind)].append(seen)
            print(f"{board.name}: {number + 1}", flush=True)
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


def measure_cycles(board: Board, kernels: tuple[str, ...]) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for model, x, steps in islice(
        models(kernels), NETWORKS, None
    ):  # those are too large to be traced
        kinds = kinds_of(kernels)
        if set(sums) >= kinds:
            break
        made = ours(model, kernels)
        activity = Activity.measure(model, x[:1], steps)
        works = cost.works(made.program, model.input, activity, board.core)
        if not ({work.kind for work in works} & kinds) - set(sums):
            continue
        ((held, vectors),) = bytes_of(model, x[:1], steps or model.steps or 1)
        whole = model.input.held and model.steps is not None
        call = partial(_call, outputs=model.outputs, held=held, vectors=[] if whole else vectors)
        function = f"{model.name}_classify" if whole else f"{model.name}_step"
        with TargetModel(made, board, flags=MARKS) as target:
            parts = executed(board, target.elf, function, call)
        for work in works:
            part = parts.get(part_names(made.program).index(work.part))
            if part is not None and work.kind.startswith(kernels):
                sums[work.kind][0] += part.cycles
                sums[work.kind][1] += part.instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items()) if n}


def boards(which: str) -> list[Board]:
    """Return the boards on whose cores the instruction sets are measured; which: one, or all."""
    every = [b for b in load_boards().values() if isa.find(b.core).cores[0] == b.core]
    return [b for b in every if b.hardware is None and which in ("all", b.name)]


def main() -> None:
    """Measure, and write the rows of costs.json."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="all", help="a board, or all")
    parser.add_argument("--currents", action="store_true", help="of held maps alone")
    parser.add_argument("--cycles", action="store_true", help="cycles alone")
    parser.add_argument("--windows", action="store_true", help="of convolutions in windows")
    arguments = parser.parse_args()
    kernels = WINDOWS if arguments.windows else INTEGERS
    for board in boards(arguments.board):
        fresh = {}
        if not arguments.cycles:
            seen = observe(board, arguments.currents, kernels)
            fresh = {kind: fit(found) for kind, found in seen.items()}
        known = json.loads(PATH.read_text("utf-8"))
        table = known["costs"][isa.find(board.core).name]
        known["costs"][isa.find(board.core).name] = dict(sorted({**table, **fresh}.items()))
        PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
        for kind, row in fresh.items():
            errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
            print(f"{board.name:9} {kind:24} {row['observations']:4} counts, error {errors}")
    if not arguments.cycles:
        return
    for board in [b for b in load_boards().values() if b.hardware is None]:
        if arguments.board in ("all", board.name):
            cycles = measure_cycles(board, kernels)
            known = json.loads(PATH.read_text("utf-8"))
            table = known["cycles"][board.core]
            known["cycles"][board.core] = dict(sorted({**table, **cycles}.items()))
            PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
