"""The accuracy table: tasks, networks, settings and goals, and how a line of it is measured.

Settings were chosen on validation data; what is measured is the integer model on the test part,
beside the same network with real weights, trained in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from codegen.cli.teaching import by_own_code
from qat.data.dataset import Dataset
from qat.data.named import DATASETS, load, watch_fold
from qat.model import Model, c_name
from qat.model.notation import LayerNote, dense, on_maps, parse
from qat.train.export import export
from qat.train.fit import evaluate, fit, require_whole
from qat.train.history import Epoch
from qat.train.network import Network
from qat.train.neurons import NEURONS
from qat.train.recipes import Recipe, recipe_for
from qat.train.teacher import Teacher

INTEGER_SETTINGS = ("resolution", "membrane_bits")
"""Settings of a network that mean nothing where weights are real."""

TEACHING: Mapping[str, float] = MappingProxyType({"part": 0.7, "temperature": 2.0})
"""Settings of qat.train.teacher.Teacher, chosen by the validation loss of `mnist-conv`."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Row:
    """A line of the table.

    data:       a name of qat.data.named.DATASETS
    hidden:     neurons of the hidden layers; none where `layers` says them
    bits:       of the weights, per layer
    goal:       test accuracy to reach, or None
    within:     how far below the float network of the same seeds it may be, or None
    against:    the row that `within` means in place of the float network, or None
    firing:     spikes per neuron and step that it may take at most, or None
    seeds:      over how many the mean is taken
    input_bits: the upper bits of the inputs that are kept, None for all
    steps:      T
    by_subject: the seed chooses the subject who is left out for the test as well
    layers:     hidden layers in the notation of qat.model.notation, in place of `hidden`
    network:    further settings of qat.Network
    training:   settings of `fit` in place of the recipe's
    teachers:   the row whose models teach the networks, by the labels and by what they say
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
    layers: str | None = None
    teachers: str | None = None

    @property
    def notes(self) -> tuple[LayerNote, ...]:
        """The hidden layers."""
        return dense(self.hidden) if self.layers is None else parse(self.layers)

    @property
    def on_maps(self) -> bool:
        """True if a layer looks at a map; windows of a recording are then read as one."""
        return on_maps(self.notes)

    @property
    def normalised(self) -> bool:
        """True if batch norms stand before the neurons, as in qat.Network."""
        counts = NEURONS[self.network.get("neuron", "lif")].normalised
        return counts or any(note.extent is not None for note in self.notes)

    @property
    def recipe(self) -> Recipe:
        """The settings of the training."""
        samples, kind = DATASETS[self.data].samples[0], (self.normalised, self.on_maps)
        return replace(recipe_for(self.data, samples, *kind), **self.training)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden neurons where `layers` does not say them, outputs."""
        shape = DATASETS[self.data].shape
        inputs = prod(shape) if self.on_maps else shape[-1]
        return (inputs, *self.hidden, DATASETS[self.data].classes)

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
            **({} if self.layers is None else {"layers": self.layers}),
            **({} if self.teachers is None else {"teachers": self.teachers, **TEACHING}),
        }

    def float_settings(self) -> dict[str, Any]:
        """Return what the same network with real weights depends on: no bits, no resolution."""
        settings = self.settings()
        network = {k: v for k, v in settings["network"].items() if k not in INTEGER_SETTINGS}
        return {**settings, "bits": None, "network": network}

    def prepared(self, seed: int) -> Dataset:
        """Return the data set with the inputs of this row."""
        data = watch_fold(seed) if self.by_subject else load(self.data)
        data = data if self.input_bits is None else data.with_input_bits(self.input_bits)
        return data.as_maps() if self.on_maps else data

    def untrained(self, bits: Sequence[int | None], data: Dataset, seed: int) -> Network:
        """Return the network of this row with these bits."""
        return Network(
            self.sizes,
            bits,
            self.steps,
            input="analog" if data.x_train.ndim == 2 else "frames",
            input_range=data.input_range,
            layers=self.layers,
            grid=data.grid if self.on_maps else None,
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
_COUNTS: Mapping[str, Any] = {
    "steps": 1,
    "input_bits": 4,
    "network": {"neuron": "burst", "levels": 3},
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
        "mnist-16-counts": Row(
            "mnist-16",
            (128,),
            _WIDE_OUTPUT,
            goal=0.984,
            **{**_COUNTS, "network": {"neuron": "burst", "levels": 7}},
        ),
        "digits-counts": Row(
            "digits",
            (32,),
            (2, 4),
            goal=0.985,
            steps=1,
            network={"neuron": "burst", "levels": 3},
            training={"keep": "last"},
        ),
        "digits-counts-4": Row(
            "digits",
            (40,),
            (4, 4),
            goal=0.985,
            seeds=5,
            input_bits=4,
            steps=1,
            network={"neuron": "burst", "levels": 3},
            training={"epochs": 150, "averaging": 0.997, "weight_decay": 0.1, "keep": "last"},
        ),
        "watch-conv": Row(
            "watch",
            (),
            _WIDE_OUTPUT,
            within=-0.015,
            against="watch",
            seeds=10,
            by_subject=True,
            layers="32c7s2-ag",
            steps=1,
            network={"neuron": "burst", "levels": 3},
            training={"epochs": 40},
        ),
        "mnist-conv-small": Row(
            "mnist-16", (), (2, 2, 2), goal=0.989, layers="16c3-p2-32c3v-p2", **_COUNTS
        ),
        "mnist-conv-teacher": Row(
            "mnist-16",
            (),
            (2, 2, 2, 2, 8),
            layers="32c3-p2-32c3-32c3-p2-32c3v",
            **_COUNTS,
        ),
        "mnist-conv": Row(
            "mnist-16",
            (),
            (2, 2, 2, 4),
            goal=0.993,
            layers="32c3s2-32c3-p2-32c3v",
            training={"epochs": 60, "averaging": 0.998},
            **_COUNTS,
        ),
        "mnist-conv-large": Row(
            "mnist-16",
            (),
            (2, 2, 2, 2, 8),
            goal=0.995,
            layers="32c3-p2-32c3-32c3-p2-32c3v",
            training={"epochs": 45, "averaging": 0.998},
            teachers="mnist-conv-teacher",
            **_COUNTS,
        ),
        "fashion-conv": Row(
            "fashion-mnist",
            (),
            (2, 2, 2, 2, 4),
            goal=0.905,
            layers="32c3-p2-32c3v-p2-32c3-64c3v-p2",
            steps=1,
            network={"neuron": "burst", "levels": 3},
            training={"epochs": 12},
        ),
    }
)
"""The table: dense layers from the quickest line to the slowest, then layers that count, on maps
as well. The rows with a resolution of their own train the dense models in tests/examples, whose
membranes take 11 bits; the rows mnist-conv train those of the same names."""


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
    teachers: Sequence[Model] = (),
    progress: Callable[[Epoch], object] | None = None,
    keep: Path | None = None,
) -> Trial:
    """Train one network of a row and return what it reaches.

    real:     with real weights in place of the row's bits
    teachers: the models of the row that teaches, by their own C
    keep:     a file to write the model to, which `spikemcu train` makes with the same settings
    """
    data = row.prepared(seed)
    net = row.untrained([None] * len(row.bits) if real else row.bits, data, seed)
    teacher = Teacher(teachers, **TEACHING, run=by_own_code) if teachers else None
    history = fit(net, data, seed, recipe=row.recipe, teacher=teacher, progress=progress)
    best = require_whole(history)
    trained = net if real else export(net)
    reached = {
        part: evaluate(trained, getattr(data, f"x_{part}"), getattr(data, f"y_{part}"))
        for part in ("validation", "test")
    }
    if keep is not None and isinstance(trained, Model):
        _save(trained, reached, keep)
    return Trial(
        reached["validation"],
        reached["test"],
        best.firing_rates,
        None if isinstance(trained, Network) else trained.digest(),
        round(history.seconds, 1),
    )


def _save(model: Model, reached: Mapping[str, float], path: Path) -> None:
    """Write a model whose metadata say what it reaches; its name is that of the file."""
    accuracy = {**model.metadata["accuracy"], **reached}
    metadata = {**model.metadata, "accuracy": accuracy}
    replace(model, name=c_name(path.stem), metadata=metadata).save(path)
