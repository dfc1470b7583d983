"""Adam and the cosine schedule, as values: a step returns the next state."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Parameters = dict[str, NDArray[np.floating[Any]]]

FINAL_RATE = 0.01
"""The cosine schedule ends at this fraction of the learning rate, if a recipe has no other."""

RATES = {"threshold": 0.5, "log_gain": 0.25, "delay": 10.0}
"""Learning rate of a kind of parameter relative to that of the weights; delays are in steps."""


def kind_of(name: str) -> str:
    """Return the kind of a parameter by its name: "weight" of 0.weight and of 0.weight_1."""
    return re.sub(r"_\d+$", "", name.rpartition(".")[2])


def cosine_rate(learning_rate: float, progress: float, final: float = FINAL_RATE) -> float:
    """Return the learning rate at `progress` in [0, 1]: a half cosine from 1 to `final`.

    Source: Loshchilov and Hutter, SGDR, 2017, without restarts.
    """
    return learning_rate * (final + (1 - final) * 0.5 * (1 + float(np.cos(np.pi * progress))))


def averaged(old: Parameters, new: Parameters, kept: float, updates: int) -> Parameters:
    """Return k * old + (1 - k) * new with k = min(kept, updates / (updates + 10)).

    The second term lets a young mean forget its start. Returns `new` itself where kept is 0.
    """
    k = min(kept, updates / (updates + 10))
    if not kept:
        return new
    return {name: (k * old[name] + (1 - k) * p).astype(p.dtype) for name, p in new.items()}


@dataclass(frozen=True, eq=False)
class Adam:
    """Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).

    m = b1 m + (1 - b1) g        v = b2 v + (1 - b2) g**2
    p = p - rate * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + epsilon)
    w = w * (1 - rate * weight_decay)        weights only
    """

    weight_decay: float = 0.0
    b1: float = 0.9
    b2: float = 0.999
    epsilon: float = 1e-8
    count: int = 0
    mean: Parameters = field(default_factory=dict)
    square: Parameters = field(default_factory=dict)

    def step(
        self, parameters: Parameters, gradients: Parameters, rate: float
    ) -> tuple[Adam, Parameters]:
        """Return the next state and the next parameters."""
        t = self.count + 1
        mean: Parameters = {}
        square: Parameters = {}
        moved: Parameters = {}
        for name, p in parameters.items():
            kind, g = kind_of(name), gradients[name]
            own = rate * RATES.get(kind, 1.0)
            kept = 1 - own * self.weight_decay if kind == "weight" else 1.0
            mean[name] = _blend(self.mean.get(name), g, self.b1)
            square[name] = _blend(self.square.get(name), np.square(g), self.b2)
            size = np.sqrt(square[name])
            size *= float(1 / np.sqrt(1 - self.b2**t))
            size += self.epsilon
            change = mean[name] / size
            change *= own / (1 - self.b1**t)
            moved[name] = np.subtract(p * kept, change, dtype=p.dtype)
        return Adam(self.weight_decay, self.b1, self.b2, self.epsilon, t, mean, square), moved


def _blend(old: NDArray[Any] | None, new: NDArray[Any], kept: float) -> NDArray[Any]:
    """Return kept * old + (1 - kept) * new, as a fresh array."""
    blended = np.multiply(new, 1 - kept)
    if old is not None:
        blended += old * kept
    return np.asarray(blended)
