"""Sound from .wav files: PCM of 16 bits, one channel."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.machine.bounded import read_regular

MOST_BYTES = 2**28
"""Of a file: over two hours at 16,000 samples a second."""

FORMATS = {3: "float", 6: "A-law", 7: "mu-law", 17: "ADPCM", 85: "MP3", 65534: "extensible"}
"""Other kinds of samples, by the number in the file."""

PCM = 1
CONVERT = "convert it: sox IN.wav -e signed -b 16 OUT.wav"


class Wav(NamedTuple):
    """samples: (n,) int16; rate: of them, a second."""

    samples: NDArray[np.int16]
    rate: int


def read_wav(path: Path) -> Wav:
    """Return the samples of a file.

    Raises ValueError, in words that follow the name of the file, for other than PCM of 16 bits and
    one channel, for a file that is damaged, and for one without a sample.
    """
    content = read_regular(path, MOST_BYTES)
    kind = _kind(content)
    if kind not in (None, PCM):
        name = FORMATS.get(kind or 0, f"of kind {kind}")
        raise ValueError(f"holds {name} samples; only PCM of 16 bits is read: {CONVERT}")
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate, count = file.getparams()[:4]
            data = file.readframes(count)
    except (wave.Error, EOFError, struct.error, RuntimeError) as error:
        raise ValueError(f"is no .wav file, or damaged ({error or 'it ends early'})") from None
    if channels != 1:
        raise ValueError(
            f"has {channels} channels; only mono is read: take one: sox IN.wav OUT.wav remix 1"
        )
    if width != 2:
        raise ValueError(f"has samples of {8 * width} bits; only 16 are read: {CONVERT}")
    if not count:
        raise ValueError("holds no sample; leave it out")
    if len(data) != 2 * count:
        raise ValueError(f"claims {count:,} samples; it has {len(data) // 2:,}: it was cut short")
    if not rate:
        raise ValueError("claims 0 samples a second")
    return Wav(np.frombuffer(data, "<i2").astype(np.int16), rate)


def _kind(content: bytes) -> int | None:
    """Return the number of the kind of samples, None for what is no RIFF file with one."""
    at = 12
    while content[:4] == b"RIFF" and at + 10 <= len(content):
        if content[at : at + 4] == b"fmt ":
            return int.from_bytes(content[at + 8 : at + 10], "little")
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return None
