"""The networks of a search, made and trained as `spikemcu train` makes and trains them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from codegen.cli import parser
from codegen.cli.options.data import FILE
from codegen.cli.options.network import RATE
from codegen.cli.train import as_wanted, hidden_layers, network_of, neuron_of, recipe_of
from codegen.report.report import report
from qat import Epoch, Network, export, fit
from qat.data.dataset import Dataset
from qat.model import Model, c_name
from qat.model.file import to_bytes
from qat.study.search.costs import Costs
from qat.study.search.space import Options
from qat.study.search.worker import Trained
from qat.train.fit import check_task
from qat.train.recipes import Recipe

QUIET = 0.02
"""Spikes per neuron and step below which no network is expected to work: what a network takes at
least, before it is trained."""
LOOKED_AT = 128
"""Training samples that tell how active the input is."""
SHARE_OF_EPOCHS = 3
"""A search trains for so many times fewer epochs than the recipe."""
KEPT = 8
"""Data of so many numbers of input bits are kept in memory."""


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


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network that was made and not trained; see qat.study.search.worker.Prepared."""

    options: Options
    board: str
    net: Network
    data: Dataset
    recipe: Recipe
    seed: int
    costs: Costs

    @property
    def epochs(self) -> int:
        """Epochs of its training."""
        return self.recipe.epochs

    def train(self, told: Callable[[int, float], None]) -> Trained:
        """Train, and return what came of it."""

        def show(epoch: Epoch) -> None:
            told(epoch.number, epoch.validation_accuracy)

        history = fit(self.net, self.data, self.seed, recipe=self.recipe, progress=show)
        if history.interrupted or history.best is None:
            raise KeyboardInterrupt
        model = export(self.net, c_name(self.data.name))
        accuracy, loss = history.best.validation_accuracy, history.best.validation_loss
        model = replace(model, metadata={**model.metadata, "accuracy": {"validation": accuracy}})
        return Trained(to_bytes(model), accuracy, loss, costs_of(model, self.board))


class Maker:
    """Makes the networks of one search of their options.

    argv:   the words of `spikemcu search`
    epochs: of every training; None for a third of the recipe's
    """

    def __init__(self, argv: Sequence[str], arguments: Namespace, data: Dataset) -> None:
        self.task: str = arguments.data
        self.board: str = arguments.board
        self.seed: int = arguments.seed
        self.epochs: int | None = arguments.epochs
        self.data = data
        self._file = words_of_file(argv)
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
        factors = {name: options[name] for name in ("rate_factor", "penalty_factor")}
        options = {k: v for k, v in options.items() if k not in factors}
        arguments = self._arguments(options)
        data = self._read(arguments)
        net = network_of(arguments, data)
        recipe = recipe_of(arguments, data, net)
        told: dict[str, Any] = {
            "learning_rate": _rounded(recipe.learning_rate * factors["rate_factor"]),
            "rate_penalty": _rounded(recipe.rate_penalty * factors["penalty_factor"]),
        }
        epochs = self.epochs or max(1, -(-recipe.epochs // SHARE_OF_EPOCHS))
        recipe = replace(recipe, epochs=epochs, **told)
        check_task(net, data, recipe)
        least = self._least(net, data)
        return Candidate({**options, **told}, self.board, net, data, recipe, self.seed, least)

    def _least(self, net: Network, data: Dataset) -> Costs:
        """Return what a network takes at least: the bytes of its C, and few spikes."""
        x = data.x_train[:LOOKED_AT]
        start = net.parameters
        if net.normalised:
            net.parameters = net.measured(x)
        model = export(net, "candidate", x)
        net.parameters = start
        return costs_of(model, self.board, QUIET)

    def _arguments(self, options: Options) -> Namespace:
        return parser().parse_args(self.words(options, "model.npz"))

    def _read(self, arguments: Namespace) -> Dataset:
        layers = hidden_layers(arguments, self.data)
        return as_wanted(
            self._kept(arguments.input_bits), layers, neuron_of(arguments, layers, self.data)
        )


def _rounded(value: float) -> float:
    """Return a setting with the digits that are worth typing."""
    return float(f"{value:.2g}")
