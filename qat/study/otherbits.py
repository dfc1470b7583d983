"""The network of a training with other bits: rounded, then trained a little.

What it takes is limited in updates, never in seconds, so that the same training says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qat.data.dataset import Dataset
from qat.model import Model
from qat.train.divergence import Unbounded
from qat.train.export import activity_of, export
from qat.train.judging import judge
from qat.train.network import Network
from qat.train.recipes import Recipe
from qat.train.session import Session

BITS = (2, 4, 8)
UPDATES = 90
"""Weight updates of the little training, at most."""
WORK = 4e8
"""Products that the little training may take; where a few updates take more, there is none."""
LEAST_UPDATES = 20
JUDGED = 1000
"""Validation samples that judge."""
MEASURED = 200
"""Validation samples on which the activity is measured."""
GENTLE = 0.3
"""Learning rate, as a part of that of the training before."""


@dataclass(frozen=True, eq=False)
class OtherBits:
    """A network with other bits.

    bits:     of the weights; the output layer keeps its own if it was given some
    accuracy: of `model` on validation data
    updates:  of the weights after the rounding; 0 for rounded weights
    """

    bits: int
    accuracy: float
    updates: int
    model: Model


def validation_accuracy(model: Model, data: Dataset) -> float:
    """Return the accuracy on the validation samples that judge here."""
    x, y = data.x_validation[:JUDGED], data.y_validation[:JUDGED]
    return judge(lambda piece: model.run(piece).predictions, x, y, model.outputs).accuracy


def with_other_bits(
    net: Network, data: Dataset, settings: Mapping[str, Any], bits: int, output_bits: int | None
) -> OtherBits | None:
    """Return a trained network with other bits; None where it cannot be a model.

    settings: of the training that made `net`, as History.settings has them
    """
    hidden = len(net.bits) - 1
    other = net.with_bits([bits] * hidden + [output_bits or bits])
    batch = int(settings["batch_size"])
    updates = _updates(net, batch)
    try:
        if updates:
            updates = _train_a_little(other, data, settings, updates)
        else:
            other.parameters = other.measured(data.x_train)
        x = data.x_validation[:MEASURED]
        other.report = {
            "firing_rates": list(other.run(x).firing_rates),
            "activity": activity_of(other, x).to_json(),
        }
        other.sensor = data.sensor
        model = export(other, "other")
    except (ValueError, Unbounded):
        return None
    return OtherBits(bits, validation_accuracy(model, data), updates, model)


def _updates(net: Network, batch: int) -> int:
    """Return how many updates may be taken, 0 where the network is too large for some."""
    most = min(UPDATES, int(WORK / (batch * net.products)))
    return most if most >= LEAST_UPDATES else 0


def _train_a_little(net: Network, data: Dataset, settings: Mapping[str, Any], updates: int) -> int:
    """Train `net` in place on so many batches; return how many there were."""
    batch = int(settings["batch_size"])
    chosen = np.random.RandomState(0).permutation(len(data.y_train))[: updates * batch]
    of_an_epoch = max(1, round(len(chosen) / batch))
    epochs = max(1, updates // of_an_epoch)
    few = replace(
        data,
        x_train=data.x_train[chosen],
        y_train=data.y_train[chosen],
        x_validation=data.x_validation[:JUDGED],
        y_validation=data.y_validation[:JUDGED],
        originals=None,
        steps=(),
    )
    rate = GENTLE * float(settings["learning_rate"])
    recipe = Recipe(epochs, batch, rate, float(settings["weight_decay"]),
                    float(settings["rate_penalty"]),
                    even_penalty=net.normalised)  # fmt: skip
    session = Session(net, few, recipe, 0)
    for _ in range(epochs):
        session.epoch()
    net.parameters = session.best_parameters
    return epochs * of_an_epoch
