"""Recordings of sound: a folder of .wav files, a folder a class, or a pattern of their names.

Every recording becomes a window of equal length: of a longer one the loudest part, a shorter one in
the middle of noise as strong as its faintest frame. Speech Commands' lists of those that test and
validate are obeyed where they lie in the folder.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.formats.found import Found, files_below
from qat.data.formats.wav import Wav, read_wav
from qat.data.heard import spectrum_of
from qat.data.hearing import Hearing
from qat.data.labelling import UNLABELLED, listed
from qat.data.reading import NoColumnError, Reading
from qat.machine.bounded import read_regular
from qat.machine.memory import require
from qat.model.spectrum import Spectrum

USES = ("window", "hop", "by", "rate", "spectrum", "pattern")

TEST_LIST, VALIDATION_LIST = "testing_list.txt", "validation_list.txt"
MOST_LIST = 2**26

USUAL = 0.9
"""Without --window it is as long as this part of the recordings is at most."""

CLIPPED = 0.001
"""Part of the samples at a limit of int16 from which a recording counts as clipped."""

QUIET_FRAME = 256
"""Samples whose strength says how loud the noise of a recording is."""

BYTES_PER_SAMPLE = 8
FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Recording:
    """A file and what is known of it: its class, who made it, and its part, "" for none."""

    path: Path
    name: str
    label: str | None
    by: str = ""
    part: str = ""


def is_sounds(path: Path) -> bool:
    """Return True for a .wav file, and for a folder with some, in it or in its folders."""
    if path.is_dir():
        return any(next(path.glob(p), None) is not None for p in ("*.wav", "*/*.wav", "*/*/*.wav"))
    return path.suffix.lower() == ".wav"


def sounds(path: Path, how: Reading) -> Found:
    """Return the recordings of a folder as windows, int16 (n, samples, 1).

    Raises ValueError, naming the file, for what is no mono PCM of 16 bits at the rate of the
    others, for names that do not fit the pattern, and where nothing is heard.
    """
    return windows_of(recordings_of(path, how), how)


# ------------------------------------------------------------------- what there is


def recordings_of(path: Path, how: Reading) -> list[Recording]:
    """Return the recordings of a folder, or the one that a file is."""
    if not path.is_dir():
        return [Recording(path, path.name, None)]
    files = files_below(path, (".wav",))
    names = [file.relative_to(path).as_posix() for file in files]
    pairs = list(zip(files, names, strict=True))
    if how.pattern is not None:
        return _by_pattern(pairs, how)
    if how.by is not None:
        raise NoColumnError(
            how.by, f"by: found {how.by!r}; goes with a pattern that has {{{how.by}}} in it"
        )
    alone = next((name for name in names if "/" not in name), None)
    if alone is not None and how.labelled:
        raise ValueError(
            f"{alone} lies in no folder of a class; move it there, or tell the pattern of the "
            "names: --pattern '{label}_{speaker}_*'"
        )
    return [
        Recording(file, name, name.split("/")[0] if "/" in name else None, part=part)
        for (file, name), part in zip(pairs, _parts(path, names), strict=True)
        if name[0] not in "_."
    ]


def _by_pattern(pairs: Sequence[tuple[Path, str]], how: Reading) -> list[Recording]:
    assert how.pattern is not None
    expression = compiled(how.pattern)
    by = how.by
    if by is not None and by not in expression.groupindex:
        raise NoColumnError(by, f"by: found {by!r}; the pattern {how.pattern!r} has no {{{by}}}")
    found = []
    for file, name in pairs:
        match = expression.fullmatch(name)
        if match is None:
            raise ValueError(f"{name}: does not fit the pattern {how.pattern!r}")
        found.append(Recording(file, name, match["label"], match[by] if by else ""))
    return found


def compiled(pattern: str) -> re.Pattern[str]:
    """Return the expression of a pattern: {label} the class, {NAME} a field, * and ? as usual.

    Raises ValueError for one without {label}, or with a field twice.
    """
    names = FIELD.findall(pattern)
    once = names.count("label") == 1 and len(set(names)) == len(names)
    if not once or any(name[0].isdigit() for name in names):
        raise ValueError(
            f"pattern: found {pattern!r}; must have {{label}} once, and no other field twice, such "
            "as '{label}_{speaker}_*'"
        )
    pieces = re.split(r"(\{\w+\}|[*?])", pattern.removesuffix(".wav"))
    known = {"*": "[^/]*", "?": "[^/]"}
    known |= {f"{{{name}}}": f"(?P<{name}>[^/]+?)" for name in names}
    text = "".join(known.get(piece, re.escape(piece)) for piece in pieces)
    return re.compile(text + r"\.wav", re.IGNORECASE)


def _parts(folder: Path, names: Sequence[str]) -> list[str]:
    """Return the part of every file by the lists of the folder, "" where there are none."""
    lists = {"test": folder / TEST_LIST, "validation": folder / VALIDATION_LIST}
    known = {
        line.strip(): part
        for part, path in lists.items()
        if path.is_file()
        for line in read_regular(path, MOST_LIST).decode("utf-8", "replace").splitlines()
    }
    return [known.get(name, "train" if known else "") for name in names]


# ------------------------------------------------------------------- what is heard


def windows_of(recordings: Sequence[Recording], how: Reading) -> Found:
    """Return recordings as windows of equal length, and what is to be said of them."""
    if not recordings:
        raise ValueError("holds no .wav file of a class")
    if how.spectrum is None:
        raise ValueError("is sound: say how it is heard, --spectrum, or --spectrum bands=20")
    total = sum(one.path.stat().st_size for one in recordings)
    require(f"{len(recordings):,} recordings", BYTES_PER_SAMPLE * total / 2, "give a part of them")
    wavs = _read(recordings, how.spectrum.rate)
    rate = wavs[0].rate
    heard = how.spectrum.at(rate)
    spectrum = spectrum_of(heard, rate)
    warnings = _warnings(recordings, wavs)
    if len(recordings) == 1 and recordings[0].label is None:
        return _stream(wavs[0].samples, how, spectrum, heard, warnings)
    lengths = np.array([len(wav.samples) for wav in wavs])
    window = fitting(spectrum, how.window or int(np.quantile(lengths, USUAL, method="higher")))
    require(f"{len(wavs):,} windows", BYTES_PER_SAMPLE * len(wavs) * window, "use a shorter window")
    x = np.stack([framed(wav.samples, window) for wav in wavs])[:, :, None]
    notes = (
        f"{len(wavs):,} recordings at {rate:,} samples a second, {lengths.min() / rate:.2f} to "
        f"{lengths.max() / rate:.2f} s; windows of {window:,} samples, {window / rate:.2f} s",
        f"{int((lengths < window).sum()):,} shorter ones lie in noise as strong as their faintest "
        f"part, of {int((lengths > window).sum()):,} longer ones the loudest part counts",
    )
    arrays, words = _arrays(recordings, x)
    settled = {"window": window, "spectrum": heard, "rate": float(rate)}
    return Found(arrays, None, notes, warnings, words, (), settled)


def _read(recordings: Sequence[Recording], rate: int | None) -> list[Wav]:
    """Return the sound of all recordings; ValueError, naming it, for one of another rate."""
    found: list[Wav] = []
    for one in recordings:
        try:
            wav = read_wav(one.path)
        except ValueError as error:
            raise ValueError(f"{one.name}: {error}") from None
        wanted = rate or (found[0].rate if found else wav.rate)
        if wav.rate != wanted:
            whose = "the spectrum is made for" if rate else "those before have"
            raise ValueError(
                f"{one.name}: has {wav.rate:,} samples a second; {whose} {wanted:,}: convert it: "
                f"sox IN.wav -r {wanted} OUT.wav"
            )
        found.append(wav)
    return found


def _warnings(recordings: Sequence[Recording], wavs: Sequence[Wav]) -> tuple[str, ...]:
    """Return what is wrong with some recordings; ValueError if none of them is to be heard."""
    pairs = list(zip(recordings, wavs, strict=True))
    silent = [one.name for one, wav in pairs if np.ptp(wav.samples) == 0]
    clipped = [one.name for one, wav in pairs if _clips(wav.samples)]
    if len(silent) == len(recordings):
        raise ValueError(f"{silent[0]}: is silent, every sample is the same; so are all others")
    lines = []
    if silent:
        lines.append(
            f"silent, every sample the same: {len(silent):,} of {len(wavs):,} recordings "
            f"({listed(silent)}); they teach nothing: leave them out"
        )
    if clipped:
        lines.append(
            f"clipped, over {CLIPPED:.1%} of the samples at a limit of 16 bits: {len(clipped):,} "
            f"of {len(wavs):,} recordings ({listed(clipped)}); their spectrum is another"
        )
    return tuple(lines)


def _clips(samples: NDArray[np.int16]) -> bool:
    limits = np.iinfo(np.int16)
    return bool(((samples == limits.min) | (samples == limits.max)).mean() > CLIPPED)


def fitting(spectrum: Spectrum, samples: int) -> int:
    """Return the samples of the frames that fit into so many, of one at least."""
    return spectrum.samples_of(max(1, spectrum.vectors_in(samples)))


def framed(samples: NDArray[np.int16], window: int) -> NDArray[np.int16]:
    """Return a recording as a window: its loudest part, or all of it in the middle of noise.

    The noise is normal, as strong as the faintest 256 samples, and the same for the same recording.
    """
    extra = len(samples) - window
    if extra >= 0:
        energy = np.concatenate([[0], np.cumsum(samples.astype(np.int64) ** 2)])
        start = int(np.argmax(energy[window:] - energy[: extra + 1]))
        return samples[start : start + window]
    random = np.random.RandomState(zlib.crc32(samples.tobytes()))
    noise = random.normal(0, strength(samples), window)
    found = np.clip(np.rint(noise), -(2**15), 2**15 - 1).astype(np.int16)
    start = -extra // 2
    found[start : start + len(samples)] = samples
    return found


def strength(samples: NDArray[np.int16]) -> float:
    """Return the root of the mean square of the faintest frame."""
    whole = len(samples) // QUIET_FRAME * QUIET_FRAME
    frames = samples[:whole].reshape(-1, QUIET_FRAME) if whole else samples[None]
    return float(np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1).min()))


def _stream(
    samples: NDArray[np.int16],
    how: Reading,
    spectrum: Spectrum,
    heard: Hearing,
    warnings: tuple[str, ...],
) -> Found:
    """Return one long recording without a class as the windows that a device hears of it."""
    if how.window is None:
        raise ValueError("is one recording without a class; give a folder of them to train")
    window = how.window
    every = how.hop or spectrum.vectors_in(window) * spectrum.group
    starts = np.arange(0, len(samples) - window + 1, every)
    if not len(starts):
        raise ValueError(
            f"has {len(samples):,} samples; a window has {window:,}: record for longer"
        )
    x = samples[starts[:, None] + np.arange(window)][:, :, None]
    arrays = {"x": x, "y": np.full(len(x), UNLABELLED, np.int64), "starts": starts}
    note = f"{len(samples) / spectrum.rate:.2f} s of sound, {len(x):,} windows"
    settled = {"spectrum": heard, "rate": float(spectrum.rate)}
    return Found(arrays, None, (note,), warnings, settled=settled)


def _arrays(
    recordings: Sequence[Recording], x: NDArray[np.int16]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the arrays of windows in the parts that are given, and words for the classes."""
    labels = [one.label for one in recordings]
    words = tuple(sorted({label for label in labels if label is not None}))
    places = {word: place for place, word in enumerate(words)}
    y = np.array([places.get(label or "", UNLABELLED) for label in labels], np.int64)
    parts = np.array([one.part for one in recordings])
    found: dict[str, Any] = {"x": x, "y": y}
    by = np.array([one.by for one in recordings])
    if by.astype(bool).all():
        return {**found, "by": by}, words
    tests = parts == "test"
    if tests.any() and not tests.all():
        found = {"x": x[~tests], "y": y[~tests], "x_test": x[tests], "y_test": y[tests]}
    validates = parts[~tests] == "validation" if tests.any() else parts == "validation"
    if validates.any():
        found["validates"] = validates
    return found, words
