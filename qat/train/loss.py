"""Losses, each with its gradient beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]


def cross_entropy(logits: Float, labels: NDArray[np.integer[Any]]) -> tuple[float, Float]:
    """Return the mean over the batch of -log softmax(logits)[label], and dL/d logits.

    logits: (batch, classes); labels: (batch,) in [0, classes)
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponential = np.exp(shifted)
    total = exponential.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = float((np.log(total[:, 0]) - shifted[rows, labels]).mean())
    gradient = exponential / total
    gradient[rows, labels] -= 1
    gradient /= len(labels)
    return loss, gradient


def log_softmax(logits: Float) -> Float:
    """Return log softmax over the classes; logits: (batch, classes)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def rate_penalty(rates: Float, target: float, weight: float) -> tuple[float, Float]:
    """Return weight * sum_j max(rate_j - target, 0)**2, and its gradient.

    rates: (neurons,) mean spikes per step of each neuron over a batch
    """
    excess = np.maximum(rates - rates.dtype.type(target), 0)
    return weight * float((excess**2).sum()), 2 * weight * excess


def mean_penalty(rates: Float, target: float, weight: float) -> tuple[float, Float]:
    """Return weight * max(mean of the rates - target, 0), and its gradient.

    rates: (values,) mean of each value of a signal over a batch
    """
    excess = float(rates.mean()) - target
    slope = weight / rates.size if excess > 0 else 0.0
    return weight * max(excess, 0.0), np.full_like(rates, slope)


@dataclass(frozen=True)
class Spending:
    """What spikes may cost: a penalty on the instructions that they take beyond a target.

    cost:    instructions per spike of each spiking layer, wherever that number comes from
    target:  instructions of an inference that spikes may take for free, above 0
    penalty: loss for as much again

        I = sum over layers of cost * spikes per inference
        loss = penalty * max(I / target - 1, 0)

    Raises ValueError for numbers that make no sense.
    """

    cost: tuple[float, ...]
    target: float
    penalty: float

    def __post_init__(self) -> None:
        if not all(0 <= c < float("inf") for c in self.cost):
            raise ValueError(f"spike_cost: found {list(self.cost)}; must be 0 or more, finite")
        if not 0 < self.target < float("inf"):
            raise ValueError(
                f"cost_target: found {self.target}; must be instructions per inference, above 0"
            )
        if not 0 <= self.penalty < float("inf"):
            raise ValueError(f"cost_penalty: found {self.penalty}; must be 0 or more, finite")

    def instructions(self, rates: Sequence[Float], steps: int) -> float:
        """Return I for the mean spikes per step of the neurons of each layer."""
        spikes = [steps * float(r.sum()) for r in rates]
        return float(np.dot(self.cost, spikes))

    def loss(self, rates: Sequence[Float], steps: int) -> tuple[float, list[Float]]:
        """Return the loss and its gradient with regard to the rates of each layer, (neurons,)."""
        excess = self.instructions(rates, steps) / self.target - 1
        slope = self.penalty * steps / self.target if excess > 0 else 0.0
        terms = zip(rates, self.cost, strict=True)
        return self.penalty * max(excess, 0.0), [np.full_like(r, slope * c) for r, c in terms]
