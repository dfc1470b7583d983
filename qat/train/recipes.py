"""Training settings that work, by data set; they were chosen on validation data alone.

The digits' row by five-fold cross-validation over everything but the test part. MNIST's on its
5,000 validation images, one seed a trial, means of the last five epochs: batches of 64 in place of
128 gained 0.3 points, a decay of 0.2 in place of 0.05 another 0.2, averaged weights 0.1; a penalty
of 0.02 in place of 0.005 took a third of the spikes and at most 0.1 points. A threshold per neuron
(Network's, not a recipe's) gained about 0.1 points and took a tenth of the spikes; 512 ternary
neurons want a quarter of the learning rate; the leak, T, the surrogate, a scale per neuron and
label smoothing gained nothing (tests/examples/README.md has the figures). Fashion-MNIST lost 0.7
points by changed images. JapaneseVowels' by the validation loss, mean of five seeds, the
watch's by that of five subjects.
Behind batch norms (NORMALISED) MNIST's row is that of a study of convolutions, one seed a trial, by
validation; the digits' by two of four folds of everything but the test part. COUNTS' by the same
four folds, and by 15,000 of MNIST's 60,000 images (tests/examples/README.md has the figures).
`spikemcu train NAME --seed N` uses them, as `qat.fit(net, data, seed=N)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qat.data.augment import Affine
from qat.model import did_you_mean
from qat.train.loss import Spending
from qat.train.optimiser import FINAL_RATE

Augment = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]

Keep = Literal["best", "last"]

UPDATES = 4000
"""Weight updates that a data set without a row of its own is given, at least."""


@dataclass(frozen=True)
class Recipe:
    """Settings of `fit`.

    epochs, batch_size: passes over the training data, samples per weight update
    learning_rate:      of Adam, at the start of the cosine
    weight_decay:       decoupled, of the weights
    rate_penalty:       weight of the firing-rate penalty; larger means fewer spikes
    rate_target:        spikes per step below which a neuron is not penalised
    averaging:          the network that is kept is an exponential mean of the weights, this much
                        of which every update keeps; 0 for the last weights
    spike_cost:         instructions per spike of each spiking layer, for a penalty on what an
                        inference spends on spikes; none without it (see qat.train.loss.Spending)
    cost_target:        instructions that an inference may spend on spikes for free
    cost_penalty:       weight of that penalty
    augment:            what changes every batch of training inputs, or None
    clean_every:        every so many epochs the inputs are not changed; 0 for none
    warm_up:            updates over which the learning rate rises to the cosine, a tenth of all
                        at most; 0 for none
    final_rate:         the part of the learning rate at which the cosine ends
    square_kept:        what Adam keeps of the mean squares of the gradients
    even_penalty:       the penalty is on the mean rate of every layer, not on squares of rates
    keep:               the epoch whose weights are kept: the "best" on validation data, or the
                        "last", where those are so few that the best of many epochs is chance
    """

    epochs: int
    batch_size: int
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    rate_penalty: float = 0.005
    rate_target: float = 0.0
    averaging: float = 0.0
    augment: Augment | None = None
    spike_cost: tuple[float, ...] = ()
    cost_target: float = 0.0
    cost_penalty: float = 0.1
    clean_every: int = 0
    warm_up: int = 0
    final_rate: float = FINAL_RATE
    square_kept: float = 0.999
    even_penalty: bool = False
    keep: Keep = "best"

    @property
    def spending(self) -> Spending | None:
        """What spikes may cost, None if that does not matter; ValueError for senseless numbers."""
        if not self.spike_cost:
            return None
        return Spending(self.spike_cost, self.cost_target, self.cost_penalty)

    def over(self, epochs: int) -> Recipe:
        """Return the recipe for other epochs, weights averaged over the same part of them."""
        if epochs == self.epochs or not self.averaging:
            return replace(self, epochs=epochs)
        averaging = max(0.0, 1 - (1 - self.averaging) * self.epochs / epochs)
        return replace(self, epochs=epochs, averaging=averaging)

    def settings(self) -> dict[str, Any]:
        """Return the settings as plain JSON values; augmentation as text."""
        unused = [n for n in _LATER if getattr(self, n) == getattr(Recipe, n)]
        if not self.spike_cost:
            unused += ["spike_cost", "cost_target", "cost_penalty"]
        names = [field.name for field in fields(self) if field.name not in unused]
        values = {name: getattr(self, name) for name in names}
        if self.spike_cost:
            values["spike_cost"] = list(self.spike_cost)
        augment = self.augment
        named = augment if is_dataclass(augment) else getattr(augment, "__qualname__", "yes")
        return {**values, "augment": None if augment is None else str(named)}


_LATER = ("clean_every", "warm_up", "final_rate", "square_kept", "even_penalty", "keep")
"""Settings that are told only where they are not as ever, so that older runs can be resumed."""

WRITING = Affine(shift=1, rotation=7, scale=0.06, shear=0.05)
"""Changes of 28 x 28 pixels that leave a written digit what it is."""

_MNIST = Recipe(40, 64, 2e-3, 0.2, rate_penalty=0.02, averaging=0.999, augment=WRITING)

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "digits": Recipe(100, 32, 5e-3, weight_decay=0.3, rate_penalty=0.01),
        "mnist": _MNIST,
        "mnist-16": _MNIST,
        "japanese-vowels": Recipe(200, 32, 5e-3, weight_decay=0.3, averaging=0.99),
        "watch": Recipe(50, 32, weight_decay=1.0, rate_penalty=0.05, averaging=0.99),
        "fashion-mnist": replace(_MNIST, epochs=30, rate_penalty=0.01, augment=None),
    }
)
"""A row per data set that is loaded by name."""


STROKES = Affine(shift=1.5, rotation=9, scale=0.08, shear=0.08)
"""Larger changes of the same kind, for networks that see where a stroke is."""

SMALL_STROKES = Affine(shift=0.6, rotation=9, scale=0.08, shear=0.1)
"""The same on 8 x 8 pixels."""

_NORMALISED = Recipe(
    20, 256, 1e-2, 0.0, rate_penalty=0.005, clean_every=8, warm_up=300, final_rate=0.0,
    square_kept=0.99, even_penalty=True,
)  # fmt: skip
_STROKES = replace(_NORMALISED, epochs=30, learning_rate=2e-2, augment=STROKES)
_COUNTS = replace(
    _NORMALISED,
    epochs=60,
    batch_size=128,
    learning_rate=2e-2,
    averaging=0.999,
    clean_every=0,
    augment=WRITING,
)

_DIGITS = replace(
    _NORMALISED, epochs=100, batch_size=64, learning_rate=2e-2, warm_up=100, clean_every=4,
    augment=SMALL_STROKES,
)  # fmt: skip

NORMALISED: Mapping[str, Recipe] = MappingProxyType(
    {
        "digits": _DIGITS,
        "mnist": _STROKES,
        "mnist-16": _STROKES,
        "fashion-mnist": replace(_NORMALISED, epochs=30),
    }
)
"""The same for networks with convolutions, whose layers stand behind batch norms."""

COUNTS: Mapping[str, Recipe] = MappingProxyType(
    {
        "digits": replace(_DIGITS, epochs=250, augment=Affine(0.4, 6, 0.05, 0.06)),
        "mnist": _COUNTS,
        "mnist-16": _COUNTS,
    }
)
"""The same for dense layers of neurons that count, which want smaller changes: a stroke that lies
elsewhere is another one to them."""


def _normalised(name: str, samples: int, on_maps: bool) -> Recipe:
    """Return the recipe of a network behind batch norms."""
    if name in COUNTS and not on_maps:
        return COUNTS[name]
    if name in NORMALISED:
        return NORMALISED[name]
    batch = 64 if samples < 10_000 else 256
    epochs = min(max(-(-UPDATES * batch // max(samples, 1)), 10), 200)
    return replace(_NORMALISED, epochs=epochs, batch_size=batch, warm_up=UPDATES // 20)


RECURRENT: Mapping[str, Any] = {
    "learning_rate": 3e-3,
    "rate_penalty": 0.3,
    "rate_target": 0.05,
    "even_penalty": True,
}
"""What networks with recurrent edges need in place of the same settings of a recipe: spikes that
bring about spikes want a low rate, and a penalty on the mean rate of a layer above the target. With
those of other networks spoken digits stayed at 60 %, a third of the neurons firing in a step."""


def for_recurrent(recipe: Recipe) -> Recipe:
    """Return a recipe with what networks with recurrent edges need."""
    return replace(recipe, **RECURRENT)


def recipe_for(
    name: str,
    samples: int,
    normalised: bool = False,
    on_maps: bool = True,
    recurrent: bool = False,
) -> Recipe:
    """Return the recipe of a data set, or one that fits its number of training samples.

    normalised: for a network behind batch norms (Network.normalised), which wants a higher rate
    on_maps:    for one with convolutions or pools (Network.grid)
    recurrent:  for one with recurrent edges (Network.recurrent): RECURRENT in its place
    """
    if recurrent:
        return for_recurrent(recipe_for(name, samples, normalised, on_maps))
    if normalised:
        return _normalised(name, samples, on_maps)
    if name in RECIPES:
        return RECIPES[name]
    batch_size = 32 if samples < 10_000 else 64
    epochs = -(-UPDATES * batch_size // max(samples, 1))
    return Recipe(min(max(epochs, 10), 200), batch_size)


def recipe_named(name: str, normalised: bool = False) -> Recipe:
    """Return a row of RECIPES, or of NORMALISED; ValueError if there is none of this name."""
    if normalised and name in NORMALISED:
        return NORMALISED[name]
    if name not in RECIPES:
        near = did_you_mean(name, RECIPES)
        raise ValueError(f"recipe {name!r}: is not known; use {', '.join(RECIPES)}{near}")
    return RECIPES[name]
