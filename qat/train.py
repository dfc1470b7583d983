"""Training: backpropagation through time over mini-batches, the best epoch kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.datasets import Dataset
from qat.history import Epoch, History
from qat.lif import Spike
from qat.loss import cross_entropy, rate_penalty
from qat.memory import require
from qat.model import Activity, Model
from qat.network import Network, Pass
from qat.optimiser import Adam, averaged, cosine_rate
from qat.recipes import Augment, Recipe, recipe_for
from qat.surrogate import heaviside

ACTIVITY_SAMPLES = 1000
"""Validation samples on which the activity is measured."""

Float = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


def evaluate(net_or_model: Network | Model, x: ArrayLike, y: ArrayLike) -> float:
    """Return the fraction of samples whose prediction is their label.

    x: as the network or model takes it; y: (batch,) whole numbers

    Raises ValueError for inputs that do not fit, no samples, or a model that runs free.
    """
    labels = np.asarray(y)
    if isinstance(net_or_model, Network):
        predictions: NDArray[np.int64] | None = net_or_model.predict(x)
    else:
        predictions = net_or_model.run(x).predictions
    if predictions is None:
        raise ValueError("evaluate: a free-running model has no predictions")
    if labels.shape != predictions.shape or not len(labels):
        raise ValueError(f"y: found shape {labels.shape}; x has {len(predictions)} samples")
    return float((predictions == labels).mean())


def gradients(
    net: Network,
    x: NDArray[Any],
    y: Labels,
    penalty: float = 0.0,
    target: float = 0.0,
    *,
    spike: Spike = heaviside,
) -> tuple[float, dict[str, Float], Pass]:
    """Return (loss, gradient of every parameter, the forward pass) for one batch.

    loss = cross entropy + penalty * sum over neurons of max(rate - target, 0)**2

    spike: anything but the step serves to check the gradients
    """
    constants = net.fold()
    run = net.forward(x, constants, spike)
    loss, d_logits = cross_entropy(run.logits, y)
    d_rates = None
    if penalty:
        rates = [t.spikes.mean(axis=(0, 1)) for t in run.traces if t.spikes is not None]
        terms = [rate_penalty(r, target, penalty) for r in rates]
        loss += sum(value for value, _ in terms)
        d_rates = [gradient.astype(d_logits.dtype) for _, gradient in terms]
    return loss, net.backward(run, constants, d_logits, d_rates), run


class _Session:
    """One training run: the optimiser, the epochs so far, the weights of the best one."""

    def __init__(self, net: Network, data: Dataset, recipe: Recipe, seed: int) -> None:
        self.net, self.data, self.recipe = net, data, recipe
        augment = recipe.augment
        self.rng = np.random.default_rng(seed)
        self._change = None if augment is None else lambda x: augment(x, self.rng)
        self.average = net.parameters
        self.adam = Adam(recipe.weight_decay)
        self.epochs: list[Epoch] = []
        self.best: Epoch | None = None
        self.best_parameters = net.parameters

    def epoch(self) -> Epoch:
        """Train and validate one epoch, and keep it if it is the best."""
        start = time.perf_counter()
        loss, accuracy = self._updates()
        done = len(self.epochs) + 1
        shown = copy(self.net)
        shown.parameters = self.average
        epoch = Epoch(
            done,
            loss,
            accuracy,
            *_validate(shown, self.data.x_validation, self.data.y_validation),
            self._rate(done),
            time.perf_counter() - start,
        )
        self.epochs.append(epoch)
        if self.best is None or _merit(epoch) > _merit(self.best):
            self.best, self.best_parameters = epoch, self.average
        return epoch

    def _rate(self, epochs: float) -> float:
        return cosine_rate(self.recipe.learning_rate, epochs / self.recipe.epochs)

    def _updates(self) -> tuple[float, float]:
        """Return (mean loss, accuracy) of an epoch's batches, each with a weight update."""
        samples = len(self.data.y_train)
        parts = max(1, round(samples / self.recipe.batch_size))
        losses, right = [], 0
        for i, batch in enumerate(np.array_split(self.rng.permutation(samples), parts)):
            loss, hits = self._update(batch, self._rate(len(self.epochs) + i / parts))
            losses.append(loss)
            right += hits
        return float(np.mean(losses)), right / samples

    def _update(self, batch: NDArray[np.int64], rate: float) -> tuple[float, int]:
        """Move the weights once; return (loss, how many predictions were right)."""
        x, y = self.data.training_batch(batch, self._change), self.data.y_train[batch]
        recipe = self.recipe
        loss, slopes, run = gradients(self.net, x, y, recipe.rate_penalty, recipe.rate_target)
        self.adam, moved = self.adam.step(self.net.parameters, slopes, rate)
        self.net.parameters = self.net.constrained(moved)
        self.average = averaged(
            self.average, self.net.parameters, recipe.averaging, self.adam.count
        )
        return loss, int((run.scores.argmax(axis=1) == y).sum())


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


def check_task(net: Network, data: Dataset, recipe: Recipe) -> None:
    """Raise ValueError if the data does not fit the network, or the task the memory."""
    net.bind(data.input_range)
    for what in ("x_train", "x_validation"):
        try:
            net.check(getattr(data, what))
        except ValueError as error:
            raise ValueError(f"{data.name}, {what}: {error}") from None
    if data.classes > net.sizes[-1]:
        raise ValueError(
            f"{data.name}: has {data.classes} classes; the network has {net.sizes[-1]} outputs"
        )
    require(
        f"training on {data.name}",
        net.training_bytes(min(recipe.batch_size, len(data.y_train))),
        "use a smaller batch_size, fewer steps or fewer neurons",
    )


def _recipe(start: Recipe, given: dict[str, Any]) -> Recipe:
    """Return a recipe with some settings replaced, or raise ValueError."""
    recipe = replace(start, **{name: value for name, value in given.items() if value is not None})
    for name in ("epochs", "batch_size"):
        if not isinstance(getattr(recipe, name), int) or getattr(recipe, name) < 1:
            raise ValueError(f"{name}: found {getattr(recipe, name)!r}; must be 1 or more")
    for name in ("learning_rate", "weight_decay", "rate_penalty", "rate_target"):
        if not 0 <= getattr(recipe, name) < float("inf"):
            raise ValueError(f"{name}: found {getattr(recipe, name)}; must be 0 or more, finite")
    if not 0 <= recipe.averaging < 1:
        raise ValueError(f"averaging: found {recipe.averaging}; must be at least 0 and below 1")
    return recipe


def fit(
    net: Network,
    data: Dataset,
    seed: int = 0,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    rate_penalty: float | None = None,
    rate_target: float | None = None,
    averaging: float | None = None,
    augment: Augment | None = None,
    recipe: Recipe | None = None,
    progress: Callable[[Epoch], object] | None = None,
) -> History:
    """Train `net` in place and leave it with the weights of its best epoch on validation data.

    Adam with a cosine schedule over mini-batches; the same seed gives the same network. The
    settings that are not given come from `qat.RECIPES` for the data set, or are made to fit
    its size. Best is the highest validation accuracy, then the lowest validation loss.
    Ctrl-C ends the training and keeps the best epoch so far, or, if none was finished, the
    weights from before the call; the History says so.

    recipe:   the settings to start from instead
    augment:  called with every batch of training inputs (as they were before `with_input_bits`)
              and a random generator; returns inputs
    progress: called with every finished Epoch

    Raises ValueError if the data does not fit the network or a setting is out of range.
    """
    given = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "rate_penalty": rate_penalty,
        "rate_target": rate_target,
        "averaging": averaging,
        "augment": augment,
    }
    recipe = _recipe(recipe or recipe_for(data.name, len(data.y_train)), given)
    check_task(net, data, recipe)
    session, interrupted = _Session(net, data, recipe, seed), False
    try:
        for _ in range(recipe.epochs):
            epoch = session.epoch()
            if progress is not None:
                progress(epoch)
    except KeyboardInterrupt:
        interrupted = True
    net.parameters = session.best_parameters
    settings = {"data": data.name, "seed": seed, **recipe.settings()}
    if session.best is not None:
        net.report = _report(net, data, session.best, settings)
    return History(tuple(session.epochs), session.best, interrupted, settings)


def activity_of(net: Network, x: ArrayLike) -> Activity:
    """Return how active a network is on inputs: what its cost on a core depends on."""
    low, high = net.input_range or (0, 1)
    return Activity.of_spikes(x, low, high, net.run(x).spikes, net.steps)


def _report(net: Network, data: Dataset, best: Epoch, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what export writes into the model's metadata: plain JSON values."""
    return {
        "accuracy": {
            "train": evaluate(net, data.x_train, data.y_train),
            "validation": best.validation_accuracy,
        },
        "firing_rates": list(best.firing_rates),
        "activity": activity_of(net, data.x_validation[:ACTIVITY_SAMPLES]).to_json(),
        "training": {**settings, "best_epoch": best.number},
        "x_scale": np.asarray(data.x_scale).tolist(),
        "x_offset": np.asarray(data.x_offset).tolist(),
    }
