"""The space of a search follows from the data; usual networks of every kind lie in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optuna
import pytest

from qat.data.dataset import Dataset
from qat.model import Shape
from qat.study.search.costs import Costs
from qat.study.search.first import first_networks, usual
from qat.study.search.space import KINDS, Options, Space


def data(shape: tuple[int, ...], grid: Shape | None = None) -> Dataset:
    parts = (np.zeros((4, *shape), np.uint8), np.arange(4)) * 3
    return Dataset(*parts, 4, "made", "here", "none", (0, 255), grid=grid)


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        (data((6,)), ("counts", "spikes")),
        (data((16,), Shape(4, 4, 1)), ("counts", "spikes", "maps")),
        (data((5, 3)), ("counts", "spikes", "maps", "recurrent")),
    ],
)
def test_the_space_is_what_the_data_allow(given: Dataset, kinds: tuple[str, ...]) -> None:
    space = Space.of(given)
    assert space.kinds == kinds
    assert space.input_bits == (8, 6, 5, 4, 3, 2)
    for kind in kinds:
        for network in usual(space, kind):  # every usual network is one of the space
            study = optuna.create_study()
            study.enqueue_trial(network)
            trial = study.ask()
            space.suggest(trial)
            assert trial.params == network


def test_images_are_changed_where_the_recipe_of_the_kind_does_so() -> None:
    named = replace(data((64,), Shape(8, 8, 1)), name="digits")
    assert Space.of(named).changed == ("counts", "maps")
    assert Space.of(replace(named, name="mnist-16")).changed == ("counts", "spikes", "maps")
    assert Space.of(replace(named, name="mine")).changed == ()


def test_a_search_begins_with_the_largest_usual_networks_that_fit() -> None:
    space = Space.of(data((6,)))

    def costs_of(options: Options) -> Costs:
        if options["neuron"] == "burst" and int(options["layers"]) >= 64:
            raise ValueError("cannot be")
        return Costs(100 * int(options["layers"]), 50, 10, 1, 2, 1.0)

    found = first_networks(space, costs_of, {"flash": 12_800})
    assert [(one["kind"], one[f"{one['kind']}/width0"], one["output_bits"]) for one in found] == [
        ("counts", 32, 8),
        ("counts", 32, 4),
        ("counts", 16, 8),
        ("spikes", 128, 8),
        ("spikes", 128, 4),
        ("spikes", 96, 8),
    ]
    assert [one.get("counts/levels") for one in found[:3]] == [7, 3, 7]
    assert first_networks(space, costs_of, {"flash": 100}) == []


def test_every_kind_has_networks() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    space = Space(tuple(KINDS), True, (8,))
    kinds = {(trial := study.ask(), space.suggest(trial))[0].params["kind"] for _ in range(40)}
    assert kinds == set(KINDS)
