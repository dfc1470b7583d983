"""The verb listen: a detector for windows that slide, its false accepts and its misses."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from codegen.cli.before import require_output
from codegen.cli.data import labelled, tell
from codegen.cli.output import Output
from qat.data.formats.soundlist import events_in
from qat.data.formats.wav import read_wav
from qat.data.heard import Heard
from qat.data.labelling import listed
from qat.model import Detector, Model, Spectrum
from qat.study.listening import (
    SMOOTHS,
    Judged,
    LongRecording,
    choose,
    heard,
    judge,
    largest_smooth,
    long_recording,
    sliding,
)

A_QUARTER = 4
"""Windows slide by a part of their length, unless --slide says otherwise."""

SHOWN = 8
"""Thresholds that are shown."""

CHOICE = ("smooth", "refractory", "background", "at_most")
"""Options that say how a detector is chosen."""


def listen(arguments: Namespace) -> int:
    """Choose a detector, or take the model's own, and count what it detects."""
    out = Output(arguments)
    require_output(arguments.output)
    given = Model.load(arguments.model)
    background = _classes(given, arguments.background)
    model = _sliding(given, arguments, out)
    _check_rule(model, arguments)
    out.progress("reading the sound")
    chooses, judges, about = _recordings(given, arguments, out, chosen=model.detector is None)
    late = _late(model, arguments)
    out.say(f"{model.name} listens to {about}")
    _say_windows(out, model, late)
    rule = model.detector
    tried: list[tuple[Detector, Judged]] = []
    if rule is None:
        out.progress("classifying windows")
        rule, tried = choose(
            model,
            chooses,
            late=late,
            refractory=_refractory(model, arguments),
            background=background,
            smooths=_smooths(model, arguments),
            at_most=arguments.at_most,
        )
        _say_tried(out, rule, tried)
        model = replace(model, detector=rule)
    windows = heard(model, judges)
    found = judge(rule.run(windows.scores), windows.when, judges, late, rule.background)
    _say_rule(out, rule, found)
    if arguments.output is not None:
        model.save(Path(arguments.output))
        out.say(f"wrote {arguments.output}  (digest {model.digest()})")
    out.result(
        {
            "model": model.name,
            "detector": asdict(rule),
            "windows": len(windows.when),
            "late": late,
            "tried": [asdict(r) | asdict(j) for r, j in tried],
            **asdict(found),
            "false_accepts_an_hour": found.an_hour,
            "output": arguments.output,
        }
    )
    return 0


def _sliding(model: Model, arguments: Namespace, out: Output) -> Model:
    """Return the model as it listens: with the hop that is asked for, or its own."""
    if not isinstance(model.sensor, Spectrum) or model.window is None or model.readout is None:
        raise ValueError(f"{model.name}: hears no windows; listen needs a spectrum, and scores")
    group, own = model.sensor.group, model.sensor.hop
    if arguments.slide is not None:
        hop, rest = divmod(arguments.slide, group)
        if rest or not hop:
            raise ValueError(
                f"--slide: found {arguments.slide}; must be a multiple of {group} samples"
            )
        return sliding(model, hop)
    if model.detector is not None or (own is not None and own < model.window):
        return model
    hop = max(1, model.window // A_QUARTER)
    out.say(f"windows slide by a quarter, {hop * group:,} samples (--slide says otherwise)")
    return sliding(model, hop)


def _check_rule(model: Model, arguments: Namespace) -> None:
    """Raise ValueError for an option of a choice that is not made: the model has a detector."""
    if model.detector is None:
        return
    for name in CHOICE:
        if getattr(arguments, name) not in (None, ()):
            raise ValueError(
                f"--{name.replace('_', '-')}: goes with a detector that is chosen; {model.name} "
                "has its own: leave it out, or give --slide to choose anew"
            )


def _smooths(model: Model, arguments: Namespace) -> list[int]:
    """Return the smoothings that are tried; ValueError for one that leaves int32."""
    most = largest_smooth(model)
    for smooth in arguments.smooth or ():
        if smooth > most:
            raise ValueError(
                f"--smooth: found {smooth}; with the scores of {model.name} at most {most} fits "
                "32 bits"
            )
    return list(arguments.smooth or [k for k in SMOOTHS if k <= most])


def _classes(model: Model, words: list[str]) -> tuple[int, ...]:
    """Return the numbers of classes; ValueError for a word that is none."""
    known = model.class_names or tuple(map(str, range(model.outputs)))
    unknown = [word for word in words if word not in known]
    if unknown:
        raise ValueError(f"--background: {unknown[0]!r} is no class; known are {listed(known)}")
    return tuple(known.index(word) for word in words)


def _recordings(
    model: Model, arguments: Namespace, out: Output, chosen: bool
) -> tuple[LongRecording, LongRecording, str]:
    """Return the recording that chooses, the one that judges, and what they are in words.

    chosen: a detector is chosen, so that a recording of one's own is halved
    """
    assert isinstance(model.sensor, Spectrum)
    rate = model.sensor.rate
    if arguments.events is not None:
        own = _annotated(arguments, model)
        about = f"{Path(arguments.data).name}, {60 * own.hours:.1f} minutes"
        if not chosen:
            return own, own, about
        first, second = own.halves()
        if not (len(first.events) and len(second.events)):
            raise ValueError(
                f"{arguments.events}: one half of the recording holds no event; a half chooses, "
                "the other judges: record for longer, or give a model with a detector"
            )
        return first, second, f"{about}: the first half chooses, the second one judges"
    data = labelled(model, arguments)
    tell(out, data)
    if not isinstance(data.raw, Heard):
        raise ValueError(f"{data.name}: is no sound")
    made = [
        long_recording(windows, labels, rate, seed)
        for seed, windows, labels in (
            (1, data.raw.validation, data.y_validation),
            (2, data.raw.test, data.y_test),
        )
    ]
    times = [f"{60 * one.hours:.1f} minutes of {len(one.events):,} recordings" for one in made]
    return made[0], made[1], f"{data.name} between pauses: {times[0]} choose, {times[1]} judge"


def _annotated(arguments: Namespace, model: Model) -> LongRecording:
    """Return a recording of one's own with what is said in it."""
    assert isinstance(model.sensor, Spectrum)
    if arguments.data is None:
        raise ValueError("--events: needs the recording, --data FILE.wav")
    rate, least = model.sensor.rate, model.sensor.samples_of(model.window or 1)
    words = model.class_names or tuple(map(str, range(model.outputs)))
    path, events = Path(arguments.data), Path(arguments.events)
    try:
        wav = read_wav(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if wav.rate != rate:
        raise ValueError(f"{path}: has {wav.rate:,} samples a second; the model hears {rate:,}")
    if len(wav.samples) < 2 * least or np.ptp(wav.samples) == 0:
        silent = "is silent" if np.ptp(wav.samples) == 0 else f"has {len(wav.samples):,} samples"
        raise ValueError(f"{path}: {silent}; needs sound of two windows at least, {2 * least:,}")
    try:
        found = events_in(events, words, rate)
    except (OSError, ValueError) as error:
        raise ValueError(f"{events}: {getattr(error, 'strerror', None) or error}") from None
    if len(found) and found[:, 1].max() > len(wav.samples):
        raise ValueError(
            f"{events}: an event ends at {found[:, 1].max() / rate:.2f} s; {path.name} ends at "
            f"{len(wav.samples) / rate:.2f} s"
        )
    return LongRecording(wav.samples[:, None], found, rate)


def _late(model: Model, arguments: Namespace) -> int:
    """Return the samples behind the end of an event at which it may still be detected."""
    assert isinstance(model.sensor, Spectrum)
    if arguments.late is not None:
        return round(arguments.late * model.sensor.rate)
    return model.sensor.samples_of(model.window or 1)


def _refractory(model: Model, arguments: Namespace) -> int:
    """Return the windows of the pause behind a detection: by default until it has passed."""
    if arguments.refractory is not None:
        return int(arguments.refractory)
    assert model.sensor is not None
    window = model.window or 1
    return -(-window // (model.sensor.hop or window))


def _say_windows(out: Output, model: Model, late: int) -> None:
    sensor = model.sensor
    assert isinstance(sensor, Spectrum)
    every = (sensor.hop or model.window or 1) * sensor.group
    out.say(
        f"a window of {sensor.samples_of(model.window or 1) / sensor.rate:.2f} s every "
        f"{every / sensor.rate:.3f} s; an event may be detected until {late / sensor.rate:.2f} s "
        "behind its end"
    )


def _say_tried(out: Output, rule: Detector, tried: list[tuple[Detector, Judged]]) -> None:
    """Print some of the thresholds that were tried, with the smoothing that was chosen."""
    rows = [row for row in tried if row[0].smooth == rule.smooth]
    step = max(1, len(rows) // SHOWN)
    shown = [row for i, row in enumerate(rows) if i % step == 0 or row[0] == rule]
    out.say("\nin the recording that chooses:")
    out.table(
        ["smooth", "threshold", "hits", "misses", "false accepts", "an hour", ""],
        [
            [r.smooth, f"{r.threshold:,}", j.hits, j.misses, j.false_accepts, f"{j.an_hour:.1f}",
             "chosen" if r == rule else ""]
            for r, j in shown
        ],
    )  # fmt: skip


def _say_rule(out: Output, rule: Detector, found: Judged) -> None:
    pause = f", then nothing in {rule.refractory} windows" if rule.refractory else ""
    out.say(
        f"\ndetector: scores smoothed by {rule.smooth}, a lead of {rule.threshold:,}{pause}\n"
        f"in the recording that judges: {found.hits} of {found.hits + found.misses} events "
        f"detected, {found.misses} missed, {found.false_accepts} false accepts, "
        f"{found.an_hour:.1f} an hour"
    )
