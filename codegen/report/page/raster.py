"""The spikes of one sample as a picture, and what the model makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.report.page.figures import Bars, Tick, colour_of
from qat.model import Model, Result, check_input

TALLEST, ROW = 320, 7
"""Pixels: of a picture of many neurons, and of a neuron where they are few."""
MARK = 0.82
"""Part of a step, and of a neuron's row, that a spike's mark takes."""
THINNEST = 1.5
"""Pixels of a mark: it stays visible where rows are narrower."""

MOST_STEPS, MOST_NEURONS = 8, 4
"""Ticks of the axes, at most about so many."""
MOST_LINES = 64
"""Steps between which lines are drawn; more of them would hide the spikes."""
MOST_SCORES = 20
"""Scores that are shown; of more outputs the highest."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample, run by Model.run.

    x:      (1, ...), as Model.run takes it
    result: with its trace
    index, origin: which of which inputs
    label:  its class, if that is known; class_names: of all classes, if they have any
    """

    x: NDArray[Any]
    result: Result
    index: int
    origin: str
    label: int | None = None
    class_names: tuple[str, ...] = ()

    def named(self, label: int) -> str:
        """Return the name of a class."""
        return self.class_names[label] if label < len(self.class_names) else str(label)


@dataclass(frozen=True)
class Raster:
    """When the neurons of a layer, or the lines of a spiking input, spiked.

    path:   every spike as `M<step> <row>h<length>`, steps and rows from 0, the last neuron's row
            at the top; drawn in a box of steps x neurons
    height: of the picture, mark: of a spike, both in pixels
    """

    name: str
    colour: str
    steps: int
    neurons: int
    spikes: int
    percent: float
    path: str
    height: float
    mark: float
    step_ticks: tuple[Tick, ...]
    neuron_ticks: tuple[Tick, ...]
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Score:
    """A score of the readout and its bar; `first`: it is the prediction."""

    name: str
    score: int
    x: float
    width: float
    first: bool


def _path(spikes: NDArray[np.bool_]) -> str:
    """Return the marks of spikes, (step, neuron), step by step."""
    last = spikes.shape[1] - 0.5
    return "".join(f"M{step} {last - neuron:g}h{MARK}" for step, neuron in np.argwhere(spikes))


def _every(count: int, most: int) -> int:
    """Return 1, 2, 5, 10, ... so that at most about so many of `count` are left."""
    step = 1
    while count > step * most:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step


def _step_ticks(steps: int) -> tuple[Tick, ...]:
    """Return the numbers of steps, from 1, each below the middle of its marks."""
    each = _every(steps, MOST_STEPS)
    shown = [1, *range(each, steps + 1, each)] if each > 1 else range(1, steps + 1)
    return tuple(Tick(100 * (step - 1 + MARK / 2) / steps, str(step)) for step in shown)


def _neuron_ticks(neurons: int) -> tuple[Tick, ...]:
    shown = range(0, neurons, _every(neurons, MOST_NEURONS))
    return tuple(Tick(100 * (neurons - 0.5 - neuron) / neurons, str(neuron)) for neuron in shown)


def raster(name: str, spikes: NDArray[np.bool_]) -> Raster:
    """Return the picture of spikes of shape (step, neuron)."""
    steps, neurons = spikes.shape
    row = min(ROW, TALLEST / neurons)
    return Raster(
        name=name,
        colour=colour_of(name),
        steps=steps,
        neurons=neurons,
        spikes=int(spikes.sum()),
        percent=100 * float((spikes != 0).mean()),
        path=_path(spikes),
        height=round(row * neurons, 1),
        mark=round(max(THINNEST, MARK * row), 2),
        step_ticks=_step_ticks(steps),
        neuron_ticks=_neuron_ticks(neurons),
        lines=tuple(range(1, steps)) if steps <= MOST_LINES else (),
    )


def rasters(model: Model, sample: Sample) -> tuple[Raster, ...]:
    """Return the pictures of a spiking input and of every layer that lies on no map."""
    return tuple(raster(name, spikes) for name, spikes in _spikes(model, sample))


def _spikes(model: Model, sample: Sample) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    layers = sample.result.spikes or ()
    if model.input.spiking:
        array, steps = check_input(model, sample.x, layers[0].shape[1])
        yield "input", np.asarray(model.input.encode(array, steps)[0], bool)
    for index, (shape, spikes) in enumerate(zip(model.shapes()[1:], layers, strict=False)):
        if shape.positions == 1:
            yield f"layer {index}", spikes[0]


def scores(sample: Sample) -> tuple[Score, ...]:
    """Return the scores of the readout, by class, or the highest; none of a free-running model."""
    if sample.result.scores is None or sample.result.predictions is None:
        return ()
    values, first = sample.result.scores[0], int(sample.result.predictions[0])
    shown = np.sort(np.argsort(-values, kind="stable")[:MOST_SCORES])
    axis = Bars.over([int(values[c]) for c in shown])
    return tuple(
        Score(sample.named(int(c)), int(values[c]), *axis.bar(int(values[c])), int(c) == first)
        for c in shown
    )
