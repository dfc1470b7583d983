"""What a step of membranes takes: current-based and adaptive neurons beside leaky ones, by core.

    python tests/bench/neurons.py                               print the table
    python tests/bench/neurons.py --update .github/FIGURES.md   rewrite it there

The input is held, so that its currents are known before the first step: what more steps take more
are membranes, and the counts of spikes. A recurrent layer is counted where none of its neurons
spikes: it lists nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from calibration.counting import Counting
from tables import put

from codegen.plan.choose import plan
from codegen.render import render
from codegen.target.boards import find_board
from qat.model import (
    ALIF,
    LIF,
    Analog,
    Conv,
    Count,
    CuBa,
    Dense,
    Edge,
    Layer,
    Leaky,
    Model,
    Shape,
)

BOARDS = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m55", "qemu-rv32imc")
NAME = "neurons table"
FEW, MANY = 4, 20
"""Steps: what the second takes more than the first is that of the steps between."""

INPUTS, NEURONS, GRID = 64, 128, Shape(4, 4, 1)


@dataclass(frozen=True)
class Case:
    """A layer of 128 neurons.

    bits: of its weights; recurrent: it reads itself; map: it is a convolution
    threshold, leak: of its neurons
    """

    title: str
    bits: int = 2
    recurrent: bool = False
    map: bool = False
    threshold: int = 300
    leak: tuple[int, ...] = (3,)

    @property
    def neurons(self) -> tuple[Leaky, Leaky, Leaky]:
        """Leaky, current-based and adaptive ones."""
        return (
            LIF(self.threshold, self.leak),
            CuBa(self.threshold, self.leak, leak_c=(2,)),
            ALIF(self.threshold, self.leak, leak_b=4, raise_by=75),
        )


CASES = (
    Case("ternary"),
    Case("ternary, leak 1/4, threshold 40", threshold=40, leak=(2,)),
    Case("ternary, leak 1/2, threshold 2,000", threshold=2000, leak=(1,)),
    Case("8 bits", bits=8),
    Case("ternary, recurrent", recurrent=True),
    Case("map", map=True),
)


def model_of(case: Case, neuron: Leaky, steps: int) -> Model:
    """Return a model of a layer behind an input that is held."""
    rng = np.random.default_rng(1)
    if case.map:
        synapse = Conv(rng.integers(-1, 2, (NEURONS // GRID.size, 3, 3, 1)), GRID)
        given = Analog(GRID.size, 0, 15, grid=GRID)
        return Model(given, (Layer(synapse, neuron),), Count(), steps, name="net")
    first = Dense(rng.integers(-1, 2, (NEURONS, INPUTS)), case.bits)
    echo = Edge(Dense(rng.integers(-1, 2, (NEURONS, NEURONS)), case.bits), "self", 1)
    layer = Layer(first, neuron, more=(echo,) if case.recurrent else ())
    return Model(Analog(INPUTS, 0, 15), (layer,), Count(), steps, name="net")


def a_step(counting: Counting, case: Case, neuron: Leaky) -> float:
    """Return the instructions of a step of a layer."""
    totals = []
    for steps in (FEW, MANY):
        model = model_of(case, neuron, steps)
        x = np.full((1, model.input.size), int(not case.recurrent), np.uint8)
        totals.append(counting.count(model, render(model), x)[0, 2])
    return float(totals[1] - totals[0]) / (MANY - FEW)


def _cell(counting: Counting, case: Case) -> str:
    leaky, *further = (a_step(counting, case, neuron) for neuron in case.neurons)
    return f"{leaky:,.0f}: " + ", ".join(f"{one / leaky:.2f}" for one in further)


def table(boards: Sequence[str] = BOARDS) -> str:
    """Count all cases on boards; return a table in Markdown."""
    names = [find_board(board).core.replace("cortex-m", "Cortex-M") for board in boards]
    lines = [["128 neurons", "kernel", *names], ["---"] * (2 + len(boards))]
    cells: dict[Case, list[str]] = {case: [] for case in CASES}
    for board in boards:
        with Counting(find_board(board)) as counting:
            for case in CASES:
                cells[case].append(_cell(counting, case))
    for case in CASES:
        kernel = plan(model_of(case, case.neurons[0], MANY)).layers[0].kernel
        lines.append([case.title, f"`{kernel}`", *cells[case]])
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def main() -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(prog="python tests/bench/neurons.py")
    parser.add_argument("--update", metavar="FILE", help="rewrite the table in this file")
    put(NAME, table(), parser.parse_args().update)


if __name__ == "__main__":
    main()
