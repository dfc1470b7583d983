"""The instructions of a model, or of one more spike of a layer, on a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codegen.measure.shapes import stand_in
from codegen.plan.cost import evaluate, works
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board, find_board
from qat.model import Activity, Model


def instructions(model: Model | Generated, board: str | Board) -> int:
    """Return the predicted instructions of an inference (of a step, if the model runs free).

    How active the model is say its metadata.
    """
    return round(predicted(model, board))


def predicted(model: Model | Generated, board: str | Board) -> float:
    """Return the same, not rounded."""
    core, made = find_board(board).core, generated(model)
    parts = works(made.program, made.model.input, made.activity, core)
    return sum(evaluate(work, core) for work in parts)


MORE = 0.01
"""Spikes per neuron and step by which a rate is raised for the cost of a spike."""


def spike_costs(
    model_or_sizes: Model | Sequence[int],
    board: str | Board,
    *,
    bits: Sequence[int] | int = 2,
    steps: int = 8,
    density: float | None = None,
) -> list[float]:
    """Return the instructions that one more spike of each layer costs, in what reads it.

    model_or_sizes: a model, or inputs, neurons of the spiking layers and outputs of a network
        with held input, whose weights have `bits` and which runs `steps`
    density: spikes per neuron and step to start from; by default what the model's metadata say

    The plain numbers are meant for training: a layer whose spikes cost more may spike less.
    """
    model = model_or_sizes
    if not isinstance(model, Model):
        model = stand_in(model, bits, steps)
    core = find_board(board).family
    program = generated(model, core).program
    activity = Activity.of(model, density)

    def total(rates: Activity) -> float:
        parts = works(program, model.input, rates, core)
        return sum(evaluate(work, core) for work in parts if work.part != "rest")

    start = total(activity)
    costs = []
    for index, (layer, rates) in enumerate(zip(model.layers, activity.layers, strict=True)):
        layers = (*activity.layers[:index], rates.raised(MORE), *activity.layers[index + 1 :])
        spikes = MORE * layer.size * (model.steps or 1)
        costs.append((total(replace(activity, layers=layers)) - start) / spikes)
    return costs
