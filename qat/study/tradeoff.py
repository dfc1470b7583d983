"""Accuracy against bits and width: networks trained in float, rounded, and trained in few bits.

Rounding takes the weights of the float network and quantizes them, thresholds and biases with
them (`Network.with_bits`); nothing is trained after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from qat.data.dataset import Dataset
from qat.model import Model
from qat.train.export import export
from qat.train.fit import evaluate, fit, require_whole
from qat.train.history import Epoch
from qat.train.network import Network
from qat.train.quantize import QUANTIZERS
from qat.train.recipes import Recipe

How = Literal["float", "rounded", "trained"]


@dataclass(frozen=True)
class Plan:
    """What is trained: one hidden layer of each width, in float and with each number of bits.

    bits:        of the weights; 2 is ternary
    output_bits: of the output layer, None for the same
    seeds:       of weights and training
    recipe:      the settings of every training

    Raises ValueError for a width or a number of bits that cannot be.
    """

    widths: Sequence[int]
    bits: Sequence[int]
    output_bits: int | None
    steps: int
    seeds: Sequence[int]
    recipe: Recipe

    def __post_init__(self) -> None:
        for width in self.widths:
            if width < 1:
                raise ValueError(f"widths: found {width}; must be 1 or more")
        for bits in self.bits:
            if bits not in QUANTIZERS:
                raise ValueError(f"bits: found {bits}; allowed are 2, 4, 8 and 16")

    def each(self, bits: int | None) -> tuple[int | None, int | None]:
        """Return the bits of both layers."""
        return bits, bits if bits is None else self.output_bits or bits

    @property
    def trainings(self) -> int:
        """How many networks are trained."""
        return len(self.widths) * len(self.seeds) * (1 + len(self.bits))


@dataclass(frozen=True)
class Kind:
    """How a network came about: hidden neurons, bits (None for float), and how it got them."""

    width: int
    bits: int | None
    how: How


@dataclass(frozen=True, eq=False)
class Candidate:
    """One network and its accuracy; `model` is None for real weights."""

    kind: Kind
    seed: int
    validation: float
    test: float
    model: Model | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """A plan on a data set; iterating trains it and yields every network, float ones first.

    progress: called with what is trained and every finished Epoch. Ctrl-C is passed on.
    """

    plan: Plan
    data: Dataset
    progress: Callable[[str, Epoch], object]

    def __iter__(self) -> Iterator[Candidate]:
        for width in self.plan.widths:
            for seed in self.plan.seeds:
                yield from self._of(width, seed)

    def _of(self, width: int, seed: int) -> Iterator[Candidate]:
        real = self._trained(width, None, seed)
        yield self._judged(real, Kind(width, None, "float"), seed)
        for bits in self.plan.bits:
            rounded = real.with_bits(self.plan.each(bits))
            rates = rounded.run(self.data.x_validation).firing_rates
            rounded.report = {"firing_rates": list(rates)}
            yield self._judged(rounded, Kind(width, bits, "rounded"), seed)
            yield self._judged(self._trained(width, bits, seed), Kind(width, bits, "trained"), seed)

    def _trained(self, width: int, bits: int | None, seed: int) -> Network:
        data, plan = self.data, self.plan
        net = Network(
            [data.inputs, width, data.classes],
            plan.each(bits),
            plan.steps,
            input="frames" if data.x_train.ndim == 3 else "analog",
            input_range=data.input_range,
            seed=seed,
        )
        what = f"{width} neurons, {'float' if bits is None else f'{bits} bits'}, seed {seed}"
        show = partial(self.progress, what)
        require_whole(fit(net, data, seed, recipe=plan.recipe, progress=show))
        return net

    def _judged(self, net: Network, kind: Kind, seed: int) -> Candidate:
        data = self.data
        model = None if net.is_float else export(net)
        judged = net if model is None else model
        return Candidate(
            kind,
            seed,
            evaluate(judged, data.x_validation, data.y_validation),
            evaluate(judged, data.x_test, data.y_test),
            model,
        )
