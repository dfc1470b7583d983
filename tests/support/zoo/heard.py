"""Models that hear: a Spectrum of sound in front, whose vectors their spikes tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Burst,
    Delta,
    Dense,
    Detector,
    EarlyStop,
    Frames,
    Input,
    Layer,
    Model,
    Spectrum,
)

BANDS = 5
COUNTED = 7
"""Thresholds of a neuron that counts."""


def spectrum(length: int, group: int, bands: int = BANDS, **more: Any) -> Spectrum:
    """Return bands of 8,000 samples a second whose means lie where sound of some strength does.

    The first one has a share of bin 0, and the last one of the last bin.
    """
    mean = np.rint(np.linspace(200, 160, bands) + 14 * np.log2(length / 64)).astype(np.int16)
    plain = Spectrum.mel(bands, 8000, length, group, low_hz=0)
    edges = np.array([*plain.edges[:-1], length // 2 + 1])
    rise = np.array([200, *plain.rise[1:], *[30] * (edges[-1] - plain.edges[-1])])
    return replace(plain, edges=edges, rise=rise, mean=mean, **more)


def telling(length: int, group: int, bands: int = BANDS, shift: int = 0) -> Model:
    """Return a model that runs free and tells every vector: its counts say how large each value is.

    A neuron of a band has seven thresholds, and there are as many as all values take.
    """
    low, high = -128 >> shift, 127 >> shift
    values = np.arange(low + 1, high + 1)
    each = -(-len(values) // COUNTED)
    thresholds = np.resize(values, each * COUNTED)  # the last ones tell some twice
    thresholds = np.sort(thresholds.reshape(each, COUNTED)).T
    codes = np.repeat(np.eye(bands, dtype=int), each, axis=0)
    layer = Layer(Dense(codes, 2), Burst(np.tile(thresholds, bands)))
    sensor = spectrum(length, group, bands, shift=shift)
    return Model(Frames(bands, low, high), (layer,), name="heard", sensor=sensor)


def classifying(given: Input, sensor: Spectrum, steps: int, neuron: LIF | None = None) -> Model:
    """Return a small network behind a spectrum."""
    rng = np.random.default_rng(6)
    layer = Layer(Dense(rng.integers(-1, 2, (12, given.lines))), neuron or LIF(90, (3,)))
    readout = Accumulate(Dense(rng.integers(-8, 8, (3, 12)), 4))
    return Model(given, (layer,), readout, steps, "heard", sensor=sensor)


def _modes() -> dict[str, Model]:
    """Return what may become of a vector, frames with a first pass of radix 2 and of 4."""
    frames, short = Frames(BANDS, -128, 127), spectrum(64, 40)
    steps = classifying(frames, short, 4)
    return {
        "sound, steps": steps,
        "sound, early stop": replace(steps, stop=EarlyStop(9, 2)),
        "sound, ring": classifying(frames, spectrum(128, 128, hop=2), 5),
        "sound, gaps": classifying(frames, replace(short, hop=7), 4),
        "sound, map": classifying(
            Analog(4 * BANDS, -8, 7), spectrum(128, 50, shift=4, hop=2, vectors=4), 2, LIF(20, (2,))
        ),
        "sound, held": classifying(Analog(BANDS, 0, 127), replace(short, mean=short.mean - 90), 3),
        "sound, changes": classifying(Delta(BANDS, -128, 127, 9), short, 6, LIF(2, (3,))),
        "sound, free": replace(steps, readout=None, steps=None),
    }


def detecting(model: Model, *, threshold: int = 30, **more: Any) -> Model:
    """Return the model with a detector."""
    return replace(model, detector=Detector(threshold, **more))


PLAIN = _modes()
MODES = PLAIN | {
    "sound, detected": detecting(PLAIN["sound, ring"], smooth=2, refractory=3, background=(1,)),
    "sound, detected at once": detecting(PLAIN["sound, early stop"], threshold=5, smooth=0),
}
MODELS = {"sound, told": telling(64, 23), "sound, told by fours": telling(128, 128, shift=5)} | {
    name: MODES[name]
    for name in ("sound, ring", "sound, map", "sound, early stop", "sound, detected")
}


def clip(seconds: float, rate: int = 8000, seed: int = 0) -> NDArray[np.int16]:
    """Return made sound of all strengths, (samples, 1): tones, noise, clicks, silence, clipping."""
    rng, n = np.random.default_rng(seed), round(seconds * rate)
    t = np.arange(n) / rate
    pitch = np.exp(np.interp(t, np.linspace(0, seconds, 12), rng.uniform(4.5, 8.1, 12)))
    tone = sum(np.sin(k * 2 * np.pi * np.cumsum(pitch) / rate) / k for k in (1, 2, 3, 5))
    loud = 10 ** np.interp(t, np.linspace(0, seconds, 25), rng.uniform(-1, 4.8, 25))
    noise = rng.normal(0, 1, n) * 10 ** np.interp(
        t, np.linspace(0, seconds, 9), rng.uniform(-1, 4, 9)
    )
    sound = np.where(rng.random(n) < 0.001, 30_000, tone * loud + noise)
    sound[n // 2 : n // 2 + rate // 8] = 0
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)[:, None]
