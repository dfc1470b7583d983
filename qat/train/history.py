"""The history of a training run: losses and accuracies, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data.

    number:              from 1
    loss:                mean over the epoch's batches, penalties included
    train_accuracy:      over the epoch's batches, while the weights were still moving
    validation_loss, validation_accuracy: with the weights at the epoch's end
    firing_rates:        mean spikes per neuron and step of every spiking layer, on validation data
    learning_rate:       at the epoch's end
    seconds:             that the epoch took, validation included
    """

    number: int
    loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    firing_rates: tuple[float, ...]
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class History:
    """All epochs of a training run.

    best:        the epoch whose weights were kept, None if none was finished
    interrupted: True if Ctrl-C ended the training early
    loops:       "compiled" or "NumPy": what computed the time loops; their gradients differ in the
                 last digits, so that they may train different networks
    diverged:    one line if numbers that left what floats hold ended it early, else None
    settings:    what `fit` was called with or chose
    warnings:    lines about layers that are silent, saturated or all zero, if there are any
    """

    epochs: tuple[Epoch, ...]
    best: Epoch | None
    interrupted: bool
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    diverged: str | None = None
    loops: str = "NumPy"

    @property
    def seconds(self) -> float:
        """Total time of all epochs."""
        return sum(epoch.seconds for epoch in self.epochs)
