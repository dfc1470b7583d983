"""The detector: its equation one integer at a time, its range, what is refused, its file."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.zoo.heard import MODES

from qat.model import Detector, Model


def detected(detector: Detector, scores: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """Return the class of each window by the equation, and what was kept after each."""
    a, pause, found, kept = [0] * len(scores[0]), 0, [], []
    for row in scores:
        a = [x - (x >> detector.smooth) + s for x, s in zip(a, row, strict=True)]
        kept.append(a)
        best = a.index(max(a))
        lead = a[best] - max(x for c, x in enumerate(a) if c != best)
        if pause:
            pause -= 1
            found.append(-1)
        elif best not in detector.background and lead >= detector.threshold:
            pause = detector.refractory
            found.append(best)
        else:
            found.append(-1)
    return found, kept


@pytest.mark.parametrize("smooth", [0, 1, 3])
@pytest.mark.parametrize("refractory", [0, 2])
def test_it_is_the_equation(smooth: int, refractory: int) -> None:
    rng = np.random.default_rng(smooth)
    scores = np.cumsum(rng.integers(-30, 31, (400, 4)), axis=0) - 20
    detector = Detector(60, smooth, refractory, (2,))
    found, _ = detected(detector, scores.tolist())
    assert detector.run(scores).tolist() == found
    assert {-1} < set(found) <= {-1, 0, 1, 3}
    assert len(set(found)) > 2


@pytest.mark.parametrize(("low", "high"), [(-500, 700), (3, 90), (-90, -7), (0, 0)])
@pytest.mark.parametrize("smooth", [0, 1, 2, 8])
def test_what_is_kept_stays_within_what_is_proved(low: int, high: int, smooth: int) -> None:
    rng = np.random.default_rng(1)
    runs = np.repeat(rng.choice([low, high], (30, 3)), 40, axis=0)
    mixed = np.concatenate([runs, rng.integers(low, high, (200, 3), endpoint=True)])
    _, kept = detected(Detector(1, smooth), mixed.tolist())
    assert min(min(row) for row in kept) >= min(0, low << smooth)
    assert max(max(row) for row in kept) <= max(0, high << smooth)
    if smooth == 8 and high > 0:
        assert max(max(row) for row in kept) > high * 100, "the range is used"


def with_detector(detector: Detector | None, name: str = "sound, ring") -> Model:
    return replace(MODES[name], detector=detector)


def test_it_is_saved_and_part_of_the_digest(tmp_path: Path) -> None:
    plain, own = with_detector(None), with_detector(Detector(9, 2, 5, (1,)))
    assert len({plain.digest(), own.digest(), with_detector(Detector(9, 2, 4, (1,))).digest()}) == 3
    own.save(tmp_path / "m.npz")
    again = Model.load(tmp_path / "m.npz")
    assert again.detector == own.detector
    assert again.digest() == own.digest()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Detector(0), "Detector.threshold: found 0; allowed are 1 to 2147483647"),
        (lambda: Detector(1, 9), "Detector.smooth: found 9; allowed are 0 to 8"),
        (lambda: Detector(1, 0, -1), "Detector.refractory: found -1"),
        (lambda: Detector(1, background=3), "Detector.background: found 3; must be classes"),
        (lambda: Detector(1, background=(-1,)), "Detector.background: found -1"),
        (lambda: with_detector(Detector(1, background=(3,))), "the model has 3 outputs"),
        (lambda: with_detector(Detector(1, background=(0, 1, 2))), "holds every class"),
        (lambda: with_detector(Detector(1), "sound, free"), "Model.detector: needs scores, and"),
        (lambda: replace(with_detector(Detector(1)), sensor=None), "and a sensor or spectrum"),
        (lambda: with_detector("loud"), "Detector or None"),
    ],
)
def test_what_does_not_fit_is_one_line(make, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        make()


def test_scores_that_would_leave_int32_are_refused() -> None:
    with pytest.raises(ValueError, match="scores reach 9000000, and 2\\*\\*smooth times that"):
        Detector(1, 8).check(2, 9_000_000)
    Detector(1, 7).check(2, 9_000_000)
