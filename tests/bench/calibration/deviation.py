"""The deviation of predictions from counts, on models that nothing was fitted to or chosen by.

A model of any kind (calibration.variety) is predicted as `spikemcu report` does, from the
activity on its inputs, and counted on an emulated core: the mean instructions of whole inferences,
or of a step where it runs free, without marks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from calibration.counting import Counting
from calibration.variety import REPORT, case
from codegen.measure.spend import predicted
from codegen.render.generated import generated
from codegen.target.boards import Board

CLOSE, FAR = 0.10, 0.30
"""Relative errors: nearly all predictions are to be within the first, all within the second."""


@dataclass(frozen=True)
class Deviation:
    """A model on a core: its instructions as predicted and as counted.

    kind: of its input, and whether it runs free or may stop early; number: of the model
    """

    number: int
    kind: str
    core: str
    predicted: float
    counted: float

    @property
    def error(self) -> float:
        """The relative error of the prediction."""
        return self.predicted / self.counted - 1


def deviations(
    models: int | Iterable[int], boards: Sequence[Board], group: int = REPORT
) -> list[Deviation]:
    """Predict and count models of a set on boards: the first so many, or these."""
    numbers = range(models) if isinstance(models, int) else tuple(models)
    return [one for board in boards for one in _on(board, numbers, group)]


def _on(board: Board, numbers: Iterable[int], group: int) -> list[Deviation]:
    found = []
    with Counting(board, keep=True) as counting:
        for number in numbers:
            one = case(group, number)
            model = one.known()
            made = generated(model)
            counts = counting.count(model, made.files, one.x, one.steps, parts=False)
            ours = predicted(made, board)
            found.append(Deviation(number, one.kind, board.core, ours, float(counts.mean())))
    return found


def summary(found: Sequence[Deviation]) -> str:
    """Return the errors of all, of each kind, of each core, and the models that are far off."""
    rows = [_row("all", found)]
    keys: tuple[Callable[[Deviation], str], ...] = (lambda one: one.kind, lambda one: one.core)
    for key in keys:
        groups: dict[str, list[Deviation]] = defaultdict(list)
        for one in found:
            groups[key(one)].append(one)
        rows += [_row(name, groups[name]) for name in sorted(groups)]
    far = sorted((one for one in found if abs(one.error) > CLOSE), key=lambda one: -abs(one.error))
    rows += [
        f"model {one.number}, {one.kind}, {one.core}: {one.predicted:,.0f} predicted, "
        f"{one.counted:,.0f} counted, {one.error:+.1%}"
        for one in far
    ]
    return "\n".join(rows)


def _row(name: str, found: Sequence[Deviation]) -> str:
    errors = np.array([abs(one.error) for one in found])
    median, high = np.quantile(errors, [0.5, 0.95])
    close = (errors <= CLOSE).mean()
    return (
        f"{name:16} {len(found):4} predictions: median {median:.1%}, 95 % within {high:.1%}, "
        f"worst {errors.max():.1%}; {close:.1%} of them within {CLOSE:.0%}"
    )
