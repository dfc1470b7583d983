"""Random sensors, spectra and detectors, and what they take on an emulated core.

The network behind them never runs: a window is longer than the stream that is counted. `hear.c`
beside this module counts every call.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.counting import Counting, ask
from calibration.cycles import TRACE
from codegen import isa
from codegen.render import render
from codegen.target.stack import disassemble
from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Dense,
    Detector,
    Frames,
    Layer,
    Model,
    Sensor,
    Spectrum,
)
from qat.model.fourier import LENGTHS

PROGRAM = Path(__file__).parent / "hear.c"
SAMPLE, DETECT, MOVE, RESTART, NOTHING = range(5)
"""What a request asks for, as hear.c has it."""

VECTORS = 8
"""Vectors of a stream that is counted."""

Rng = np.random.Generator


@dataclass(frozen=True)
class Request:
    """What is asked for, two numbers, and the values that go with it."""

    what: int
    values: NDArray[Any]
    size: int = 0
    distance: int = 0

    def to_bytes(self, words: int) -> bytes:
        """Return it as hear.c reads it, with room for so many words."""
        head = np.array([self.what, self.size, self.distance], "<u4").tobytes()
        return head + self.values.tobytes().ljust(4 * words, b"\0")


def words_of(model: Model) -> int:
    """Return the words of a request's values, as hear.c has them."""
    assert model.sensor is not None
    return max((model.sensor.channels + 1) // 2, model.outputs)


class Hearing(Counting):
    """An emulated board on which what surrounds a network is counted."""

    def counts(self, model: Model, requests: list[Request]) -> NDArray[np.int64]:
        """Return the instructions of every request, less those of one for nothing."""
        empty = Request(NOTHING, np.zeros(0, "<i2"))
        with tempfile.TemporaryDirectory(prefix="spikemcu-") as folder:
            elf = self.link(Path(folder), render(model), (), PROGRAM)
            asked = [one.to_bytes(words_of(model)) for one in (empty, *requests)]
            counts = ask(elf, self.machine, asked)[:, 1].astype(np.int64)
            return counts[1:] - counts[0]

    def cycles(self, model: Model, requests: list[Request]) -> tuple[float, int]:
        """Return the estimated cycles of all requests, and their instructions, on its core."""
        architecture = self.board.architecture
        clock = architecture.clock(isa.timing(self.board.core))
        with tempfile.TemporaryDirectory(prefix="spikemcu-") as name:
            folder = Path(name)
            elf, log = self.link(folder, render(model), (), PROGRAM), folder / "trace"
            asked = [one.to_bytes(words_of(model)) for one in requests]
            ask(elf, self.machine, asked, (*TRACE, str(log)))
            functions = disassemble(elf, architecture)
            own = ("memmove", "memcpy", "memset")
            code = {
                i.address: (i, f.code[min(n + 1, len(f.code) - 1)].address)
                for key, f in functions.items()
                if key.startswith(f"{model.name}_") or key in own
                for n, i in enumerate(f.code)
            }
            total, count, before = 0.0, 0, 0
            with log.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if not line.startswith("Trace"):
                        continue
                    address = int(line.split("/")[1], 16)
                    if before in code:
                        instruction, after = code[before]
                        total += clock.takes(instruction, after != address)
                        count += 1
                    before = address
        return total, count


# ---------------------------------------------------------------------- models


def behind(sensor: Sensor | Spectrum, vectors: int, detector: Detector | None = None) -> Model:
    """Return a small network for windows of so many vectors."""
    given = (
        Frames(sensor.width, -128, 127)
        if sensor.vectors is None
        else Analog(sensor.width * vectors, -128, 127)
    )
    layer = Layer(Dense(np.ones((2, given.lines), int)), LIF(2**20, (3,)))
    outputs = 3 if detector is None else max(2, *detector.background, 0) + 1
    readout = Accumulate(Dense(np.ones((outputs, 2), int), 8))
    steps = vectors if sensor.vectors is None else 1
    return Model(given, (layer,), readout, steps, "cal", sensor=sensor, detector=detector)


def spectra(number: int, first: int = 0) -> Iterator[Model]:
    """Yield so many models behind random spectra."""
    seed = first
    while number:
        rng, seed = np.random.default_rng((7, seed)), seed + 1
        length = int(rng.choice(LENGTHS))
        group = int(rng.choice([length, length // 2, rng.integers(1, length + 1)]))
        ring, bands = bool(rng.integers(2)), int(rng.integers(1, 42))
        rate = int(rng.choice([8000, 16000]))
        low, high = float(rng.uniform(0, 300)), rate / 2 * float(rng.uniform(0.6, 1))
        shift = int(rng.choice([0, 0, 1, 3, 5]))
        try:
            plain = Spectrum.mel(bands, rate, length, group, low_hz=low, high_hz=high, shift=shift)
        except ValueError:  # a band without a bin, or of too many
            continue
        mean = rng.integers(100, 300, bands).astype(np.int16)
        hop = int(rng.integers(1, VECTORS + 1)) if ring else None
        more: dict[str, Any] = {"hop": hop} if ring else {"vectors": VECTORS + 1}
        yield behind(replace(plain, mean=mean, **more), VECTORS + 1)
        number -= 1


def sensors(number: int, first: int = 0) -> Iterator[Model]:
    """Yield so many models behind random sensors of samples that are scaled."""
    for seed in range(first, first + number):
        rng = np.random.default_rng((8, seed))
        channels, group = int(rng.integers(1, 17)), int(rng.choice([1, 1, 2, 5, 16]))
        one = rng.random(2) < 0.4
        offset = rng.integers(-900, 900, 1 if one[0] else channels) * group
        high = int(rng.choice([9, 2**10, 2**19]))
        gain = rng.integers(1, high, 1 if one[1] else channels)
        shift = int(rng.choice([0, 4, 12, 22]))
        whole = [np.broadcast_to(values, channels) for values in (offset, gain)]
        ring = {"hop": int(rng.integers(1, VECTORS + 1))}
        more: dict[str, Any] = ring if rng.integers(2) else {"vectors": VECTORS + 1}
        yield behind(Sensor(*whole, shift, group, **more), VECTORS + 1)


def detectors(number: int, first: int = 0) -> Iterator[Model]:
    """Yield so many models with random detectors."""
    plain = Spectrum.mel(4, 8000, 64, 64)
    for seed in range(first, first + number):
        rng = np.random.default_rng((9, seed))
        background = tuple(range(int(rng.integers(0, 4))))
        outputs = int(rng.integers(2, 24))
        found = Detector(
            int(rng.choice([1, 200, 10**6])), int(rng.integers(0, 4)), int(rng.choice([0, 3]))
        )
        model = behind(replace(plain, vectors=2), 2, replace(found, background=(outputs - 1,)))
        yield replace(model, detector=replace(found, background=background))


# --------------------------------------------------------------------- requests


def stream(model: Model, seed: int) -> list[Request]:
    """Return the samples of VECTORS vectors: of all strengths, silence, the ends of int16."""
    sensor = model.sensor
    assert sensor is not None
    rng, n = np.random.default_rng(seed), sensor.samples_of(VECTORS)
    loud = 10 ** np.interp(np.arange(n), np.linspace(0, n, 6), rng.uniform(0, 4.8, 6))
    values = np.cumsum(rng.normal(0, 0.3, (n, sensor.channels)), axis=0) % 2 - 1
    values = values * loud[:, None] + rng.normal(0, 30, (n, sensor.channels))
    values[n // 2 : n // 2 + 2 * sensor.group] = 0
    ends = rng.integers(0, 2, (2 * sensor.group, sensor.channels)) * 65535 - 32768
    values[n - len(ends) :] = ends[-len(values) :]
    samples = np.clip(np.rint(values), -32768, 32767).astype("<i2")
    return [Request(SAMPLE if i else RESTART, one) for i, one in enumerate(samples)]


def looks(model: Model, seed: int) -> list[Request]:
    """Return scores of a stream of windows, the first one of a stream that begins."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-500, 500, (12, model.outputs)).astype("<i4")
    start = Request(RESTART, np.zeros(1, "<i2"))
    return [start, *(Request(DETECT, row) for row in rows)]


MOVES = [
    (size, distance)
    for size in (1, 3, 4, 8, 13, 16, 20, 36, 64, 100, 128, 200, 256, 400, 512, 1000, 1500)
    for distance in (4, 16, 40, 128, 400, 1, 2, 3, 50, 131)
]
"""Bytes that are moved, and how far."""
