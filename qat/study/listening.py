"""How a model listens: a long recording, what is detected in it, and the rule that detects.

`choose` looks for the rule in one recording, of validation data by custom; what it is worth is
counted in another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.data.formats.sounds import strength
from qat.model import Detector, Model, Spectrum
from qat.model.detector import MAX_SMOOTH, NOTHING

CANDIDATES = 100
"""Thresholds that are tried for each smoothing: quantiles of the leads that were seen."""

SMOOTHS = (0, 1, 2)
PAUSES = (0.5, 1.5)
"""Pauses of a made recording are so long, in windows."""

PIECE = 2**7
"""Windows that are classified at a time: convolutions take their patches apart."""


@dataclass(frozen=True, eq=False)
class LongRecording:
    """Sound, and what is said in it.

    sound:  (samples, 1) int16
    events: (events, 3) int64 of start, end (in samples) and class, in the order of time
    rate:   samples a second
    """

    sound: NDArray[np.int16]
    events: NDArray[np.int64]
    rate: int

    @property
    def hours(self) -> float:
        """How long it is."""
        return len(self.sound) / self.rate / 3600

    def halves(self) -> tuple[LongRecording, LongRecording]:
        """Return both halves, cut before the event that is said in the middle, if one is."""
        cut = len(self.sound) // 2
        for start, end, _ in self.events.tolist():
            cut = start if start < cut < end else cut
        early = self.events[:, 0] < cut
        late = self.events[~early] - np.array([cut, cut, 0])
        return (
            replace(self, sound=self.sound[:cut], events=self.events[early]),
            replace(self, sound=self.sound[cut:], events=late),
        )


@dataclass(frozen=True)
class Judged:
    """What detections are worth.

    hits:          events that were detected as what they are
    misses:        events that were not
    false_accepts: detections of what was not said
    hours:         of sound
    """

    hits: int
    misses: int
    false_accepts: int
    hours: float

    @property
    def an_hour(self) -> float:
        """False accepts an hour."""
        return self.false_accepts / self.hours if self.hours else 0.0


class Windows(NamedTuple):
    """The windows of a recording: the sample that each ends with, and its scores."""

    when: NDArray[np.int64]
    scores: NDArray[np.int64]


def long_recording(
    windows: NDArray[np.int16], labels: NDArray[np.int64], rate: int, seed: int = 0
) -> LongRecording:
    """Return windows of sound, each once, in a random order between pauses of faint noise.

    windows: (n, samples, 1) int16; labels: (n,). A pause is as strong as the faintest part of the
    window behind it, and half to one and a half times as long as one.
    """
    random = np.random.RandomState(seed)
    length, pieces, events, at = windows.shape[1], [], [], 0
    for i in random.permutation(len(windows)):
        pause = round(length * random.uniform(*PAUSES))
        noise = random.normal(0, strength(windows[i, :, 0]), pause)
        pieces += [np.clip(np.rint(noise), -(2**15), 2**15 - 1).astype(np.int16), windows[i, :, 0]]
        events.append((at + pause, at + pause + length, int(labels[i])))
        at += pause + length
    sound = np.concatenate([*pieces, np.zeros(length, np.int16)])
    return LongRecording(sound[:, None], np.array(events, np.int64).reshape(-1, 3), rate)


def heard(model: Model, recording: LongRecording) -> Windows:
    """Return what a model makes of a recording: windows as its stream gives them, and scores.

    Raises ValueError for a model without a Spectrum, windows and scores.
    """
    sensor = model.sensor
    if not isinstance(sensor, Spectrum) or model.window is None or model.readout is None:
        raise ValueError(f"{model.name}: hears no windows; needs a spectrum, and scores")
    inputs = model.inputs_of(recording.sound)
    scores = [
        model.run(inputs[start : start + PIECE]).scores for start in range(0, len(inputs), PIECE)
    ]
    every = sensor.hop or model.window
    ends = sensor.samples_of(model.window) + np.arange(len(inputs)) * every * sensor.group - 1
    found = np.concatenate(
        [np.zeros((0, model.outputs), np.int64), *(one for one in scores if one is not None)]
    )
    return Windows(ends.astype(np.int64), found.astype(np.int64))


def judge(
    detections: NDArray[np.int64],
    when: NDArray[np.int64],
    recording: LongRecording,
    late: int,
    background: Collection[int] = (),
) -> Judged:
    """Return what detections are worth.

    detections, when: of each window, the class or -1, and the sample that it ends with
    late:       samples behind its end at which an event may still be detected
    background: classes that are not to be detected: their events are no misses
    """
    events = [event for event in recording.events.tolist() if event[2] not in background]
    open_, false = list(events), 0
    for sample, found in zip(when.tolist(), detections.tolist(), strict=True):
        if found == NOTHING:
            continue
        hit = next(
            (e for e in open_ if e[0] < sample <= e[1] + late and e[2] == found), None
        )  # fmt: skip
        if hit is None:
            false += 1
        else:
            open_.remove(hit)
    return Judged(len(events) - len(open_), len(open_), false, recording.hours)


def choose(
    model: Model,
    recording: LongRecording,
    *,
    late: int,
    refractory: int,
    background: Sequence[int] = (),
    smooths: Sequence[int] = SMOOTHS,
    at_most: float | None = None,
) -> tuple[Detector, list[tuple[Detector, Judged]]]:
    """Return the detector with the fewest misses and false accepts, and all that were tried.

    at_most: false accepts an hour; then the one with the fewest misses of those that keep to it.
             Among equals the larger threshold
    Raises ValueError where none keeps to it, and where nothing is ever in the lead.
    """
    windows = heard(model, recording)
    tried = [
        (rule, judge(rule.run(windows.scores), windows.when, recording, late, background))
        for rule in _candidates(windows.scores, refractory, background, smooths)
    ]
    if not tried:
        raise ValueError(f"{model.name}: no class but the background ever leads; train further")
    kept = [row for row in tried if at_most is None or row[1].an_hour <= at_most]
    if not kept:
        least = min(found.an_hour for _, found in tried)
        raise ValueError(
            f"at-most: no threshold has {at_most:g} false accepts an hour or fewer; the least is "
            f"{least:.3g}: allow more, or train further"
        )

    def worth(row: tuple[Detector, Judged]) -> tuple[float, int]:
        return row[1].misses + (row[1].false_accepts if at_most is None else 0), -row[0].threshold

    return min(kept, key=worth)[0], tried


def _candidates(
    scores: NDArray[np.int64], refractory: int, background: Sequence[int], smooths: Sequence[int]
) -> Iterator[Detector]:
    """Yield detectors of every smoothing, their thresholds from quantiles of the leads."""
    for smooth in smooths:
        leads = _leads(scores, smooth, background)
        leads = leads[leads > 0]
        if not len(leads):
            continue
        places = np.linspace(0, 1, CANDIDATES)
        thresholds = np.unique(np.quantile(leads, places, method="nearest"))
        for threshold in [*thresholds.tolist(), int(leads.max()) + 1]:
            yield Detector(int(threshold), smooth, refractory, tuple(background))


def _leads(scores: NDArray[np.int64], smooth: int, background: Sequence[int]) -> NDArray[np.int64]:
    """Return the lead of every window, 0 where a class of the background leads."""
    rule = Detector(1, smooth)
    kept, found = rule.start(scores.shape[1]), np.zeros(len(scores), np.int64)
    for i, row in enumerate(scores):
        kept, _ = rule.step(kept, row)
        best = int(kept.smoothed.argmax())
        if best not in background:
            found[i] = kept.smoothed[best] - np.delete(kept.smoothed, best).max()
    return found


def largest_smooth(model: Model) -> int:
    """Return the most that scores of a model may be smoothed within int32."""
    scores = model.bounds().scores
    if scores is None:
        raise ValueError(f"{model.name}: has no scores")
    fits = [k for k in range(MAX_SMOOTH + 1) if scores.magnitude << k < 2**31]
    return fits[-1] if fits else 0


def sliding(model: Model, hop: int) -> Model:
    """Return the model whose windows begin every `hop` frames of sound.

    Raises ValueError for a model that hears nothing.
    """
    if not isinstance(model.sensor, Spectrum):
        raise ValueError(f"{model.name}: hears nothing; it has no spectrum")
    return replace(model, sensor=replace(model.sensor, hop=hop), detector=None)
