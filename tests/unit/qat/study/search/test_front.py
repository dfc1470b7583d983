"""The front of a search: what no other network beats."""

from __future__ import annotations

from qat.study.search.costs import Costs
from qat.study.search.front import Found, front, within


def costs(flash: int, instructions: int) -> Costs:
    return Costs(flash, 50, 10, instructions, 2 * instructions, 1.0)


def test_the_front_is_what_no_other_beats() -> None:
    made = [
        Found(0, {}, 0.9, costs(100, 100), (b"",)),
        Found(1, {}, 0.8, costs(100, 100), (b"",)),  # beaten by 0
        Found(2, {}, 0.8, costs(50, 300), (b"",)),
        Found(3, {}, 0.95, costs(400, 400), (b"",)),
        Found(4, {}, 0.9, costs(100, 100), (b"",)),  # as 0, but later
    ]
    assert [one.number for one in front(made)] == [0, 2, 3]
    assert [one.number for one in within(made, {"flash": 100})] == [0, 4, 2, 1]


def test_what_is_as_accurate_is_told_apart_by_its_loss() -> None:
    small = Found(0, {}, 0.9, costs(100, 100), (b"",), 0.5)
    sure = Found(1, {}, 0.9, costs(200, 200), (b"",), 0.2)
    beaten = Found(2, {}, 0.9, costs(200, 200), (b"",), 0.3)
    assert within([small, sure, beaten], {}) == [sure, beaten, small]
    assert front([sure, beaten, small]) == [sure, small]
