"""Leaky integrators as a readout: what each score is, its proved range, ties, early stops."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from qat.model import LI, LIF, Dense, EarlyStop, Layer, Model, Spikes
from qat.model.integration import ROUNDS, integrate
from qat.model.integrator import SCORES
from qat.model.intervals import Interval

PASS = Layer(Dense(np.eye(3, dtype=int)), LIF(1, (0,)))
"""Neurons that send on what comes in."""


def model(readout: LI, steps: int = 3, **more: Any) -> Model:
    return Model(Spikes(3), (PASS,), readout, steps, **more)


def every_input(steps: int) -> Any:
    bits = np.array(list(product((False, True), repeat=3 * steps)))
    return bits.reshape(-1, steps, 3)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("leak", [(), (0,), (1,), (2,), (1, -3), (2, 3)])
def test_no_input_leaves_the_range_of_the_scores(score: str, leak: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(leak))
    for bias in (0, rng.integers(-9, 9, 4), -20, 20):
        synapse = Dense(rng.integers(-8, 8, (4, 3)), 4, bias=bias, fraction_bits=1)
        own = model(LI(synapse, leak, score, 9 if score == "first" else None))
        bounds, found = own.bounds().scores, own.scores_by_step(every_input(3))
        last = found[:, -1]
        assert (last >= bounds.lo).all()
        assert (last <= bounds.hi).all()
        early = replace(own, stop=EarlyStop(1)).bounds().scores
        assert (found >= early.lo).all()
        assert (found <= early.hi).all()
        if score == "sum" and len(leak) <= 1:  # the currents are free, and f is monotone
            np.testing.assert_array_equal(last.max(axis=0), bounds.hi)
            np.testing.assert_array_equal(last.min(axis=0), bounds.lo)


@pytest.mark.parametrize("leak", [(1,), (4,), (9,), (2, -4, 6)])
def test_long_runs_stay_where_few_rounds_prove(leak: tuple[int, ...]) -> None:
    """Steps beyond ROUNDS: the interval that shrinks holds what the longest run reaches."""
    current = Interval(np.array([-7, 0, 3]), np.array([5, 9, 4]))
    steps = 4 * ROUNDS
    reached = integrate(leak, current, steps)
    assert reached.total is not None
    for end, side in ((current.hi, "hi"), (current.lo, "lo")):
        v, total = np.zeros(3, np.int64), np.zeros(3, np.int64)
        for _ in range(steps):
            v = v - sum((v >> k) if k > 0 else -(v >> -k) for k in leak) + end
            total += v
        sign = 1 if side == "hi" else -1
        assert (sign * v <= sign * getattr(reached.after, side)).all()
        assert (sign * total <= sign * getattr(reached.total, side)).all()
    free = integrate(leak, current, None)
    assert free.total is None
    assert (free.after.hi >= reached.after.hi).all()


def scores_of(rows: list[list[int]], **fields: Any) -> list[int]:
    """Return the scores of unit weights for what three inputs send."""
    own = model(LI(Dense(np.eye(3, dtype=int) * 4, 4), **fields), len(rows))
    return own.run(np.array([rows], bool)).scores[0].tolist()


def test_what_each_score_is() -> None:
    rows = [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert scores_of(rows, leak=(1,)) == [2, 3, 0]  # floors: 6 -> 3 -> 2, 4 -> 6 -> 3
    assert scores_of(rows, leak=(1,), score="max") == [6, 6, 0]
    assert scores_of(rows, leak=(1,), score="sum") == [4 + 6 + 3 + 2, 0 + 4 + 6 + 3, 0]
    assert scores_of(rows) == [8, 8, 0]


def test_the_first_wins_then_the_larger_then_the_first_in_order() -> None:
    first = {"score": "first", "threshold": 8}
    assert scores_of([[0, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1]], **first) == [4, 8, 0]
    assert scores_of([[1, 1, 0], [1, 1, 0], [1, 0, 0]], **first) == [8, 8, 0]
    assert scores_of([[0, 1, 1], [1, 0, 0]], **first) == [4, 4, 4]  # nobody: the largest at the end


def test_an_early_stop_ends_where_the_first_reaches_the_threshold() -> None:
    readout = LI(Dense(np.eye(3, dtype=int) * 4, 4), (), "first", 8)
    x = np.array([[[0, 1, 0]] * 5, [[1, 0, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]],
                  [[0, 0, 0]] * 5], bool)  # fmt: skip
    whole = model(readout, 5).run(x)
    found = model(readout, 5, stop=EarlyStop(2**31 - 1)).run(x)
    assert found.steps.tolist() == [2, 4, 5]
    np.testing.assert_array_equal(found.scores, whole.scores)
    assert model(readout, 5, stop=EarlyStop(2**31 - 1, first=3)).run(x).steps.tolist() == [3, 4, 5]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"score": "mean"}, r"LI.score: found 'mean'; one of last, max, sum, first"),
        ({"score": "first"}, r"LI.threshold: found None with score 'first'"),
        ({"threshold": 4}, r"LI.threshold: found 4 with score 'last'"),
        ({"score": "first", "threshold": 0}, r"LI.threshold: found 0; allowed are 1 to"),
        ({"leak": (3, -3)}, r"LI.leak: \(3, -3\) leaks 0 of the membrane"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LI(Dense(np.eye(3, dtype=int)), **fields)


def test_scores_beyond_int32_are_refused() -> None:
    heavy = Dense(np.full((2, 3), 30000), 16, fraction_bits=2)
    with pytest.raises(ValueError, match=r"readout: score: reaches .* beyond int32"):
        model(LI(heavy, (), "sum"), 200)
    with pytest.raises(ValueError, match=r"readout: membrane: reaches .* beyond int32"):
        model(LI(heavy, (14,)), 20_000)


def test_the_digest_and_the_file_know_every_field(tmp_path: Any) -> None:
    synapse = Dense(np.eye(3, dtype=int))
    each = [LI(synapse), LI(synapse, (2,)), LI(synapse, (), "max"), LI(synapse, (), "sum"),
            LI(synapse, (), "first", 5), LI(synapse, (), "first", 6)]  # fmt: skip
    assert len({model(readout).digest() for readout in each}) == len(each)
    for readout in each:
        model(readout).save(tmp_path / "m.npz")
        assert Model.load(tmp_path / "m.npz").digest() == model(readout).digest()
