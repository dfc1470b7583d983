"""Schedules of the bit-sliced neurons: what is loaded when, and where a reset begins to carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.kernels.neurons.plan import NEAR, Digit, Loads, Plane, loads, near, turns

SHIFTS = st.lists(st.integers(-6, 6), max_size=3)


def planes(width: int, top: int, shifts: list[int], fraction: int = 0) -> tuple[Plane, ...]:
    """Return planes of u of a membrane whose highest plane is `top`."""
    return tuple(
        Plane(
            index=b,
            v=min(b, top),
            leak=tuple(("subtract", min(b + abs(k), top)) for k in shifts),
            current=b - fraction if b >= fraction else None,
            bias=None,
            one=False,
        )
        for b in range(width)
    )


def test_a_pair_of_planes_loads_what_both_need() -> None:
    assert loads(planes(5, top=3, shifts=[1], fraction=1)) == (
        Loads(v=(0, 1, 2), current=(0,)),
        None,
        Loads(v=(3,), current=(1, 2)),
        None,
        Loads(v=(), current=(3,)),
    )


@given(st.integers(1, 20), st.integers(0, 19), SHIFTS, st.integers(0, 5))
def test_everything_is_loaded_once_and_before_it_is_used(
    width: int, top: int, shifts: list[int], fraction: int
) -> None:
    made = planes(width, top, shifts, fraction)
    v: list[int] = []
    current: list[int] = []
    for place, (plane, ahead) in enumerate(zip(made, loads(made), strict=True)):
        assert (ahead is None) == bool(place % 2)
        if ahead is not None:
            v += ahead.v
            current += ahead.current
        assert {plane.v, *(source for _, source in plane.leak)} <= set(v)
        assert plane.current is None or plane.current in current
    assert len(set(v)) == len(v)
    assert len(set(current)) == len(current)


@pytest.mark.parametrize(
    ("leak", "held"), [((), True), ((NEAR,), True), ((2, -NEAR), True), ((1, -NEAR - 1), False)]
)
def test_planes_are_held_where_the_leak_is_near(leak: tuple[int, ...], held: bool) -> None:
    assert near(leak) is held


@given(st.integers(0, 2**12 - 1), st.integers(1, 12), st.integers(0, 2**12 - 1))
def test_a_reset_that_skips_idle_digits_subtracts_all_the_same(
    constant: int, width: int, value: int
) -> None:
    """A borrow from below, as the C has it: only past the lowest 1, and not beyond the last."""
    made = turns([Digit(b, bit=constant >> b & 1) for b in range(width)])
    borrow, found = 0, value % 2**width
    for turn in made:
        b = turn.digit.plane
        assert turn.last == (b == width - 1)
        if turn.idle:
            continue
        assert turn.carried or turn.digit.bit
        bit, old = turn.digit.bit or 0, value >> b & 1
        assert turn.carried or borrow == 0
        difference = old - bit - borrow
        borrow = int(difference < 0)
        found = found & ~(1 << b) | (difference & 1) << b
    assert found == (value - constant) % 2**width
