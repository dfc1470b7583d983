"""Packed readouts: every weight lies in its lane, the C equals the model, and when it is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from support.zoo.readouts import CHOSEN, EDGES, read_by

from codegen.checks.equivalence import made_inputs
from codegen.host import HostModel
from codegen.kernels.pack import LANES
from codegen.kernels.packed.plan import Parts, packed_planes
from codegen.plan.choose import choices, plan
from codegen.render.generated import generated
from qat.model import Activity


@pytest.mark.parametrize(
    ("inputs", "outputs", "parts"),
    [
        (288, 10, Parts(3, 3, 3)),
        (128, 10, Parts(2, 2, 2)),
        (1025, 9, Parts(3, 11, 11)),
        (65, 2, Parts(3, 1, 1)),
        (200, 5, Parts(4, 2, 1)),
        (96, 17, Parts(1, 3, 3)),
        (31, 3, Parts(1, 1, 1)),
    ],
)
def test_inputs_are_divided_into_as_many_parts_as_lanes_and_words_allow(inputs, outputs, parts):
    assert Parts.of(inputs, outputs) == parts


def test_each_weight_lies_in_the_lane_of_its_part():
    codes = np.random.default_rng(1).integers(-1, 2, (5, 200))
    parts = Parts.of(200, 5)
    ((*columns,),) = packed_planes(codes, parts)
    assert len(columns) == LANES * parts.words
    for i in range(200):
        part, column = divmod(i, LANES * parts.words)
        zero, one = (int(word) >> (5 * part) for word in columns[column])
        found = [(zero >> j & 1) + 2 * (one >> j & 1) - 1 for j in range(5)]
        assert found == codes[:, i].tolist()


@pytest.mark.parametrize("name", EDGES)
def test_scores_equal_the_models(name):
    model = EDGES[name]
    made = generated(model, kernels={1: "packed"})
    x = made_inputs(model, 40, seed=3)
    assert np.array_equal(HostModel(made).run(x).scores, model.run(x).scores)


def test_it_takes_less_flash_and_is_chosen_where_it_costs_little_of_an_inference():
    one = read_by(10, 288)
    few = Activity.of(one, 0.01)
    small, large = (plan(one, kernels={1: name}) for name in ("packed", "bitsliced"))
    assert large.flash_bytes - small.flash_bytes == 8 * 2 * 96
    assert small.scratch.listed < large.scratch.listed
    costs = choices(one, activity=few)[1].costs
    assert costs["bitsliced"] < costs["packed"] < 2 * costs["bitsliced"]
    assert choices(one, activity=few)[1].kernel == "bitsliced"  # the layer takes as much
    assert choices(CHOSEN)[1].kernel == "packed"
