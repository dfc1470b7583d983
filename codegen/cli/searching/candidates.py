"""The networks of a search, made and trained as `spikemcu train` makes and trains them."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from codegen.cli import parser
from codegen.cli.options.data import FILE
from codegen.cli.options.network import RATE
from codegen.cli.train import as_wanted, hidden_layers, network_of, neuron_of, recipe_of
from codegen.report.budget import parse_budget
from codegen.report.report import report
from codegen.report.smallest import smallest
from qat import Network, export, fit
from qat.data.dataset import Dataset
from qat.model import Model, c_name
from qat.model.file import to_bytes
from qat.study.search.costs import Costs
from qat.study.search.space import TRAINING, Options
from qat.study.search.worker import Trained
from qat.train.fit import check_task
from qat.train.recipes import Recipe

QUIET = 0.02
"""Spikes per neuron and step below which no network is expected to work: what a network takes at
least, before it is trained."""
LOOKED_AT = 128
"""Training samples that tell how active the input is."""
LIMITED = ("flash", "ram", "stack", "instructions", "latency")
"""What a search can limit."""
HOPELESS = 1.5
"""Times a limit of flash beyond which no choice of kernels is tried."""
BY_INSTRUCTIONS = ("instructions", "latency")
"""Limits that the usual kernels keep if any do."""
KEPT = 8
"""Data of so many numbers of input bits are kept in memory."""


def limits_of(text: str) -> dict[str, float]:
    """Return the limits of --budget; ValueError for one that a search does not know."""
    names = [part.partition("=")[0].strip() for part in text.split(",")]
    if "energy" in names:
        raise ValueError(f"--budget: energy cannot be searched for; use {', '.join(LIMITED)}")
    return parse_budget(text)


def words_of_file(argv: Sequence[str]) -> list[str]:
    """Return the words of a command line that say how its file is read, as they were typed."""
    options = (RATE, *FILE.options)
    known = ArgumentParser(add_help=False, allow_abbrev=False)
    for option in options:
        option.but(type=None, choices=None, default=None).add_to(known)
    found, _ = known.parse_known_args(list(argv))
    given = [(option, getattr(found, _name(option.words))) for option in options]
    return [
        word
        for option, value in given
        if value is not None
        for word in ([option.words, value] if value else [option.words])
    ]


def _name(words: str) -> str:
    return words.rsplit(maxsplit=1)[-1].lstrip("-").replace("-", "_")


def words_of(options: Options) -> list[str]:
    """Return options as words of `spikemcu train`."""
    named = [(f"--{name.replace('_', '-')}", value) for name, value in options.items()]
    return [word for name, value in named for word in (name, str(value))]


def costs_of(model: Model, board: str, density: float | None = None) -> Costs:
    """Return what a model costs, for the activity of its metadata or so many spikes."""
    told = report(model, board, density)
    return Costs(
        told.flash,
        told.ram + told.stack,
        told.stack,
        told.instructions,
        told.worst,
        told.latency_us,
    )


def fitted(
    model: Model, board: str, limits: Mapping[str, float], density: float | None = None
) -> tuple[Model, Costs]:
    """Return a model and its costs; one too large for the flash with kernels that take the least.

    The model's file then names them. Where that mends nothing, the model is returned as it is.
    """
    costs, most = costs_of(model, board, density), limits.get("flash", math.inf)
    slow = {name: limit for name, limit in limits.items() if name in BY_INSTRUCTIONS}
    if not most < costs.flash <= HOPELESS * most or max(costs.over(slow), default=0.0) > 0:
        return model, costs  # other kernels take more instructions
    small = smallest(model, board)
    less = costs_of(small, board, density)
    mends = max(less.over(limits)) < max(costs.over(limits))
    return (small, less) if mends else (model, costs)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network that was made and not trained; see qat.study.search.worker.Prepared."""

    options: Options
    board: str
    limits: Mapping[str, float]
    untrained: Callable[[int], Network]
    data: Dataset
    recipe: Recipe
    costs: Costs

    @property
    def epochs(self) -> int:
        """Epochs of its training."""
        return self.recipe.epochs

    def train(self, epochs: int, seed: int, told: Callable[[], None]) -> Trained:
        """Train it anew for so many epochs, and return what came of it."""
        net, recipe = self.untrained(seed), self.recipe.over(epochs)
        history = fit(net, self.data, seed, recipe=recipe, progress=lambda _: told())
        if history.interrupted or history.best is None:
            raise KeyboardInterrupt
        model = export(net, c_name(self.data.name))
        accuracy, loss = history.best.validation_accuracy, history.best.validation_loss
        model = replace(model, metadata={**model.metadata, "accuracy": {"validation": accuracy}})
        model, costs = fitted(model, self.board, self.limits)
        return Trained(to_bytes(model), accuracy, loss, costs)


class Maker:
    """Makes the networks of one search of their options.

    argv:   the words of `spikemcu search`
    epochs: of a training that is not ended early; None for the recipe's
    """

    def __init__(self, argv: Sequence[str], arguments: Namespace, data: Dataset) -> None:
        self.task: str = arguments.data
        self.board: str = arguments.board
        self.seed: int = arguments.seed
        self.epochs: int | None = arguments.epochs
        self.limits = limits_of(arguments.budget)
        self.data = data
        self._file = words_of_file(argv)
        self._parser = parser()  # made once: a search reads hundreds of command lines
        self._kept = lru_cache(KEPT)(data.with_input_bits)

    def words(self, options: Options, output: str) -> list[str]:
        """Return the words of the `spikemcu train` that trains a network of these options."""
        return [
            *("train", self.task, *self._file),
            *(*words_of(options), "--seed", str(self.seed), "-o", output),
        ]

    def data_of(self, options: Options) -> Dataset:
        """Return the data as a network of these options reads them."""
        return self._read(self._arguments(options))

    def __call__(self, options: Options) -> Candidate:
        """Return the network of options; ValueError for one that cannot be."""
        asked = {name: options[name] for name in TRAINING}
        options = {k: v for k, v in options.items() if k not in asked}
        arguments = self._arguments(options)
        data = self._read(arguments)

        def untrained(seed: int) -> Network:
            return network_of(Namespace(**{**vars(arguments), "seed": seed}), data)

        net = untrained(self.seed)
        recipe = recipe_of(arguments, data, net)
        recipe = recipe if self.epochs is None else recipe.over(self.epochs)
        told = _settings(recipe, asked, len(data.y_train))
        recipe = replace(recipe, **told)
        check_task(net, data, recipe)
        least = self._least(net, data)
        about = {**options, **told}, self.board, self.limits
        return Candidate(*about, untrained, data, recipe, least)

    def _least(self, net: Network, data: Dataset) -> Costs:
        """Return what a network takes at least: the bytes of its C, and few spikes.

        Behind batch norms an untrained network is about as active as a trained one.
        """
        x = data.x_train[:LOOKED_AT]
        start = net.parameters
        if net.normalised:
            net.parameters = net.measured(x)
        model = export(net, "candidate", x)
        net.parameters = start
        model, quiet = fitted(model, self.board, self.limits, QUIET)
        if not net.normalised or max(quiet.over(self.limits), default=0.0) > 0:
            return quiet
        _, measured = fitted(model, self.board, self.limits)  # bytes depend on the activity
        return replace(measured, instructions=quiet.instructions, latency=quiet.latency)

    def _arguments(self, options: Options) -> Namespace:
        return self._parser.parse_args(self.words(options, "model.npz"))

    def _read(self, arguments: Namespace) -> Dataset:
        layers = hidden_layers(arguments, self.data)
        return as_wanted(
            self._kept(arguments.input_bits), layers, neuron_of(arguments, layers, self.data)
        )


def _settings(recipe: Recipe, asked: Options, samples: int) -> dict[str, Any]:
    """Return the settings of a training that are not the recipe's, as they are typed.

    asked: values of space.TRAINING; samples: of training
    """
    found: dict[str, Any] = {
        "epochs": recipe.epochs,
        "learning_rate": _rounded(recipe.learning_rate * asked["rate_factor"]),
        "rate_penalty": _rounded(recipe.rate_penalty * asked["penalty_factor"]),
    }
    if asked["decay"] is not None:
        found["weight_decay"] = asked["decay"]
    if asked["share"] is not None:
        over = asked["share"] * recipe.epochs * max(1, round(samples / recipe.batch_size))
        found["averaging"] = round(1 - _rounded(1 / max(over, 1.0)), 9)
    return found


def _rounded(value: float) -> float:
    """Return a setting with the digits that are worth typing."""
    return float(f"{value:.2g}")
