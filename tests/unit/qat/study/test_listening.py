"""A long recording, what is detected in it, and the rule that detects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.sounds import RATE
from support.zoo.heard import MODES, PLAIN, clip

from qat.model import Detector
from qat.study.listening import (
    Judged,
    LongRecording,
    choose,
    heard,
    judge,
    largest_smooth,
    long_recording,
    sliding,
)

EVENTS = np.array([[100, 200, 0], [300, 400, 1], [500, 600, 0]])
NOISE = LongRecording(np.zeros((1000, 1), np.int16), EVENTS, RATE)


def judged(*found: tuple[int, int], late: int = 10, background: tuple[int, ...] = ()) -> Judged:
    """Return what detections (sample, class) are worth; windows without one lie between."""
    when = np.array([sample for sample, _ in found] + [999])
    return judge(np.array([c for _, c in found] + [-1]), when, NOISE, late, background)


def counts(one: Judged) -> tuple[int, int, int]:
    return one.hits, one.misses, one.false_accepts


def test_an_event_is_detected_once_within_its_time_and_as_what_it_is() -> None:
    assert counts(judged((150, 0), (350, 1), (610, 0))) == (3, 0, 0)
    assert counts(judged((150, 0), (160, 0))) == (1, 2, 1)  # twice: once too often
    assert counts(judged((150, 1))) == (0, 3, 1)  # another class
    assert counts(judged((611, 0))) == (0, 3, 1)  # too late
    assert counts(judged((100, 0))) == (0, 3, 1)  # no sample of it was heard
    assert counts(judged((250, 0), late=60)) == (1, 2, 0)


def test_a_background_is_no_miss() -> None:
    assert counts(judged((350, 1), background=(0,))) == (1, 0, 0)
    assert counts(judged((150, 0), background=(0,))) == (0, 1, 1)


def test_false_accepts_are_told_by_the_hour() -> None:
    assert Judged(0, 0, 6, 0.5).an_hour == 12
    assert NOISE.hours == 1000 / RATE / 3600


def test_halves_are_cut_before_what_is_said_in_the_middle() -> None:
    long = replace(NOISE, sound=np.arange(700, dtype=np.int16)[:, None])
    first, second = long.halves()  # 350 lies within the second event, which begins at 300
    assert len(first.sound) == 300
    assert first.events.tolist() == [[100, 200, 0]]
    assert second.sound[0, 0] == 300
    assert second.events.tolist() == [[0, 100, 1], [200, 300, 0]]


def test_a_made_recording_has_every_window_once_between_pauses() -> None:
    windows = np.stack([np.full((50, 1), 1000 * (i + 1), np.int16) for i in range(4)])
    labels = np.array([2, 0, 1, 0])
    made = long_recording(windows, labels, RATE, seed=3)
    assert sorted(made.events[:, 2].tolist()) == [0, 0, 1, 2]
    for start, end, label in made.events.tolist():
        said = made.sound[start:end, 0]
        assert len(set(said.tolist())) == 1
        assert labels[said[0] // 1000 - 1] == label
    pauses = made.events[1:, 0] - made.events[:-1, 1]
    assert (pauses >= 25).all()
    assert (pauses <= 75).all()
    again = long_recording(windows, labels, RATE, seed=3)
    np.testing.assert_array_equal(again.sound, made.sound)


@pytest.mark.parametrize("name", ["sound, ring", "sound, map", "sound, gaps"])
def test_windows_are_those_of_the_stream(name: str) -> None:
    model, sound = PLAIN[name], clip(0.4)
    found = heard(model, LongRecording(sound, EVENTS, RATE))
    inputs = model.inputs_of(sound)
    scores = model.run(inputs).scores
    np.testing.assert_array_equal(found.scores, scores)
    sensor = model.sensor
    assert sensor is not None
    first = sensor.samples_of(model.window or 1) - 1
    every = (sensor.hop or model.window or 1) * sensor.group
    assert found.when.tolist() == [first + i * every for i in range(len(inputs))]


def test_the_detector_that_is_chosen_has_the_fewest_misses_and_false_accepts() -> None:
    model, sound = PLAIN["sound, ring"], clip(1.0)
    windows = heard(model, LongRecording(sound, EVENTS[:0], RATE))
    best = windows.scores.argmax(axis=1)
    events = [(int(w) - 300, int(w), int(c)) for w, c in zip(windows.when, best, strict=True)][9::9]
    long = LongRecording(sound, np.array(events), RATE)
    rule, tried = choose(model, long, late=200, refractory=1, smooths=(0, 1))
    worth = {r: j.misses + j.false_accepts for r, j in tried}
    assert worth[rule] == min(worth.values())
    assert {r.smooth for r, _ in tried} == {0, 1}
    assert len({j.hits for _, j in tried}) > 2
    again = judge(rule.run(windows.scores), windows.when, long, 200)
    assert again == next(j for r, j in tried if r == rule)


def test_with_at_most_so_many_false_accepts_it_is_the_one_with_the_fewest_misses() -> None:
    model, sound = PLAIN["sound, ring"], clip(1.0)
    long = LongRecording(sound, np.array([[2000, 4000, 1]]), RATE)
    rule, tried = choose(model, long, late=400, refractory=0, at_most=0)
    assert dict(tried)[rule].false_accepts == 0
    with pytest.raises(ValueError, match="at-most: no threshold has -1 false accepts"):
        choose(model, long, late=400, refractory=0, at_most=-1)


def test_smoothing_stays_within_int32_and_a_model_that_slides_loses_its_detector() -> None:
    model = PLAIN["sound, ring"]
    most = largest_smooth(model)
    replace(model, detector=Detector(1, most))
    if most < 8:
        with pytest.raises(ValueError, match="does not fit int32"):
            replace(model, detector=Detector(1, most + 1))
    slid = sliding(MODES["sound, detected"], 3)
    assert slid.detector is None
    assert slid.sensor is not None
    assert slid.sensor.hop == 3


def test_what_hears_no_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="hears no windows"):
        heard(PLAIN["sound, free"], NOISE)
