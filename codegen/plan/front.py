"""What surrounds the network on the device, in numbers: raw samples before it, a detector behind.

A result is what the network answers once: an inference, or a step of a model that runs free. From
one result to the next come `hop` vectors, each of `group` samples; before the first one, all the
vectors of a window. These features count what the C of codegen/render does for that.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features
from codegen.kernels.load import Load
from codegen.plan.program import Program
from codegen.plan.sensor import Stream
from codegen.plan.spectrum import Sound

WORD = 4


@dataclass(frozen=True, kw_only=True)
class Hearing(Features):
    """Frames of sound become vectors; what moves to the front of the next frame is no part of it.

    samples:     that are kept, one a call
    vectors:     frames that are complete
    classed:     samples that the class of a frame is found of
    sums2, sums4: sums of the first pass, by its radix
    passes:      passes behind it; turns: twiddles that they load; crosses: their sums of four
    pairs:       bins of the spectrum that are made two at a time
    weighed:     bins that have a weight in bands
    bands, shifted: values of a vector; those that lose bits
    """

    samples: float = 0.0
    vectors: float = 0.0
    classed: float = 0.0
    sums2: float = 0.0
    sums4: float = 0.0
    passes: float = 0.0
    turns: float = 0.0
    crosses: float = 0.0
    pairs: float = 0.0
    weighed: float = 0.0
    bands: float = 0.0
    shifted: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Scaling(Features):
    """Samples of channels are summed in groups and scaled.

    samples:  calls; vectors: groups that are complete
    summed:   values added to sums, cleared: sums that begin again; where a group has several
    values:   of vectors; clamped: those that are held within reach first
    shifted:  those that lose bits; loaded: constants of channels that are loaded for them
    """

    samples: float = 0.0
    vectors: float = 0.0
    summed: float = 0.0
    cleared: float = 0.0
    values: float = 0.0
    clamped: float = 0.0
    shifted: float = 0.0
    loaded: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Moving(Features):
    """Memory that memmove takes to the front: calls, words, and bytes where words do not do."""

    calls: float = 0.0
    words: float = 0.0
    bytes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Detecting(Features):
    """Scores of a result are smoothed, and the two best compared.

    calls: results; outputs: classes of all; smoothed: those with a mean that follows
    background: comparisons with classes that are never detected
    """

    calls: float = 0.0
    outputs: float = 0.0
    smoothed: float = 0.0
    background: float = 0.0


def moved(size: int, distance: int) -> Moving:
    """Move `size` bytes to the front, by so many: by words if both are whole words."""
    if not size:
        return Moving()
    if distance % WORD:
        return Moving(calls=1, bytes=size)
    return Moving(calls=1, words=size // WORD, bytes=size % WORD)


def stream_of(program: Program) -> Stream:
    """Return the sensor of a program that has one."""
    assert program.sensor is not None, "only models with a sensor have this part"
    return program.sensor


def sound_of(program: Program) -> Sound:
    """Return the spectrum of a program that has one."""
    sound = stream_of(program).sound
    assert sound is not None, "only models that hear have this part"
    return sound


def hearing(program: Program, load: Load) -> Hearing:
    """Make the vectors of load.frames frames of sound."""
    sound = sound_of(program)
    points, first, passes, turns = sound.points, sound.points // sound.radix, 0, 0
    n = sound.radix
    while n < points:
        passes, turns, n = passes + 1, turns + n, 4 * n
    return Hearing(
        samples=sound.length - sound.kept,
        vectors=1,
        classed=sound.length,
        sums2=first * (sound.radix == 2),
        sums4=first * (sound.radix == 4),
        passes=passes,
        turns=turns,
        crosses=passes * points // 4,
        pairs=points // 2,
        weighed=sound.weighed,
        bands=sound.bands,
        shifted=sound.bands * (sound.shift > 0),
    ).scaled(load.frames)


def keeping(program: Program, load: Load) -> Moving:
    """Move the samples to the front that the next frame begins with."""
    sound = sound_of(program)
    return moved(2 * sound.kept, 2 * (sound.length - sound.kept)).scaled(load.frames)


def scaling(program: Program, load: Load) -> Scaling:
    """Make load.frames vectors of samples."""
    stream = stream_of(program)
    channels, grouped = stream.channels, stream.group > 1
    return Scaling(
        samples=stream.group,
        vectors=1,
        summed=stream.group * channels * grouped,
        cleared=channels * grouped,
        values=channels,
        clamped=channels * stream.clamped,
        shifted=channels * (stream.shift > 0),
        loaded=channels * len(stream.tables),
    ).scaled(load.frames)


def overlapping(program: Program, load: Load) -> Moving:
    """Move the vectors of a map that the next window begins with; once a result."""
    stream = stream_of(program)
    kept = max(stream.vectors - stream.hop, 0) if stream.mode == "map" else 0
    return moved(kept * stream.width, stream.hop * stream.width)


def detecting(program: Program, load: Load) -> Detecting:
    """Look whether a result detects a class."""
    detector, outputs = program.detector, program.outputs
    assert detector is not None, "only models with a detector have this part"
    return Detecting(
        calls=1,
        outputs=outputs,
        smoothed=outputs * (detector.smooth > 0),
        background=len(detector.background),
    )
