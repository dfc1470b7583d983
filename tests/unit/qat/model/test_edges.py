"""Edges: what is refused, in one line; what names and files say; that C for them is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qat.model import (
    LIF,
    Activity,
    Analog,
    Conv,
    Count,
    Dense,
    Edge,
    Frames,
    Layer,
    Model,
    Pool,
    Shape,
    Spikes,
)

ONES = {n: Dense(np.ones((n, n), np.int8)) for n in (3, 4)}


def chain(*layers: Layer, given: Any = None, steps: int | None = 6) -> Model:
    """Return a model of 4 spiking inputs."""
    return Model(given or Spikes(4), layers, None if steps is None else Count(), steps)


def layer(*more: Edge, **fields: Any) -> Layer:
    """Return a layer of 4 neurons that leak."""
    return Layer(ONES[4], LIF(2, (1,)), more=more, **fields)


def refusal(make: Any) -> str:
    """Return the message of the ValueError that `make` raises: one line."""
    with pytest.raises(ValueError, match=r"[a-z]") as caught:
        make()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Edge(ONES[4], "behind"), "Edge.source: found 'behind'; must be 'before'"),
        (lambda: Edge(ONES[4], -1), "Edge.source: found -1"),
        (lambda: Edge(ONES[4], True), "Edge.source: found True"),
        (lambda: Edge(ONES[4], delay=32), "Edge.delay: found 32; allowed are 0 to 31"),
        (lambda: Edge(ONES[4], delay=-1), "Edge.delay: found -1; allowed are 0 to 31"),
        (lambda: Edge(ONES[4], delay=1.5), "Edge.delay: found "),
        (lambda: Edge(ONES[4], delay=[0, 1, 2, 32]), "Edge.delay: holds 32; allowed are 0 to 31"),
        (lambda: Edge(ONES[4], delay=[0, 1, 2]), r"Edge.delay: found shape (3,); one delay for"),
        (lambda: Edge(ONES[4], delay=[0.5] * 4), "Edge.delay: found dtype float64"),
        (lambda: layer(delay=[1, 2]), "Layer.delay: found shape (2,)"),
        (lambda: layer(Edge(ONES[3], "self", 1)), "edge 1: gives 3 currents; the layer has 4"),
        (lambda: layer(Edge(replace(ONES[4], bias=5), "self", 1)), "edge 1: has a bias; a layer"),
        (lambda: layer(*[Edge(ONES[4], "self", 1)] * 16), "Layer: edges: found 17; allowed are"),
        (lambda: layer(ONES[4]), "Layer.more: edge 1: found Dense; must be a Edge"),
        (lambda: Layer(ONES[4], LIF(2), more=3), "Layer.more: found 3; must be edges"),
        (lambda: chain(layer(Edge(ONES[4], "self"))), "layer 0 edge 1: reads its own layer without "
         "a delay, a circle within one step; give every input a delay of 1 to 31"),
        (lambda: chain(layer(Edge(ONES[4], "self", [1, 1, 0, 1]))), "layer 0 edge 1: reads"),
        (lambda: chain(layer(Edge(ONES[4], 0))), "layer 0 edge 1: reads its own layer"),
        (lambda: chain(layer(Edge(ONES[4], 1)), layer()), "layer 0 edge 1: reads layer 1, which"),
        (lambda: chain(layer(Edge(ONES[4], 7, 3))), "layer 0 edge 1: reads layer 7, which comes"),
        (lambda: chain(layer(), layer(Edge(Dense(np.ones((4, 3), np.int8)), "input"))),
         "layer 1 edge 1: has 3 inputs; what precedes it has 4"),
        (lambda: chain(layer(delay=2), given=Analog(4)), "layer 0: delays a held input by 2 steps"),
        (lambda: chain(layer(), layer(Edge(ONES[4], "input", 1)), given=Analog(4)),
         "layer 1 edge 1: delays a held input"),
        (lambda: chain(layer(), layer(Edge(replace(ONES[4], fraction_bits=2), "input")),
                       given=Frames(4)), "layer 1 edge 1: fraction_bits is 2; must be 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_line(make: Any, told: str) -> None:
    assert told in refusal(make)


def test_delays_of_a_map_are_one_for_each_channel() -> None:
    conv = Conv(np.ones((2, 3, 3, 3), np.int8), Shape(5, 5, 3))
    edge = Edge(conv, delay=[1, 0, 4])
    assert edge.delays.tolist() == [1, 0, 4] * 25
    assert "3 of them, one for each channel of the map" in refusal(lambda: Edge(conv, delay=[1, 2]))


def test_equal_delays_are_one_and_name_the_same_model() -> None:
    one, each = layer(delay=3), layer(delay=[3, 3, 3, 3])
    assert each.delay == 3
    assert chain(one).digest() == chain(each).digest() != chain(layer()).digest()


def test_a_source_by_word_or_number_names_the_same_model() -> None:
    words, numbers = (
        chain(layer(), layer(Edge(ONES[4], first), Edge(ONES[4], second, 1)))
        for first, second in (("before", "self"), (0, 1))
    )
    assert words.digest() == numbers.digest()
    swapped = chain(layer(), layer(Edge(ONES[4], "self", 1), Edge(ONES[4], "before")))
    assert swapped.digest() != words.digest()


def test_a_current_beyond_int32_over_all_edges_is_refused() -> None:
    wide = Dense(np.full((4, 4), 32767, np.int16), 16, fraction_bits=13)
    alone = Layer(wide, LIF(2**30, (1,), floor=-(2**30), ceiling=2**30))
    chain(alone)
    both = replace(alone, more=(Edge(wide, "self", 1), Edge(wide, "input")))
    assert "current: reaches" in refusal(lambda: chain(both))


def test_bounds_are_those_of_all_edges() -> None:
    more = Edge(Dense(np.array([[1, -1, 0, 1]] * 4), fraction_bits=2), "self", 1)
    bounds = chain(layer(more)).bounds().layers[0]
    assert [(one.low, one.high) for one in bounds.edges] == [(0, 4), (-1, 2)]
    assert (bounds.accumulator.low, bounds.accumulator.high) == (-4, 12)
    assert (bounds.current.low, bounds.current.high) == (-4, 12)


def test_pasts_are_as_deep_as_the_longest_delay_of_each_source() -> None:
    model = chain(
        layer(Edge(ONES[4], "self", [1, 2, 9, 1]), delay=3),
        layer(Edge(ONES[4], 0, 12), Edge(ONES[4], "input", 2)),
        steps=None,
    )
    assert model.pasts == {-1: 3, 0: 12}
    state = model.run(np.zeros((2, 5, 4))).state
    assert [one.shape for one in state] == [(2, 4), (2, 4), (2, 3, 4), (2, 12, 4)]
    wrong = (*state[:2], np.full((2, 3, 4), 2), state[3])
    told = refusal(lambda: model.run(np.zeros((2, 5, 4)), wrong))
    assert told == "state: the past of the input holds a value that no run can reach"


def test_an_echo_through_a_pool_and_counts() -> None:
    """A layer of counts on a map, pooled, whose next layer adds what it sent 2 steps ago."""
    grid = Shape(1, 4, 1)
    first = Layer(Conv(np.ones((1, 1, 1, 1), np.int8), grid), LIF(1, (0,), most=3),
                  pool=Pool("sum", (1, 2)))  # fmt: skip
    second = Layer(
        Dense(np.eye(2, dtype=np.int8)), LIF(1, (0,), most=7), delay=[0, 2],
        more=(Edge(Dense(np.eye(2, dtype=np.int8)), 0, 1),),
    )  # fmt: skip
    model = Model(Spikes(4, grid=grid), (first, second), None, None)
    x = np.zeros((1, 5, 4), bool)
    x[0, 0] = [1, 1, 0, 1]
    spikes = model.run(x, trace=True).spikes
    assert spikes[0][0].tolist() == [[2, 1]] + [[0, 0]] * 4
    assert spikes[1][0].tolist() == [[2, 0], [2, 1], [0, 1], [0, 0], [0, 0]]


def test_activity_of_layers_with_edges_is_measured() -> None:
    model = chain(layer(Edge(ONES[4], "self", 2), delay=[0, 1, 2, 3]))
    x = np.random.default_rng(0).random((5, 6, 4)) < 0.4
    found = Activity.measure(model, x)
    spikes = model.run(x, trace=True).spikes
    assert found.layers[0].rate == pytest.approx(spikes[0].mean())
