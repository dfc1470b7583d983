"""A training run as a state that can be written down: weights, optimiser, random numbers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.dataset import Dataset
from qat.train.chain import Pass
from qat.train.divergence import Unbounded, check_arrays, check_loss, unchecked
from qat.train.dynamics import Spike
from qat.train.history import Epoch
from qat.train.loss import Spending, cross_entropy, mean_penalty, rate_penalty
from qat.train.network import Network
from qat.train.optimiser import Adam, averaged, cosine_rate
from qat.train.recipes import Recipe
from qat.train.surrogate import heaviside
from qat.train.teacher import Teaching

Float = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]
Arrays = dict[str, NDArray[Any]]

MOST_WARM_UP = 0.1
"""The part of all updates over which the learning rate rises, at most."""


def gradients(
    net: Network,
    x: NDArray[Any],
    y: Labels,
    penalty: float = 0.0,
    target: float = 0.0,
    *,
    spending: Spending | None = None,
    even: bool = False,
    teaching: Teaching | None = None,
    spike: Spike = heaviside,
) -> tuple[float, dict[str, Float], Pass]:
    """Return (loss, gradient of every parameter, the forward pass) for one batch.

    loss = cross entropy + penalty * sum over neurons of max(rate - target, 0)**2 + spending's

    even:     penalty * the mean rate of every layer in place of the sum of squares
    teaching: its loss in place of the cross entropy
    spike:    anything but the step serves to check the gradients
    """
    constants = net.fold()
    run = net.forward(x, constants, spike, training=True)
    losses = cross_entropy if teaching is None else partial(teaching.loss, x)
    loss, d_logits = losses(run.logits, y)
    d_rates = None
    if penalty or spending is not None:
        rates = [t.spikes.mean(axis=(0, 1)) for t in run.traces]
        penalised = mean_penalty if even else rate_penalty
        terms = [penalised(r, target, penalty) for r in rates]
        loss += sum(value for value, _ in terms)
        d_rates = [gradient.astype(d_logits.dtype) for _, gradient in terms]
        if spending is not None:
            spent, slopes = spending.loss(rates, net.steps)
            loss += spent
            d_rates = [d + s for d, s in zip(d_rates, slopes, strict=True)]
    return loss, net.backward(run, constants, d_logits, d_rates), run


class Session:
    """One training run: the optimiser, the epochs so far, the weights of the best one."""

    def __init__(
        self,
        net: Network,
        data: Dataset,
        recipe: Recipe,
        seed: int,
        teaching: Teaching | None = None,
    ) -> None:
        self.net, self.data, self.recipe, self.teaching = net, data, recipe, teaching
        augment = recipe.augment
        self.rng = np.random.default_rng(seed)
        self._change = None if augment is None else lambda x: augment(x, self.rng)
        self.average = net.parameters
        self.adam = Adam(recipe.weight_decay, b2=recipe.square_kept)
        self.epochs: list[Epoch] = []
        self.best: Epoch | None = None
        self.best_parameters = net.parameters
        self.shown = copy(net)  # with the averaged weights, and what was measured with them

    def epoch(self) -> Epoch:
        """Train and validate one epoch, and keep it if it is the best, or if the last one is kept.

        Raises Unbounded if a number leaves what floats hold; the session is not to go on then.
        """
        with unchecked():
            epoch = self._epoch()
        self.epochs.append(epoch)
        last = self.recipe.keep == "last"
        if last or self.best is None or _merit(epoch) > _merit(self.best):
            self.best, self.best_parameters = epoch, self.shown.parameters
        return epoch

    def _epoch(self) -> Epoch:
        start = time.perf_counter()
        loss, accuracy = self._updates()
        done = len(self.epochs) + 1
        self.shown.parameters = self.average
        self.shown.parameters = self.shown.measured(self.data.x_train)
        validated = _validate(self.shown, self.data.x_validation, self.data.y_validation)
        if not np.isfinite(validated[0]):
            raise Unbounded("the loss on validation data")
        spent = time.perf_counter() - start
        return Epoch(done, loss, accuracy, *validated, self._rate(done), spent)

    def _rate(self, epochs: float) -> float:
        rate = cosine_rate(
            self.recipe.learning_rate, epochs / self.recipe.epochs, self.recipe.final_rate
        )
        rising = min(self.recipe.warm_up, MOST_WARM_UP * self.recipe.epochs * self._parts)
        return rate * min(1.0, (self.adam.count + 1) / max(rising, 1))

    @property
    def _parts(self) -> int:
        """Updates of an epoch."""
        return max(1, round(len(self.data.y_train) / self.recipe.batch_size))

    def _updates(self) -> tuple[float, float]:
        """Return (mean loss, accuracy) of an epoch's batches, each with a weight update."""
        samples = len(self.data.y_train)
        parts = self._parts
        losses, right = [], 0
        every = self.recipe.clean_every
        self._clean = bool(every) and (len(self.epochs) + 1) % every == 0
        for i, batch in enumerate(np.array_split(self.rng.permutation(samples), parts)):
            loss, hits = self._update(batch, self._rate(len(self.epochs) + i / parts))
            losses.append(loss)
            right += hits
        return float(np.mean(losses)), right / samples

    def _update(self, batch: NDArray[np.int64], rate: float) -> tuple[float, int]:
        """Move the weights once; return (loss, how many predictions were right)."""
        change = None if self._clean else self._change
        x, y = self.data.training_batch(batch, change), self.data.y_train[batch]
        recipe = self.recipe
        loss, slopes, run = gradients(
            self.net,
            x,
            y,
            recipe.rate_penalty,
            recipe.rate_target,
            spending=recipe.spending,
            even=recipe.even_penalty,
            teaching=self.teaching,
        )
        check_loss(self.net, loss, run)
        check_arrays(self.net, "the gradient of ", slopes, backwards=True)
        self.adam, moved = self.adam.step(self.net.parameters, slopes, rate)
        check_arrays(self.net, "", moved)
        self.net.parameters = self.net.constrained(moved)
        self.average = averaged(
            self.average, self.net.parameters, recipe.averaging, self.adam.count
        )
        return loss, int((run.scores.argmax(axis=1) == y).sum())

    # ------------------------------------------------- what goes on later

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Return what another Session needs to go on from here: JSON values, and arrays."""
        groups = {
            "now": self.net.parameters,
            "average": self.average,
            "best": self.best_parameters,
            "mean": self.adam.mean,
            "square": self.adam.square,
        }
        arrays = {f"{g}/{name}": a for g, values in groups.items() for name, a in values.items()}
        return {
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best": self.best.number if self.best else 0,
            "updates": self.adam.count,
            "random": self.rng.bit_generator.state,
        }, arrays

    def restore(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Go on from the `state` of a Session with the same settings.

        Raises ValueError, KeyError or TypeError for anything but such a state.
        """

        def group(name: str) -> Arrays:
            found = {key: arrays[f"{name}/{key}"] for key in self.net.parameters}
            for key, p in self.net.parameters.items():
                if found[key].shape != np.shape(p):
                    raise ValueError(f"{name}/{key} has shape {found[key].shape}")
            return found

        epochs = [_epoch(fields) for fields in values["epochs"]]
        self.adam = replace(
            self.adam, count=int(values["updates"]), mean=group("mean"), square=group("square")
        )
        self.rng.bit_generator.state = values["random"]
        now, self.average, self.best_parameters = group("now"), group("average"), group("best")
        self.net.parameters, self.epochs = now, epochs
        self.best = epochs[int(values["best"]) - 1]


def _epoch(fields: Mapping[str, Any]) -> Epoch:
    return Epoch(**{**fields, "firing_rates": tuple(fields["firing_rates"])})


def _merit(epoch: Epoch) -> tuple[float, float]:
    return epoch.validation_accuracy, -epoch.validation_loss


def _validate(net: Network, x: NDArray[Any], y: Labels) -> tuple[float, float, tuple[float, ...]]:
    """Return (loss, accuracy, firing rates)."""
    constants, start = net.fold(), 0
    losses, right, rates = [], 0, []
    for piece in net.pieces(x):
        run = net.forward(piece, constants)
        labels = y[start : start + len(piece)]
        losses.append(cross_entropy(run.logits, labels)[0] * len(piece))
        rates.append(np.multiply(run.firing_rates, len(piece)))
        right += int((run.scores.argmax(axis=1) == labels).sum())
        start += len(piece)
    mean = np.sum(rates, axis=0) / start
    return sum(losses) / start, right / start, tuple(float(r) for r in mean)
