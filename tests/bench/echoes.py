"""Fit the costs of delays and further edges to counts on emulated cores.

    python tests/bench/echoes.py

What bringing signals together takes is a kind of part of its own, which is fitted alone; all other
rows of costs.json stay. The models are random (support.zoo.echoes).
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from calibration.boards import boards, first_of_sets
from calibration.counting import Counting
from calibration.cycles import executed
from calibration.fitting import Observation, fit
from maps import _call

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.zoo.echoes import inputs_for, random_echoes

from codegen import isa
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.plan.cost import Work
from codegen.render.generated import generated
from codegen.target.boards import Board
from codegen.target.emulated import TargetModel
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import Activity, Model

PATH = Path(cost.__file__).parent / "costs.json"
KINDS = ("gather", "mixed currents", "mixed held")
FITTED = ("gather",)
"""Those with coefficients of their own: `mixed` is the C of another kernel."""
MODELS, SAMPLES, FIRST_SEED = 60, 6, 10_000
MEAN, SINGLE = 1.5, 0.6
"""Weights of the mean of a model's inputs, and of a single one."""


def models(count: int = MODELS) -> Iterator[tuple[Model, Any, int | None]]:
    """Yield random models with inputs, and with their steps if they run free."""
    for number in range(count):
        model = random_echoes(FIRST_SEED + number)
        x, steps = inputs_for(model, SAMPLES)
        yield model, x.astype(model.input.dtype), steps


def rest_of(works: Sequence[Work], one: Work, counted: float, core: str) -> float:
    """Return what a part took of what was counted: the parts beside it are predicted."""
    others = (w for w in works if w.part == one.part and w is not one)
    return max(counted - sum(cost.evaluate(other, core) for other in others), 0.0)


def observe(board: Board) -> dict[str, list[Observation]]:
    """Return what the parts took on a board."""
    found: dict[str, list[Observation]] = defaultdict(list)
    with Counting(board) as counting:
        for number, (model, x, steps) in enumerate(models()):
            made, activity = generated(model), Activity.measure(model, x, steps)
            names = part_names(made.program)
            counts = counting.count(model, made.files, x, steps)
            rows = [(activity, counts.mean(axis=0), MEAN, False)]
            for one in range(2):
                each = Activity.measure(model, x[one : one + 1], steps)
                rows.append((each, counts[one], SINGLE, True))
            for active, parts, weight, single in rows:
                works = cost.works(made.program, model.input, active, board.core, single)
                for work in [one for one in works if one.kind in FITTED]:
                    counted = float(parts[names.index(work.part)])
                    own = rest_of(works, work, counted, board.core)
                    total = float(parts.sum())
                    found[work.kind].append(
                        Observation(work.kind, work.features, own, total, weight)
                    )
            print(f"{board.name}: {number + 1} of {MODELS}", flush=True)
    return found


def measure_cycles(board: Board) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core.

    Those of "gather" are those of the rest, of which it is counted as a part.
    """
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for model, x, steps in models():
        if set(sums) >= set(KINDS):
            break
        made = generated(model)
        activity = Activity.measure(model, x[:1], steps)
        works = cost.works(made.program, model.input, activity, board.core)
        if not {work.kind for work in works} & set(KINDS) - set(sums):
            continue
        ((held, vectors),) = bytes_of(model, x[:1], steps or model.steps or 1)
        whole = model.input.held and model.steps is not None
        call = partial(_call, outputs=model.outputs, held=held, vectors=[] if whole else vectors)
        function = f"{model.name}_classify" if whole else f"{model.name}_step"
        with TargetModel(made, board, flags=MARKS) as target:
            parts = executed(board, target.elf, function, call)
        for work in works:
            part = parts.get(part_names(made.program).index(work.part))
            if part is not None and work.kind in KINDS:
                sums[work.kind][0] += part.cycles
                sums[work.kind][1] += part.instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items()) if n}


def _write(table: str, key: str, fresh: dict[str, Any]) -> None:
    known = json.loads(PATH.read_text("utf-8"))
    rows = known[table].setdefault(key, {})
    known[table][key] = dict(sorted({**rows, **fresh}.items()))
    PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def main() -> None:
    """Measure, and write the rows of costs.json."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="all", help="a board, or all")
    parser.add_argument("--cycles", action="store_true", help="cycles alone")
    arguments = parser.parse_args()
    for board in [] if arguments.cycles else first_of_sets(arguments.board):
        fresh = {kind: fit(seen) for kind, seen in observe(board).items()}
        _write("costs", isa.find(board.core).name, fresh)
        for kind, row in fresh.items():
            errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
            print(f"{board.name:9} {kind:16} {row['observations']:4} counts, error {errors}")
    for board in boards(arguments.board):
        _write("cycles", board.core, measure_cycles(board))


if __name__ == "__main__":
    main()
