"""Surrogate gradients: what stands in for the derivative of the spike in the backward pass.

With x = u / threshold - 1, a neuron spikes where x >= 0. The step has no useful derivative;
each row here has a smooth spike h(x) and its derivative h'(x), which training uses instead
(Neftci, Mostafa, Zenke: Surrogate Gradient Learning in Spiking Neural Networks, 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.train.arrays import as_of

Float = NDArray[np.floating[Any]]

SLOPE = 1.5
"""Steepness of the surrogates; larger looks closer around the threshold."""


RECURRENT = (0.4, 6 / np.pi)
"""Amplitude and slope for layers with recurrent edges: atan's derivative is 0.4 / (1 + (3 x)**2).
Where gradients pass a spike again and again, a lower and narrower one keeps them from growing: the
others left spoken digits at 60 %."""


@dataclass(frozen=True)
class Surrogate:
    """A smooth spike and its derivative; both take x = u / threshold - 1 of any shape.

    name, amplitude, slope: what they were made of, by `surrogate`
    """

    spike: Callable[[Float], Float]
    derivative: Callable[[Float], Float]
    name: str = ""
    amplitude: float = 1.0
    slope: float = SLOPE


def surrogate(name: str, amplitude: float = 1.0, slope: float = SLOPE) -> Surrogate:
    """Return a row of SURROGATES, a * h(c x) / c with c = slope / SLOPE and amplitude a."""
    row = SURROGATES[name]
    if (amplitude, slope) == (1.0, SLOPE):
        return row
    c = slope / SLOPE

    def spike(x: Float) -> Float:
        return row.spike(x * c) * (amplitude / c)

    def derivative(x: Float) -> Float:
        return row.derivative(x * c) * amplitude

    return Surrogate(spike, derivative, name, amplitude, slope)


def heaviside(x: Float) -> Float:
    """Return 1 where x >= 0, else 0, in the dtype of x: the spike itself."""
    return as_of(x >= 0, x)


def _atan(x: Float) -> Float:
    return np.arctan(np.pi / 2 * SLOPE * x) / (np.pi / 2 * SLOPE)


def _atan_derivative(x: Float) -> Float:
    scaled = x * float(np.pi / 2 * SLOPE)
    scaled *= scaled
    scaled += 1
    return 1 / scaled


def _triangle(x: Float) -> Float:
    near = np.clip(x, -1 / SLOPE, 1 / SLOPE)
    return near - np.sign(near) * SLOPE / 2 * near**2


def _triangle_derivative(x: Float) -> Float:
    return (1 - SLOPE * abs(x)).clip(0)


def _fast_sigmoid(x: Float) -> Float:
    return x / (1 + SLOPE * np.abs(x))


def _fast_sigmoid_derivative(x: Float) -> Float:
    return 1 / (1 + SLOPE * abs(x)) ** 2


SURROGATES: Mapping[str, Surrogate] = MappingProxyType(
    {
        "atan": Surrogate(_atan, _atan_derivative, "atan"),
        "triangle": Surrogate(_triangle, _triangle_derivative, "triangle"),
        "fast_sigmoid": Surrogate(_fast_sigmoid, _fast_sigmoid_derivative, "fast_sigmoid"),
    }
)
"""Arctangent (Fang and others, 2021), triangle (Esser and others, 2016), fast sigmoid (Zenke and
Ganguli, 2018). All have h(0) = 0 and h'(0) = 1."""
