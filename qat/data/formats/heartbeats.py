"""Heartbeats: records of PhysioNet's MIT-BIH arrhythmia database and of others in its formats.

G. B. Moody and R. G. Mark, The impact of the MIT-BIH arrhythmia database, IEEE Eng. in Med. and
Biol. 20(3), 2001. A record is a header (100.hea), signals in format 212 (two samples of 12 bits in
3 bytes) or 16, and annotations (100.atr) in MIT format: words of 16 bits, the upper 6 a code, the
lower 10 the samples since the one before.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.data.arrays import Arrays
from qat.data.formats.found import Found, files_below
from qat.data.reading import Reading
from qat.machine.bounded import read_regular
from qat.machine.memory import BYTES_PER_INPUT, require

BEATS = {
    "N": (1, 2, 3, 11, 34),
    "S": (4, 7, 8, 9),
    "V": (5, 10),
    "F": (6,),
    "Q": (12, 13, 38),
}
"""The five classes of AAMI EC57 and the annotation codes of each: normal and bundle branch block,
supraventricular, ventricular, fusion, paced and unknown."""

SKIP, NUMBER, SUBTYPE, CHANNEL, TEXT = 59, 60, 61, 62, 63
SECONDS = 0.7
"""Of a beat, by default."""

BEFORE = 0.4
"""The part of a beat's window that lies before its mark, which stands at the R wave."""

MOST_BYTES = 2**30
MOST_HEADER = 2**16
MOST_SIGNALS = 64
USES = ("window",)


class Header(NamedTuple):
    """What a .hea file says: samples a second, of each signal its name; file, format, samples."""

    rate: float
    names: tuple[str, ...]
    signals: str
    form: int
    length: int


def is_heartbeats(path: Path) -> bool:
    """Return True for a header, and for a folder with one."""
    if path.is_dir():
        return any(one.suffix.lower() == ".hea" for one in path.iterdir())
    return path.suffix.lower() == ".hea"


def heartbeats(path: Path, how: Reading) -> Found:
    """Return windows around the beats of records, `window` samples each, with AAMI's classes.

    x is int16, (beats, window, signals), in the ADC's units; `by` is the record: whole ones are
    divided where there are three. Beats too near to an end are left out, which is said, as are
    classes that no beat is of.

    Raises ValueError for another format, records of different rates or signals, and files that are
    missing or damaged.
    """
    headers = files_below(path, (".hea",)) if path.is_dir() else [path]
    read = [(file, _header(file)) for file in headers if file.with_suffix(".atr").is_file()]
    if not read:
        raise ValueError("has no record with annotations (.hea, .dat and .atr of one name)")
    rate, names = _common(read)
    window = how.window or round(SECONDS * rate)
    codes = {code: i for i, known in enumerate(BEATS.values()) for code in known}
    pieces: list[NDArray[np.int16]] = []
    labels: list[NDArray[np.int64]] = []
    at_ends = 0
    for file, header in read:
        signal, (times, kinds) = _signal(file, header), marks(file.with_suffix(".atr"))
        beats = np.isin(kinds, list(codes))
        starts = times[beats] - round(BEFORE * window)
        inside = (starts >= 0) & (starts + window <= len(signal))
        at_ends += int((~inside).sum())
        require("the beats", BYTES_PER_INPUT * int(inside.sum()) * window * len(names), "give less")
        pieces.append(signal[starts[inside][:, None] + np.arange(window)])
        labels.append(np.array([codes[k] for k in kinds[beats][inside].tolist()], np.int64))
    y = np.concatenate(labels)
    by = np.repeat([file.stem for file, _ in read], [len(of) for of in labels])
    notes = [f"beats: windows of {window} samples ({1000 * window / rate:.0f} ms), "
             f"{BEFORE:.0%} of each before its mark"]  # fmt: skip
    if at_ends:
        notes.append(f"{at_ends} beats too near to an end of a record are left out")
    present, y = np.unique(y, return_inverse=True)
    classes = tuple(np.array(list(BEATS))[present].tolist())
    absent = [name for name in BEATS if name not in classes]
    if absent:
        notes.append(f"no beat is of class {', '.join(absent)}")
    arrays: Arrays = {"x": np.concatenate(pieces), "y": y.reshape(-1)}
    if len(read) > 2:
        arrays["by"] = by
    settled = {"window": window, "rate": rate}
    return Found(arrays, None, tuple(notes), classes=classes, channels=names, settled=settled)


def _common(read: list[tuple[Path, Header]]) -> tuple[float, tuple[str, ...]]:
    """Return the rate and the names of the signals that all records share."""
    file, first = read[0]
    for other, header in read[1:]:
        if header.rate != first.rate:
            raise ValueError(
                f"{other.name}: has {header.rate:g} samples a second, {file.name} {first.rate:g}"
            )
        if len(header.names) != len(first.names):
            raise ValueError(
                f"{other.name}: has {len(header.names)} signals, {file.name} {len(first.names)}"
            )
    same = all(header.names == first.names for _, header in read)
    return first.rate, first.names if same and len(set(first.names)) == len(first.names) else ()


def _header(path: Path) -> Header:
    """Return what a header says; a record of several segments or files is refused."""
    text = read_regular(path, MOST_HEADER).decode("ascii", "replace")
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    try:
        record, count, rate = lines[0][:3]
        length = int(lines[0][3]) if len(lines[0]) > 3 else 0
        signals, frequency = int(count), float(rate.split("/")[0].split("(")[0])
        rows = lines[1 : signals + 1]
        files, forms = {row[0] for row in rows}, {row[1].split("+")[0] for row in rows}
        names = tuple(" ".join(row[8:]) or str(i) for i, row in enumerate(rows))
    except (IndexError, ValueError):
        raise ValueError(f"{path.name}: is no header of a record") from None
    if "/" in record or not 1 <= signals <= MOST_SIGNALS or len(rows) != signals:
        raise ValueError(f"{path.name}: found {signals} signals; 1 to {MOST_SIGNALS} are read")
    if len(files) > 1 or not frequency > 0:
        raise ValueError(f"{path.name}: its signals lie in {len(files)} files; one is read")
    form = forms.pop()
    if forms or form not in ("212", "16") or (form == "212" and signals != 2):
        raise ValueError(
            f"{path.name}: has {signals} signals of format {form}; two of 212, or any of 16 are "
            "read"
        )
    return Header(frequency, names, files.pop(), int(form), length)


def _signal(path: Path, header: Header) -> NDArray[np.int16]:
    """Return the samples of a record, (samples, signals)."""
    file = path.parent / Path(header.signals).name
    content = read_regular(file, MOST_BYTES)
    count = len(header.names)
    each = 3 if header.form == 212 else 2 * count
    samples = len(content) // each
    if samples < header.length or not samples:
        raise ValueError(
            f"{file.name}: holds {samples:,} samples of each signal; {path.name} says "
            f"{header.length:,}"
        )
    if header.form == 16:
        return np.frombuffer(content, "<i2", samples * count).reshape(-1, count).astype(np.int16)
    return twelve_bits(np.frombuffer(content, np.uint8, 3 * samples).reshape(-1, 3))


def twelve_bits(cells: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return pairs of samples, int16 (n, 2), of three bytes each: format 212."""
    low, middle, high = (cells[:, i].astype(np.int16) for i in range(3))
    pairs = np.stack([low | (middle & 0x0F) << 8, high | (middle >> 4) << 8], axis=1)
    return ((pairs ^ 0x800) - 0x800).astype(np.int16)


def marks(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the samples and the codes of the annotations of a file in MIT format."""
    content = read_regular(path, MOST_BYTES)
    words = np.frombuffer(content[: len(content) // 2 * 2], "<u2").tolist()
    times: list[int] = []
    codes: list[int] = []
    time = at = 0
    while at < len(words):
        code, low = words[at] >> 10, words[at] & 0x3FF
        at += 1
        if code == 0 and low == 0:
            return np.array(times, np.int64), np.array(codes, np.int64)
        if code == SKIP:
            if at + 2 > len(words):
                break
            far = words[at] << 16 | words[at + 1]
            time += far - 2**32 if far >= 2**31 else far
            at += 2
        elif code == TEXT:
            at += (low + 1) // 2
        elif code not in (NUMBER, SUBTYPE, CHANNEL):
            time += low
            times.append(time)
            codes.append(code)
    raise ValueError(f"{path.name}: ends before its end mark: it is damaged, or no annotations")
