"""Kernels that a caller asks for: those that can compute a stage, and one line for the others."""

from __future__ import annotations

import pytest
from support.zoo.small import small_model

from codegen.kernels import able, layer_candidates, readout_candidates
from codegen.kernels.encoders import PLACE
from codegen.plan.choose import plan


@pytest.mark.parametrize(
    ("kernels", "told"),
    [
        ({0: "strips"}, "kernels: found 'strips' for stage 0; use "),
        ({1: "no such"}, "kernels: found 'no such' for stage 1; use "),
        ({2: "count"}, "kernels: found 'count' for stage 2; use "),
        (
            {3: "count"},
            "kernels: found stage 3; small has the stages 0 to 2, and -1 for an encoder",
        ),
        ({"0": "sparse"}, "kernels: found stage '0'; small has the stages 0 to 2"),
    ],
)
def test_a_kernel_that_cannot_compute_a_stage_is_refused(kernels: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        plan(small_model(), kernels=kernels)
    assert "\n" not in str(error.value)


def test_an_encoder_is_asked_for_where_there_is_one() -> None:
    with pytest.raises(ValueError, match="encoder: found 'plain'; an input of Analog has none"):
        plan(small_model(), kernels={PLACE: "plain"})


def test_all_that_can_compute_a_stage_may_be_asked_for() -> None:
    model = small_model()
    for index in range(3):
        rows = able(index, model)
        chosen = readout_candidates(model) if index == 2 else layer_candidates(index, model)
        assert set(chosen) <= set(rows)
        for row in rows:
            made = plan(model, kernels={index: row.name})
            assert (*made.layers, made.readout)[index].kernel == row.name
