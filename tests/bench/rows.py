"""The accuracy table: tasks, networks, settings and goals, and how a line of it is measured.

Settings were chosen on validation data; what is measured is the integer model on the test part,
beside the same network with real weights, trained in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from qat.data.dataset import Dataset
from qat.data.named import DATASETS, load, watch_fold
from qat.train.export import export
from qat.train.fit import evaluate, fit, require_whole
from qat.train.history import Epoch
from qat.train.network import Network
from qat.train.recipes import Recipe, recipe_for

INTEGER_SETTINGS = ("resolution", "membrane_bits")
"""Settings of a network that mean nothing where weights are real."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Row:
    """A line of the table.

    data:       a name of qat.data.named.DATASETS
    hidden:     neurons of the hidden layers
    bits:       of the weights, per layer
    goal:       test accuracy to reach, or None
    within:     how far below the float network of the same seeds it may be, or None
    against:    the row that `within` means in place of the float network, or None
    firing:     spikes per neuron and step that it may take at most, or None
    seeds:      over how many the mean is taken
    input_bits: the upper bits of the inputs that are kept, None for all
    steps:      T
    by_subject: the seed chooses the subject who is left out for the test as well
    network:    further settings of qat.Network
    training:   settings of `fit` in place of the recipe's
    """

    data: str
    hidden: tuple[int, ...]
    bits: tuple[int, ...]
    goal: float | None = None
    within: float | None = None
    against: str | None = None
    firing: float | None = None
    seeds: int = 3
    input_bits: int | None = None
    steps: int = 8
    by_subject: bool = False
    network: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    training: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def recipe(self) -> Recipe:
        """The settings of the training."""
        return replace(recipe_for(self.data, DATASETS[self.data].samples[0]), **self.training)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden neurons, outputs."""
        return (DATASETS[self.data].shape[-1], *self.hidden, DATASETS[self.data].classes)

    def settings(self) -> dict[str, Any]:
        """Return all that a result depends on, the seed apart, as plain JSON values."""
        return {
            "data": self.data,
            "sizes": list(self.sizes),
            "bits": list(self.bits),
            "input_bits": self.input_bits,
            "steps": self.steps,
            "network": dict(self.network),
            "training": self.recipe.settings(),
            **({"by_subject": True} if self.by_subject else {}),
        }

    def float_settings(self) -> dict[str, Any]:
        """Return what the same network with real weights depends on: no bits, no resolution."""
        settings = self.settings()
        network = {k: v for k, v in settings["network"].items() if k not in INTEGER_SETTINGS}
        return {**settings, "bits": None, "network": network}

    def prepared(self, seed: int) -> Dataset:
        """Return the data set with the inputs of this row."""
        data = watch_fold(seed) if self.by_subject else load(self.data)
        return data if self.input_bits is None else data.with_input_bits(self.input_bits)

    def untrained(self, bits: Sequence[int | None], data: Dataset, seed: int) -> Network:
        """Return the network of this row with these bits."""
        return Network(
            self.sizes,
            bits,
            self.steps,
            input="analog" if data.x_train.ndim == 2 else "frames",
            input_range=data.input_range,
            seed=seed,
            **self.network,
        )


_IMAGES: Mapping[str, Any] = {"input_bits": 4, "training": {"epochs": 60, "rate_penalty": 0.01}}
_SPARSE: Mapping[str, Any] = {"input_bits": 4, "training": {"epochs": 60, "rate_penalty": 0.022}}
_SMALL_IMAGES: Mapping[str, Any] = {
    "input_bits": 4,
    "network": {"resolution": 4},
    "training": {"epochs": 60, "rate_penalty": 0.005},
}
_BY_NEURON: Mapping[str, Any] = {
    "network": {"threshold": "neuron"},
    "training": {"averaging": 0.99},
}
_SMALL_BY_NEURON: Mapping[str, Any] = {
    "input_bits": 4,
    "network": {"resolution": 4, "threshold": "neuron"},
    "training": {"epochs": 120, "rate_penalty": 0.005, "averaging": 0.9995},
}
_SMALL_LONG: Mapping[str, Any] = {
    **_SMALL_BY_NEURON,
    "training": {**_SMALL_BY_NEURON["training"], "epochs": 100, "rate_penalty": 0.002},
}
_WIDE: Mapping[str, Any] = {
    "input_bits": 4,
    "network": {"threshold": "neuron"},
    "training": {"epochs": 60, "learning_rate": 5e-4, "rate_penalty": 0.003},
}
_TERNARY, _WIDE_OUTPUT = (2, 2), (2, 8)

ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "digits": Row("digits", (64,), _TERNARY, goal=0.975, seeds=5, **_BY_NEURON),
        "japanese-vowels": Row(
            "japanese-vowels", (64,), _WIDE_OUTPUT, within=0.005, seeds=10, steps=25
        ),
        "basic-motions": Row(
            "basic-motions", (64,), _WIDE_OUTPUT, within=0.01, seeds=20, steps=100
        ),
        "watch": Row(
            "watch", (64,), _WIDE_OUTPUT, within=0.01, seeds=10, steps=32, by_subject=True
        ),
        "mnist-16-128": Row("mnist-16", (128,), _WIDE_OUTPUT, goal=0.985, **_SMALL_IMAGES),
        "mnist-16-128-neuron": Row(
            "mnist-16", (128,), _WIDE_OUTPUT, goal=0.985, **_SMALL_BY_NEURON
        ),
        "mnist-16-256": Row("mnist-16", (256,), _WIDE_OUTPUT, goal=0.988, **_SMALL_LONG),
        "mnist-128": Row("mnist", (128,), _WIDE_OUTPUT, goal=0.985, **_IMAGES),
        "mnist-128-sparse": Row(
            "mnist", (128,), _WIDE_OUTPUT, within=0.001, against="mnist-128", firing=0.06, **_SPARSE
        ),
        "mnist-128-narrow": Row(
            "mnist", (128,), _WIDE_OUTPUT, goal=0.985, network={"resolution": 5}, **_IMAGES
        ),
        "mnist-128-ternary": Row("mnist", (128,), _TERNARY, goal=0.982, **_IMAGES),
        "mnist-512-ternary": Row("mnist", (512,), _TERNARY, goal=0.989, **_WIDE),
        "fashion-mnist": Row("fashion-mnist", (128,), _WIDE_OUTPUT, goal=0.883),
    }
)
"""The table, from the quickest line to the slowest. The rows with a resolution of their own train
the models in tests/examples, whose membranes take 11 bits."""


@dataclass(frozen=True)
class Trial:
    """One trained network.

    validation, test: accuracy of the integer model (of the network itself for real weights)
    firing_rates:     mean spikes per neuron and step of each spiking layer, on validation data
    digest:           of the model, None for real weights
    seconds:          that training took
    """

    validation: float
    test: float
    firing_rates: tuple[float, ...]
    digest: str | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the trial as JSON values."""
        return asdict(self) | {"numpy": np.__version__}


def measure(
    row: Row,
    seed: int,
    *,
    real: bool = False,
    progress: Callable[[Epoch], object] | None = None,
) -> Trial:
    """Train one network of a row and return what it reaches.

    real: with real weights in place of the row's bits
    """
    data = row.prepared(seed)
    net = row.untrained([None] * len(row.bits) if real else row.bits, data, seed)
    history = fit(net, data, seed, recipe=row.recipe, progress=progress)
    best = require_whole(history)
    trained = net if real else export(net)
    return Trial(
        evaluate(trained, data.x_validation, data.y_validation),
        evaluate(trained, data.x_test, data.y_test),
        best.firing_rates,
        None if isinstance(trained, Network) else trained.digest(),
        round(history.seconds, 1),
    )
