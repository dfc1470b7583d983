"""Losses, each with its gradient beside it."""

from __future__ import annotations

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


def rate_penalty(rates: Float, target: float, weight: float) -> tuple[float, Float]:
    """Return weight * sum_j max(rate_j - target, 0)**2, and its gradient.

    rates: (neurons,) mean spikes per step of each neuron over a batch
    """
    excess = np.maximum(rates - rates.dtype.type(target), 0)
    return weight * float((excess**2).sum()), 2 * weight * excess
