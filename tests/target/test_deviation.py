"""Predictions against counts, on random models of every kind that nothing was fitted to."""

from __future__ import annotations

import numpy as np
import pytest
from calibration.counting import Counting
from calibration.deviation import CLOSE, FAR, deviations, summary
from calibration.variety import FIT, KINDS, REPORT, case
from support.zoo.small import small_model

from codegen import isa
from codegen.plan import cost
from codegen.plan.choose import plan
from codegen.render import render
from codegen.target.boards import find_board, further_boards, load_boards
from codegen.target.emulated import TargetModel
from codegen.target.runner import MARKS
from qat.model import Activity

pytestmark = pytest.mark.target

MODELS = 100
NEARLY_ALL = 0.95
"""Predictions that are to be close."""

SAMPLE = {
    "qemu-m0": (1, 8, 12),
    "qemu-m3": (5, 9, 14),
    "qemu-m4": (0, 3, 4, 15),
    "qemu-m55": (7, 10),
    "qemu-rv32imc": (2, 11, 18),
}
"""Models of the set that the ordinary run counts, one core each: every kind."""


def test_a_few_models_of_every_kind_take_what_was_predicted() -> None:
    numbers = [n for some in SAMPLE.values() for n in some]
    assert {case(REPORT, n).kind.split(",")[0] for n in numbers} == set(KINDS)
    found = [one for name, some in SAMPLE.items() for one in deviations(some, [find_board(name)])]
    errors = sorted(abs(one.error) for one in found)
    assert errors[len(errors) // 2] < CLOSE / 2, summary(found)
    assert errors[-2] < CLOSE, summary(found)  # all but one, as in the proof all but a few
    assert errors[-1] < FAR, summary(found)


@pytest.mark.proof
def test_nearly_all_of_100_models_of_every_kind_take_what_was_predicted() -> None:
    every = (load_boards() | further_boards()).values()
    found = deviations(MODELS, [one for one in every if isa.find(one.core).multiplies])
    errors = np.array([abs(one.error) for one in found])
    assert (errors <= CLOSE).mean() >= NEARLY_ALL, summary(found)
    assert errors.max() <= FAR, summary(found)


def test_counts_are_those_of_the_firmware() -> None:
    model = small_model()
    x, files = np.random.default_rng(1).integers(0, 8, (3, model.input.size)), render(model)
    with TargetModel(model, "qemu-m4", files=files, flags=MARKS) as target:
        theirs = target.parts(x).infer
    with Counting("qemu-m4") as counting:
        ours = counting.count(model, files, x)
    assert theirs is not None
    assert np.abs(ours[:, 1:] - theirs[:, 1:]).max() == 0
    assert np.abs(ours[:, 0] - theirs[:, 0]).max() <= 2  # what calls the inference is not the same


def test_no_model_has_a_feature_that_no_count_had() -> None:
    for number in range(30):
        one = case(REPORT + 1, number)
        program, activity = plan(one.model, kernels=one.kernels()), Activity.of(one.model, 0.3)
        for core in sorted(isa.cores()):
            works = cost.works(program, one.model.input, activity, core)
            if not all(cost.measured(work.kind, core) for work in works):
                continue  # refused in a line; tests/unit has the kinds that are left out
            for work in [*works, *cost.worst_works(program, one.model.input, core)]:
                assert cost.evaluate(work, core, "worst") >= 0


def test_what_is_reported_is_none_of_what_was_fitted() -> None:
    fitted = {case(FIT, number).model.digest() for number in range(30)}
    assert not fitted & {case(REPORT, number).model.digest() for number in range(30)}
