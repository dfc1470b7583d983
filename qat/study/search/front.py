"""What a search found: its trials, and those that no other trial beats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qat.study.search.costs import Costs


@dataclass(frozen=True)
class Found:
    """A network that was trained to the end.

    number:   of its trial
    options:  of `spikemcu train`, with every setting resolved
    accuracy: of the integer models on validation data, 0 to 1, the mean of by_seed
    costs:    of the model that is kept
    models:   the model file of every training
    loss:     on validation data, which tells apart what is as accurate; infinite where unknown
    by_seed:  the accuracy of each training
    kept:     which one is kept: of those that keep the limits the most accurate
    """

    number: int
    options: Mapping[str, Any]
    accuracy: float
    costs: Costs
    models: tuple[bytes, ...]
    loss: float = math.inf
    by_seed: tuple[float, ...] = ()
    kept: int = 0

    @property
    def model(self) -> bytes:
        """The model file that is kept."""
        return self.models[self.kept]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, without the models."""
        return {
            "trial": self.number,
            "options": dict(self.options),
            "validation": self.accuracy,
            "by_seed": list(self.by_seed),
            "loss": self.loss if math.isfinite(self.loss) else None,
            **self.costs.to_json(),
        }


def within(found: Sequence[Found], limits: Mapping[str, float]) -> list[Found]:
    """Return those that keep all limits, the most accurate first, of these the smallest loss."""
    fitting = [one for one in found if max(one.costs.over(limits), default=0) <= 0]
    return sorted(fitting, key=lambda one: (-one.accuracy, one.loss, one.costs.flash, one.number))


def front(found: Sequence[Found]) -> list[Found]:
    """Return those that no other one beats in accuracy, flash and instructions, in their order."""
    return [one for one in found if not any(_beats(other, one) for other in found)]


def _beats(one: Found, other: Found) -> bool:
    """Return True if `one` is nowhere worse and somewhere better, or alike and earlier."""
    mine, yours = _merits(one), _merits(other)
    if mine == yours:
        return one.number < other.number
    return all(a <= b for a, b in zip(mine, yours, strict=True))


def _merits(one: Found) -> tuple[tuple[float, ...], ...]:
    """Return what is small in a good network: errors, of these the loss; bytes; instructions."""
    return (-one.accuracy, one.loss), (one.costs.flash,), (one.costs.instructions,)
