"""Recordings that are said otherwise: bands of sound, changed one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qat.data.named import load
from qat.data.speech import Speech, speech_of

LOW, HIGH = -8, 7
STILL = Speech(LOW, HIGH, later=0, pace=0, louder=0, bands=0)
"""It changes nothing."""


def recordings(seed: int = 0) -> Any:
    """Return (40, 20, 6) values with silence behind step 14."""
    x = np.random.default_rng(seed).integers(LOW + 2, HIGH - 1, (40, 20, 6)).astype(np.int8)
    x[:, 14:] = LOW
    return x


def changed(change: Speech, x: Any, seed: int = 1) -> Any:
    found = change(x, np.random.default_rng(seed))
    assert (found.shape, found.dtype) == (x.shape, x.dtype)
    assert (found >= LOW).all()
    assert (found <= HIGH).all()
    return found


def test_what_changes_nothing_returns_the_same() -> None:
    np.testing.assert_array_equal(changed(STILL, recordings()), recordings())


def test_frames_come_later_and_what_comes_in_is_said() -> None:
    x = np.repeat(np.arange(6, dtype=np.int8)[:, None], 3, axis=1)[None]  # 0 to 5, a ramp in time
    rows = changed(replace(STILL, later=2), np.repeat(x, 200, axis=0))[:, :, 0]
    late = 5 - rows[:, -1]
    assert set(late.tolist()) == {0, 1, 2}
    assert (rows[:, 0] == 0).all()  # the first frame again
    blank = changed(replace(STILL, later=2, blank=True), np.repeat(x, 200, axis=0))[:, :, 0]
    assert (blank[rows[:, -1] == 3][:, 0] < -2).all()


def test_a_quicker_recording_ends_sooner() -> None:
    x = recordings()
    heard = (changed(replace(STILL, pace=0.3, blank=True), x) > LOW).any(axis=2).sum(axis=1)
    assert heard.min() <= 11
    assert heard.max() >= 17


def test_louder_moves_all_bands_but_no_silence() -> None:
    x = np.clip(recordings(), LOW, 2)
    found = changed(replace(STILL, louder=2, octave=2.0), x)
    assert (found[:, 14:] == LOW).all()
    moved = (found - x)[:, :14]
    inside = ((found > LOW) & (found < HIGH))[:, :14]
    each = [set(moved[i][inside[i]].tolist()) for i in range(len(x))]
    assert all(len(one) == 1 for one in each)
    assert {-4, 4} <= set.union(*each)


def test_a_tilt_raises_what_is_high_and_lowers_what_is_low() -> None:
    x = np.zeros((300, 4, 5), np.int8)
    found = changed(replace(STILL, tilt=3), x)[:, 0].astype(int)
    np.testing.assert_array_equal(found[:, 0], -found[:, -1])
    assert (found[:, 2] == 0).all()
    assert found[:, 0].min() == -3


def test_a_longer_throat_moves_peaks_down() -> None:
    x = np.zeros((300, 4, 20), np.int8)
    x[:, :, 10] = HIGH
    peaks = changed(replace(STILL, throat=0.2), x)[:, 0].argmax(axis=1)
    assert set(peaks.tolist()) >= {9, 10, 11, 12}


def test_bands_that_are_not_heard_lie_side_by_side() -> None:
    x = np.full((400, 4, 8), 5, np.int8)
    found = changed(replace(STILL, bands=3, mean=-1), x)
    hidden = found[:, 0] == -1
    assert set(hidden.sum(axis=1).tolist()) == {0, 1, 2, 3}
    assert all(np.ptp(np.flatnonzero(row)) + 1 == row.sum() for row in hidden if row.any())
    assert (found == found[:, :1]).all()


def test_recordings_are_changed_one_by_one_and_by_the_seed() -> None:
    x = np.repeat(recordings()[:1], 50, axis=0)
    change = Speech(LOW, HIGH, throat=0.1, tilt=1)
    found = changed(change, x)
    assert len({one.tobytes() for one in found}) > 40
    np.testing.assert_array_equal(found, changed(change, x))
    assert (found != changed(change, x, seed=2)).any()


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(ValueError, match=r"speech: digits is no sound of a spectrum; use --spe"):
        speech_of(load("digits"))
    with pytest.raises(ValueError, match=r"speech: found samples of shape \(3, 4\)"):
        Speech(0, 3)(np.zeros((3, 4), np.uint8), np.random.default_rng(0))
