"""The models that are counted to fit the cost model, and what their counts say of each part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.models import inputs_for, steps_for

from calibration import echoing, integrating, maps
from calibration.counting import Counting
from calibration.extremes import slowest
from calibration.fitting import Floats, Observation
from calibration.samples import PLANS, inputs, make
from calibration.variety import FIT, Case, case
from codegen import isa
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.plan.cost import Work
from codegen.plan.program import Program
from codegen.render.generated import Generated, generated
from qat.model import Activity, Input, Model

MODELS = 600
"""Random models of every kind (calibration.variety)."""

SAMPLES = 6
"""Inputs of such a model."""

SAMPLE, MEAN, OF_PLAN = 0.6, 1.5, 0.5
"""Weights of counts: of an input of a model of every kind, of the mean of all its inputs, which is
what is predicted, and of an input of a plan, which has many."""

OF_FEATURES, OF_NARROW = 0.4, 0.2
"""By how much less those weigh that have every feature, and the narrowest: they are there for every
feature to be seen, and are no more than the models of every kind like what users make."""

EVERY = 2
"""So many inputs of a plan share a count."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A model that is counted: with these kernels, on these inputs.

    steps: as for Model.run; each: {input: weight of its count}; mean: weight of the mean of all
    """

    model: Model
    kernels: Mapping[int, str]
    x: NDArray[Any]
    steps: int | None
    each: Mapping[int, float]
    mean: float = 0.0

    def made(self) -> Generated:
        """Return its C."""
        return generated(self.model, kernels=self.kernels)

    def kinds(self) -> set[str]:
        """Return the kinds of parts that it has."""
        program, activity = self.made().program, Activity.of(self.model, 0.1)
        return {w.kind for w in cost.works(program, self.model.input, activity, isa.DEFAULT_CORE)}

    def count(self, counting: Counting) -> Counted:
        """Count the parts."""
        made, model = self.made(), self.model
        counts = counting.count(model, made.files, self.x, self.steps)
        rows = [
            (Activity.measure(model, self.x[k : k + 1], self.steps), counts[k], weight, True)
            for k, weight in self.each.items()
        ]
        if self.mean:
            activity = Activity.measure(model, self.x, self.steps)
            rows.append((activity, counts.mean(axis=0), self.mean, False))
        worst = slowest(model.input, self.x, counting.board)
        if worst is not None:  # bounds the worst case alone
            (longest,) = counting.count(model, made.files, worst, self.steps)
            rows.append((Activity.measure(model, worst, self.steps), longest, 0.0, True))
        return Counted(made.program, model.input, tuple(rows))


@dataclass(frozen=True)
class Shared:
    """What several kinds of parts took together, of which one is fitted behind the others."""

    observation: Observation
    others: tuple[Work, ...]

    def alone(self, rows: Mapping[str, Any]) -> Observation:
        """Return what that one took: the others are predicted; rows: {family: coefficients}."""
        seen = self.observation
        others = sum(cost.predicted_by(rows, work) for work in self.others)
        took = max(seen.instructions - others, 0.0)
        return Observation(seen.kind, seen.features, took, seen.call, seen.weight)


@dataclass(frozen=True, eq=False)
class Counted:
    """A model whose parts were counted: an activity for each row of the counts, and its weight.

    single: the activity is that of one call
    """

    program: Program
    given: Input
    rows: tuple[tuple[Activity, Floats, float, bool], ...]

    def observations(self, core: str) -> Iterator[Observation | Shared]:
        """Return what each part took; where kinds share a part, what the last of them took."""
        names = part_names(self.program)
        for activity, counts, weight, single in self.rows:
            total = float(counts.sum())
            parts: dict[str, list[Work]] = {}
            for work in cost.works(self.program, self.given, activity, core, single):
                parts.setdefault(work.part, []).append(work)
            for part, (*others, last) in parts.items():
                took = float(counts[names.index(part)])
                seen = Observation(last.kind, last.features, took, total, weight)
                yield Shared(seen, tuple(others)) if others else seen


def of_plan(number: int) -> Subject:
    """Return a plan: every other of its inputs is counted."""
    row = PLANS[number]
    model = make(row, number)
    x = inputs(model, number)
    each = dict.fromkeys(range(number % EVERY, len(x), EVERY), OF_PLAN)
    return Subject(model, row.kernels(model), x, None, each)


def of_case(one: Case) -> Subject:
    """Return a model of any kind: the mean over its inputs is counted, and the first one.

    Its kernels are any that serve: what is fitted does not depend on the costs so far.
    """
    return Subject(one.model, one.kernels(), one.x, one.steps, {0: SAMPLE}, MEAN)


def of_map(one: maps.Mapped) -> Subject:
    """Return a model on maps: the mean over its inputs is counted, and the first two."""
    if len(one.x) == 1:
        return Subject(one.model, one.kernels, one.x, one.steps, {0: 1.0})
    return _of_features(one.model, one.kernels, one.x, one.steps, one.narrow)


def of_model(model: Model, number: int) -> Subject:
    """Return any other model, with inputs and the kernels that a user has."""
    x = inputs_for(model, SAMPLES, number).astype(model.input.dtype)
    return _of_features(model, {}, x, steps_for(model))


def _of_features(
    model: Model, kernels: Mapping[int, str], x: Any, steps: int | None, narrow: bool = False
) -> Subject:
    weight = OF_NARROW if narrow else OF_FEATURES
    each = {0: weight * SAMPLE, 1: weight * SAMPLE}
    return Subject(model, kernels, np.asarray(x), steps, each, weight * MEAN)


def with_every_feature() -> Iterator[Subject]:
    """Yield models on maps, with echoes and with integrators, of every feature of their kernels."""
    others = chain(integrating.models(), echoing.models())
    yield from map(of_map, maps.models())
    yield from (of_model(model, number) for number, model in enumerate(others))


def subjects(share: int = 1) -> Iterator[Subject]:
    """Yield every model that is counted; share: one in so many, but all plans and rare ones."""
    yield from (of_case(case(FIT, number)) for number in range(MODELS // share))
    yield from map(of_plan, range(len(PLANS)))
    yield from islice(with_every_feature(), 0, None, share)
    yield from map(of_map, maps.rare())
    yield from (of_model(model, number) for number, model in enumerate(integrating.few()))


def small(plans: Sequence[int]) -> Iterator[Subject]:
    """Yield some plans, then models that are small enough to be traced."""
    yield from map(of_plan, plans)
    yield from islice(with_every_feature(), maps.LARGE, None)
