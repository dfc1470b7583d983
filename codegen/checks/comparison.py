"""The equivalence check: two results, compared in every bit, down to the first difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Result


@dataclass(frozen=True)
class Difference:
    """The first value that differs: in the earliest sample, step and layer.

    sample:   the number of a result, counted from 0, where the quantity is of raw samples
    quantity: "u", "spike", "v" or another state array such as "c", "score", "prediction",
              "membrane" (any state after the last step) or "steps" (that were made); or one of
              codegen.checks.streams.QUANTITIES
    step, layer: None where the quantity belongs to the whole inference
    """

    sample: int
    step: int | None
    layer: int | None
    neuron: int
    quantity: str
    expected: int
    found: int

    def __str__(self) -> str:
        """Return one line that says where it is and both values."""
        place = [f"sample {self.sample}"]
        if self.step is not None:
            place.append(f"step {self.step}")
        if self.layer is not None:
            place.append(f"layer {self.layer}")
        place.append(f"{'output' if self.layer is None else 'neuron'} {self.neuron}")
        return (
            f"{', '.join(place)}: {self.quantity} is {self.found}, the model says {self.expected}"
        )


@dataclass(frozen=True)
class Comparison:
    """How many values were compared, how many differ, and the first that does.

    samples, spikes, membranes, scores: values compared
    raw_samples, raw_results: samples of a sensor that were sent, and results that came of them
    differing_spikes, differing_membranes, differing_scores: values among them that differ
    """

    samples: int = 0
    spikes: int = 0
    membranes: int = 0
    scores: int = 0
    differing_spikes: int = 0
    differing_membranes: int = 0
    differing_scores: int = 0
    raw_samples: int = 0
    raw_results: int = 0
    first: Difference | None = None

    def __add__(self, later: Comparison) -> Comparison:
        """Join with the comparison of the samples that follow."""
        first = self.first
        if first is None and later.first is not None:
            shifted = asdict(later.first) | {"sample": later.first.sample + self.samples}
            first = Difference(**shifted)
        names = [name for name in self.__dataclass_fields__ if name != "first"]
        return Comparison(**{n: getattr(self, n) + getattr(later, n) for n in names}, first=first)

    def beside(self, stream: Comparison) -> Comparison:
        """Join with the comparison of raw samples, which are numbered apart."""
        samples, first = self.samples, self.first or stream.first
        return replace(self + replace(stream, first=None), samples=samples, first=first)

    @property
    def differing(self) -> int:
        """All values that differ."""
        return self.differing_spikes + self.differing_membranes + self.differing_scores

    @property
    def line(self) -> str:
        """`0 of N spikes differ`, with what else was compared."""
        others = f"{self.differing_membranes:,} of {self.membranes:,} membranes"
        if self.scores:
            others += f", {self.differing_scores:,} of {self.scores:,} scores"
        if self.raw_samples:
            others += f"; {self.raw_results:,} results of {self.raw_samples:,} raw samples"
        return f"{self.differing_spikes:,} of {self.spikes:,} spikes differ ({others})"

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            "samples": self.samples,
            "compared": {
                "spikes": self.spikes,
                "membranes": self.membranes,
                "scores": self.scores,
                "raw_samples": self.raw_samples,
                "raw_results": self.raw_results,
            },
            "differing": self.differing,
            "differing_spikes": self.differing_spikes,
            "first_difference": None if self.first is None else asdict(self.first),
        }


@dataclass(frozen=True, eq=False)
class Quantity:
    """Two arrays to compare: (row, step, neuron), or (row, neuron) without steps.

    A row that only one of them has differs whole; its values are ABSENT in the other.
    """

    name: str
    layer: int | None
    expected: NDArray[Any]
    found: NDArray[Any]

    @cached_property
    def differs(self) -> NDArray[np.bool_]:
        """Where they differ, with as many rows as the longer one has."""
        rows = len(self.expected), len(self.found)
        both, shape = min(rows), self.expected.shape[1:]
        differs = np.ones((max(rows), *shape), np.bool_)
        np.not_equal(self.expected[:both], self.found[:both], out=differs[:both])
        return differs

    @property
    def first(self) -> Difference | None:
        """The first value that differs."""
        if not self.differs.any():
            return None
        place = tuple(map(int, np.unravel_index(self.differs.argmax(), self.differs.shape)))
        expected, found = (
            int(array[place]) if place[0] < len(array) else ABSENT
            for array in (self.expected, self.found)
        )
        step = place[1] if len(place) == 3 else None
        return Difference(place[0], step, self.layer, place[-1], self.name, expected, found)


ABSENT = -1
"""What is told in place of the values of a row that is not there."""


def first_difference(quantities: Iterable[Quantity]) -> Difference | None:
    """Return the difference of the earliest sample, step and layer; None if there is none."""
    firsts = [first for quantity in quantities if (first := quantity.first) is not None]
    return min(firsts, key=_place, default=None)


def _place(one: Difference) -> tuple[float, float, float]:
    """Return what differences are ordered by; what is of a whole inference comes behind it."""
    step, layer = (np.inf if n is None else n for n in (one.step, one.layer))
    return one.sample, step, layer


def compare_quantities(
    quantities: Sequence[Quantity], counted: Mapping[str, str], **rest: int
) -> Comparison:
    """Compare quantities in every value.

    counted: {name of a quantity: the field of Comparison that its values are counted in}
    rest:    other fields of the Comparison
    """
    compared = dict.fromkeys(counted.values(), 0)
    differing = dict(compared)
    for quantity in quantities:
        heading = counted.get(quantity.name, OTHERS)
        compared[heading] += quantity.differs.size
        differing[heading] += int(quantity.differs.sum())
    return Comparison(
        **rest,
        **compared,
        **{f"differing_{heading}": n for heading, n in differing.items()},
        first=first_difference(quantities),
    )


COUNTED = {
    "spike": "spikes",
    "u": "membranes",
    "v": "membranes",
    "membrane": "membranes",
    "score": "scores",
    "prediction": "scores",
    "steps": "scores",
}
"""Under which heading a quantity is counted."""

OTHERS = "membranes"
"""That of any other: of what neurons keep beside their membranes."""

QUANTITIES = (("u", "u"), ("spikes", "spike"), ("v", "v"))
"""Traces in the order in which a step computes them, and what one value is called."""


def _traces(expected: Result, found: Result) -> Iterator[Quantity]:
    for field, name in QUANTITIES:
        ours, theirs = getattr(expected, field), getattr(found, field)
        if ours is not None and theirs is not None:
            for layer, pair in enumerate(zip(ours, theirs, strict=True)):
                yield Quantity(name, layer, *pair)


def _further(expected: Result, found: Result) -> Iterator[Quantity]:
    """Yield what neurons keep beside their membranes, named as the array is, and readouts."""
    for layer, (ours, theirs) in enumerate(
        zip(expected.further or (), found.further or (), strict=False)
    ):
        for name, values in ours.items():
            yield Quantity(name, layer, values, theirs[name])
    if expected.integral is not None and found.integral is not None:
        yield Quantity("readout's v", None, expected.integral, found.integral)


def _samples(result: Result) -> int:
    """Return how many samples a result has: a model has scores, or else an output."""
    values = result.output if result.scores is None else result.scores
    assert values is not None
    return len(values)


def _kept(result: Result) -> list[NDArray[Any]]:
    """Return the state arrays of neurons: the past behind them was compared when it was sent."""
    return [values for values in result.state if values.ndim == 2]


def _with_memory(result: Result) -> list[int]:
    """Return the layers that the state arrays belong to, as a trace tells."""
    if result.v is None or result.further is None:
        return list(range(len(_kept(result))))
    arrays = [bool(v.shape[-1]) + len(f) for v, f in zip(result.v, result.further, strict=True)]
    return [layer for layer, count in enumerate(arrays) for _ in range(count)]


def _finals(expected: Result, found: Result) -> Iterator[Quantity]:
    layers = len(_kept(expected) if expected.spikes is None else expected.spikes)
    with_memory = _with_memory(expected)
    if expected.output is not None and found.output is not None:
        yield Quantity("spike", layers - 1, expected.output, found.output)
    if found.state or found.spikes is not None:  # a firmware without a link tells neither
        pairs = zip(_kept(expected), _kept(found), strict=True)
        for layer, pair in zip(with_memory, pairs, strict=True):
            yield Quantity("membrane", layer, *pair)
    if expected.scores is not None and expected.predictions is not None:
        assert found.scores is not None
        assert found.predictions is not None
        yield Quantity("score", None, expected.scores, found.scores)
        predicted = expected.predictions[:, None], found.predictions[:, None]
        yield Quantity("prediction", None, *predicted)
    if expected.steps is not None and found.steps is not None:
        yield Quantity("steps", None, expected.steps[:, None], found.steps[:, None])


def compare(expected: Result, found: Result) -> Comparison:
    """Compare two results of the same samples in every value that both hold.

    Where both hold traces, spikes, u and v of every layer at every step are compared, then the
    last membranes, the scores and the predictions.
    """
    traces = [*_traces(expected, found), *_further(expected, found)]
    finals = list(_finals(expected, found))
    if any(quantity.name == "spike" for quantity in traces):
        finals = [quantity for quantity in finals if quantity.name != "spike"]
    return compare_quantities(traces + finals, COUNTED, samples=_samples(expected))
