"""Training: backpropagation through time over mini-batches, the best epoch kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.data.augment import Affine
from qat.data.dataset import Dataset
from qat.data.origin import KEY, DataOrigin
from qat.machine.memory import require
from qat.model import Model
from qat.train import health
from qat.train.compiled import loops
from qat.train.divergence import DivergedError, Unbounded, in_words
from qat.train.export import activity_of, export
from qat.train.history import Epoch, History
from qat.train.network import Network
from qat.train.recipes import Augment, Keep, Recipe, recipe_for
from qat.train.runs import RunFolder, data_digest
from qat.train.session import Session
from qat.train.surrogate import SURROGATES
from qat.train.teacher import Teacher

ACTIVITY_SAMPLES = 1000
"""Validation samples on which the activity is measured."""

KEPT = get_args(Keep)


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


def check_task(net: Network, data: Dataset, recipe: Recipe) -> None:
    """Raise ValueError if the data does not fit network or recipe, or the task the memory."""
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
    grid = data.grid
    if (
        isinstance(recipe.augment, Affine)
        and grid
        and (grid.channels, grid.width) != (1, grid.height)
    ):
        raise ValueError(
            f"augment: changes square pictures of one channel; {data.name} has {grid}; leave the "
            "recipe's changes out (--changes 0, augment=False)"
        )
    if recipe.spending is not None and len(recipe.spike_cost) != len(net.layers):
        raise ValueError(
            f"spike_cost: found {len(recipe.spike_cost)} numbers; the network has "
            f"{len(net.layers)} spiking layers"
        )
    require(
        f"training on {data.name}",
        net.training_bytes(min(recipe.batch_size, len(data.y_train))),
        "use a smaller batch_size, fewer steps or fewer neurons",
    )


def _recipe(start: Recipe, given: dict[str, Any]) -> Recipe:
    """Return a recipe with some settings replaced, or raise ValueError."""
    if given["augment"] is False:
        start, given = replace(start, augment=None), {**given, "augment": None}
    recipe = replace(start, **{name: value for name, value in given.items() if value is not None})
    for name in ("epochs", "batch_size"):
        if not isinstance(getattr(recipe, name), int) or getattr(recipe, name) < 1:
            raise ValueError(f"{name}: found {getattr(recipe, name)!r}; must be 1 or more")
    for name in ("learning_rate", "weight_decay", "rate_penalty", "rate_target"):
        if not 0 <= getattr(recipe, name) < float("inf"):
            raise ValueError(f"{name}: found {getattr(recipe, name)}; must be 0 or more, finite")
    if recipe.keep not in KEPT:
        raise ValueError(f"keep: found {recipe.keep!r}; use {' or '.join(KEPT)}")
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
    keep: Keep | None = None,
    spike_cost: Sequence[float] | None = None,
    cost_target: float | None = None,
    cost_penalty: float | None = None,
    augment: Augment | Literal[False] | None = None,
    recipe: Recipe | None = None,
    teacher: Teacher | None = None,
    progress: Callable[[Epoch], object] | None = None,
    run: str | PathLike[str] | None = None,
    resume: bool = False,
) -> History:
    """Train `net` in place and leave it with the weights of its best epoch on validation data.

    Adam with a cosine schedule over mini-batches; the same seed gives the same network. The
    settings that are not given come from `qat.RECIPES` for the data set, or are made to fit
    its size. Best is the highest validation accuracy, then the lowest validation loss; with
    keep="last" it is the last epoch, whatever validation says.
    Ctrl-C ends the training and keeps the best epoch so far, or, if none was finished, the
    weights from before the call; the History says so. A training that diverges ends in the same
    way: its best epoch is kept, and `History.diverged` is a line about it.

    spike_cost: instructions per spike of each spiking layer; with it, what an inference spends
              on spikes beyond `cost_target` instructions adds `cost_penalty` times that excess,
              relative to the target, to the loss
    recipe:   the settings to start from instead
    augment:  called with every batch of training inputs (as they were before `with_input_bits`)
              and a random generator; returns inputs. False: inputs stay as they are, whatever
              the recipe does
    teacher:  models to learn from besides the labels, read as the network's inputs are
    progress: called with every finished Epoch
    run:      a folder for settings, history, checkpoint and best model (see runs.py), written
              after every epoch; an older run in it is replaced
    resume:   go on from the checkpoint in `run`; on the same machine the result is that of a
              run without interruption. A run that had finished is only loaded

    Raises ValueError if the data does not fit the network, a setting is out of range, or `run`
    holds no checkpoint of these settings. Raises DivergedError, a RuntimeError, if the training
    diverged before an epoch was finished: the weights are those from before the call.
    """
    if resume and run is None:
        raise ValueError("resume: needs the run folder, run=")
    given = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "rate_penalty": rate_penalty,
        "rate_target": rate_target,
        "averaging": averaging,
        "keep": keep,
        "spike_cost": None if spike_cost is None else tuple(spike_cost),
        "cost_target": cost_target,
        "cost_penalty": cost_penalty,
        "augment": augment,
    }
    kind = net.normalised, net.grid is not None, net.recurrent
    recipe = _recipe(recipe or recipe_for(data.name, len(data.y_train), *kind), given)
    check_task(net, data, recipe)
    session = Session(net, data, recipe, seed, None if teacher is None else teacher.of(data))
    settings = _settings(data, recipe, seed, teacher)
    folder = None if run is None else _opened(Path(run), resume, session, settings)
    ran = loops(SURROGATES[net.surrogate])  # compiled before an epoch is timed
    interrupted, diverged = _train(session, folder, progress)
    _take_best(session, settings, folder)
    warnings = health.of_network(net) if net.is_float else health.of_model(export(net))
    return History(
        tuple(session.epochs), session.best, interrupted, settings, warnings, diverged, ran
    )


def _take_best(session: Session, settings: dict[str, Any], folder: RunFolder | None) -> None:
    """Give the network the weights of the best epoch, and write its model into the folder."""
    net, best, data = session.net, session.best, session.data
    net.parameters = session.best_parameters
    if best is None:
        return
    net.report = _report(net, data, best, settings)
    net.sensor = data.sensor
    if folder is not None and not net.is_float:
        folder.write_model(export(net))


def require_whole(history: History) -> Epoch:
    """Return the best epoch of a training that was finished.

    Raises KeyboardInterrupt if Ctrl-C ended it, DivergedError if it diverged: where trainings are
    compared, half of one is none.
    """
    if history.diverged is not None:
        raise DivergedError(history.diverged)
    if history.interrupted or history.best is None:
        raise KeyboardInterrupt
    return history.best


def _settings(data: Dataset, recipe: Recipe, seed: int, teacher: Teacher | None) -> dict[str, Any]:
    learned_from = {} if teacher is None else teacher.settings()
    return {"data": data.name, "seed": seed, **recipe.settings(), **learned_from}


def _opened(path: Path, resume: bool, session: Session, training: dict[str, Any]) -> RunFolder:
    """Return the run's folder, the session having gone on from its checkpoint if wanted."""
    data = {"name": session.data.name, "digest": data_digest(session.data)}
    network = session.net.settings()
    folder = RunFolder(path, {"network": network, "training": training, "data": data})
    if not resume:
        folder.begin()
        return folder
    values, arrays = folder.load()
    try:
        session.restore(values, arrays)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise folder.damaged(error) from None
    return folder


def _train(
    session: Session, folder: RunFolder | None, progress: Callable[[Epoch], object] | None
) -> tuple[bool, str | None]:
    """Train the epochs that are left; return (True if Ctrl-C ended them early, how it diverged).

    Raises DivergedError where no epoch was finished before, the weights being those from before.
    """
    try:
        while len(session.epochs) < session.recipe.epochs:
            epoch = session.epoch()
            if folder is not None:
                folder.save(*session.state())
                if epoch is session.best and not session.net.is_float:
                    folder.write_model(_model(session, epoch))
            if progress is not None:
                progress(epoch)
    except KeyboardInterrupt:
        return True, None
    except Unbounded as fault:
        diverged = in_words(fault, len(session.epochs) + 1, session.recipe)
        if session.best is None:
            session.net.parameters = session.best_parameters
            raise DivergedError(diverged) from None
        return False, diverged
    return False, None


def _model(session: Session, best: Epoch) -> Model:
    """Return the model of the best epoch so far, with what validation said of it."""
    net = copy(session.net)
    net.parameters = session.best_parameters
    net.report = {
        "accuracy": {"validation": best.validation_accuracy},
        "firing_rates": list(best.firing_rates),
        **_scaling(session.data),
    }
    net.sensor = session.data.sensor
    return export(net)


def _report(net: Network, data: Dataset, best: Epoch, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what export writes into the model's metadata: plain JSON values."""
    return {
        "accuracy": {
            "train": evaluate(net, data.x_train, data.y_train),
            "validation": best.validation_accuracy,
        },
        "firing_rates": list(best.firing_rates),
        "idle_neurons": health.idle_neurons(net, data.x_validation),
        "activity": activity_of(net, data.x_validation[:ACTIVITY_SAMPLES]).to_json(),
        "training": {
            **settings,
            "best_epoch": best.number,
            "loops": loops(SURROGATES[net.surrogate]),
        },
        **_scaling(data),
    }


def _scaling(data: Dataset) -> dict[str, Any]:
    """Return what the inputs stand for, and the samples of a sensor that they are made of."""
    about: dict[str, Any] = {
        "x_scale": np.asarray(data.x_scale).tolist(),
        "x_offset": np.asarray(data.x_offset).tolist(),
        KEY: DataOrigin.of_data(data).to_json(),
    }
    if data.raw is not None:
        about["sample_unit"] = data.raw.plain_unit
        about["channels"] = list(data.channel_names)
    return about
