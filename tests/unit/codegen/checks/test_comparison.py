"""One finder of first differences, for traces, results and raw samples."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.checks.comparison import Quantity, first_difference
from codegen.checks.streams import Stream, compare_streams


def quantity(
    name: str, layer: int | None, shape: tuple[int, ...], *places: int | slice
) -> Quantity:
    expected = np.zeros(shape, np.int64)
    found = expected.copy()
    found[places] = 7
    return Quantity(name, layer, expected, found)


def test_the_earliest_sample_then_step_then_layer_is_first() -> None:
    late = quantity("u", 0, (3, 4, 5), 2, 0, 0)
    deep = quantity("u", 1, (3, 4, 5), 1, 2, 3)
    same_step = quantity("v", 0, (3, 4, 5), 1, 2, 4)
    whole = quantity("score", None, (3, 5), 1, 0)
    first = first_difference([late, whole, deep, same_step])
    assert first is not None
    assert (first.sample, first.step, first.layer, first.neuron) == (1, 2, 0, 4)
    assert (first.quantity, first.expected, first.found) == ("v", 0, 7)
    assert first_difference([quantity("u", 0, (2, 2, 2), slice(0, 0))]) is None


def test_of_the_same_place_the_quantity_that_was_compared_first_is_told() -> None:
    u, v = quantity("u", 0, (2, 2, 2), 1, 1, 1), quantity("v", 0, (2, 2, 2), 1, 1, 1)
    first = first_difference([u, v])
    assert first is not None
    assert first.quantity == "u"


def stream(*rows: tuple[int, int]) -> Stream:
    """Return a stream of (when, class), with a score."""
    when, classes = np.array(rows, np.int64).reshape(-1, 2).T
    return Stream(when, classes, np.full((len(rows), 1), -1, np.int32))


@pytest.mark.parametrize("missing", ["found", "wanted"])
def test_a_result_too_many_or_too_few_differs_whole(missing: str) -> None:
    """Also where its values are those that stand for no result."""
    long, short = stream((3, 1), (5, -1)), stream((3, 1))
    wanted, found = (long, short) if missing == "found" else (short, long)
    compared = compare_streams(wanted, found)
    assert (compared.scores, compared.differing_scores) == (6, 3)
    assert compared.first is not None
    assert (compared.first.sample, compared.first.quantity) == (1, "sample of a raw result")
    assert {compared.first.expected, compared.first.found} == {5, -1}


def test_nothing_at_all_differs_from_something() -> None:
    compared = compare_streams(stream((3, 1)), stream())
    assert compared.differing_scores == compared.scores == 3
    assert compare_streams(stream((3, 1)), stream((3, 1))).first is None
