"""Folders of .wav files for tests: words that are tones, and files of other kinds of samples."""

from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RATE = 8000
WORDS = {"high": 1800.0, "low": 300.0, "rise": None}
"""The pitch of each word; None for one that rises."""


def write_wav(
    path: Path, samples: ArrayLike, rate: int = RATE, channels: int = 1, width: int = 2
) -> None:
    """Write whole numbers as samples of so many bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        whole = np.asarray(samples, np.int64)
        file.writeframes(b"".join(int(v).to_bytes(width, "little", signed=True) for v in whole))


def write_riff(path: Path, kind: int, bits: int, data: bytes, rate: int = RATE) -> None:
    """Write a .wav file of another kind of samples, such as 3 for float."""
    size = bits // 8
    fmt = struct.pack("<HHIIHH", kind, 1, rate, rate * size, size, bits)
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt
    chunks += b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


def spoken(word: str, seed: int, rate: int = RATE, seconds: float = 0.3) -> NDArray[np.int16]:
    """Return a word of tests, of some strength and length, in a faint noise."""
    rng = np.random.default_rng(seed)
    n = round(rate * seconds * rng.uniform(0.7, 1.3))
    t = np.arange(n) / rate
    pitch = WORDS[word] or 300 + 1500 * t / t[-1]
    tone = np.sin(2 * np.pi * np.cumsum(pitch * rng.uniform(0.93, 1.07) * np.ones(n)) / rate)
    loud = 10 ** rng.uniform(2.7, 4.2) * np.sin(np.pi * t / t[-1])
    return np.rint(tone * loud + rng.normal(0, 8, n)).astype(np.int16)


def write_words(folder: Path, each: int = 20, **more: Any) -> None:
    """Write a folder a word, with recordings by the speakers a to d in turn."""
    for place, word in enumerate(WORDS):
        for i in range(each):
            name = f"{'abcd'[i % 4]}_{i}.wav"
            write_wav(folder / word / name, spoken(word, 1000 * place + i, **more))


def write_patterned(folder: Path, each: int = 20) -> None:
    """Write the same into one folder, as word_speaker_number.wav."""
    for place, word in enumerate(WORDS):
        for i in range(each):
            name = f"{word}_{'abcd'[i % 4]}_{i}.wav"
            write_wav(folder / name, spoken(word, 1000 * place + i))
