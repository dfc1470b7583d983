"""Training settings that work, by data set; they were chosen on validation data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

UPDATES = 2000
"""Weight updates that a data set without a row of its own is given, at least."""


@dataclass(frozen=True)
class Recipe:
    """Settings of `fit`.

    epochs, batch_size: passes over the training data, samples per weight update
    learning_rate:      of Adam, at the start of the cosine
    weight_decay:       decoupled, of the weights
    rate_penalty:       weight of the firing-rate penalty; larger means fewer spikes
    rate_target:        spikes per step below which a neuron is not penalised
    """

    epochs: int
    batch_size: int
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.0
    rate_penalty: float = 0.0
    rate_target: float = 0.0


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "digits": Recipe(epochs=60, batch_size=32),
        "mnist": Recipe(epochs=10, batch_size=128),
    }
)
"""A row per data set that is loaded by name."""


def recipe_for(name: str, samples: int) -> Recipe:
    """Return the recipe of a data set, or one that fits its number of training samples."""
    if name in RECIPES:
        return RECIPES[name]
    batch_size = 32 if samples < 10_000 else 128
    epochs = -(-UPDATES * batch_size // max(samples, 1))
    return Recipe(min(max(epochs, 10), 200), batch_size)
